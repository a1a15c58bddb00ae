"""One POST: to public addresses only, checked once, bounded in time and size."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ecr_steward.messages.send.http import Forbidden, Http, Unreachable
from local.receiver import Answer, Receiver

pytestmark = pytest.mark.enable_socket

PUBLIC = "52.94.236.248"
SECRET = "T0PSECRET"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def resolving(*addresses: str) -> Callable[..., list[Any]]:
    """A name service that knows these addresses for every name."""

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, 1, 6, "", (each, port))
            for each in addresses
        ]

    return resolve


def no_connection(*_: Any, **__: Any) -> Any:
    raise AssertionError("a connection was made")


# What is sent, what comes back


def test_a_post_arrives_as_it_is_and_its_answer_comes_back(receiver: Receiver) -> None:
    receiver.script("/hook?a=b", [Answer(201, {"Retry-After": "7"}, b"made")])
    answer = Http(local=True).post(
        receiver.url("/hook?a=b"), '{"text": "é"}'.encode(), {"Content-Type": "application/json"}
    )
    assert (answer.status, answer.retry_after, answer.body) == (201, "7", b"made")
    (arrived,) = receiver.received()
    assert arrived.path == "/hook?a=b"
    assert arrived.json() == {"text": "é"}
    assert arrived.headers["content-type"] == "application/json"
    assert arrived.headers["user-agent"] == "ecr-steward"
    assert arrived.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_an_address_without_a_path_is_that_of_its_root(receiver: Receiver) -> None:
    Http(local=True).post(receiver.url(""), b"{}", {})
    assert [each.path for each in receiver.received()] == ["/"]


def test_no_proxy_of_the_environment_is_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    assert Http(local=True).post(receiver.url(), b"{}", {}).status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver, status: int) -> None:
    elsewhere = receiver.url("/elsewhere")
    receiver.script("/", [Answer(status, {"Location": elsewhere}, b"")])
    assert Http(local=True).post(receiver.url(), b"{}", {}).status == status
    assert receiver.received("/elsewhere") == []


def test_of_a_long_answer_the_beginning_is_read(receiver: Receiver) -> None:
    receiver.script("/", [Answer(body=b"x" * 1_000_000)])
    assert Http(local=True).post(receiver.url(), b"{}", {}).body == b"x" * 2048


def test_headers_without_end_are_no_answer(receiver: Receiver) -> None:
    receiver.script("/", [Answer(headers={f"X-{n}": "x" * 900 for n in range(90)})])
    with pytest.raises(Unreachable, match="not HTTP"):
        Http(local=True).post(receiver.url(), b"{}", {})


def test_a_message_too_large_is_not_sent(receiver: Receiver) -> None:
    with pytest.raises(Forbidden, match="larger than 512 KiB"):
        Http(local=True).post(receiver.url(), b"x" * 600_000, {})
    assert receiver.received() == []


# Time


def test_who_does_not_answer_in_time_is_given_up(receiver: Receiver) -> None:
    receiver.script("/", [Answer(pause=600)])
    with pytest.raises(Unreachable, match=r"did not answer within 0\.3 seconds"):
        Http(local=True, seconds=0.3).post(receiver.url(), b"{}", {})


def test_headers_that_trickle_do_not_begin_the_time_anew() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 600:
                        connection.send(bytes([byte]))
                        time.sleep(0.1)
                except OSError:
                    return

        threading.Thread(target=drip, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(Unreachable, match="did not answer"):  # its end would be not HTTP
            Http(local=True, seconds=0.5).post(url, b"{}", {})


def test_once_it_was_accepted_a_body_that_trickles_costs_time_and_nothing_else(
    receiver: Receiver,
) -> None:
    receiver.script("/", [Answer(body=b"x" * 600, drip=1)])
    answer = Http(local=True, seconds=2).post(receiver.url(), b"{}", {})
    assert answer.status == 200
    assert len(answer.body) < 600


def test_a_name_that_takes_too_long_to_look_up_is_given_up() -> None:
    stuck = threading.Event()
    http = Http(seconds=0.2, resolve=lambda *_, **__: (stuck.wait(600) and []) or [])
    with pytest.raises(Unreachable, match="did not answer"):
        http.post("https://hooks.example/x", b"{}", {})
    stuck.set()


def test_who_hangs_up_or_is_not_there_is_unreachable(receiver: Receiver) -> None:
    receiver.script("/", [Answer(hang_up=True)])
    with pytest.raises(Unreachable):
        Http(local=True).post(receiver.url(), b"{}", {})
    with socket.socket() as absent:  # it keeps its port, and does not listen
        absent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{absent.getsockname()[1]}/"
        with pytest.raises(Unreachable, match=r"connection failed \(ConnectionRefusedError\)"):
            Http(local=True).post(url, b"{}", {})


# Where to


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://hooks.example/x", "must begin with `https://`"),
        ("ftp://hooks.example/x", "must begin with `https://`"),
        ("hooks.example/x", "must begin with `https://`"),
        ("", "must begin with `https://`"),
        ("https://", "without a user or a password"),
        ("https:///path", "without a user or a password"),
        ("https://user:pw@hooks.example/", "without a user or a password"),
        ("https://user@hooks.example/", "without a user or a password"),
        ("https://hooks.example:99999/", "not a URL"),
        ("https://hooks.example:x/", "not a URL"),
        ("https://[::1/", "not a URL"),
        ("https://hooks.example/a b", "a space or another character"),
        ("https://hooks.example/\r\nHost: evil", "a space or another character"),
        ("https://hooks.example/\x00", "a space or another character"),
        ("https://hööks.example/", "a space or another character"),
    ],
)
def test_what_is_no_https_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str, sentence: str
) -> None:
    monkeypatch.setattr(socket, "create_connection", no_connection)
    with pytest.raises(Forbidden, match=sentence) as caught:
        Http(resolve=no_connection).post(url, b"{}", {})
    assert "example" not in str(caught.value)


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["fd00:ec2::254"],
        ["::ffff:169.254.169.254"],
        ["64:ff9b::a9fe:a9fe"],
        [PUBLIC, "10.1.2.3"],
        ["::1", PUBLIC],
        [],
    ],
)
def test_a_name_with_any_address_that_is_not_public_is_refused(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    monkeypatch.setattr(socket, "create_connection", no_connection)
    with pytest.raises(Forbidden, match="leads to an address that is not public"):
        Http(resolve=resolving(*addresses)).post("https://hooks.example/x", b"{}", {})


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]", "localhost", "[::ffff:7f00:1]"]
)
def test_this_machine_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises((Forbidden, Unreachable)):
        Http().post(f"https://{host}/x", b"{}", {})


def test_the_connection_goes_to_the_address_that_was_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second look-up may say something else (DNS rebinding); there is none."""
    looked_up: list[str] = []
    connected: list[Any] = []
    answers = iter([[PUBLIC], ["169.254.169.254"]])

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        looked_up.append(host)
        return resolving(*next(answers))(host, port)

    def connect(address: Any, timeout: float) -> Any:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Unreachable):
        Http(resolve=resolve).post("https://hooks.example:8443/x", b"{}", {})
    assert (looked_up, connected) == (["hooks.example"], [(PUBLIC, 8443)])


