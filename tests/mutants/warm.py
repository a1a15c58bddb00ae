"""A warm pytest: all is imported and collected once, and what is tried runs in a fork of it."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeVar

import pytest

_T = TypeVar("_T")


class Warm:
    """A plugin that does `work` with the tests that were collected, in place of running them."""

    def __init__(self, work: Callable[[dict[str, pytest.Item]], None]) -> None:
        self._work = work

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        gc.collect()
        gc.freeze()  # a fork that collects would copy everything that was imported
        self._work({item.nodeid: item for item in session.items})
        return True


def passes(items: Sequence[pytest.Item]) -> bool:
    """Whether these tests pass in this process; the first that fails ends it."""
    for item, following in zip_longest(items, items[1:]):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if item.session.testsfailed:
            return False
    return True


@dataclass(slots=True)
class Fork:
    """A copy of this process that does something and ends with what it returns."""

    pid: int
    until: float

    @classmethod
    def of(cls, do: Callable[[], int], limit: float) -> Fork:
        pid = os.fork()
        if pid == 0:
            _alone(do)
        return cls(pid, time.monotonic() + limit)

    def ended(self) -> int | None:
        """How it ended, None while it runs; one that takes too long is ended with -9."""
        if time.monotonic() > self.until:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            return -signal.SIGKILL
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None


def forked(
    things: Iterable[tuple[_T, float]], do: Callable[[_T], int], at_once: int
) -> Iterator[tuple[_T, int]]:
    """What `do` returns of each thing, in forks that have so many seconds; as they end."""
    running: dict[int, tuple[Fork, _T]] = {}
    for thing, limit in things:
        while len(running) >= at_once:
            yield from _over(running)
        fork = Fork.of(lambda thing=thing: do(thing), limit)  # type: ignore[misc]
        running[fork.pid] = fork, thing
    while running:
        yield from _over(running)


def _over(running: dict[int, tuple[Fork, _T]]) -> Iterator[tuple[_T, int]]:
    """Wait a moment; those that have ended, which run no longer."""
    time.sleep(0.01)
    for pid, (fork, thing) in list(running.items()):
        code = fork.ended()
        if code is not None:
            del running[pid]
            yield thing, code


def _alone(do: Callable[[], int]) -> None:
    """What the copy does; nothing of the process that it comes from goes on in it."""
    code = 70
    try:
        os.setsid()  # what it starts ends with it
        silent = os.open(os.devnull, os.O_RDWR)
        for each in range(3):
            os.dup2(silent, each)
        code = do()
    finally:
        os._exit(code)
