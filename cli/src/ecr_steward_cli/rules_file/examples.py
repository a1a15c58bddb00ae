"""Unique tags to explain a scheme with, and to try it with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ecr_steward.settings import languages
from ecr_steward.tags.kinds import Unique
from ecr_steward.tags.kinds.strings import strings
from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.stable import Line, StableTag
from ecr_steward_cli.rules_file.in_common import tags_to_try

_PRERELEASES = ("rc.1", "rc1")
_FILLERS = (
    "1.4.2", "2.7.1", "16.4", "1.4.2-rc.1", "1", "17", "9f1c2ab", "1187", "20261123", "x", "",
)  # fmt: skip


def candidates(scheme: Scheme, stable: StableTag) -> Iterator[Unique]:
    """Unique tags of a scheme that may move a tag of this entry."""
    for tag in _tags(scheme, stable):
        unique = scheme.read_unique(tag)
        if unique is not None:
            yield unique


def moved(
    scheme: Scheme, stable: StableTag, uniques: Iterable[Unique]
) -> tuple[Unique, Line] | None:
    """The first of these unique tags that moves a tag of this entry, and the line of that."""
    for unique in uniques:
        for line in scheme.lines(unique):
            if line.stable is stable:
                return unique, line
    return None


def of_variant(scheme: Scheme, variant: str) -> Iterator[Unique]:
    """Unique tags of this variant."""
    for kind in scheme.kinds:
        for tag in kind.examples(suffix=f"-{variant}"):
            unique = scheme.read_unique(tag)
            if unique is not None and unique.variant == variant:
                yield unique


def sample_of(glob: str) -> str:
    """Some text that a glob on suffixes matches."""
    return re.sub(r"(?<=\.)\*", "20", glob).replace("*", "x")


def _tags(scheme: Scheme, stable: StableTag) -> Iterator[str]:
    variants = [f"-{sample_of(each)}" for each in scheme.variants]
    for suffix in (*_suffixes(stable), *variants):
        for kind in scheme.kinds:
            for prefix in stable.within or ("",):
                yield from kind.examples(prefix, suffix)
    for each in stable.of:
        yield from _filled(each) if isinstance(each, str) else strings(each["pattern"])
        yield from _that_fit(
            scheme, languages.glob(each).text if isinstance(each, str) else each["pattern"]
        )


def _that_fit(scheme: Scheme, expression: str) -> Iterator[str]:
    """For each kind some tags that the expression may match too."""
    for kind in scheme.kinds:
        yield from tags_to_try([expression, kind.language()])


def _suffixes(stable: StableTag) -> Iterable[str]:
    words = stable.prereleases
    if isinstance(words, bool):
        return ("", *(f"-{each}" for each in _PRERELEASES)) if words else ("",)
    return ("", *(f"-{each}{number}" for each in words for number in (".1", "1", "")))


def _filled(glob: str) -> Iterator[str]:
    for each in _FILLERS:
        yield glob.replace("*", each)
    if glob.count("*") > 1:
        yield from ("".join(_woven(glob.split("*"), some)) for some in _FEW)


_FEW = (("1", "4", "2", "0"), ("2", "7", "1", "3"), ("x", "1.4.2", "1", "1"))


def _woven(parts: list[str], some: tuple[str, ...]) -> Iterator[str]:
    for i, part in enumerate(parts):
        yield part
        if i < len(parts) - 1:
            yield some[i % len(some)]
