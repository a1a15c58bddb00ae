"""Validated rules: what `check` accepted at build time, as objects that cannot be wrong."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.stable import SchemeError
from ecr_steward.words.globs import Globs, glob_regex
from ecr_steward.words.modes import Mode

if TYPE_CHECKING:
    from ecr_steward.settings.baseline import Baseline
    from ecr_steward.settings.registry import RegistryBaseline


_ANY = "\N{REPLACEMENT CHARACTER}"
"""Stands for the rest of any name: no name holds it, so only a `*` can match it."""

_LABEL = 200
"""Most characters of its globs that name a rule: they stand in every fact."""

_REMEMBERED = 1024
"""Repositories whose rule is remembered: events of one come in bursts."""


class RulesError(ValueError):
    """The rules cannot be used.

    `path` leads to the fault in the document (`("rules", 0, "tags", "unique", 1)`), so that
    whoever has the file can name the line.
    """

    def __init__(self, sentence: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.path = path


@dataclass(frozen=True)
class Rule:
    """One entry of `rules:`; `tags` is None where the rule says nothing about tags.

    `repository` is what it says about settings, as the file has it: see `baseline`; and so are
    `notify`, its routes: see messages/whom/routing.py, and `images`, which images stay; None where
    it says nothing of them.
    """

    index: int
    repositories: tuple[str, ...]
    mode: Mode
    tags: Scheme | None
    repository: Mapping[str, Any] = field(default_factory=dict, hash=False)
    notify: Sequence[Mapping[str, Any]] = field(default=(), hash=False)
    images: Mapping[str, Any] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        if not self.repositories:
            raise RulesError("`repositories` is empty: name at least one repository or glob.")

    @functools.cached_property
    def _regex(self) -> re.Pattern[str]:
        return glob_regex(self.repositories)

    @property
    def keeps_replaced(self) -> bool:
        """Whether what a stable tag leaves is kept for a while, and so needs a name."""
        return any("replaced" in entry for entry in (self.images or {}).get("keep", ()))

    @property
    def judges_images(self) -> bool:
        """Whether it lets images go that nothing keeps, or reports them."""
        return bool((self.images or {}).get("others", "keep") != "keep")

    @property
    def has_settings(self) -> bool:
        """Whether it says something about settings: what it says of images needs a lifecycle
        rule."""
        return bool(self.repository) or self.images is not None

    @functools.cached_property
    def baseline(self) -> Baseline:
        """What the rule says about settings; raises RulesError.

        Built when first asked for, with the rooms it needs: most functions never ask. `load` asks
        for all of them, so that a compiled file holds none that is wrong.
        """
        return self._baseline_of(self.images)

    @functools.cached_property
    def baseline_where_images_expire(self) -> Baseline:
        """The same where the stack lets images expire: a rule that says nothing of images, or does
        so no more, wants no lifecycle rule for expiry tags."""
        return self._baseline_of(self.images or {})

    def _baseline_of(self, images: Mapping[str, Any] | None) -> Baseline:
        from ecr_steward.settings.baseline import Baseline
        from ecr_steward.settings.state import BaselineError

        try:
            return Baseline.from_document(self.repository, self.tags, images)
        except BaselineError as error:
            path = ("rules", self.index, "repository", *error.path)
            raise RulesError(str(error), path) from error

    def matches(self, repository: str) -> bool:
        return self._regex.fullmatch(repository) is not None

    def names(self, repository: str) -> bool:
        """Whether a glob that does not begin with `*` matches: what a pull-through cache needs."""
        exact = tuple(glob for glob in self.repositories if not glob.startswith("*"))
        return glob_regex(exact).fullmatch(repository) is not None

    def without_removal(self) -> Rule:
        if self.tags is None or self.tags.unknown != "remove":
            return self
        return replace(self, tags=replace(self.tags, unknown="report"))

    def label(self) -> str:
        """How events and messages name this rule: its index and its globs, or the first of them."""
        ends = accumulate(len(glob) + len(", ") for glob in self.repositories)
        shown = max(1, sum(end <= _LABEL for end in ends))
        rest = len(self.repositories) - shown
        more = f" … and {rest:,} more" if rest else ""
        return f"{self.index}: {', '.join(self.repositories[:shown])[:_LABEL]}{more}"


@dataclass(frozen=True)
class Ruleset:
    """All rules, in order, and the fingerprint that tells one version of the file from another.

    `registry` is what they say about the registry's own settings, and `messages` their channels and
    routes (`channels`, `notify`), as the file has them: see messages/whom/routing.py.

    What most functions never ask for is built when it is first asked for, with the rooms it needs.
    `load` asks for all of it, so that a compiled file holds nothing that is wrong.
    """

    rules: tuple[Rule, ...]
    fingerprint: str
    registry: Mapping[str, Any] = field(default_factory=dict, hash=False)
    messages: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @functools.cached_property
    def registry_baseline(self) -> RegistryBaseline:
        """What the rules say about the registry's own settings; raises RulesError."""
        from ecr_steward.settings.registry import RegistryBaseline
        from ecr_steward.settings.state import BaselineError

        try:
            return RegistryBaseline.from_document(self.registry, self._governs)
        except BaselineError as error:
            raise RulesError(str(error), ("registry", *error.path)) from error

    @property
    def registry_scans(self) -> bool:
        """Whether the scanning that the rules state of the registry decides for repositories too:
        then what they have themselves counts for nothing (ECR API: PutImageScanningConfiguration,
        "being deprecated, in favor of specifying the image scanning configuration at the registry
        level")."""
        scanning = self.registry.get("scanning", {})
        return bool(scanning.get("rules")) or scanning.get("type") == "ENHANCED"

    def _governs(self, prefix: str) -> tuple[Baseline, Scheme | None] | None:
        """What holds for every repository whose name begins with `prefix`.

        A rule for some of them only that stands above is no obstacle: it sets them right later.
        """
        rule = self.rule_for(f"{prefix}{_ANY}")
        return None if rule is None else (rule.baseline, rule.tags)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Ruleset:
        """Build the rules from a parsed rules file.

        `document` is the mapping at the top of the file, as the JSON Schema describes it.
        Raises RulesError, with the path of the fault, for what the schema cannot say of tags.
        """
        if document.get("version") != 1:
            raise RulesError("`version` must be 1.", ("version",))
        rules = tuple(_rule(index, entry) for index, entry in enumerate(document.get("rules", [])))
        return cls(
            rules=rules,
            fingerprint=fingerprint(document),
            registry=document.get("registry", {}),
            messages={key: document[key] for key in ("channels", "notify") if key in document},
        )

    def without_removal(self) -> Ruleset:
        """The same rules where the stack allows no removal: unknown tags are reported instead."""
        return replace(self, rules=tuple(rule.without_removal() for rule in self.rules))

    @functools.cached_property
    def _first(self) -> Callable[[str], int | None]:
        # Made when the first repository is asked for: a function's start does not wait for it.
        globs = Globs()
        for number, rule in enumerate(self.rules):
            for glob in rule.repositories:
                globs.add(glob, number)
        return functools.lru_cache(_REMEMBERED)(globs.first)

    def rule_for(self, repository: str) -> Rule | None:
        """The first rule that matches `repository`, or None: the repository is left alone."""
        number = self._first(repository)
        return None if number is None else self.rules[number]


