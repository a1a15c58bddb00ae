"""A repository's scheme: which tags are unique, which are stable, and the lines between them."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from ecr_steward.tags.kinds import Kind, KindError, Unique, make
from ecr_steward.tags.pins import DEFAULT_PIN, PinError, PinTemplate, is_of
from ecr_steward.tags.stable import Line, SchemeError, StableTag, Template
from ecr_steward.tags.suffixes import Suffixes, of_all_platforms
from ecr_steward.words import grammar
from ecr_steward.words.expiry_tags import is_expiry_tag
from ecr_steward.words.globs import glob_regex

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

_Asked = TypeVar("_Asked", bound=Hashable)
_Answer = TypeVar("_Answer")
_REMEMBERED = 4096


class _Remembered(Generic[_Asked, _Answer]):
    """A method that remembers its latest answers: planning asks of the same few tags many times."""

    def __init__(self, method: Callable[[Any, _Asked], _Answer]) -> None:
        self._method = method

    def __get__(self, instance: object, owner: type) -> Callable[[_Asked], _Answer]:
        answers = functools.lru_cache(_REMEMBERED)(self._method.__get__(instance, owner))
        # Found before this descriptor from now on.
        instance.__dict__[self._method.__name__] = answers
        return answers


class Verdict(enum.Enum):
    """What a tag is under a scheme."""

    EXPIRY = "expiry"
    IGNORED = "ignored"
    PIN = "pin"
    UNIQUE = "unique"
    STABLE = "stable"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Scheme:
    """What `tags:` says of a repository.

    `unique` are the kinds as the rules file defines them, in its order: where a tag fits several,
    the first decides. `variants`, `revisions` and `ignore` are globs. `variant_latest` is the
    template of the first literal's name for a variant; None stands for the bare variant. `pin` is
    the template of pins, None where only an image that would lose its last tag is pinned. `unknown`
    is `allow`, `report` or `remove`, `overwritten` is `allow`, `report`, `restore` or `keep`.
    """

    unique: tuple[Any, ...]
    stable: tuple[StableTag, ...] = ()
    variants: tuple[str, ...] = ()
    variant_latest: str | None = None
    pin: str | None = None
    ignore: tuple[str, ...] = ()
    unknown: str = "report"
    overwritten: str = "report"
    revisions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for i, definition in enumerate(self.unique):
            try:
                make(definition, self._suffixes)
            except KindError as error:
                raise SchemeError(str(error), ("unique", i)) from error
        for i, stable in enumerate(self.stable):
            try:
                stable.check(self._groups)
            except SchemeError as error:
                raise SchemeError(str(error), ("stable", i, *error.path)) from error
        try:
            _ = self._pin_templates
        except PinError as error:
            raise SchemeError(str(error), ("pin",)) from error
        if self.variant_latest is not None:
            _check_variant_latest(self.variant_latest)

    @classmethod
    def from_document(cls, tags: Mapping[str, Any]) -> Scheme:
        """Build the scheme from the mapping under `tags:`; raises SchemeError."""
        stable = []
        for i, entry in enumerate(tags.get("stable", ())):
            try:
                stable.append(StableTag.from_document(entry))
            except SchemeError as error:
                raise SchemeError(str(error), ("stable", i, *error.path)) from error
        return cls(
            unique=tuple(tags["unique"]),
            stable=tuple(stable),
            variants=tuple(tags.get("variants", ())),
            variant_latest=tags.get("variant_latest"),
            pin=tags.get("pin"),
            ignore=tuple(tags.get("ignore", ())),
            unknown=tags.get("unknown", "report"),
            overwritten=tags.get("overwritten", "report"),
            revisions=tuple(tags.get("revisions", ())),
        )

    @functools.cached_property
    def _suffixes(self) -> Suffixes:
        return Suffixes(self.variants, self.revisions)

    @functools.cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds under `unique`, in the order of the rules file."""
        return tuple(make(definition, self._suffixes) for definition in self.unique)

    @functools.cached_property
    def _groups(self) -> dict[str, str]:
        """An expression for each placeholder that patterns give."""
        found: dict[str, list[str]] = {}
        for kind in self.kinds:
            for name, expression in kind.placeholders.items():
                found.setdefault(name, []).append(expression)
        return {name: f"(?:{'|'.join(each)})" for name, each in found.items()}

    @functools.cached_property
    def _templates(self) -> tuple[tuple[StableTag, Template], ...]:
        return tuple((each, Template(each.template, self._groups)) for each in self.stable)

    @functools.cached_property
    def _pin_templates(self) -> tuple[PinTemplate, ...]:
        """The rule's own template first, and the default one, whose pins may be there already."""
        own = () if self.pin is None else (PinTemplate(self.pin),)
        return (*own, DEFAULT_PIN)

    @functools.cached_property
    def _ignored(self) -> re.Pattern[str] | None:
        return glob_regex(self.ignore) if self.ignore else None

    @functools.cached_property
    def _latest(self) -> StableTag | None:
        """The first literal that follows versions: for a variant its name is the variant's."""
        literals = (
            each for each in self.stable if each.follows == "highest" and not each.placeholders
        )
        return next(literals, None)

    def forms(self, number: str | None) -> Iterator[tuple[StableTag, str]]:
        """Globs that match every stable tag, those of variants too, each with its entry.

        `number` stands for each number of a version, a star for each group of a pattern; None
        leaves the placeholders as they are.
        """
        for stable in self.stable:
            base = stable.template if number is None else stable.form(number)
            yield stable, base
            named = f"{base}-{{variant}}"
            if stable is self._latest:
                named = (self.variant_latest or "{variant}").replace("{tag}", base)
            yield from ((stable, named.replace("{variant}", glob)) for glob in self.variants)

    def is_ignored(self, tag: str) -> bool:
        """Whether `tag` is never judged, never moved and never a candidate."""
        if grammar.is_referrer(tag):
            return True
        return self._ignored is not None and self._ignored.fullmatch(tag) is not None

    def is_pin(self, tag: str, digest: str | None) -> bool:
        """Whether `tag` is what the rule's pin template or the default one makes for the image
        `digest`, which carries it."""
        if digest is None or not is_of(tag, digest) or is_expiry_tag(tag):
            return False  # what is asked most often
        return any(template.makes(tag, digest) for template in self._pin_templates)

    def make_pin(self, tag: str, pushed_at: datetime, digest: str) -> str:
        """The unique tag for an image that only the stable tag `tag` names."""
        return self._pin_templates[0].render(tag, pushed_at, digest)

    def read_unique(self, tag: str, digest: str | None = None) -> Unique | None:
        """The unique tag that `tag` is, or None; ignored tags are none, nor are pins and expiry
        tags.

        `digest` is the image that carries it: only of that image it can be a pin.
        """
        return None if self.is_pin(tag, digest) else self._unique(tag)

    @_Remembered
    def _unique(self, tag: str) -> Unique | None:
        if is_expiry_tag(tag) or self.is_ignored(tag):
            return None
        found = (unique for kind in self.kinds if (unique := kind.read(tag)) is not None)
        return next(found, None)

    def nearly(self, tag: str) -> str | None:
        """Why an unknown tag that looks like a unique one is none; None if it looks like none."""
        found = (said for kind in self.kinds if (said := kind.nearly(tag)) is not None)
        return next(found, None)

    def judge(self, tag: str, digest: str | None = None) -> Verdict:
        """What `tag` on the image `digest` is. Pins and expiry tags come first, then what is
        ignored, then unique, then stable."""
        return Verdict.PIN if self.is_pin(tag, digest) else self._verdict(tag)

    @_Remembered
    def _verdict(self, tag: str) -> Verdict:
        if is_expiry_tag(tag):
            return Verdict.EXPIRY
        if self.is_ignored(tag):
            return Verdict.IGNORED
        if self._unique(tag) is not None:
            return Verdict.UNIQUE
        if self.owner(tag) is not None:
            return Verdict.STABLE
        return Verdict.UNKNOWN

    @_Remembered
    def lines(self, unique: Unique) -> tuple[Line, ...]:
        """The lines that a unique tag belongs to, in the order of the rules file."""
        lines = []
        for stable in self.stable:
            tag = self._name(stable, unique)
            # With its variant a name can be longer than a tag may be.
            line = self.line(tag) if tag is not None and grammar.is_tag(tag) else None
            # The same entry twice is two equal objects: only the first owns the name.
            if line is not None and line.stable is stable and line.holds(unique):
                lines.append(line)
        return tuple(lines)

    def _name(self, stable: StableTag, unique: Unique) -> str | None:
        """The name of the stable tag that a unique tag can be under, variant and all."""
        base = stable.render(unique)
        if base is None or unique.variant is None:
            return base
        if stable is self._latest:
            template = self.variant_latest or "{variant}"
            return template.replace("{tag}", base).replace("{variant}", unique.variant)
        return f"{base}-{unique.variant}"

    def owner(self, tag: str) -> StableTag | None:
        """The first entry that can render `tag`, or `tag` without a platform, whatever else it is.

        A stable name with a platform, such as `latest-arm64`, is a stable tag of no line.
        """
        names = (tag, *of_all_platforms(tag))
        found = (line for name in names if (line := self._owned(name)) is not None)
        return next((line.stable for line in found), None)

    @_Remembered
    def line(self, tag: str) -> Line | None:
        """The line that the stable tag `tag` follows; None if it is no stable tag that follows."""
        line = self._owned(tag)
        if line is None or line.stable.follows is None or self.judge(tag) is not Verdict.STABLE:
            return None
        return None if line.is_major_zero else line

    @_Remembered
    def _owned(self, tag: str) -> Line | None:
        """The line of `tag` for the first entry that can render it: a stable tag has one owner."""
        return None if is_expiry_tag(tag) else self._rendered(tag)

    def takes(self, tag: str) -> bool:
        """Whether an entry of the rule is about such a tag, were it no expiry tag."""
        read = any(kind.read(tag) is not None for kind in self.kinds)
        return read or self.is_ignored(tag) or self._rendered(tag) is not None

    def _rendered(self, tag: str) -> Line | None:
        for stable, template in self._templates:
            names = [
                (base, variant)
                for base, variant in self._readings(stable, tag)
                if template.readings(base)
            ]
            if names:
                values = [each for base, _ in names for each in template.readings(base)]
                sole = tuple(values[0].items()) if len(values) == 1 else None
                return Line(tag, stable, tuple(names), sole, self._takes_dates(stable))
        return None

    def _takes_dates(self, stable: StableTag) -> bool:
        """Whether dates can be in the lines of an entry: versions and dates share none, unless the
        entry names both."""
        return stable.is_newest or bool(stable.of) or not self.has_versions

    @functools.cached_property
    def has_versions(self) -> bool:
        """Whether a kind has versions that are no dates."""
        return any(kind.counts and not kind.has_dates for kind in self.kinds)

    def _readings(self, stable: StableTag, tag: str) -> Iterator[tuple[str, str | None]]:
        """The ways to read `tag` as what an entry renders, and a variant."""
        yield tag, None
        if not self.variants:
            return
        if stable is self._latest:
            variant = self._variant_of_latest(stable, tag)
            if variant is not None:
                yield stable.template, variant
        else:
            yield from self._suffixes.variants.bases(tag)

    def _variant_of_latest(self, stable: StableTag, tag: str) -> str | None:
        before, _, after = (self.variant_latest or "{variant}").partition("{variant}")
        before, after = (part.replace("{tag}", stable.template) for part in (before, after))
        variant = tag[len(before) : len(tag) - len(after)]
        if not variant or tag != f"{before}{variant}{after}":
            return None
        return variant if self._suffixes.variants.has(variant) else None


def _check_variant_latest(template: str) -> None:
    names = _PLACEHOLDER.findall(template)
    if names.count("variant") != 1 or set(names) - {"tag", "variant"}:
        raise SchemeError(
            f"`{template}` must have {{variant}} once, and may have {{tag}}.", ("variant_latest",)
        )
    if not grammar.is_tag(_PLACEHOLDER.sub("0", template)):
        raise SchemeError(f"`{template}` renders to no valid tag.", ("variant_latest",))
