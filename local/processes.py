"""Server processes: started in the background, waited for, stopped by their id."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_POLL_SECONDS = 0.1
# What this process started itself; nobody else can collect it when it has ended.
_children: dict[int, subprocess.Popen[bytes]] = {}


class CloudError(Exception):
    """The local cloud could not do what was asked; the message says why and what to look at."""


class WrongInput(CloudError):
    """What somebody typed cannot be meant so."""


class PortTaken(CloudError):
    """A server found somebody else on its port."""


@dataclass(frozen=True, slots=True)
class Server:
    """A process in a group of its own; `mark` tells it from a later one with the same id.

    The mark is empty where the process had ended before it was read.
    """

    pid: int
    mark: str

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.mark != "" and _mark(self.pid) == self.mark

    def stop(self, patience: float = 60.0) -> None:
        """End it and everything it started, at once: nothing in it outlives it. Returns when it is
        gone."""
        if not self.alive():
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        _wait(lambda: not self.alive(), patience)


def start(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Server:
    """Start a server in the background; what it prints goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[process.pid] = process
    return Server(process.pid, _mark(process.pid))


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> int:
    """Run a command to its end; the exit code. What it prints goes to `log`.

    When this process is interrupted meanwhile, the command and all it started end too. Where it is
    killed, a note beside the log tells `end_left` what it left.
    """
    note = log.with_suffix(".running")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _note(note, {"command": process.pid, "owner": os.getpid()})
        return process.wait()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        note.unlink(missing_ok=True)


def myself() -> Server:
    """This process, as others may look for it."""
    return Server(os.getpid(), _mark(os.getpid()))


def end_left(log: Path) -> None:
    """End the command that writes to `log`, and all it started, if who ran it is gone.

    Raises CloudError if that one still waits for it.
    """
    note = log.with_suffix(".running")
    if not note.exists():
        return
    left = {name: Server(**each) for name, each in json.loads(note.read_text()).items()}
    owner, command = left["owner"], left["command"]
    if owner.alive() and command.alive():
        raise CloudError(
            f"Process {owner.pid} is at this already, see {log}: wait for it, or end it."
        )
    command.stop()
    note.unlink(missing_ok=True)


def _note(note: Path, pids: Mapping[str, int]) -> None:
    """Write it whole or not at all."""
    written = note.with_suffix(".new")
    written.write_text(json.dumps({name: asdict(Server(p, _mark(p))) for name, p in pids.items()}))
    written.replace(note)


def wait_for(server: Server, name: str, ready: Callable[[], bool], log: Path, limit: float) -> None:
    """Return when the server is ready.

    Raises CloudError with the end of its log when it ends or is not ready in `limit` seconds;
    PortTaken when it ended for want of its port.
    """
    if _wait(lambda: not server.alive() or ready(), limit) and server.alive():
        return
    if not server.alive():
        words = tail(log)
        kind = PortTaken if "in use" in words else CloudError
        raise kind(f"{name} ended while starting; {log} ends with:\n{words}")
    raise CloudError(f"{name} was not ready in {limit:.0f} s; {log} ends with:\n{tail(log)}")


def free_ports(count: int) -> list[int]:
    """So many loopback ports that nobody uses, for now: whoever takes one may come too late."""
    with contextlib.ExitStack() as probes:
        held = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in held:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in held]


def tail(log: Path, lines: int = 40) -> str:
    """The last lines of a log file."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _wait(done: Callable[[], bool], limit: float) -> bool:
    """Whether it was done within that time."""
    deadline = time.monotonic() + limit
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _mark(pid: int) -> str:
    """When the process started; empty if it is gone or only waits to be reaped."""
    if pid in _children and _children[pid].poll() is not None:
        del _children[pid]
        return ""
    if Path("/proc/self/stat").exists():
        state, start_time = _stat(pid, 0), _stat(pid, 19)
        if state not in ("", "Z", "X"):
            return start_time
        if pid in _children:  # it ended since we asked
            _children.pop(pid).wait()
        return ""
    shown = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    state, _, start_time = shown.partition(" ")
    return "" if state.startswith("Z") else start_time.strip()


def _stat(pid: int, place: int) -> str:
    """A field of /proc/PID/stat, counted from the one behind the name in brackets."""
    try:
        content = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return content.rpartition(")")[2].split()[place]
