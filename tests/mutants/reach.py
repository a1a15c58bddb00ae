"""A pytest plugin: which functions of the code each test calls, and running some tests only."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import ecr_steward
import ecr_steward_cli

PACKAGES = tuple(Path(each.__file__ or "").parent for each in (ecr_steward, ecr_steward_cli))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reached", type=Path, help="write what each test calls to this file")
    parser.addoption("--chosen", type=Path, help="run the tests that this file lists, in its order")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--reached") is not None:
        config.pluginmanager.register(Recorder(config), "recorder")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = config.getoption("--chosen")
    if chosen is None:
        return
    places = {test: n for n, test in enumerate(json.loads(chosen.read_text("utf-8")))}
    config.hook.pytest_deselected(items=[each for each in items if each.nodeid not in places])
    items[:] = [each for each in items if each.nodeid in places]
    items.sort(key=lambda each: places[each.nodeid])


class Recorder:
    """Writes by test how many seconds it took and the functions that it called, or its file did
    when it was collected.

    What fails is left out: being watched makes tests slow, and some are about time.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._file: Path = config.getoption("--reached")
        self._names: dict[CodeType, str | None] = {}
        self._called: set[str] = set()
        self._tests: dict[str, tuple[float, list[str]]] = {}
        self._failed: set[str] = set()
        self._files: dict[str, set[str]] = {}
        threading.settrace(self._call)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        began = time.monotonic()
        with self._watched() as called:
            result = yield
        called |= self._files.get(item.nodeid.partition("::")[0], set())
        self._tests[item.nodeid] = (time.monotonic() - began, sorted(called))
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        with self._watched() as called:
            result = yield
        self._files.setdefault(collector.nodeid.partition("::")[0], set()).update(called)
        return result

    @contextlib.contextmanager
    def _watched(self) -> Iterator[set[str]]:
        """What is called meanwhile."""
        called = self._called = set()
        sys.settrace(self._call)
        try:
            yield called
        finally:
            sys.settrace(None)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)

    def record(self, items: Sequence[pytest.Item]) -> int:
        """Run all tests and write the file; 0."""
        for item, following in zip_longest(items, items[1:]):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        passed = {test: each for test, each in self._tests.items() if test not in self._failed}
        collected = sorted(set().union(*self._files.values()))
        self._file.write_text(json.dumps({"tests": passed, "collected": collected}), "utf-8")
        return 0

    def stop(self) -> None:
        """Record nothing more in this process."""
        threading.settrace(None)
        self._config.pluginmanager.unregister(self)

    def _call(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if code not in self._names:
            self._names[code] = _name(code)
        if (name := self._names[code]) is not None:
            self._called.add(name)


def _name(code: CodeType) -> str | None:
    """The function that code belongs to, with its file; None for what is of no package here."""
    file = Path(code.co_filename)
    package = next((each for each in PACKAGES if file.is_relative_to(each)), None)
    if package is None:
        return None
    return f"{file.relative_to(package)}:{code.co_qualname.partition('.<locals>')[0]}"
