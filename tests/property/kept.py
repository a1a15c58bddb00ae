"""Stories that the property tests play each time, before those that Hypothesis makes up.

The first of each kind once failed, in the code or in the test. The others notice faults that the
code does not have: each was tried on code that was broken in the way that its name says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from hypothesis import example

_Test = TypeVar("_Test", bound=Callable[..., None])

ORDER: Mapping[str, list[tuple[str, str, str]]] = {
    "a hold comes between a write and the note of it": [
        ("push", "1.0.0", "a"), ("hold", "1.0", ""), ("kill", "", "12"), ("push", "0.1.0", "a"),
        ("hold", "1", ""),
    ],
    "a hold and a hand move come between a write and the note of it": [
        ("push", "1.0.0", "a"), ("kill", "", "9"), ("hold", "1.0", ""), ("quarrel", "1.0", "a"),
    ],
    "the time of a hold is over before anybody looks": [
        ("push", "0.1.0", "a"), ("rest", "", ""), ("hold for a while", "latest", ""),
        ("quarrel", "latest", "b"), ("wait", "", ""),
    ],
    "a tag is taken away and taken off in turn": [
        ("push", "0.1.0", "a"), ("quarrel", "latest", "b"), ("untag", "latest", ""),
        ("quarrel", "latest", "b"),
    ],
    "a tag that is not held is released between two quarrels": [
        ("push", "0.1.0", "a"), ("quarrel", "latest", "b"), ("release", "latest", ""),
        ("quarrel", "latest", "b"),
    ],
    # From here on: what would be wrong with the code.
    "the mark bounds its line although its tag was taken off": [
        ("push", "0.1.0", "a"), ("push", "0.2.0", "b"), ("rest", "", ""), ("untag", "0.2.0", ""),
    ],
    "an image that loses its last tag gets no pin": [
        ("push", "0.1.0", "a"), ("rest", "", ""), ("push", "0.1.0", "b"),
    ],
    "a tag moves although the pin of its image failed": [
        ("push", "0.1.0", "a"), ("rest", "", ""), ("push", "latest", "b"), ("throttle", "", "11"),
    ],
    "twins are told apart by their digest alone": [
        ("push", "0.1.0", "b"), ("rest", "", ""), ("push", "1.0.1", "a"), ("push", "v1.0.1", "b"),
    ],
    "a hold holds nothing": [("push", "1.0.0", "a"), ("hold", "1.0", "")],
    "a hold never ends": [
        ("push", "0.1.0", "a"), ("rest", "", ""), ("hold for a while", "latest", ""),
        ("push", "0.2.0", "b"), ("rest", "", ""), ("wait", "", ""),
    ],
    "one hand move is counted at every look": [
        ("push", "0.1.0", "a"), ("rest", "", ""), ("push", "latest", "b"), ("throttle", "", "10"),
        ("throttle", "", "10"), ("throttle", "", "10"),
    ],
    "a hand move looks like an echo": [
        ("push", "0.1.0", "a"), ("rest", "", ""), ("push", "latest", "b"),
    ],
    "two moves that one event led to are one fact": [
        ("push", "1.0.0", "a"), ("twice", "", "1"), ("push", "latest", "b"),
    ],
    "what was throttled is not tried again": [
        ("push", "0.1.0", "a"), ("throttle", "", "10"),
    ],
}  # fmt: skip

_FOLLOWING = [
    {"tag": "{major}.{minor}", "follows": "highest"},
    {"tag": "latest", "follows": "highest"},
    {"tag": "next", "follows": "highest", "prereleases": True},
    {"tag": "edge", "follows": "newest"},
    {"tag": "main"},
]


def _scheme(**tags: Any) -> dict[str, Any]:
    usual = {"unique": ["semver"], "variants": [], "stable": _FOLLOWING, "pin": None,
             "ignore": ["buildcache*"], "unknown": "report", "overwritten": "report"}  # fmt: skip
    return usual | tags


def _story(
    tags: dict[str, Any], pool: list[str], *steps: tuple[str, int, str], fail_at: int = 1
) -> dict[str, Any]:
    return {"tags": tags, "pool": pool, "steps": list(steps), "fail_at": fail_at, "lost": False}


SCHEMES: Mapping[str, dict[str, Any]] = {
    "a hold comes between a write and the note of it": _story(
        _scheme(stable=_FOLLOWING[:1]), ["0.1.0"],
        ("push", 0, "a"), ("kill", 0, "a"), ("hold", 0, "a"), ("untag", 0, "a"), ("push", 0, "a"),
        ("hand move", 0, "a"), ("untag", 0, "a"),
        fail_at=9,
    ),
    "a pin looks like a stable tag of a variant": _story(
        _scheme(
            stable=_FOLLOWING[:1], variants=["slim-*"], pin="{tag}-{digest}", ignore=["buildcache*"]
        ),
        ["0.1.0", "0.1.0-slim-x"],
        ("push", 0, "a"), ("untag", 0, "a"), ("push", 1, "a"), ("hand move", 0, "a"),
        ("untag", 1, "a"),
    ),
    # From here on: what would be wrong with the code.
    "one digest is settled whatever history knows": _story(
        _scheme(stable=_FOLLOWING[:1]), ["0.1.0"],
        ("push", 0, "a"), ("push", 0, "b"),
    ),
    "numbers at the end of a pre-release are text": _story(
        _scheme(), ["1.0.1-rc9", "1.0.1-rc10"],
        ("push", 0, "a"), ("push", 1, "b"),
    ),
    "the newest is looked for among tags without times": _story(
        _scheme(), ["1.0.1", "1.1.0", "2.0.0"],
        ("push", 1, "a"), ("push", 0, "b"), ("push", 2, "c"), ("rest", 0, "a"), ("delete", 0, "c"),
    ),
    "major version zero has a line": _story(
        _scheme(stable=[{"tag": "{major}", "follows": "highest"}]), ["0.1.0"],
        ("push", 0, "a"),
    ),
}  # fmt: skip

ECHOES: Mapping[str, dict[str, Any]] = {
    "the stable tags follow an overwritten tag that is put back": {
        "tags": _scheme(overwritten="restore", stable=_FOLLOWING[:1]),
        "pool": ["0.1.0"],
        "pushes": [("push", 0, "a"), ("push", 0, "b")],
    },
}


def played(stories: Collection[Mapping[str, Any]]) -> Callable[[_Test], _Test]:
    """Have a property test play these stories first; each holds the test's arguments by name."""

    def decorate(test: _Test) -> _Test:
        for story in stories:
            test = example(**story)(test)
        return test

    return decorate
