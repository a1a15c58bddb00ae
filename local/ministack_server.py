"""ministack, with a count of the functions at work.

Run with the interpreter of .venv/cloud, by path. An event that ministack has handed to a function
is in no queue and no log until the function is done: only in this process can it be known whether
one is under way. The count goes to the file named on the command line, `started finished`.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

# The ways into a function: from EventBridge, SNS and Invoke; from queues and streams. One calls
# the other, so a call may count twice; nothing is under way when both numbers agree.
_DOORS: Final = ("_execute_function_with_config_scope", "_execute_function")


class Counter:
    """Counts calls begun and ended, in a file that always holds two numbers."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self._lock = threading.Lock()
        self._started = self._finished = 0
        self._write()

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, counted."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self._started += 1
                self._write()
            try:
                return function(*args, **kwargs)
            finally:
                with self._lock:
                    self._finished += 1
                    self._write()

        return counted

    def _write(self) -> None:
        # One write of one length, so that a reader never sees half of it.
        os.pwrite(self._descriptor, b"%12d %12d\n" % (self._started, self._finished), 0)


def read(file: Path) -> tuple[int, int]:
    """How many calls have begun and ended."""
    started, finished = file.read_text().split()
    return int(started), int(finished)


def main() -> None:
    """Serve until stopped."""
    from ministack import app  # type: ignore[import-not-found]  # lives in .venv/cloud
    from ministack.services import lambda_svc  # type: ignore[import-not-found]

    counter = Counter(Path(sys.argv.pop()))
    for door in _DOORS:
        # A ministack without these names must fail here, or `settle` would never wait.
        setattr(lambda_svc, door, counter.around(getattr(lambda_svc, door)))
    app.main()


if __name__ == "__main__":
    main()
