"""Stops a local cloud when the process that started it has ended, however it ended.

`python -m tests.e2e.guard FOLDER` waits on its standard input, which closes with that process.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from local.cloud import ROOT, LocalCloud


@contextlib.contextmanager
def over(home: Path) -> Iterator[None]:
    """Have a guard over the cloud in `home`; what is within stops the cloud itself if it can."""
    guard = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.guard", str(home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Ctrl-C reaches the whole group of the terminal, and the guard has to outlive it.
        start_new_session=True,
    )
    try:
        yield
    finally:
        guard.communicate()


if __name__ == "__main__":
    sys.stdin.buffer.read()
    LocalCloud(Path(sys.argv[1])).stop()
