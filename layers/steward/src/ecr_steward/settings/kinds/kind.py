"""What a kind of setting is: one object that reads it, finds what differs, and sets it right."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from ecr_steward.settings.lifecycle import Expiring, TaggedRunning
from ecr_steward.settings.state import Path, Problem, SettingAction, SettingChange
from ecr_steward.tags.scheme import Scheme

Wish = TypeVar("Wish")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Around:
    """What else a setting is judged by.

    `scheme` is the rule's. `account` is the registry's own; `setters` are the ARNs of the roles
    that set policies, as far as they are known, `taggers` those of the roles that move tags, which
    no policy may lock out where the rule has a scheme, and `readers` those of others that read
    images. `cache` says that the repository is a pull-through cache. `managed` are the Sids that
    the steward once set. `preview` is what ECR's preview says that the wished lifecycle policy
    would take away, or the one that is there, within lifecycle.AHEAD days where something runs;
    `running` are by digest the workloads that run an image, `named` images that run with their
    tags. `registry_scans` says that the scanning of the registry decides which images are scanned,
    `expiry` whether the stack lets images expire by their expiry tags, None where that is not
    known.
    """

    scheme: Scheme | None = None
    account: str = ""
    setters: Sequence[str] = ()
    taggers: Sequence[str] | None = None
    readers: Sequence[str] = ()
    cache: bool = False
    managed: frozenset[str] = frozenset()
    preview: Sequence[Expiring] = ()
    running: Mapping[str, Sequence[str]] = field(default_factory=dict)
    named: Sequence[TaggedRunning] = ()
    registry_scans: bool = False
    expiry: bool | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """The call of ECR that tells a setting. `absent` is the error that says that there is none;
    `by_arn` says that it asks by the repository's ARN, not by its name, `alone` that it asks about
    the registry; `pages` is the list that the answer has in pages."""

    operation: str
    absent: str = ""
    by_arn: bool = False
    alone: bool = False
    pages: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """How a setting stands in a file of its own: `content` is the key of a rule in whose place
    `file` may stand, `key` that of the list in the file, and `keys` are all that AWS has there.
    `version_fault` says why the version of the file's language is none that the steward keeps."""

    content: str
    key: str
    keys: tuple[str, ...]
    version_fault: Callable[[Mapping[str, Any]], str | None] = lambda _: None


DESCRIBED = Read("DescribeRepositories")
"""The call that tells several settings at once."""


@dataclass(frozen=True, slots=True)
class EcrRequest:
    """A call of ECR that sets something. `absent` is the error that says that it is done already;
    `patient` says that ECR may take in a moment what it refuses now."""

    operation: str
    arguments: Mapping[str, Any]
    absent: str = ""
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Fallback(Generic[Found]):
    """A value to set where ECR refused another, and the changes that it makes, as they are told."""

    value: Found
    changes: tuple[SettingChange, ...]


class Setting(abc.ABC, Generic[Wish, Found]):
    """A setting of a repository.

    `Wish` is what a rule says of it, `Found` what a repository has. `name` is what rules and facts
    call it, `keys` are its keys under `repository:`, which `schema` describes, `given` is its key
    where people give settings by hand, and `printed` are the keys that it has in what the AWS CLI
    prints of a repository. `file` says how a rule can keep it in a file of its own. `unset` is what
    a repository has that ECR was told nothing about.
    """

    name: ClassVar[str]
    schema: ClassVar[Mapping[str, Any]]
    read: ClassVar[Read] = DESCRIBED
    printed: ClassVar[tuple[str, ...]] = ()
    file: ClassVar[File | None] = None
    unset: Found

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.schema)

    @property
    def given(self) -> str:
        return self.name

    @abc.abstractmethod
    def wish(self, stated: Mapping[str, Any], scheme: Scheme | None) -> Wish:
        """What a rule says, by the keys of this setting; raises BaselineError with a path that
        begins with the key."""

    @abc.abstractmethod
    def from_answer(self, answer: Mapping[str, Any]) -> Found:
        """What the call that tells it answered; raises SettingsError."""

    @abc.abstractmethod
    def from_given(self, value: Any) -> Found:
        """What people give by hand, or as the AWS CLI prints it; raises SettingsError."""

    @abc.abstractmethod
    def drift(self, wish: Wish, found: Found, around: Around) -> Iterator[SettingChange]:
        """Every difference, as if the rule enforced."""

    def corrected(self, found: Found, changes: Sequence[SettingChange]) -> Found:
        """What the repository should have so that none of these changes is left to correct."""
        value: Found = changes[0].after
        return value

    def request(
        self, name: str, arn: str, value: Found, changes: Sequence[SettingChange]
    ) -> EcrRequest:
        """The call that makes these changes to a repository, which has `value` then."""
        raise NotImplementedError(f"ECR cannot change the {self.name} of a repository.")

    def less(self, found: Found, changes: Sequence[SettingChange]) -> Iterator[Fallback[Found]]:
        """What to set instead, in this order, where ECR refused the value that `changes` make."""
        return iter(())

    def ours(self, wish: Wish) -> frozenset[str] | None:
        """The names of its parts that are the rule's: remembered, they tell later what it has
        dropped. None where it has no parts."""
        return None

    def beside(
        self, wish: Wish | None, scheme: Scheme | None, images: Mapping[str, Any] | None
    ) -> Wish | None:
        """What a rule wishes that says this of images; `wish` is what it says of the setting, None
        where it says nothing of it."""
        return wish

    def to_preview(self, wish: Wish, found: Found) -> Mapping[str, Any] | None:
        """The lifecycle policy to be previewed before it is set; None where none is."""
        return None

    def in_place(self, wish: Wish, found: Found) -> Mapping[str, Any] | None:
        """The lifecycle policy that is there and stays; None where none does."""
        return None

    @abc.abstractmethod
    def explain(self, wish: Wish, around: Around) -> Iterator[tuple[str, str]]:
        """The title and the line of each thing to say of what the rule wishes."""

    def advice(self, wish: Wish, around: Around) -> Iterator[tuple[Path, str]]:
        """The path and the sentence of each warning."""
        return iter(())

    # ------------------------------------------------------------------------ creation templates
    def made(self, wish: Wish, scheme: Scheme | None, *, cache: bool) -> Found:
        """What new repositories are to be made with."""
        return self.unset

    def to_template(self, value: Found) -> dict[str, Any]:
        """The arguments that a creation template has of it; none where it can have none."""
        return {}

    def from_template(self, template: Mapping[str, Any]) -> Found:
        """What a creation template has of it; raises SettingsError."""
        return self.unset

    def meaning(self, value: Found) -> Any:
        """The value in the one spelling that all of its meaning have."""
        return value

    def over(self, value: Found, found: Found) -> Found:
        """The wished value with what it leaves open as a template has it."""
        return value

    def needs_role(self, value: Found) -> bool:
        """Whether ECR needs a role to make repositories with it."""
        return False

    # ------------------------------------------------------------------------ words
    def change(
        self,
        problem: Problem,
        before: Any,
        after: Any,
        reason: str,
        action: SettingAction = SettingAction.CORRECT,
        subject: str = "",
    ) -> SettingChange:
        """A change of this setting; its subject is the setting where it is one value."""
        return SettingChange(
            self.name, problem, subject or self.name, action, before, after, reason
        )
