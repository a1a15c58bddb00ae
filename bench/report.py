"""Rows of the report: what was measured, against what, and whether the goal is met."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of repeated measurements, and the quarter below and above it."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        if len(values) < 2:
            return cls(values[0], values[0], values[0])
        return cls(*statistics.quantiles(values, n=4, method="inclusive"))

    @classmethod
    def ratio(cls, measured: Sequence[float], baseline: Sequence[float]) -> Self:
        """Of the ratios pair by pair: what disturbs the machine disturbs both of a pair."""
        return cls.of([one / other for one, other in zip(measured, baseline, strict=True)])


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `met` is None where there is nothing to meet."""

    group: str
    what: str
    measured: float
    unit: str
    baseline: float | None = None
    ratio: Spread | None = None
    goal: str = ""
    met: bool | None = None
    each: tuple[float, ...] = ()
    """Where one row tells of several sizes: the figure of each, `measured` being the last."""

    @classmethod
    def compared(
        cls,
        group: str,
        what: str,
        unit: str,
        measured: Sequence[float],
        baseline: Sequence[float],
        most: float | None = None,
    ) -> Self:
        """Measurements, each with its own baseline; their ratio is to be at most `most`."""
        ratio = Spread.ratio(measured, baseline)
        return cls(
            group=group,
            what=what,
            measured=statistics.median(measured),
            unit=unit,
            baseline=statistics.median(baseline),
            ratio=ratio,
            goal="" if most is None else f"≤ {most:.2f} x",
            met=None if most is None else ratio.median <= most,
        )

    def to_document(self) -> dict[str, Any]:
        spread = self.ratio
        return {
            "group": self.group,
            "what": self.what,
            "measured": self.measured,
            "unit": self.unit,
            "each": list(self.each) or None,
            "baseline": self.baseline,
            "ratio": None if spread is None else spread.median,
            "ratio_quartiles": None if spread is None else [spread.low, spread.high],
            "goal": self.goal or None,
            "met": self.met,
        }


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("what", overflow="fold")
    for heading in ("measured", "baseline", "ratio (quartiles)", "goal"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("met", no_wrap=True)
    group = ""
    for row in rows:
        if row.group != group:
            table.add_section()
            table.add_row(f"[bold]{row.group}[/bold]")
            group = row.group
        table.add_row(
            f"  {row.what}",
            _amounts(row),
            "" if row.baseline is None else _amount(row.baseline, row.unit),
            _ratio(row.ratio),
            row.goal,
            {True: "[green]yes[/green]", False: "[red]no[/red]", None: ""}[row.met],
        )
    console.print(table)


def save(rows: Sequence[Row], path: Path, settings: dict[str, Any]) -> None:
    """Write the rows as JSON."""
    document = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"processor": platform.machine(), "python": platform.python_version()},
        "settings": settings,
        "rows": [row.to_document() for row in rows],
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _amounts(row: Row) -> str:
    first = "".join(f"{value:,.0f} / " for value in row.each[:-1])
    return f"{first}{_amount(row.measured, row.unit)}"


def _amount(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if value == int(value) or value >= 1000 else f"{value:,.1f}"
    return f"{number} {unit}"


def _ratio(spread: Spread | None) -> str:
    if spread is None:
        return ""
    if spread.low == spread.high:
        return f"{spread.median:.2f}"
    return f"{spread.median:.2f} ({spread.low:.2f}-{spread.high:.2f})"
