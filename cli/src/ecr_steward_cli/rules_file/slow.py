"""Regular expressions that can take forever: found by trying them, before they are deployed.

Python's `re` cannot be stopped, so they are tried in a process of its own.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence

from ecr_steward.words.grammar import MAX_LENGTH

_BUDGET = 0.1
"""Most seconds of the processor for one tag; an expression that is well made needs microseconds."""

_PATIENCE = 1
"""Second of the processor after which an expression that is still at its tags is given up: of the
processor, so that a busy machine accuses none."""

_LONGEST = 120
"""Seconds in all, where the system knows no limit of the processor's time."""

_CHILD = """
import json, re, sys, time
try:
    import resource
except ImportError:
    resource = None
for number, (pattern, tags) in enumerate(json.load(sys.stdin)):
    print("begin", number, flush=True)
    if resource is not None:
        until = int(time.process_time()) + PATIENCE
        resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))
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


def slow(patterns: Sequence[str]) -> frozenset[str]:
    """Those of `patterns` (valid expressions) that take long over some tag of 128 characters."""
    return _slow(tuple(dict.fromkeys(patterns)))


@functools.lru_cache(256)
def _slow(patterns: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    rest = list(patterns)
    while rest:
        last, guilty = _try(rest)
        found |= {rest[number] for number in guilty}
        rest = rest[last + 1 :]
    return frozenset(found)


def _try(patterns: Sequence[str]) -> tuple[int, set[int]]:
    """The number of the last pattern that was tried, and the numbers of the slow ones."""
    asked = json.dumps([(pattern, list(_tags(pattern))) for pattern in patterns])
    child = _CHILD.replace("BUDGET", str(_BUDGET)).replace("PATIENCE", str(_PATIENCE))
    try:
        ended = subprocess.run(  # noqa: S603
            [sys.executable, "-I", "-S", "-c", child],
            input=asked.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_LONGEST,
            check=False,
        )
        said, whole = ended.stdout, ended.returncode == 0
    except subprocess.TimeoutExpired as expired:
        said, whole = expired.stdout or b"", False
    lines = said.decode().split("\n")
    begun = [int(line.split()[1]) for line in lines if line.startswith("begin")]
    if not begun:
        raise RuntimeError("Regular expressions cannot be tried here: Python does not start again.")
    return begun[-1], {*_numbers(lines), *([] if whole else begun[-1:])}


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
