"""Stable tags: what an entry of `stable:` renders, and the lines that come of it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.tags.kinds import NUMBERS, Unique
from ecr_steward.tags.versions import Version
from ecr_steward.words import grammar
from ecr_steward.words.globs import glob_regex

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NUMBER = "[0-9]+"
_PREFIX = re.compile(r"[0-9]+(\.[0-9]+)*")


class SchemeError(ValueError):
    """A scheme that means nothing; `path` leads to the fault within `tags:`."""

    def __init__(self, sentence: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(sentence)
        self.path = path


@dataclass(frozen=True)
class StableTag:
    """One entry of `stable:`.

    `follows` is `highest`, `newest`, or None for a tag that only the team's pipeline moves.
    `within` and `not_within` are prefixes of version numbers, such as `8` or `8.1`. `prereleases`
    is whether pre-releases count, or the words of those that do. `of` are globs on unique tags, and
    `{pattern: …}`, of which one has to match; all count where there are none.
    """

    template: str
    follows: str | None = None
    within: tuple[str, ...] = ()
    not_within: tuple[str, ...] = ()
    prereleases: bool | tuple[str, ...] = False
    of: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
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
        for i, each in enumerate(self.of):
            _check_of(each, ("of", i))

    @classmethod
    def from_document(cls, entry: Mapping[str, Any]) -> StableTag:
        """Build it from an entry of `stable:`; raises SchemeError."""
        prereleases = entry.get("prereleases", False)
        if not isinstance(prereleases, bool):
            prereleases = tuple(each.lower() for each in prereleases)
        return cls(
            template=entry["tag"],
            follows=entry.get("follows"),
            within=_several(entry.get("within", ())),
            not_within=_several(entry.get("not_within", ())),
            prereleases=prereleases,
            of=tuple(entry.get("of", ())),
        )

    @functools.cached_property
    def placeholders(self) -> tuple[str, ...]:
        return tuple(_PLACEHOLDER.findall(self.template))

    @property
    def is_newest(self) -> bool:
        return self.follows == "newest"

    def check(self, groups: Mapping[str, Any]) -> None:
        """Raise SchemeError for a placeholder that is neither a number nor one of `groups`."""
        for name in self.placeholders:
            if name not in NUMBERS and name not in groups:
                known = ", ".join(f"{{{each}}}" for each in (*NUMBERS, *groups))
                raise SchemeError(
                    f"`{{{name}}}` is not a placeholder; there are {known}, and the named groups "
                    "of patterns under `unique`.",
                    ("tag",),
                )

    def form(self, number: str) -> str:
        """The template with `number` for each number and a star for each group."""
        return _PLACEHOLDER.sub(lambda m: number if m[1] in NUMBERS else "*", self.template)

    def render(self, unique: Unique) -> str | None:
        """The stable tag for a unique tag, without its variant; None if the unique tag lacks what
        a placeholder asks for."""
        values = unique.values
        if any(name not in values for name in self.placeholders):
            return None
        return _PLACEHOLDER.sub(lambda match: values[match[1]], self.template)

    def admits(self, unique: Unique) -> bool:
        """Whether a unique tag counts, whatever it renders."""
        if unique.platform is not None or not self._names(unique.tag):
            return False
        version = unique.version
        if version is None or unique.is_date:
            return (self.is_newest or unique.is_date) and not self.within
        if version.is_prerelease and not (self.is_newest or self._takes(version)):
            return False
        return not self._is_major_zero(version.numbers[0]) and self._has_within(version.numbers)

    def _takes(self, version: Version) -> bool:
        if isinstance(self.prereleases, bool):
            return self.prereleases
        return version.channel in self.prereleases

    def is_major_zero(self, values: Mapping[str, str]) -> bool:
        """Whether this is the line of the whole of major version 0, which promises nothing."""
        return "major" in values and self._is_major_zero(int(values["major"]))

    def _is_major_zero(self, major: int) -> bool:
        named = set(NUMBERS).intersection(self.placeholders)
        return not major and named == {"major"} and (0,) not in self._within

    def _has_within(self, numbers: tuple[int, ...]) -> bool:
        if self._within and not any(numbers[: len(each)] == each for each in self._within):
            return False
        return not any(numbers[: len(each)] == each for each in self._not_within)

    @functools.cached_property
    def _within(self) -> tuple[tuple[int, ...], ...]:
        return tuple(map(_numbers, self.within))

    @functools.cached_property
    def _not_within(self) -> tuple[tuple[int, ...], ...]:
        return tuple(map(_numbers, self.not_within))

    def _names(self, tag: str) -> bool:
        return not self.of or any(each.fullmatch(tag) for each in self._of)

    @functools.cached_property
    def _of(self) -> tuple[re.Pattern[str], ...]:
        globs = [each for each in self.of if isinstance(each, str)]
        patterns = [re.compile(each["pattern"]) for each in self.of if not isinstance(each, str)]
        return (*([glob_regex(globs)] if globs else []), *patterns)

    def of_words(self) -> list[str]:
        """What `of` names, for a sentence."""
        return [each if isinstance(each, str) else each["pattern"] for each in self.of]


class Template:
    """A template that knows what its placeholders can stand for, so that it can be read backwards.

    `groups` has an expression for each placeholder that is no number.
    """

    def __init__(self, template: str, groups: Mapping[str, str]) -> None:
        parts = _PLACEHOLDER.split(template)
        sources = {name: groups.get(name, _NUMBER) for name in parts[1::2]}
        self._parts = parts
        self._simple = sources.keys().isdisjoint(groups)
        self._regex = re.compile(_expression(parts, sources))
        self._values = {name: re.compile(source) for name, source in sources.items()}

    def readings(self, name: str) -> list[dict[str, str]]:
        """What the placeholders stand for in `name`; at most two of several ways, none if the
        template does not render it."""
        if self._simple:
            match = self._regex.fullmatch(name)
            return [] if match is None else [match.groupdict()]
        found: list[dict[str, str]] = []
        for values in self._read(name, 0, 0, {}, set()):
            found.append(values)
            if len(found) == 2:
                break
        return found

    def _read(
        self, name: str, part: int, at: int, values: dict[str, str], dead: set[tuple[int, int]]
    ) -> Iterator[dict[str, str]]:
        """The ways to read the rest of `name` from `at` with the parts from `part`."""
        if part == len(self._parts):
            if at == len(name):
                yield values
            return
        key = (part, at)
        if key in dead:
            return
        live = False
        for end, more in self._ends(name, part, at, values):
            for found in self._read(name, part + 1, end, {**values, **more}, dead):
                live = True
                yield found
        ahead = self._parts[part | 1 :: 2]  # odd places are placeholders
        if not live and values.keys().isdisjoint(ahead):
            dead.add(key)

    def _ends(
        self, name: str, part: int, at: int, values: Mapping[str, str]
    ) -> Iterator[tuple[int, dict[str, str]]]:
        text = self._parts[part]
        if part % 2 == 0:
            if name.startswith(text, at):
                yield at + len(text), {}
            return
        if text in values:
            if name.startswith(values[text], at):
                yield at + len(values[text]), {}
            return
        last = part == len(self._parts) - 2
        literal = self._parts[part + 1]
        ends = [len(name) - len(literal)] if last else range(at + 1, len(name))
        for end in ends:
            value = name[at:end]
            if end > at and name.startswith(literal, end) and self._values[text].fullmatch(value):
                yield end, {text: value}


def _expression(parts: list[str], sources: Mapping[str, str]) -> str:
    pattern, seen = "", set[str]()
    for i, part in enumerate(parts):
        if i % 2 == 0:
            pattern += re.escape(part)
        elif part in seen:
            pattern += f"(?P={part})"
        else:
            pattern += f"(?P<{part}>{sources[part]})"
            seen.add(part)
    return pattern


@dataclass(frozen=True)
class Line:
    """The unique tags that one stable tag can point to: those that its entry renders to its name.

    `names` are the ways to read its name as what the entry renders and a variant (None for none),
    nearly always one. `values` is what its placeholders stand for, None where it can be read in
    several ways. `has_dates` is whether dates can be in it.
    """

    tag: str
    stable: StableTag
    names: tuple[tuple[str, str | None], ...]
    values: tuple[tuple[str, str], ...] | None
    has_dates: bool

    @property
    def newest(self) -> bool:
        """Whether it follows the image pushed last rather than the highest version."""
        return self.stable.is_newest

    @property
    def variant(self) -> str | None:
        return self.names[0][1]

    @property
    def is_major_zero(self) -> bool:
        """Whether this is the line of the whole of major version 0, which promises nothing."""
        return self.stable.is_major_zero(dict(self.values or ()))

    def holds(self, unique: Unique) -> bool:
        """Whether a unique tag belongs to the line."""
        if unique.is_date and not self.has_dates:
            return False
        base = self.stable.render(unique)
        return (base, unique.variant) in self.names and self.stable.admits(unique)

    def inside(self, wider: Line) -> bool:
        """Whether everything in this line is in `wider` too, and in the same order."""
        if self.values is None or wider.values is None or self.newest != wider.newest:
            return False
        mine, other = self.stable, wider.stable
        return (
            self.variant == wider.variant
            and wider.has_dates >= self.has_dates
            and (self.newest or _covers(other.prereleases, mine.prereleases))
            and other.within in ((), mine.within)
            and other.of in ((), mine.of)
            and set(other.not_within) <= set(mine.not_within)
            and set(wider.values) <= set(self.values)
        )

    def __str__(self) -> str:
        """The line in words for a reason: `1.4.*`, or `all releases`."""
        stable, values = self.stable, dict(self.values or ())
        numbers = [values.get(name) for name in NUMBERS]
        words = _numbered(numbers, self.variant) or _all(stable, self.variant)
        groups = [f"{name} `{text}`" for name, text in values.items() if name not in NUMBERS]
        if groups:
            words += f" with {' and '.join(groups)}"
        if stable.within:
            words += " within " + ", ".join(stable.within)
        if stable.of:
            words += " among " + " and ".join(f"`{each}`" for each in stable.of_words())
        return words


def _numbered(numbers: list[str | None], variant: str | None) -> str:
    while numbers and numbers[-1] is None:
        numbers.pop()
    if not numbers:
        return ""
    words = ".".join(each or "*" for each in numbers) + ".*"
    return f"{words}-{variant}" if variant else words


def _all(stable: StableTag, variant: str | None) -> str:
    if stable.is_newest:
        return f"all `{variant}` images" if variant else "all images"
    words = "all versions" if stable.prereleases is True else "all releases"
    if isinstance(stable.prereleases, tuple) and stable.prereleases:
        words = f"all releases and {', '.join(stable.prereleases)}"
    return f"{words} of `{variant}`" if variant else words


def _covers(wider: bool | tuple[str, ...], narrower: bool | tuple[str, ...]) -> bool:
    if isinstance(wider, bool) or isinstance(narrower, bool):
        return wider is True or narrower in (False, ())
    return set(narrower) <= set(wider)


def _check_of(each: Any, path: tuple[str | int, ...]) -> None:
    if isinstance(each, str):
        return
    pattern = each.get("pattern") if isinstance(each, Mapping) else None
    if not isinstance(pattern, str) or len(each) != 1:
        raise SchemeError(f"`{each}` is neither a glob nor {{pattern: …}}.", path)
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise SchemeError(
            f"`{pattern}` is no regular expression: {error}.", (*path, "pattern")
        ) from error


def _several(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _numbers(prefix: str) -> tuple[int, ...]:
    return tuple(map(int, prefix.split(".")))
