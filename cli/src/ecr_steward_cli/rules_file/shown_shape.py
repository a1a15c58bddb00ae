"""Tags of a shape that no kind knows, as a pattern that a person would write: numbers in the same
places, and the same few words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ecr_steward.tags.suffixes import Variants

_PIECES = re.compile(r"[0-9]+|[A-Za-z]+|[._-]")
_LETTER = re.compile(r"(?<=[0-9])[A-Za-z](?![A-Za-z0-9])")
"""A letter that counts, as in 2026a and 1.1.1w; in 8u472 it is a word."""
_EARLY = re.compile(
    r"(?:alpha|beta|rc|preview|pre|snapshot|dev|nightly|ea|cr|m|milestone)", re.IGNORECASE
)
_VARIANT = "(?:-(?P<variant>[A-Za-z].*))?"
_NUMBERS = ("{major}", "{minor}", "{patch}")
_LEAST = 3
"""Fewest tags that make a shape, of two releases or as many variants, and a twentieth of all."""


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
    """A tag in pieces, without the variant that it ends in."""

    tag: str
    pieces: tuple[str, ...]
    variant: str


def shapes(left: Collection[str], tags: Collection[str], variants: Sequence[str]) -> list[TagShape]:
    """The shapes that a good share of `tags` has, among those that are `left`; most tags first."""
    groups: dict[str, list[_Read]] = {}
    for tag in left:
        read = _read(tag, Variants(tuple(variants)))
        if read is not None:
            groups.setdefault(_key(read.pieces), []).append(read)
    kept = (_sure(each, variants) for each in _folded(groups))
    found = [_shape(each, frozenset(tags)) for each in kept if _is_shown(each, tags)]
    return sorted(found, key=lambda shape: -len(shape.tags))


def unordered(shape: TagShape) -> TagShape:
    """The same tags, of which nobody knows which is the highest."""
    plain = re.sub(r"\(\?P<(?!variant)[a-z]+>([^()]*)\)", r"\1", shape.pattern)
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
    match = re.fullmatch(r"(.*?[0-9][A-Za-z]?)((?:-[A-Za-z]{2,})*)", tag)
    return (tag, "") if match is None else (match[1], match[2][1:])


def _key(pieces: Sequence[str]) -> str:
    """The shape of a tag: 0 for each number, `a` and `A` for letters that count, and all else."""
    return _LETTER.sub(_letter, "".join("0" if each.isdigit() else each for each in pieces))


def _letter(match: re.Match[str]) -> str:
    return "a" if match[0].islower() else "A"


def _folded(groups: dict[str, list[_Read]]) -> Collection[list[_Read]]:
    """The groups, those that are another with words and numbers behind it as variants of that:
    `8u472-b08-jdk-ubi9-minimal`."""
    for key in sorted(groups, key=len):
        base = next((k for k in groups if re.match(rf"{re.escape(k)}-[A-Za-z]{{2}}", key)), None)
        if base is not None:
            shorter = [_shorter(each, _count(base)) for each in groups[key]]
            if _sure(shorter, ()) == shorter:
                groups[base] += shorter
                del groups[key]
    return groups.values()


def _sure(reads: Sequence[_Read], variants: Sequence[str]) -> list[_Read]:
    """The tags whose variant is a known one, or that of several releases."""
    known = Variants(tuple(variants))
    releases: dict[str, set[tuple[str, ...]]] = {"": set()}
    for each in reads:
        releases.setdefault(each.variant, set()).add(each.pieces)
    sure = {each for each, some in releases.items() if len(some) > 1 or not each or known.has(each)}
    return [each for each in reads if each.variant in sure]


def _count(key: str) -> int:
    return len(_PIECES.findall(key))


def _shorter(read: _Read, count: int) -> _Read:
    """The same tag with the pieces after the first `count` as part of its variant."""
    rest = "".join(read.pieces[count:]).removeprefix("-")
    variant = f"{rest}-{read.variant}" if read.variant else rest
    return _Read(read.tag, read.pieces[:count], variant)


def _is_shown(reads: Sequence[_Read], tags: Collection[str]) -> bool:
    releases, variants = {each.pieces for each in reads}, {each.variant for each in reads}
    several = len(releases) > 1 or len(variants) >= _LEAST
    return several and len(reads) >= _LEAST and 20 * len(reads) >= len(tags)


def _shape(reads: Sequence[_Read], tags: frozenset[str]) -> TagShape:
    columns = [list(each) for each in zip(*(read.pieces for read in reads), strict=True)]
    first = next(i for i, each in enumerate(columns) if each[0].isdigit())
    end = _end_of_numbers(columns, first)
    lead = "".join(each[0] for each in columns[:first])
    stable = [
        lead + ".".join(_NUMBERS[:number])
        for number in range(min(3, (end - first + 1) // 2), 0, -1)
        if any(_beginnings(read, first + 2 * number - 1) & tags for read in reads)
    ]
    cut = None if stable else _release(reads, columns, end, tags)
    expression = _ordered(columns, 0, first, end) if cut is None else _of_releases(columns, cut)
    variants = sorted({each.variant for each in reads} - {""})
    return TagShape(
        expression + (_VARIANT if variants else ""),
        tuple(each.tag for each in reads),
        tuple(variants),
        tuple(stable if cut is None else ["{release}"]),
        tuple(sorted({each for read in reads for each in _beginnings(read, end) & tags})),
        lines_alone=cut is not None,
    )


def _end_of_numbers(columns: Sequence[Sequence[str]], first: int) -> int:
    """Where the numbers that begin at a piece end: those with dots between them."""
    end = first + 1
    while end + 1 < len(columns) and columns[end][0] == "." and columns[end + 1][0].isdigit():
        end += 2
    return end


def _beginnings(read: _Read, count: int) -> set[str]:
    """What the first pieces of a tag are as a tag of their own, with its variant and without."""
    if count >= len(read.pieces):
        return set()
    name = "".join(read.pieces[:count])
    return {name, f"{name}-{read.variant}"}


def _release(
    reads: Sequence[_Read], columns: Sequence[Sequence[str]], end: int, tags: frozenset[str]
) -> int | None:
    """How many pieces name a release that is a stable tag itself (`r2026a` of `r2026a-u3`), with a
    number behind it."""
    for count in range(len(columns) - 1, end, -1):
        behind = any(each[0].isdigit() for each in columns[count:])
        if behind and any(_beginnings(read, count) & tags for read in reads):
            return count
    return None


def _of_releases(columns: Sequence[Sequence[str]], cut: int) -> str:
    release = "".join(map(_expression, columns[:cut], _counting(columns[:cut])))
    first = next(i for i in range(cut, len(columns)) if columns[i][0].isdigit())
    return f"(?P<release>{release})" + _ordered(
        columns, cut, first, _end_of_numbers(columns, first)
    )


def _ordered(columns: Sequence[Sequence[str]], start: int, first: int, end: int) -> str:
    """The pieces from `start` on: the numbers from `first` to `end` are the version, and what is
    behind them is a revision or a pre-release of it."""
    each = list(map(_expression, columns, _counting(columns)))
    behind = end + sum(1 for _ in itertools.takewhile(_is_word, columns[end:]))
    if end < len(columns) and _is_counting(columns, end):
        behind = end
    early = next(
        (i for i in range(end, len(columns)) if _EARLY.fullmatch(columns[i][0])), len(columns)
    )
    behind = min(behind, early)
    revision, prerelease = "".join(each[behind:early]), "".join(each[early:])
    revision, between = _without_separator(revision)
    return (
        "".join(each[start:first])
        + f"(?P<version>{''.join(each[first:end])})"
        + "".join(each[end:behind])
        + (f"(?P<revision>{revision}){between}" if revision else between)
        + (f"(?P<prerelease>{prerelease})" if prerelease else "")
    )


def _without_separator(revision: str) -> tuple[str, str]:
    text = revision.removesuffix("[.]").rstrip("_-")
    return text, revision[len(text) :]


def _is_word(column: Sequence[str]) -> bool:
    return not column[0].isdigit()


def _counting(columns: Sequence[Sequence[str]]) -> list[bool]:
    return [_is_counting(columns, i) for i in range(len(columns))]


def _is_counting(columns: Sequence[Sequence[str]], at: int) -> bool:
    """Whether a piece is a letter that counts."""
    before = at > 0 and columns[at - 1][0].isdigit()
    last = at + 1 == len(columns) or not columns[at + 1][0].isdigit()
    return before and last and len(columns[at][0]) == 1 and columns[at][0].isalpha()


def _expression(column: Iterable[str], counts: bool) -> str:
    """An expression for what stands in one place of all tags."""
    texts = set(column)
    if counts:
        return "[a-z]" if all(map(str.islower, texts)) else "[A-Z]"
    if not next(iter(texts)).isdigit():
        text = next(iter(texts))
        return "[.]" if text == "." else text
    (width,) = lengths if len(lengths := {*map(len, texts)}) == 1 else (0,)
    if width < 4:
        return "[0-9]+"
    if width in (4, 8) and all(each.startswith("20") for each in texts):
        return f"20[0-9]{{{width - 2}}}"
    return f"[0-9]{{{width}}}"
