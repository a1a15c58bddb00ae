"""`python -m bench`: every measurement, one table, and bench-results.json."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench import (
    artefact,
    calls,
    history,
    matching,
    pace,
    plan,
    plan_page,
    push,
    report,
    retention,
    settings_calls,
    starts,
    stories,
    wall,
)
from bench.report import Row


def main() -> None:
    options = _options()
    # Narrower than this the table is folded beyond reading.
    console = Console(width=max(Console().width, 120))
    began = time.monotonic()
    _, version = artefact.interpreter()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("building the layers", total=None)

        def progress(what: str) -> None:
            bar.update(task, description=what)
            if not console.is_terminal:
                console.print(f"bench: {what}")

        rows = _rows(options.quick, progress)
    report.show(rows, console)
    settings = {"quick": options.quick, "functions_python": version}
    report.save(rows, options.json, settings)
    missed = [row for row in rows if row.met is False]
    console.print(
        f"{len(rows)} rows in {time.monotonic() - began:.0f} s, {len(missed)} goals missed; "
        f"functions measured on Python {version}; written to {options.json}"
    )


def _rows(quick: bool, progress: Callable[[str], None]) -> list[Row]:
    rows = push.measure(5 if quick else 31, progress)
    with tempfile.TemporaryDirectory(prefix="ecr-steward-bench-") as folder:
        scratch = Path(folder)
        progress("building the layers")
        built = artefact.build(scratch / "artefact")
        rows += starts.measure(built, scratch, 3 if quick else 11, progress)
    rows += matching.measure(progress)
    rows += calls.count(calls.SIZES[:2] if quick else calls.SIZES, progress)
    rows += calls.many_lines(5_000 if quick else 100_000, progress)
    rows += settings_calls.count(progress)
    rows += retention.measure(10_000 if quick else retention.IMAGES, progress)
    rows += wall.measure(wall.SIZES[:1] if quick else wall.SIZES, 5 if quick else 21, progress)
    rows += plan_page.measure(3 if quick else 11, progress)
    rows += history.measure(1_000_000, 5 if quick else 21, progress)
    rows += plan.measure(50 if quick else 500, 200, progress)
    rows += pace.measure(100 if quick else 2_000, progress)
    rows += stories.measure(stories.SIZES[:1] if quick else stories.SIZES, progress)
    return rows


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, smaller sizes")
    parser.add_argument(
        "--json", type=Path, default=Path("bench-results.json"), help="where the figures go"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
