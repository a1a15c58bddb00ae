"""ECR calls per event, counted on the registry in memory, at any size of repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.report import Row
from ecr_steward.doors.pushes import check
from ecr_steward.history.tags import History, Learned
from ecr_steward.rules import Ruleset
from ecr_steward.tags.state import Mark
from ecr_steward.words.hints import Hint
from ecr_steward_cli.in_memory.images import OCI_MANIFEST, MemoryEcr
from ecr_steward_cli.in_memory.retagger import retagger
from ecr_steward_cli.in_memory.table import MemoryTable

SIZES = (10, 1_000, 10_000)
REPOSITORY = "base/redis"
RULES = Ruleset.from_document(
    {
        "version": 1,
        "rules": [
            {
                "repositories": ["base/*"],
                "mode": "enforce",
                "tags": {
                    "unique": ["semver"],
                    "stable": [
                        {"tag": "{major}.{minor}", "follows": "highest"},
                        {"tag": "{major}", "follows": "highest"},
                        {"tag": "latest", "follows": "highest"},
                    ],
                    "ignore": ["buildcache*"],
                },
            }
        ],
    }
)
_SETTLED = 5
"""Tags of the repository that are not filling: 1.4.0, 1.4.1, 1.4, 1, latest."""


class Repository:
    """A repository of `size` tags, `1.4`, `1` and `latest` on 1.4.1, and the steward beside it.

    With `marked` the steward has seen all that; without, it has yet to see its first push.
    """

    def __init__(self, size: int, *, marked: bool = True, rules: Ruleset = RULES) -> None:
        self._rules = rules
        self._now = datetime(2026, 11, 23, tzinfo=UTC)
        self._events: list[dict[str, Any]] = []
        self._ecr = MemoryEcr(emit=self._events.append, clock=self._tick)
        self._ecr.create_repository(repositoryName=REPOSITORY)
        self._history = History(MemoryTable())
        self._retagger = retagger(self._ecr, self._tick, rules, history=self._history)
        if not size:
            return
        for i in range(size - _SETTLED):
            self._put(f"0.{i // 100}.{i % 100}")
        for version in ("1.4.0", "1.4.1"):
            self._put(version)
        if marked:
            self.handle(self._events[-1])
        else:
            for tag in ("1.4", "1", "latest"):
                self._put("1.4.1", tag)
        self._events.clear()

    def fill(self, *tags: str) -> None:
        """Images of their own under these tags, without any event."""
        for tag in tags:
            self._put(tag)
        self._events.clear()

    def mark(self, unique: str, *stable: str) -> None:
        """Put stable tags on the image of a unique tag, and let the steward know of it."""
        digest = self.tags()[unique]
        for tag in stable:
            self._put(unique, tag)
        marks = [Mark(tag, unique, digest, placed=True) for tag in stable]
        self._history.note(REPOSITORY, Learned(marks, known={unique: digest}))
        self._events.clear()

    def push(self, version: str) -> dict[str, Any]:
        """An image of its own under the tag `version`; the event that ECR sends."""
        return self._put(version)

    def put(self, version: str, tag: str) -> dict[str, Any]:
        """`tag` by hand on the image of `version`; the event that ECR sends."""
        return self._put(version, tag)

    def echoes(self) -> list[dict[str, Any]]:
        """The events of the steward's own writes since the last push."""
        return self._events[1:]

    def tags(self) -> dict[str, str]:
        return self._ecr.tags(REPOSITORY)

    def handle(self, *events: Mapping[str, Any]) -> Counter[str]:
        """Give events to the door and what it lets in to the writer as one batch; the calls."""
        self._ecr.calls.clear()
        hints: list[Hint] = []
        for event in events:
            check(event, self._rules, hints.append)
        if hints:
            self._retagger.visit(REPOSITORY, hints)
        return Counter(self._ecr.calls)

    def _tick(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def _put(self, version: str, tag: str | None = None) -> dict[str, Any]:
        self._events.clear()
        config = f'{{"mediaType":"application/vnd.oci.image.config.v1+json","note":"{version}"}}'
        self._ecr.put_image(
            repositoryName=REPOSITORY,
            imageManifest=(
                f'{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{config},"layers":[]}}'
            ),
            imageTag=tag or version,
        )
        return self._events[0]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that happens to a repository, and how many calls it may cost."""

    what: str
    happen: Callable[[Repository], Counter[str]]
    calls: int


def push_that_moves(repository: Repository) -> Counter[str]:
    return repository.handle(repository.push("1.4.2"))


def refused(repository: Repository) -> Counter[str]:
    repository.handle(repository.push("1.4.3"))
    return repository.handle(repository.push("1.4.2"))


def echo(repository: Repository) -> Counter[str]:
    push_that_moves(repository)
    return repository.handle(repository.echoes()[0])


def duplicate(repository: Repository) -> Counter[str]:
    event = repository.push("1.4.2")
    repository.handle(event)
    return repository.handle(event)


def ignored(repository: Repository) -> Counter[str]:
    return repository.handle(repository.push("buildcache-amd64"))


def off_scheme(repository: Repository) -> Counter[str]:
    return repository.handle(repository.push("nightly"))


def hand_move(repository: Repository) -> Counter[str]:
    return repository.handle(repository.put("1.4.0", "1.4"))


SCENARIOS = (
    Scenario("push that moves 3 tags", push_that_moves, 5),
    Scenario("older version, moves nothing", refused, 2),
    Scenario("echo of one of our own writes", echo, 1),
    Scenario("the same event again", duplicate, 1),
    Scenario("ignored tag", ignored, 0),
    Scenario("tag off the scheme", off_scheme, 0),
    Scenario("healing a tag moved by hand", hand_move, 3),
)


_LINES = 500
"""Branches, and components, of the repository that has many lines."""

_MANY = Ruleset.from_document(
    {
        "version": 1,
        "rules": [
            {
                "repositories": ["base/*"],
                "mode": "enforce",
                "tags": {
                    "unique": [
                        {"pattern": "(?P<branch>b[0-9]+)-[0-9a-f]{7}"},
                        {"pattern": "(?P<component>c[0-9]+)-(?P<version>[0-9]+[.][0-9]+[.][0-9]+)"},
                    ],
                    "stable": [
                        {"tag": "{branch}", "follows": "newest"},
                        {"tag": "edge", "follows": "newest"},
                        {"tag": "{component}-{major}.{minor}", "follows": "highest"},
                        {"tag": "{component}-latest", "follows": "highest"},
                    ],
                },
            }
        ],
    }
)


class ManyLines:
    """A repository of so many tags on 500 branches and 500 components, as a sweep leaves it: the
    stable tags where they belong, and a mark for each."""

    def __init__(self, size: int) -> None:
        self._repository = Repository(0, rules=_MANY)
        for i in range(size // 2):
            self._repository.fill(f"b{i % _LINES}-{i:07x}", f"c{i % _LINES}-1.0.{i // _LINES}")
        rounds = size // 2 // _LINES
        for n in range(_LINES):
            commit, version = f"b{n}-{size // 2 - _LINES + n:07x}", f"c{n}-1.0.{rounds - 1}"
            self._repository.mark(commit, f"b{n}")
            self._repository.mark(version, f"c{n}-1.0", f"c{n}-latest")
        self._repository.mark(version, "edge")

    def calls(self, tag: str) -> Counter[str]:
        return self._repository.handle(self._repository.push(tag))


_PUSHES = (
    ("commit of a branch, moves 2", "b7-fffffff", 4),
    ("first commit of a branch, moves 2", "b9999-fffffff", 4),
    ("version of a component, moves 3", "c7-1.0.99999", 5),
    ("first version of a minor, moves 3", "c7-1.1.0", 5),
    ("older version, moves edge alone", "c8-1.0.00", 3),
)


def many_lines(size: int, progress: Callable[[str], None]) -> list[Row]:
    """The calls of pushes into a repository of so many tags on a thousand lines."""
    group = f"ECR calls at {size:,} tags on {2 * _LINES:,} lines"
    progress("a repository of many lines")
    repository = ManyLines(size)
    rows = []
    for what, tag, goal in _PUSHES:
        calls = sum(repository.calls(tag).values())
        rows.append(Row(group, what, calls, "calls", goal=f"{goal}", met=calls == goal))
    return rows


def first_push(size: int) -> Counter[str]:
    """The calls of the first push into a full repository that the steward has no marks of."""
    return push_that_moves(Repository(size, marked=False))


def count(sizes: tuple[int, ...], progress: Callable[[str], None]) -> list[Row]:
    """The rows of the report: one a scenario, with the calls at each size."""
    group = f"ECR calls at {' / '.join(f'{size:,}' for size in sizes)} tags"
    rows = []
    for scenario in SCENARIOS:
        progress(scenario.what)
        each = tuple(sum(scenario.happen(Repository(size)).values()) for size in sizes)
        met = set(each) == {scenario.calls}
        goal = f"{scenario.calls} at any"
        rows.append(Row(group, scenario.what, each[-1], "calls", goal=goal, met=met, each=each))
    progress("first push")
    each = tuple(sum(first_push(size).values()) for size in sizes)
    what = "first push, no mark yet: lists 1,000 a call"
    return [*rows, Row(group, what, each[-1], "calls", each=each)]