def test_further_addresses_of_a_name_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[str] = []

    def connect(address: Any, timeout: float) -> Any:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    six = [f"2600:1f18::{n}" for n in range(1, 9)]
    four = [f"52.94.236.{n}" for n in range(9)]
    with pytest.raises(Unreachable):
        Http(resolve=resolving(*six, *four)).post("https://hooks.example/", b"{}", {})
    assert connected == [*six[:2], *four[:2]]


def test_local_means_plain_http_to_this_machine_and_nothing_else(receiver: Receiver) -> None:
    for address in ("10.0.0.1", PUBLIC, "169.254.169.254"):
        with pytest.raises(Forbidden):
            Http(local=True, resolve=resolving(address)).post("http://hooks.example/", b"{}", {})
    with pytest.raises(Forbidden):
        Http(local=True).post(f"https://127.0.0.1:{receiver.port}/", b"{}", {})
    with pytest.raises(Forbidden):
        Http().post(receiver.url(), b"{}", {})
    assert receiver.received() == []


# TLS


class Tls:
    """A server with a certificate for hooks.example, and the authority behind it."""

    def __init__(self, folder: Path) -> None:
        self.authority = folder / "ca.pem"
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example")])
        now = datetime.datetime.now(datetime.UTC)
        names = [x509.DNSName("hooks.example"), x509.IPAddress(ipaddress.ip_address("::1"))]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        keys = folder / "key.pem"
        keys.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.asked: list[str | None] = []
        self.received = b""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority, keys)
        context.sni_callback = lambda _, name, __: self.asked.append(name)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._context = context
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._server.accept()
                with plain, self._context.wrap_socket(plain, server_side=True) as stream:
                    # Closed with something unread, a connection takes the answer with it.
                    self.received = received = stream.recv(65536)
                    while received and not self.received.endswith(b"\r\n\r\n{}"):
                        received = stream.recv(65536)
                        self.received += received
                    stream.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            except ssl.SSLError:
                continue
            except OSError:
                return

    def close(self) -> None:
        self._server.close()

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[Tls]:
    server = Tls(tmp_path)
    yield server
    server.close()


def test_the_names_certificate_is_asked_for_and_verified(tls: Tls) -> None:
    http = Http(resolve=resolving("127.0.0.1"), allowed=lambda address: True, context=tls.trusting)
    assert http.post(f"https://hooks.example:{tls.port}/x", b"{}", {}).status == 204
    assert tls.asked == ["hooks.example"]
    assert f"\r\nHost: hooks.example:{tls.port}\r\n".encode() in tls.received


def test_a_certificate_of_another_name_or_of_nobody_is_refused(tls: Tls) -> None:
    http = Http(resolve=resolving("127.0.0.1"), allowed=lambda address: True, context=tls.trusting)
    with pytest.raises(Forbidden, match="certificate cannot be trusted") as caught:
        http.post(f"https://other.example:{tls.port}/x", b"{}", {})
    assert "example" not in str(caught.value)
    unknown = Http(resolve=resolving("127.0.0.1"), allowed=lambda address: True)
    with pytest.raises(Forbidden, match="certificate cannot be trusted"):
        unknown.post(f"https://hooks.example:{tls.port}/x", b"{}", {})
    assert tls.received == b""


def test_plain_text_instead_of_tls_is_unreachable(receiver: Receiver) -> None:
    http = Http(resolve=resolving("127.0.0.1"), allowed=lambda address: True, seconds=2)
    with pytest.raises(Unreachable):
        http.post(f"https://hooks.example:{receiver.port}/x", b"{}", {})


# What is said


@pytest.mark.parametrize(
    "url",
    [
        f"https://{SECRET}.example/services/{SECRET}",
        f"https://{SECRET}:x@hooks.example/",
        f"https://hooks.example/{SECRET} x",
        f"http://{SECRET}.example/",
    ],
)
def test_no_exception_holds_the_address(url: str) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        raise socket.gaierror(f"{host} is not known")

    with pytest.raises((Forbidden, Unreachable)) as caught:
        Http(resolve=resolve).post(url, b"{}", {})
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET.lower() not in str(error).lower()
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
