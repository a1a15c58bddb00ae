"""A repository's scheme: which tags are unique, which are stable, and the lines between them."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from ecr_steward.globs import glob_regex
from ecr_steward.tags import grammar
from ecr_steward.tags.kinds import Kind, KindError, Unique, make
from ecr_steward.tags.pins import DEFAULT_PIN, PinError, PinTemplate
from ecr_steward.tags.versions import Variants, Version

PLACEHOLDERS = ("major", "minor", "patch")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NUMBER = "[0-9]+"


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


class SchemeError(ValueError):
    """A scheme that means nothing; `path` leads to the fault within `tags:`."""

    def __init__(self, sentence: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(sentence)
        self.path = path


class Verdict(enum.Enum):
    """What a tag is under a scheme."""

    IGNORED = "ignored"
    PIN = "pin"
    UNIQUE = "unique"
    STABLE = "stable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """The versions that one stable tag can point to.

    `numbers` are the parts that a version must have, by position and as written: `1.4` holds
    `((0, "1"), (1, "4"))`, `latest` holds none and so every release. `variant` is the variant that
    it must have, None for none. `within` and `not_within` are prefixes of numbers. A line that
    follows the newest image (`newest`) holds unique tags without a version too.
    """

    tag: str
    numbers: tuple[tuple[int, str], ...]
    variant: str | None = None
    prereleases: bool = False
    newest: bool = False
    within: tuple[tuple[int, ...], ...] = ()
    not_within: tuple[tuple[int, ...], ...] = ()

    @property
    def is_major_zero(self) -> bool:
        """Whether this is the line of the whole of major version 0, which promises nothing."""
        zero = len(self.numbers) == 1 and self.numbers[0][0] == 0 and not int(self.numbers[0][1])
        return zero and (0,) not in self.within

    def holds(self, version: Version | None) -> bool:
        """Whether a unique tag with this version, or with none, belongs to the line."""
        if version is None:
            return self.newest and not (self.numbers or self.variant or self.within)
        if version.variant != self.variant or self.is_major_zero:
            return False
        if version.prerelease is not None and not (self.prereleases or self.newest):
            return False
        written = version.written
        if not all(i < len(written) and written[i] == part for i, part in self.numbers):
            return False
        return self._admits(version.numbers)

    def _admits(self, numbers: tuple[int, ...]) -> bool:
        if self.within and not any(numbers[: len(each)] == each for each in self.within):
            return False
        return not any(numbers[: len(each)] == each for each in self.not_within)

    def inside(self, wider: Line) -> bool:
        """Whether every version of this line is one of `wider`'s too."""
        return (
            self.variant == wider.variant
            and not wider.newest
            and not self.newest
            and (wider.prereleases or not self.prereleases)
            and wider.within in ((), self.within)
            and set(wider.not_within) <= set(self.not_within)
            and set(wider.numbers) <= set(self.numbers)
        )

    def __str__(self) -> str:
        """The line in words for a reason: `1.4.*`, or `all releases`."""
        if self.newest:
            return f"all `{self.variant}` images" if self.variant else "all images"
        parts = dict(self.numbers)
        if parts:
            words = ".".join(parts.get(i, "*") for i in range(max(parts) + 1)) + ".*"
            words += f"-{self.variant}" if self.variant else ""
        else:
            words = "all versions" if self.prereleases else "all releases"
            words += f" of `{self.variant}`" if self.variant else ""
        if self.within:
            words += " within " + ", ".join(".".join(map(str, each)) for each in self.within)
        return words


