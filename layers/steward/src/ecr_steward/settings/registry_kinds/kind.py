"""What a kind of setting of the registry itself is."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from ecr_steward.settings.baseline import Baseline
from ecr_steward.settings.kinds import Around, EcrRequest, Read
from ecr_steward.settings.state import SettingChange
from ecr_steward.tags.scheme import Scheme

Wish = TypeVar("Wish")
Found = TypeVar("Found")

Governs = Callable[[str], "tuple[Baseline, Scheme | None] | None"]
"""The baseline and the scheme of the rule that all repositories under a prefix belong to."""


class RegistryKind(abc.ABC, Generic[Wish, Found]):
    """A setting of the registry.

    `Wish` is what the rules say of it, `Found` what the registry has. `name` is its key under
    `registry:`, which `schema` describes; `read` is the call that tells it, and `printed` the key
    of the answer that it stands under. `unset` is what a registry has that ECR was told nothing
    about.
    """

    name: ClassVar[str]
    schema: ClassVar[Mapping[str, Any]]
    read: ClassVar[Read]
    printed: ClassVar[str]
    unset: Found

    @abc.abstractmethod
    def wish(self, stated: Any, governs: Governs) -> Wish:
        """What the rules say; raises BaselineError."""

    @abc.abstractmethod
    def from_answer(self, answer: Any) -> Found:
        """What stands under `printed` in an answer; raises SettingsError."""

    @abc.abstractmethod
    def drift(self, wish: Wish, found: Found, around: Around) -> Iterator[SettingChange]:
        """Every difference, as if the rules enforced."""

    @abc.abstractmethod
    def requests(self, found: Found, changes: Sequence[SettingChange]) -> Iterator[EcrRequest]:
        """The calls that make these changes, where the registry has `found`."""

    def ours(self, wish: Wish) -> frozenset[str] | None:
        """As of a setting of a repository."""
        return None
