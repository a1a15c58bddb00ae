"""How fast `simulate` plays a story: `python -m bench.stories PUSHES` plays one and prints JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from bench.artefact import ROOT
from bench.probe import peak_memory
from bench.report import Row
from ecr_steward.rules import Ruleset
from ecr_steward_cli.in_memory.simulation import Push, Simulation

SIZES = (5_000, 50_000)
REPOSITORIES = 80
VARIANTS = 1_000
"""Variants of all repositories together, no two of which have the same name."""
MOST_SECONDS = 60
MOST_MEMORY = 500
_MIB = 2**20


RULES = Ruleset.from_document(
    {
        "version": 1,
        "rules": [
            {
                "repositories": ["base/*"],
                "mode": "enforce",
                "tags": {
                    "unique": ["semver"],
                    "variants": ["alpine*", "*-slim", "windows*"],
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


def variants(repository: int) -> list[str]:
    """The suffixes of a repository's tags, none among them."""
    forms = ("-alpine3.{}", "-debian{}-slim", "-windows{}")
    numbers = range(repository, VARIANTS, REPOSITORIES)
    return ["", *(forms[number % 3].format(number) for number in numbers)]


def lines(pushes: int) -> Iterator[str]:
    """A story of releases in all variants, with a backport every tenth release of a repository."""
    suffixes = [variants(repository) for repository in range(REPOSITORIES)]
    for i in range(pushes):
        repository, turn = i % REPOSITORIES, i // REPOSITORIES
        release, variant = divmod(turn, len(suffixes[repository]))
        major, minor, patch = release // 20 + 1, release // 5 % 4, release % 5
        if release % 10 == 9 and minor:
            minor, patch = minor - 1, 5 + patch
        tag = f"{major}.{minor}.{patch}{suffixes[repository][variant]}"
        yield json.dumps({"repository": f"base/image-{repository:02}", "tag": tag})


def play(pushes: int) -> dict[str, float]:
    """Play a story in this process; what it took, with the peak memory of the whole process."""
    simulation = Simulation(RULES)
    begin, worked = time.perf_counter(), time.process_time()
    for number, text in enumerate(lines(pushes), start=1):
        simulation.feed(Push.parse(number, text))
    outcome = simulation.outcome()
    seconds = time.perf_counter() - begin
    return {
        "seconds": seconds,
        "processor": time.process_time() - worked,
        "events": outcome.events,
        "memory": peak_memory(),
    }


def measure(sizes: Sequence[int], progress: Callable[[str], None]) -> list[Row]:
    """The rows of the report, each story in a fresh process."""
    rows = []
    for size in sizes:
        progress(f"simulate plays {size:,} pushes")
        done = subprocess.run(
            [sys.executable, "-m", "bench.stories", str(size)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        rows += _rows(size, json.loads(done.stdout))
    return rows


def _rows(size: int, took: dict[str, float]) -> list[Row]:
    group = f"simulate, {REPOSITORIES} repositories, {VARIANTS:,} variants"
    seconds, memory, whole = took["seconds"], took["memory"] / _MIB, size == max(SIZES)
    return [
        Row(group, f"{size:,} pushes: events with echoes", took["events"] / seconds, "per s"),
        Row(group, f"{size:,} pushes: pushes", size / seconds, "per s"),
        Row(
            group,
            f"{size:,} pushes: time",
            seconds,
            "s",
            goal=f"< {MOST_SECONDS} s" if whole else "",
            met=seconds < MOST_SECONDS if whole else None,
        ),
        Row(group, f"{size:,} pushes: processor time", took["processor"], "s"),
        Row(
            group,
            f"{size:,} pushes: peak memory",
            memory,
            "MiB",
            goal=f"< {MOST_MEMORY} MiB" if whole else "",
            met=memory < MOST_MEMORY if whole else None,
        ),
    ]


if __name__ == "__main__":
    print(json.dumps(play(int(sys.argv[1]))))
