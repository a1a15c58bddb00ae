"""How fast `simulate` plays a story: `python -m bench.stories PUSHES` plays one and prints JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from bench.artefact import ROOT
from bench.calls import RULES
from bench.probe import peak_memory
from bench.report import Row
from ecr_steward.simulation import Push, Simulation

SIZES = (5_000, 50_000)
REPOSITORIES = 80
MOST_SECONDS = 60
MOST_MEMORY = 500
_MIB = 2**20


def lines(pushes: int) -> Iterator[str]:
    """A story of releases, mostly in order, with a backport every tenth push of a repository."""
    for i in range(pushes):
        repository, turn = i % REPOSITORIES, i // REPOSITORIES
        major, minor, patch = turn // 400 + 1, turn // 20 % 20, turn % 20
        if turn % 10 == 9 and minor:
            minor, patch = minor - 1, 20 + patch
        version = f"{major}.{minor}.{patch}"
        yield json.dumps({"repository": f"base/image-{repository:02}", "tag": version})


def play(pushes: int) -> dict[str, float]:
    """Play a story in this process; what it took, with the peak memory of the whole process."""
    simulation = Simulation(RULES)
    begin = time.perf_counter()
    for number, text in enumerate(lines(pushes), start=1):
        simulation.feed(Push.parse(number, text))
    outcome = simulation.outcome()
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "events": outcome.events, "memory": peak_memory()}


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
    group = f"simulate, {REPOSITORIES} repositories"
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
