"""Stops a local cloud when the process that started it has ended, however it ended.

`python -m tests.e2e.guard FOLDER` waits on its standard input, which closes with that process. A
folder has one guard at a time: the next one waits until the last has stopped its cloud.
"""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeVar, cast

from local.cloud import ROOT, LocalCloud

Cloud = TypeVar("Cloud", bound=LocalCloud)


@contextlib.contextmanager
def over(cloud: Cloud) -> Iterator[Cloud]:
    """A running cloud; it is stopped at the end, or where this process does not get there."""
    guard = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.guard", str(cloud.home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # Ctrl-C reaches the whole group of the terminal, and the guard has to outlive it.
        start_new_session=True,
    )
    try:
        cast(IO[bytes], guard.stdout).readline()
        with cloud:
            yield cloud
    finally:
        guard.communicate()


if __name__ == "__main__":
    home = Path(sys.argv[1])
    home.mkdir(parents=True, exist_ok=True)
    with (home / "guard").open("w") as mine:
        fcntl.flock(mine, fcntl.LOCK_EX)
        print("on guard", flush=True)
        sys.stdin.buffer.read()
        LocalCloud(home).stop()
