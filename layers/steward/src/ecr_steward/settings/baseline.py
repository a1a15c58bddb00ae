"""The baseline: what a rule says of the settings of its repositories (`repository:`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecr_steward.settings.kinds import KINDS, Setting
from ecr_steward.settings.state import BaselineError, SettingsError
from ecr_steward.tags.scheme import Scheme


@dataclass(frozen=True)
class Baseline:
    """What `repository:` says, by the name of each setting that it says something of.

    `implied` are settings that it says nothing of, and which follow from what the rule says of
    images.
    """

    wishes: Mapping[str, Any] = field(default_factory=dict)
    implied: frozenset[str] = frozenset()

    @classmethod
    def from_document(
        cls,
        repository: Mapping[str, Any],
        scheme: Scheme | None = None,
        images: Mapping[str, Any] | None = None,
    ) -> Baseline:
        """Build the baseline from the mapping under `repository:`; raises BaselineError.

        What a `file:` names must be in its place already: `load` puts it there. `scheme` is the
        rule's own, `images` what it says of images.
        """
        known = [key for kind in KINDS for key in kind.keys]
        for key in repository:
            if key not in known:
                there = ", ".join(known)
                raise BaselineError(f"`{key}` is not a key here; there are {there}.", (key,))
        wishes = {}
        for kind in KINDS:
            stated = {key: repository[key] for key in kind.keys if key in repository}
            if stated:
                wishes[kind.name] = kind.wish(stated, scheme)
            wish = kind.beside(wishes.get(kind.name), scheme, images)
            if wish is not None:
                wishes[kind.name] = wish
        implied = {kind.name for kind in KINDS if not any(key in repository for key in kind.keys)}
        return cls(wishes, frozenset(implied & wishes.keys()))

    def stated(self) -> Iterator[tuple[Setting[Any, Any], Any]]:
        """Each setting that it says something of, and what."""
        return ((kind, self.wishes[kind.name]) for kind in KINDS if kind.name in self.wishes)

    @property
    def reads(self) -> frozenset[str]:
        """The names of these settings: the only ones that need to be read."""
        return frozenset(self.wishes)


@dataclass(frozen=True)
class Settings:
    """The settings of a repository by name; what is not there is as ECR makes it.

    A setting that the baseline says nothing about need not be read: nothing looks at it.
    """

    found: Mapping[str, Any] = field(default_factory=dict)

    def of(self, kind: Setting[Any, Any]) -> Any:
        return self.found.get(kind.name, kind.unset)

    def but(self, found: Mapping[str, Any]) -> Settings:
        """These settings with others in the place of those that are named."""
        return Settings({**self.found, **found})

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Settings:
        """Settings as `ecr-steward drift` reads them; raises SettingsError.

        What is absent or null is not set.
        """
        known = [*(kind.given for kind in KINDS), "repository"]
        for key in document:
            if key not in known:
                raise SettingsError(f"`{key}` is no field; there are {', '.join(known)}.")
        return cls(
            {
                kind.name: kind.from_given(document[kind.given])
                for kind in KINDS
                if document.get(kind.given) is not None
            }
        )