@dataclass(frozen=True)
class StableTag:
    """One entry of `stable:`.

    `follows` is `highest`, `newest`, or None for a tag that only the team's pipeline moves.
    `within` and `not_within` are prefixes of version numbers, such as `8` or `8.1`.
    """

    template: str
    follows: str | None = None
    within: tuple[str, ...] = ()
    not_within: tuple[str, ...] = ()
    prereleases: bool = False

    def __post_init__(self) -> None:
        for name in _PLACEHOLDER.findall(self.template):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                raise SchemeError(
                    f"`{{{name}}}` is not a placeholder; there are {known}.", ("tag",)
                )
        if not grammar.is_tag(_PLACEHOLDER.sub("0", self.template)):
            raise SchemeError(
                f"`{self.template}` renders to no valid tag: it has letters, digits, `_.-` only.",
                ("tag",),
            )
        if self.follows not in (None, "highest", "newest"):
            raise SchemeError(
                f"`follows` must be highest or newest; it is `{self.follows}`.", ("follows",)
            )
        for key, prefixes in (("within", self.within), ("not_within", self.not_within)):
            for prefix in prefixes:
                if not _PREFIX.fullmatch(prefix):
                    raise SchemeError(
                        f'`{prefix}` is no beginning of a version; write "8" or "8.1".', (key,)
                    )

    @classmethod
    def from_document(cls, entry: Mapping[str, Any]) -> StableTag:
        """Build it from an entry of `stable:`; raises SchemeError."""
        return cls(
            template=entry["tag"],
            follows=entry.get("follows"),
            within=_several(entry.get("within", ())),
            not_within=_several(entry.get("not_within", ())),
            prereleases=entry.get("prereleases", False),
        )

    @functools.cached_property
    def placeholders(self) -> tuple[str, ...]:
        return tuple(_PLACEHOLDER.findall(self.template))

    @functools.cached_property
    def _regex(self) -> re.Pattern[str]:
        pattern, seen = "", set()
        for i, part in enumerate(_PLACEHOLDER.split(self.template)):
            if i % 2 == 0:
                pattern += re.escape(part)
            elif part in seen:
                pattern += f"(?P={part})"
            else:
                pattern += f"(?P<{part}>{_NUMBER})"
                seen.add(part)
        return re.compile(pattern)

    def render(self, version: Version) -> str | None:
        """The stable tag for the numbers of `version`, without its variant; None if it has too
        few numbers."""
        values = dict(zip(PLACEHOLDERS, version.written, strict=False))
        if any(name not in values for name in self.placeholders):
            return None
        return _PLACEHOLDER.sub(lambda match: values[match[1]], self.template)

    def line(self, tag: str, base: str | None = None, variant: str | None = None) -> Line | None:
        """The line of `tag` if this template renders it as `base` (for a variant), else None."""
        match = self._regex.fullmatch(tag if base is None else base)
        if match is None:
            return None
        named = match.groupdict()
        return Line(
            tag=tag,
            numbers=tuple((i, named[p]) for i, p in enumerate(PLACEHOLDERS) if p in named),
            variant=variant,
            prereleases=self.prereleases,
            newest=self.follows == "newest",
            within=tuple(map(_numbers, self.within)),
            not_within=tuple(map(_numbers, self.not_within)),
        )


_PREFIX = re.compile(r"[0-9]+(\.[0-9]+)*")


