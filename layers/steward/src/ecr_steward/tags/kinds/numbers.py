"""The numbers of versions: examples, and expressions of all that they can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_USUAL = {1: "17", 2: "16.4", 3: "1.4.2", 4: "10.0.20348.1"}
_NUMBERS = ("1.4.2.7.1.1.1.1", "2.7.1.3.1.1.1.1", "0.9.3.1.1.1.1.1", "2026.11.23.1.1.1.1.1")

ANY_SUFFIX = "(?:[-_][0-9A-Za-z_.-]+)?"
"""An expression of all that can follow the numbers of a version."""


WRITTEN = "v?([0-9]+(?:[._T-][0-9]+)*)Z?"
"""An expression of what the group `version` of a pattern has to match."""


def written(prefix: str) -> str:
    """An expression of the same where the numbers begin with those of `prefix`."""
    begin = "[._T-]".join(f"0*{int(each)}" for each in prefix.split("."))
    return f"v?{begin}(?:[._T-][0-9]+)*Z?"


def language(counts: Iterable[int], *, leading_zeros: bool = True) -> str:
    """An expression of versions of so many numbers, without a suffix."""
    number = "[0-9]+" if leading_zeros else "(?:0|[1-9][0-9]*)"
    dotted = (number + rf"(?:\.{number}){{{count - 1}}}" for count in sorted(counts))
    return f"v?(?:{'|'.join(dotted)})"


def usual(count: int) -> str:
    """The version of so many numbers that people think of."""
    return _USUAL.get(count, ".".join(_NUMBERS[0].split(".")[:count]))


def versions(counts: Iterable[int], prefix: str = "") -> Iterator[str]:
    """Versions of so many numbers that begin with `prefix`."""
    for count in counts:
        yield from [] if prefix else [usual(count)]
        yield from (_filled(prefix, each, count) for each in _NUMBERS)


def _filled(prefix: str, numbers: str, count: int) -> str:
    """`prefix` with as many of `numbers` after it as make `count` numbers."""
    begin = prefix.split(".") if prefix else []
    return ".".join([*begin, *numbers.split(".")[len(begin) :]][: max(count, len(begin))])
