"""Tags of a shape that no kind knows, as a pattern that a person would write: numbers in the same
places, and the same few words."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ecr_steward.tags.suffixes import Variants

_PIECES = re.compile(r"[0-9]+|[A-Za-z]+|[._-]")
_NUMBER = "[0-9]+"
_COUNTING = (_NUMBER, "[a-z]", "[A-Z]")
_Key = tuple[str, ...]
"""A shape: an expression for each number and each letter that counts, and all else as it is."""

EARLY = "(?:alpha|beta|rc|preview|pre|snapshot|dev|nightly|ea|cr|milestone|m)"
"""Words for what comes before a release, in any case."""

_EARLY = re.compile(EARLY, re.IGNORECASE)
_WORD = re.compile(f"[A-Z]{{2}}|{EARLY}$", re.IGNORECASE)
_PLAIN_END = re.compile(
    rf"(.*?[0-9][A-Za-z]?)((?:-(?!{EARLY}(?:-|$))[A-Za-z]{{2,}})*)", re.IGNORECASE
)
_VARIANT = "(?:-(?P<variant>[A-Za-z].*))?"
_NUMBERS = ("{major}", "{minor}", "{patch}")
_LEAST = 3
"""Fewest tags that make a shape, which has to be a twentieth of all tags, too."""


@dataclass(frozen=True, slots=True)
class TagShape:
    """A pattern for tags of one shape, and the variants that they show.

    `stable` are the templates of the stable tags that go with it, and `bare` those tags that are a
    whole version. `lines_alone` is whether its numbers give an order within those lines alone, so
    that nothing is the highest of all.
    """

    pattern: str
    tags: tuple[str, ...]
    variants: tuple[str, ...] = ()
    stable: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    lines_alone: bool = False

    @property
    def is_ordered(self) -> bool:
        return "(?P<version>" in self.pattern


@dataclass(frozen=True, slots=True)
class _Read:
    """A tag in pieces, without the variant that it ends in; `early` is an expression for what says
    that it comes before the release of these pieces."""

    tag: str
    pieces: tuple[str, ...]
    variant: str
    early: str = ""


def shapes(left: Collection[str], tags: Collection[str], variants: Sequence[str]) -> list[TagShape]:
    """The shapes that a good share of `tags` has, among those that are `left`; most tags first."""
    groups: dict[_Key, list[_Read]] = {}
    for tag in left:
        read = _read(tag, Variants(tuple(variants)))
        if read is not None:
            groups.setdefault(_key(read.pieces), []).append(read)
    kept = ((key, _sure(each, variants)) for key, each in _folded(groups).items())
    found = [_shape(key, each, frozenset(tags)) for key, each in kept if _is_shown(each, tags)]
    return sorted(found, key=lambda shape: -len(shape.tags))


def unordered(shape: TagShape) -> TagShape:
    """The same tags, of which nobody knows which is the highest."""
    plain = re.sub(r"\(\?P<(?!variant)[a-z]+>([^()|]*)\)", r"\1", shape.pattern)
    plain = plain.replace("(?P<prerelease>", "(?:")
    return TagShape(plain, shape.tags, shape.variants)


def _read(tag: str, variants: Variants) -> _Read | None:
    """The tag in pieces; None if it has no number, or nothing but numbers with dots between."""
    base, variant = next(variants.bases(tag), (tag, ""))
    if not variant:
        base, variant = _plain_end(tag)
    pieces = tuple(_PIECES.findall(base))
    if not any(map(str.isdigit, pieces)) or all(map(re.compile("[0-9]+|[.]").fullmatch, pieces)):
        return None
    return _Read(tag, pieces, variant)


def _plain_end(tag: str) -> tuple[str, str]:
    """The tag without the words that it ends in, and those: `8u472-b08`, `jdk-alpine`."""
    match = _PLAIN_END.fullmatch(tag)
    return (tag, "") if match is None else (match[1], match[2][1:])


def _key(pieces: Sequence[str]) -> _Key:
    return tuple(_token(pieces, at) for at in range(len(pieces)))


def _token(pieces: Sequence[str], at: int) -> str:
    """A number, a letter that counts, as in 2026a and 1.1.1w but not in 8u472, or the text."""
    text, before, after = pieces[at], pieces[:at][-1:], pieces[at + 1 :][:1]
    if text.isdigit():
        return _NUMBER
    counts = "".join(before).isdigit() and not "".join(after).isdigit()
    if counts and re.fullmatch("[A-Za-z]", text):
        return "[a-z]" if text.islower() else "[A-Z]"
    return text


def _folded(groups: dict[_Key, list[_Read]]) -> dict[_Key, list[_Read]]:
    """The groups, those that are another with words and numbers behind it as variants of that:
    `8u472-b08-jdk-ubi9-minimal`; or as what comes before its releases: `release-43.1-rc1`."""
    for key in sorted(groups, key=len):
        base = next((each for each in groups if _goes_on(key, each)), None)
        if base is None:
            continue
        shorter = [_shorter(each, key, len(base)) for each in groups[key]]
        if shorter[0].early or _sure(shorter, ()) == shorter:
            groups[base] += shorter
            del groups[key]
    return groups


def _goes_on(key: _Key, base: _Key) -> bool:
    """Whether a shape is another of releases with a `-` and a word behind it."""
    if key[: len(base)] != base or key[len(base) :][:1] != ("-",):
        return False
    word = "".join(key[len(base) + 1 :][:1])
    return not any(map(_EARLY.fullmatch, base)) and bool(_WORD.match(word))


def _sure(reads: Sequence[_Read], variants: Sequence[str]) -> list[_Read]:
    """The tags whose variant is a known one, or that of several releases."""
    known = Variants(tuple(variants))
    releases: dict[str, set[tuple[str, ...]]] = {"": set()}
    for each in reads:
        releases.setdefault(each.variant, set()).add(each.pieces)
    sure = {each for each, some in releases.items() if len(some) > 1 or not each or known.has(each)}
    return [each for each in reads if each.variant in sure]


def _shorter(read: _Read, key: _Key, count: int) -> _Read:
    """The same tag with the pieces after the first `count` as part of its variant, or as what comes
    before a release."""
    pieces, after = read.pieces[:count], key[count + 1 :]
    if _EARLY.fullmatch(after[0]):
        return _Read(read.tag, pieces, read.variant, "".join(after).replace(".", "[.]"))
    rest = "".join(read.pieces[count + 1 :])
    return _Read(read.tag, pieces, f"{rest}-{read.variant}" if read.variant else rest)


def _is_shown(reads: Sequence[_Read], tags: Collection[str]) -> bool:
    return len(reads) >= _LEAST and 20 * len(reads) >= len(tags)


def _shape(key: _Key, reads: Sequence[_Read], tags: frozenset[str]) -> TagShape:
    each = [_expression(token, {read.pieces[i] for read in reads}) for i, token in enumerate(key)]
    first = key.index(_NUMBER)
    end = _end_of_numbers(key, first)
    stable = [
        "".join(key[:first]) + ".".join(_NUMBERS[:number])
        for number in range(min(3, (end - first) // 2 + 1), 0, -1)
        if any(_beginnings(read, first + 2 * number - 1) & tags for read in reads)
    ]
    cut = None if stable else _release(key, end, reads, tags)
    expression = _ordered(key, each, first, end) if cut is None else _of_releases(key, each, cut)
    variants = sorted({read.variant for read in reads} - {""})
    if early := sorted({read.early for read in reads} - {""}):
        expression += f"(?:-(?P<prerelease>{'|'.join(early)}))?"
    return TagShape(
        expression + (_VARIANT if variants else ""),
        tuple(read.tag for read in reads),
        tuple(variants),
        tuple(stable if cut is None else ["{release}"]),
        tuple(sorted({name for read in reads for name in _beginnings(read, end) & tags})),
        lines_alone=cut is not None,
    )


def _end_of_numbers(key: _Key, first: int) -> int:
    """Where the numbers that begin at a piece end: those with dots between them."""
    end = first + 1
    while key[end : end + 2] == (".", _NUMBER):
        end += 2
    return end


def _beginnings(read: _Read, count: int) -> set[str]:
    """What the first pieces of a tag are as a tag of their own, with its variant and without."""
    if count >= len(read.pieces):
        return set()
    name = "".join(read.pieces[:count])
    return {name, f"{name}-{read.variant}"}


def _release(key: _Key, end: int, reads: Sequence[_Read], tags: frozenset[str]) -> int | None:
    """How many pieces name a release that is a stable tag itself (`r2026a` of `r2026a-u3`), with a
    number behind it."""
    for count in range(len(key) - 1, end, -1):
        if _NUMBER in key[count:] and any(_beginnings(read, count) & tags for read in reads):
            return count
    return None


def _of_releases(key: _Key, each: Sequence[str], cut: int) -> str:
    first = key.index(_NUMBER, cut)
    behind = _ordered(key[cut:], each[cut:], first - cut, _end_of_numbers(key, first) - cut)
    return f"(?P<release>{''.join(each[:cut])}){behind}"


def _ordered(key: _Key, each: Sequence[str], first: int, end: int) -> str:
    """An expression in which the numbers from `first` to `end` are the version, and what is behind
    them, from what counts on, is a revision or a pre-release of it."""
    places = range(end, len(key))
    early = next((i for i in places if _EARLY.fullmatch(key[i])), len(key))
    behind = next((i for i in places if key[i] in _COUNTING), early)
    behind = min(behind, early)
    revision = "".join(each[behind:early]).rstrip("_-")
    between = "".join(each[behind:early])[len(revision) :]
    prerelease = "".join(each[early:])
    return (
        "".join(each[:first])
        + f"(?P<version>{''.join(each[first:end])})"
        + "".join(each[end:behind])
        + (f"(?P<revision>{revision})" if revision else "")
        + between
        + (f"(?P<prerelease>{prerelease})" if prerelease else "")
    )


def _expression(place: str, texts: Collection[str]) -> str:
    """An expression for what stands in one place of all tags."""
    if place != _NUMBER:
        return place.replace(".", "[.]")
    (width,) = lengths if len(lengths := {*map(len, texts)}) == 1 else (0,)
    if width < 4:
        return "[0-9]+"
    if width in (4, 8) and all(each.startswith("20") for each in texts):
        return f"20[0-9]{{{width - 2}}}"
    return f"[0-9]{{{width}}}"