def fingerprint(document: Mapping[str, Any]) -> str:
    """12 hex digits that change when the meaning of the document changes, comments aside."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _rule(index: int, entry: Mapping[str, Any]) -> Rule:
    try:
        tags, repository = entry.get("tags"), entry.get("repository", {})
        return Rule(
            index=index,
            repositories=tuple(entry["repositories"]),
            mode=Mode(entry.get("mode", "audit")),
            tags=None if tags is None else _scheme(tags, repository),
            repository=repository,
            notify=entry.get("notify", ()),
            images=entry.get("images"),
        )
    except SchemeError as error:
        raise RulesError(str(error), ("rules", index, "tags", *error.path)) from error
    except RulesError as error:
        raise RulesError(error.sentence, ("rules", index, *error.path)) from error
    except KeyError as error:
        raise RulesError(f"`{error.args[0]}` is missing.", ("rules", index)) from error
    except (TypeError, ValueError) as error:
        raise RulesError(f"This rule cannot be read: {error}.", ("rules", index)) from error


def _scheme(tags: Mapping[str, Any], repository: Mapping[str, Any]) -> Scheme:
    """The scheme. Where ECR's immutability is to guard unique tags and cannot, the steward does,
    unless the rule says otherwise."""
    scheme = Scheme.from_document(tags)
    if repository.get("immutability") != "scheme" or "overwritten" in tags:
        return scheme
    from ecr_steward.settings.immutability import implied

    return scheme if implied(scheme).exact else replace(scheme, overwritten="restore")
