"""Regular expressions that can take for ever: found by trying them, before they are deployed.

Python's `re` cannot be stopped, so they are tried in a process of its own.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence

from ecr_steward.tags.grammar import MAX_LENGTH

_BUDGET = 0.1
"""Most seconds of the processor for one tag; an expression that is well made needs microseconds."""

_PATIENCE = 3.0
"""Seconds after which an expression that is still at one tag is given up."""

_CHILD = """
import json, re, sys, time
for number, (pattern, tags) in enumerate(json.load(sys.stdin)):
    print("begin", number, flush=True)
    match = re.compile(pattern).fullmatch
    for tag in tags:
        begin = time.process_time()
        match(tag)
        if time.process_time() - begin > BUDGET:
            print("slow", number, flush=True)
            break
"""

_FIXED = ("a", "f", "z", "A", "Z", "0", "1", "9", "_", ".", "-", "0.", "a.", "a-", "0-", "a0", "a_")
_ENDS = ("_", ".", "-", "z", "Z", "0", "-_")
_GROUP_NAME = re.compile(r"\?P?<[^>=!]*>")
_ESCAPED = re.compile(r"\\([^A-Za-z0-9])|\[([^\]\\^])\]|\\[A-Za-z]")
_LITERAL = re.compile(r"[A-Za-z0-9_.-]+")
_MOST_PREFIXES = 8


def slow(patterns: Sequence[str], patience: float = _PATIENCE) -> frozenset[str]:
    """Those of `patterns` (valid expressions) that take long over some tag of 128 characters.

    `patience` is how many seconds one may sit over its tags before it is given up.
    """
    return _slow(tuple(dict.fromkeys(patterns)), patience)


@functools.lru_cache(256)
def _slow(patterns: tuple[str, ...], patience: float) -> frozenset[str]:
    found: set[str] = set()
    rest = list(patterns)
    while rest:
        last, guilty = _try(rest, patience)
        found |= {rest[number] for number in guilty}
        rest = rest[last + 1 :]
    return frozenset(found)


def _try(patterns: Sequence[str], patience: float) -> tuple[int, set[int]]:
    """The number of the last pattern that was tried, and the numbers of the slow ones."""
    asked = json.dumps([(pattern, list(_tags(pattern))) for pattern in patterns])
    child = _CHILD.replace("BUDGET", str(_BUDGET))
    try:
        said = subprocess.run(  # noqa: S603
            [sys.executable, "-I", "-S", "-c", child],
            input=asked.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=patience + len(patterns) * _BUDGET,
            check=True,
        ).stdout
    except subprocess.TimeoutExpired as expired:
        lines = (expired.stdout or b"").decode().split("\n")
        last = max((int(line.split()[1]) for line in lines if line.startswith("begin")), default=0)
        return last, {last, *_numbers(lines)}
    return len(patterns) - 1, set(_numbers(said.decode().split("\n")))


def _numbers(lines: Sequence[str]) -> Iterator[int]:
    return (int(line.split()[1]) for line in lines if line.startswith("slow"))


def _tags(pattern: str) -> Iterator[str]:
    """Long tags that the expression nearly matches: what it begins with, something again and again,
    and an end that does not fit."""
    text = _ESCAPED.sub(lambda match: match[1] or match[2] or " ", _GROUP_NAME.sub("", pattern))
    words = list(dict.fromkeys(_LITERAL.findall(text)))
    repeated = dict.fromkeys([*_FIXED, *dict.fromkeys("".join(words)), *words])
    for prefix in ("", *words[:_MOST_PREFIXES]):
        for piece in repeated:
            for end in _ENDS:
                room = MAX_LENGTH - len(prefix) - len(end)
                yield prefix + (piece * MAX_LENGTH)[: max(room, 0)] + end
