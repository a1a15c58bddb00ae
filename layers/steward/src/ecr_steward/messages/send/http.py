"""One POST to an address that a team gave us: https, public, bounded in time and size.

Neither the address nor the answer's words are in any reason or exception: addresses of webhooks
are secrets.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ecr_steward.messages.send.addresses import is_loopback, is_public

SECONDS = 8.0
"""How long one request may take in all, from its name's look-up to the answer's last byte."""

_CONNECT_SECONDS = 3.0
_REQUEST_BYTES = 512 * 1024
_ANSWER_BYTES = 64 * 1024
_KEPT_BYTES = 2 * 1024
_TRIED = 2
"""How many of a name's addresses of each IP version are tried: one version may lead nowhere."""

USER_AGENT = "ecr-steward"


class Forbidden(Exception):
    """No message may be sent to the address; the sentence does not name it."""


class Unreachable(Exception):
    """No answer came this time; the sentence does not name the address."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: the beginning of the body, and the one header that matters."""

    status: int
    retry_after: str | None
    body: bytes


Found = list[tuple[Any, Any, Any, Any, Any]]
Resolve = Callable[..., Found]


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Who is trusted, read once: hundreds of certificates."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Http:
    """Posts to https addresses whose every IP address is public.

    The name is looked up once, every address it has is judged, and the connection goes to a judged
    one: what a second look-up would say does not matter. Redirects are not followed, and no proxy
    of the environment is used. With `local` it also posts by plain http to this machine, for tests
    and for the local cloud.
    """

    local: bool = False
    seconds: float = SECONDS
    resolve: Resolve = socket.getaddrinfo
    allowed: Callable[[str], bool] = is_public
    context: Callable[[], ssl.SSLContext] = _trusted

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Response:
        """Raises Forbidden and Unreachable."""
        if len(body) > _REQUEST_BYTES:
            raise Forbidden(f"The message is larger than {_REQUEST_BYTES // 1024} KiB.")
        target = _target(url, local=self.local)
        end = time.monotonic() + self.seconds
        try:
            return self._post(target, body, headers, end)
        except TimeoutError:
            raise Unreachable(f"It did not answer within {self.seconds:g} seconds.") from None
        except ssl.SSLCertVerificationError as error:
            code = f"OpenSSL's code {error.verify_code}"
            raise Forbidden(f"Its certificate cannot be trusted ({code}).") from None
        except http.client.HTTPException as error:
            raise Unreachable(f"Its answer is not HTTP ({type(error).__name__}).") from None
        except OSError as error:
            raise Unreachable(f"The connection failed ({_named(error)}).") from None

    def _post(self, to: _Target, body: bytes, headers: Mapping[str, str], end: float) -> Response:
        with contextlib.closing(self._connect(to, end)) as plain:
            stream: socket.socket = plain
            if to.secure:
                plain.settimeout(_left(end))
                stream = self.context().wrap_socket(plain, server_hostname=to.host)
            connection = http.client.HTTPConnection(to.host, to.port)
            connection.sock = _Timed(stream, end)
            try:
                _ask(connection, to, body, headers)
                return _answer(connection.getresponse())
            finally:
                connection.close()
                stream.close()

    def _connect(self, to: _Target, end: float) -> socket.socket:
        fault: OSError = TimeoutError()
        for address in _few(self._addresses(to, end)):
            try:
                seconds = min(_CONNECT_SECONDS, _left(end))
                return socket.create_connection((address, to.port), seconds)
            except OSError as error:
                fault = error
        raise fault

    def _look_up(self, to: _Target) -> Found:
        try:
            return self.resolve(to.host, to.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Unreachable("Its name does not resolve.") from None

    def _addresses(self, to: _Target, end: float) -> list[str]:
        """The addresses of a name, all of which are judged before one is used."""
        found = _within(_left(end), lambda: self._look_up(to))
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        judge = self.allowed if to.secure else is_loopback
        if not addresses or not all(map(judge, addresses)):
            raise Forbidden("It leads to an address that is not public.")
        return addresses


@dataclass(frozen=True, slots=True)
class _Target:
    secure: bool
    host: str
    port: int
    path: str


def _target(url: str, *, local: bool) -> _Target:
    """Where a URL leads. Raises Forbidden."""
    if not url.isascii() or any(each.isspace() or not each.isprintable() for each in url):
        raise Forbidden(
            "It is not a URL: it has a space or another character that URLs cannot have."
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Forbidden("It is not a URL.") from None
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise Forbidden("It must begin with `https://`.")
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise Forbidden("It must be `https://HOST/PATH`, without a user or a password.")
    secure = parts.scheme == "https"
    usual = http.client.HTTPS_PORT if secure else http.client.HTTP_PORT
    return _Target(secure, parts.hostname, port or usual, _path(parts))


def _path(parts: SplitResult) -> str:
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.path or '/'}{query}"


def _ask(
    connection: http.client.HTTPConnection, to: _Target, body: bytes, headers: Mapping[str, str]
) -> None:
    # Not `request`: it repeats what is wrong with a header in its exception.
    connection.putrequest("POST", to.path, skip_accept_encoding=True)
    own = {"User-Agent": USER_AGENT, "Content-Length": str(len(body)), "Connection": "close"}
    for name, value in {**headers, **own}.items():
        connection.putheader(name, value)
    connection.endheaders(body)


def _answer(response: http.client.HTTPResponse) -> Response:
    body = b""
    # The status decides: a body that trickles or breaks off does not undo that it was accepted.
    with contextlib.suppress(OSError, http.client.HTTPException):
        body = response.read(_KEPT_BYTES)
    return Response(response.status, response.getheader("Retry-After"), body)


def _named(error: OSError) -> str:
    """What kind of error it is; its own words may name the host."""
    return type(error).__name__


def _few(addresses: Sequence[str]) -> list[str]:
    six = [each for each in addresses if ":" in each][:_TRIED]
    four = [each for each in addresses if ":" not in each][:_TRIED]
    return [each for each in addresses if each in six or each in four]


def _within(seconds: float, look_up: Callable[[], Found]) -> Found:
    """What `look_up` returns or raises; TimeoutError if that takes longer.

    The system's resolver cannot be told how long it may take, and one that hangs is left behind.
    """
    answers: queue.SimpleQueue[Found | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put(look_up())
        except Exception as error:
            answers.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Timed:
    """A socket as http.client needs it, whose every step must end before `end`.

    A timeout of the socket alone would begin anew with each byte that trickles in.
    """

    def __init__(self, stream: socket.socket, end: float) -> None:
        self._stream = stream
        self._end = end

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._stream.settimeout(_left(self._end))
            view = view[self._stream.send(view) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self._stream, self._end))

    def close(self) -> None:
        """http.client closes it before the answer is read; who opened the stream closes it."""


class _Incoming(io.RawIOBase):
    def __init__(self, stream: socket.socket, end: float) -> None:
        self._stream = stream
        self._end = end
        self._room = _ANSWER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._room <= 0:
            raise http.client.HTTPException
        self._stream.settimeout(_left(self._end))
        count = self._stream.recv_into(buffer)
        self._room -= count
        return count