def _several(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _numbers(prefix: str) -> tuple[int, ...]:
    return tuple(map(int, prefix.split(".")))


@dataclass(frozen=True)
class Scheme:
    """What `tags:` says of a repository.

    `unique` are the kinds as the rules file defines them, in its order: where a tag fits several,
    the first decides. `variants` and `ignore` are globs. `variant_latest` is the template of the
    first literal's name for a variant; None stands for the bare variant. `pin` is the template of
    pins, None where only an image that would lose its last tag is pinned. `unknown` is `allow`,
    `report` or `remove`, `overwritten` is `allow`, `report` or `restore`.
    """

    unique: tuple[Any, ...]
    stable: tuple[StableTag, ...] = ()
    variants: tuple[str, ...] = ()
    variant_latest: str | None = None
    pin: str | None = None
    ignore: tuple[str, ...] = ()
    unknown: str = "report"
    overwritten: str = "report"

    def __post_init__(self) -> None:
        for i, definition in enumerate(self.unique):
            try:
                make(definition, self._variants)
            except KindError as error:
                raise SchemeError(str(error), ("unique", i)) from error
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
        )

    @functools.cached_property
    def _variants(self) -> Variants:
        return Variants(self.variants)

    @functools.cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds under `unique`, in the order of the rules file."""
        return tuple(make(definition, self._variants) for definition in self.unique)

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

        `number` stands for each number of a version; None leaves the placeholders as they are.
        """
        for stable in self.stable:
            base = stable.template
            base = base if number is None else _PLACEHOLDER.sub(number, base)
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

    def is_pin(self, tag: str) -> bool:
        """Whether `tag` is one that the rule's pin template or the default one can render."""
        return any(template.renders(tag) for template in self._pin_templates)

    def make_pin(self, tag: str, pushed_at: datetime, digest: str) -> str:
        """The unique tag for an image that only the stable tag `tag` names."""
        return self._pin_templates[0].render(tag, pushed_at, digest)

    @_Remembered
    def read_unique(self, tag: str) -> Unique | None:
        """The unique tag that `tag` is, or None; ignored tags and pins are none."""
        if self.is_pin(tag) or self.is_ignored(tag):
            return None
        return self._read(tag)

    def _read(self, tag: str) -> Unique | None:
        for kind in self.kinds:
            unique = kind.read(tag)
            if unique is not None:
                return unique
        return None

    @_Remembered
    def judge(self, tag: str) -> Verdict:
        """What `tag` is. Pins come first, then what is ignored, then unique, then stable."""
        if self.is_pin(tag):
            return Verdict.PIN
        if self.is_ignored(tag):
            return Verdict.IGNORED
        if self._read(tag) is not None:
            return Verdict.UNIQUE
        if self._owned(tag) is not None:
            return Verdict.STABLE
        return Verdict.UNKNOWN

    @_Remembered
    def lines(self, version: Version | None) -> tuple[Line, ...]:
        """The lines that a unique tag with this version (or none) belongs to, in the order of the
        rules file."""
        lines = []
        for stable in self.stable:
            tag = self._name(stable, version)
            # With its variant a name can be longer than a tag may be.
            line = self.line(tag) if tag is not None and grammar.is_tag(tag) else None
            if line is None or not line.holds(version):
                continue
            owned = self._owned(line.tag)
            # The same entry twice is two equal objects: only the first owns the name.
            if owned is not None and owned[0] is stable:
                lines.append(line)
        return tuple(lines)

    def _name(self, stable: StableTag, version: Version | None) -> str | None:
        """The name of the stable tag that `version` can be under, variant and all."""
        if stable.follows is None:
            return None
        if version is None:
            return None if stable.placeholders else stable.template
        base = stable.render(version)
        if base is None or version.variant is None:
            return base
        if stable is self._latest:
            template = self.variant_latest or "{variant}"
            return template.replace("{tag}", base).replace("{variant}", version.variant)
        return f"{base}-{version.variant}"

    @_Remembered
    def line(self, tag: str) -> Line | None:
        """The line that the stable tag `tag` follows; None if it is no stable tag that follows."""
        owned = self._owned(tag)
        if owned is None or owned[0].follows is None or self.judge(tag) is not Verdict.STABLE:
            return None
        return None if owned[1].is_major_zero else owned[1]

    @_Remembered
    def _owned(self, tag: str) -> tuple[StableTag, Line] | None:
        """The first template that can render `tag`, and its line: a stable tag has one owner."""
        for stable in self.stable:
            line = self._render_of(stable, tag)
            if line is not None:
                return stable, line
        return None

    def _render_of(self, stable: StableTag, tag: str) -> Line | None:
        line = stable.line(tag)
        if line is not None or not self.variants:
            return line
        if stable is self._latest:
            return self._latest_of(stable, tag)
        for base, variant in self._variants.bases(tag):
            line = stable.line(tag, base, variant)
            if line is not None:
                return line
        return None

    def _latest_of(self, stable: StableTag, tag: str) -> Line | None:
        before, _, after = (self.variant_latest or "{variant}").partition("{variant}")
        before, after = (part.replace("{tag}", stable.template) for part in (before, after))
        variant = tag[len(before) : len(tag) - len(after)]
        if not variant or tag != f"{before}{variant}{after}" or not self._variants.has(variant):
            return None
        return stable.line(tag, stable.template, variant)


def _check_variant_latest(template: str) -> None:
    names = _PLACEHOLDER.findall(template)
    if names.count("variant") != 1 or set(names) - {"tag", "variant"}:
        raise SchemeError(
            f"`{template}` must have {{variant}} once, and may have {{tag}}.", ("variant_latest",)
        )
    if not grammar.is_tag(_PLACEHOLDER.sub("0", template)):
        raise SchemeError(f"`{template}` renders to no valid tag.", ("variant_latest",))
