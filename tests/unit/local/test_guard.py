"""The guard of the e2e tests: whatever becomes of a run, its cloud is stopped before the next."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, cast

import pytest

from local.processes import Server, start

ROOT = Path(__file__).parents[3]


def guarding(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.e2e.guard", str(home)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def on_guard(guard: subprocess.Popen[bytes]) -> bool:
    return cast(IO[bytes], guard.stdout).readline() == b"on guard\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """All that a run had started when it was killed."""
    begun = start(["sleep", "600"], os.environ, tmp_path / "log")
    known = {"gateway_port": 1, "ecr_port": 2, "ministack": asdict(begun)}
    (tmp_path / "state.json").write_text(json.dumps(known))
    yield begun
    begun.stop()


def test_the_cloud_of_a_run_that_was_killed_is_stopped_before_the_next_has_a_guard(
    server: Server, tmp_path: Path
) -> None:
    first = guarding(tmp_path)
    assert on_guard(first)
    second = guarding(tmp_path)
    assert server.alive()
    first.communicate()  # closes its input, as the end of the run does
    assert on_guard(second)
    assert not server.alive()
    second.communicate()
