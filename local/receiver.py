"""A receiver of webhooks on this machine: it keeps what arrives, and fails as it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request is answered.

    The answer waits `pause` seconds, and its body comes in pieces of one byte, `drip` seconds
    apart. With `hang_up` there is none: the connection ends.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    pause: float = 0
    drip: float = 0
    hang_up: bool = False


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request that arrived, and what it was answered."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    answer: Answer
    at: float

    @property
    def accepted(self) -> bool:
        """Whether the sender was told in time that it arrived."""
        return 200 <= self.answer.status < 300 and not self.answer.pause and not self.answer.hang_up

    def json(self) -> Any:
        return json.loads(self.body)


Script = Iterable[Answer | Callable[[], Answer]]
"""Answers, one after the other; a function makes one when it is given."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Receiver:
    """An HTTP server on 127.0.0.1, for as long as it is entered; its port is its own from the
    beginning, and refuses connections until then.

    It answers 200, unless `script` or `script_first` says otherwise. What arrives stands in
    `received`.
    """

    def __init__(self) -> None:
        self._scripts: dict[str, deque[Answer | Callable[[], Answer]]] = defaultdict(deque)
        self._firsts: dict[str, deque[Answer | Callable[[], Answer]]] = {}
        self._events: dict[str, str] = {}
        self._received: list[ReceivedRequest] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._serve(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self._server.server_bind()
        self._port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        self._server.server_activate()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._port

    def url(self, path: str = "/") -> str:
        """The address of `path`, by plain http."""
        return f"http://127.0.0.1:{self._port}{path}"

    def script(self, path: str, answers: Script) -> None:
        """Answer the next requests to a path like this, whatever they are, and then 200."""
        with self._lock:
            self._scripts[path].extend(answers)

    def script_first(self, path: str, answers: Script) -> None:
        """Answer the first event that comes to a path like this, each time it comes, and then 200.

        Other events (`webhook-id`) are taken, whenever they come: however many senders there are,
        each answer meets the event it is meant for.
        """
        with self._lock:
            self._firsts[path] = deque(answers)
            self._events.pop(path, None)

    def received(self, path: str | None = None) -> list[ReceivedRequest]:
        """What has arrived so far, oldest first."""
        with self._lock:
            return [each for each in self._received if path in (None, each.path)]

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        with self._lock:
            headers = {name.lower(): value for name, value in request.headers.items()}
            answer = self._answer_for(request.path, headers)
            self._received.append(
                ReceivedRequest(request.path, headers, body, answer, time.monotonic())
            )
        try:
            self._answer(request, answer)
        except OSError:
            request.close_connection = True  # the sender has lost its patience

    def _answer_for(self, path: str, headers: Mapping[str, str]) -> Answer:
        script = self._scripts[path]
        if path in self._firsts and "webhook-id" in headers:
            first = self._events.setdefault(path, headers["webhook-id"])
            script = self._firsts[path] if headers["webhook-id"] == first else script
        answer = script.popleft() if script else Answer()
        return answer if isinstance(answer, Answer) else answer()

    def _answer(self, request: BaseHTTPRequestHandler, answer: Answer) -> None:
        request.close_connection = True
        time.sleep(answer.pause)
        if answer.hang_up:
            return
        request.send_response(answer.status)
        for name, value in answer.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(answer.body)))
        request.end_headers()
        if not answer.drip:
            request.wfile.write(answer.body)
            return
        for each in answer.body:
            request.wfile.write(bytes([each]))
            request.wfile.flush()
            time.sleep(answer.drip)
