"""`python -m tests.soak`: a soak of any size, with its figures and whatever diverged."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import fields

from tests.soak import page
from tests.soak.faults import Rates
from tests.soak.run import Played, play

_COLUMNS = (
    "pushes", "writes", "facts", "letters", "calls", "failed", "kills", "holds", "settings",
    "corrections", "dead letters", "hours",
)  # fmt: skip

_PUSHES = 30_000
"""A soak of this size is written down in docs/reliability.md."""


def main() -> int:
    asked = _arguments()
    rates = Rates(**{each.name: getattr(asked, each.name) for each in fields(Rates)})
    soaks = []
    for seed in range(asked.seed, asked.seed + asked.runs):
        soaks.append(play(seed, asked.pushes, asked.repositories, rates))
        print(_row(soaks[-1]) if len(soaks) > 1 else f"{_head()}\n{_row(soaks[-1])}", flush=True)
    print(f"\n{_summary(soaks)}")
    first = soaks[0]
    if asked.pushes == _PUSHES:
        found = _counted(each.promise for each in first.divergences)
        page.write(first.seed, asked.repositories, first.figures, found)
    diverging = [each for each in soaks if each.divergences]
    for each in diverging[: asked.explain]:
        print(f"\n{each.explain()}")
    return 1 if diverging else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--pushes", type=int, default=_PUSHES)
    parser.add_argument("--repositories", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=1, help="how many seeds, one after the other")
    parser.add_argument("--explain", type=int, default=1, help="how many time lines to print")
    for each in fields(Rates):
        parser.add_argument(f"--{each.name}", type=float, default=each.default)
    return parser.parse_args()


def _head() -> str:
    names = ["seed", *_COLUMNS, "seconds", "divergences"]
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


def _row(played: Played) -> str:
    figures = [f"{played.figures[name]:,}" for name in _COLUMNS]
    found = _counted(each.promise for each in played.divergences)
    cells = [str(played.seed), *figures, f"{played.seconds:.0f}", found or "none"]
    return f"| {' | '.join(cells)} |"


def _summary(soaks: Iterable[Played]) -> str:
    found = [each.promise for played in soaks for each in played.divergences]
    return f"{len(found)} divergences" + (f": {_counted(found)}" if found else "")


def _counted(promises: Iterable[str]) -> str:
    return ", ".join(f"{promise} {n}" for promise, n in Counter(promises).most_common())


sys.exit(main())
