"""`python -m bench.load_page`: the section on load in docs/limits.md, from the simulation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.load import CONCURRENCY, QUOTA, RATES, SHAPES, Capacity, Outcome, Shape, simulate

PAGE = Path(__file__).parents[1] / "docs/limits.md"
BEGIN, END = "<!-- make load writes what follows -->", "<!-- make load wrote what is above -->"

QUOTAS = (10, 25, 50, 100, 250, 500)
CONCURRENCIES = (2, 5, 10, 20, 30)
CARRIED = tuple(range(1_000, 21_000, 1_000))

LATE = 30.0
"""Seconds: a stable tag that is later than this is late, `SettleSeconds` included."""

_AS_DEPLOYED = (
    f"As it is deployed: {QUOTA} `PutImage` a second, shared with CI, and `RetagConcurrency` "
    f"{CONCURRENCY}."
)
_DEPLOYED = (
    "Pushes", "An hour", "Half within", "99 % within", "Longest queue", "PutImage saved",
    "CI waits, 99 %", "A million pushes",
)  # fmt: skip
_CARRIES = ("Pushes", "The default quota carries")
_ENOUGH = ("Pushes", "An hour", "PutImage a second", "`RetagConcurrency`", "99 % within")


def is_enough(outcome: Outcome) -> bool:
    """Whether neither a stable tag nor CI is late."""
    return outcome.lag(99) <= LATE and outcome.wait(99) <= LATE


def deployed(shape: Shape, rate: int) -> list[str]:
    """The row of a stack as it is deployed by default."""
    outcome = simulate(shape, rate)
    return [
        shape.name,
        f"{rate:,}",
        time(outcome.lag(50)),
        time(outcome.lag(99)),
        f"{outcome.depth:,}",
        f"{outcome.saved:.0%}",
        time(outcome.wait(99)),
        f"${outcome.cost:.0f}",
    ]


def carried(shape: Shape) -> list[str]:
    """The row of what ECR's default quota carries."""
    most = 0
    for rate in CARRIED:
        if not is_enough(simulate(shape, rate)):
            break
        most = rate
    more = " or more" if most == CARRIED[-1] else ""
    return [shape.name, f"{most:,} an hour{more}" if most else "less than 1,000 an hour"]


def enough(shape: Shape, rate: int) -> list[str]:
    """The row of the least quota, and with it the least concurrency, with which nothing is late."""
    quota = _least(QUOTAS, lambda quota: _fits(shape, rate, quota, CONCURRENCIES[-1]))
    concurrency = _least(CONCURRENCIES, lambda each: _fits(shape, rate, quota, each))
    outcome = simulate(shape, rate, Capacity(quota, concurrency))
    return [shape.name, f"{rate:,}", f"{quota}", f"{concurrency}", time(outcome.lag(99))]


def _fits(shape: Shape, rate: int, quota: int, concurrency: int) -> bool:
    return is_enough(simulate(shape, rate, Capacity(quota, concurrency)))


def _least(values: Sequence[int], fits: Callable[[int], bool]) -> int:
    """The first that fits, else the last."""
    return next((each for each in values if fits(each)), values[-1])


def time(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _table(headings: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    for cells in (headings, ["---"] * len(headings), *rows):
        yield f"| {' | '.join(cells)} |".replace("| --- |", "|---|").replace(" --- |", "---|")


def section() -> str:
    """The section as Markdown."""
    each = [(shape, rate) for shape in SHAPES for rate in RATES]
    return "\n".join(
        [
            _AS_DEPLOYED,
            "",
            *_table(_DEPLOYED, (deployed(shape, rate) for shape, rate in each)),
            "",
            f"Up to how many pushes nothing is later than {LATE:.0f} seconds:",
            "",
            *_table(_CARRIES, (carried(shape) for shape in SHAPES)),
            "",
            f"The least with which nothing is later than {LATE:.0f} seconds:",
            "",
            *_table(_ENOUGH, (enough(shape, rate) for shape, rate in each)),
        ]
    )


def main() -> None:
    written = section()
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{written}\n\n{END}{after}", encoding="utf-8")
    sys.stdout.write(f"{written}\n")


if __name__ == "__main__":
    main()
