"""How large the page of `plan --html` is, and how soon a browser shows it."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.report import Row
from ecr_steward_cli.live.page import page
from tests.support.browser import CHROMIUM, chromium
from tests.unit.live.plans import of_two_hundred_tags, plan_of

REPOSITORIES = 500
MOST_MEGABYTES = 3.0
MOST_SECONDS = 1.0
# A promise, for the page's own policy forbids what Playwright waits with (wait_for_function).
_PAINTED = """new Promise(done => new PerformanceObserver(seen => {
  const paint = seen.getEntriesByName('first-contentful-paint')[0]
  if (paint) done(paint.startTime)
}).observe({type: 'paint', buffered: true}))"""
_FILLED = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


def measure(times: int, progress: Callable[[str], None]) -> list[Row]:
    """The rows of the report; without a Chromium the size alone."""
    progress(f"a page of {REPOSITORIES} repositories")
    every = (of_two_hundred_tags(f"base/app-{number}") for number in range(REPOSITORIES))
    text = page([plan_of(*every)], "0" * 12, "2026-11-28T00:00:00Z")
    group = f"plan --html of {REPOSITORIES} repositories of 200 tags"
    megabytes = len(text.encode()) / 10**6
    rows = [_row(group, "the page", megabytes, "MB", MOST_MEGABYTES)]
    if CHROMIUM is None:
        progress("without a Chromium nothing is painted")
        return rows
    painted, filled = zip(*_shown(text, times), strict=True)
    rows.append(_row(group, "first paint", statistics.median(painted), "s", MOST_SECONDS))
    rows.append(_row(group, "its table is there", statistics.median(filled), "s", None))
    return rows


def _row(group: str, what: str, measured: float, unit: str, most: float | None) -> Row:
    goal = "" if most is None else f"< {most:.0f} {unit}"
    return Row(
        group, what, measured, unit, goal=goal, met=None if most is None else measured < most
    )


def _shown(text: str, times: int) -> Iterator[tuple[float, float]]:
    """Seconds until something of the page was painted, and until its table was made."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        file = Path(folder, "plan.html")
        file.write_text(text, encoding="utf-8")
        for _ in range(times):
            tab = browser.new_page()
            tab.goto(file.as_uri())
            yield tab.evaluate(_PAINTED) / 1000, tab.evaluate(_FILLED) / 1000
            tab.close()
