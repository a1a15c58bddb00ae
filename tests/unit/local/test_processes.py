from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local.processes import (
    CloudError,
    PortTaken,
    Server,
    end_left,
    free_ports,
    run,
    start,
    wait_for,
)  # fmt: skip
from tests.support.waiting import PATIENCE, eventually

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
SCRIPT = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
time.sleep(60)
"""
PARENT = [sys.executable, "-c", SCRIPT]


def gone(pid: int) -> bool:
    """Whether the process is gone; what it stood for may still wait to be reaped by its parent."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def eventually_gone(pid: int) -> bool:
    return eventually(lambda: gone(pid))


def test_a_stopped_server_takes_the_processes_it_started_along(tmp_path: Path) -> None:
    log = tmp_path / "log"
    server = start(PARENT, os.environ, log)
    wait_for(server, "The parent", lambda: bool(log.read_text()), log, PATIENCE)
    child = int(log.read_text())
    assert server.alive()

    server.stop()

    assert not server.alive()
    assert eventually_gone(child)


def test_a_later_process_with_the_same_id_is_not_taken_for_the_server(tmp_path: Path) -> None:
    server = start(SLEEP, os.environ, tmp_path / "log")
    try:
        assert not Server(server.pid, "another time").alive()
        Server(server.pid, "another time").stop()
        assert server.alive()
    finally:
        server.stop()


def test_a_server_that_ended_before_anybody_looked_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()

    assert not Server(process.pid, "").alive()


def test_a_server_that_ends_while_starting_is_shown_with_its_last_words(tmp_path: Path) -> None:
    server = start([sys.executable, "-c", "print('no disk')"], os.environ, tmp_path / "log")

    with pytest.raises(CloudError, match=r"(?s)The server ended while starting.*no disk"):
        wait_for(server, "The server", lambda: False, tmp_path / "log", PATIENCE)


def test_a_server_that_finds_its_port_taken_says_so(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "print('127.0.0.1:4566 is already in use')"]
    server = start(words, os.environ, tmp_path / "log")

    with pytest.raises(PortTaken, match="The server ended while starting"):
        wait_for(server, "The server", lambda: False, tmp_path / "log", PATIENCE)


def test_a_server_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    server = start(SLEEP, os.environ, tmp_path / "log")
    try:
        with pytest.raises(CloudError, match="was not ready in 0 s"):
            wait_for(server, "The server", lambda: False, tmp_path / "log", 0.2)
    finally:
        server.stop()


def test_a_command_is_run_to_its_end_with_its_words_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"

    code = run([sys.executable, "-c", "print('done'); raise SystemExit(3)"], {}, tmp_path, log)

    assert (code, log.read_text()) == (3, "done\n")


def test_an_interrupted_command_takes_what_it_started_along(tmp_path: Path) -> None:
    log = tmp_path / "log"

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    def interrupt_once_it_has_a_child() -> None:
        eventually(lambda: log.exists() and log.read_text())
        os.kill(os.getpid(), signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        threading.Thread(target=interrupt_once_it_has_a_child).start()
        with pytest.raises(KeyboardInterrupt):
            run(PARENT, os.environ, tmp_path, log)
    finally:
        signal.signal(signal.SIGALRM, before)

    assert eventually_gone(int(log.read_text()))


@pytest.mark.enable_socket
def test_free_ports_are_different_ones_that_can_be_used() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert all(1024 <= port <= 65535 for port in ports)


OWNER = """
import sys; from pathlib import Path; from local.processes import run
run([sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"], {}, \
    Path("."), Path(sys.argv[1]))
"""


def test_what_a_killed_process_left_running_is_ended_by_who_comes_after_it(tmp_path: Path) -> None:
    log = tmp_path / "sam-build.log"
    owner = start([sys.executable, "-c", OWNER, str(log)], os.environ, tmp_path / "owner.log")
    assert eventually(lambda: log.exists() and log.read_text().strip().isdecimal())
    left = int(log.read_text())
    with pytest.raises(CloudError, match=f"Process {owner.pid} is at this already"):
        end_left(log)
    owner.stop()
    assert not gone(left)
    end_left(log)
    assert eventually_gone(left)
    end_left(log)
