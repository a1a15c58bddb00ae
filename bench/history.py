"""`ecr-steward history` of a repository with a million records.

`python -m bench.history PORT RECORDS` answers as DynamoDB does, in pages of 1 MB and by the index;
its records are made when they are asked for, so that what is measured is the command's own part.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.config import Config
from click.testing import CliRunner

from bench.report import Row
from ecr_steward.history.dynamo import write
from ecr_steward.history.facts import fact_item, partition_of
from ecr_steward.history.table import Item
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.reading import iso
from ecr_steward_cli.commands.history import history
from ecr_steward_cli.deployed.stack import Outside
from local import processes

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY, DORMANT = "base/redis", "0.9"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
MOST_SECONDS = 1.0
PAGE = 1024 * 1024
"""Bytes of a page (DynamoDB API: Query)."""

_LINES = 200
"""Stable tags of the repository, which move in turn, a minute apart."""


class LongPast:
    """The history's table, with so many records of one repository; the third of them is all there
    is of a tag that nobody pushes any more. `calls` counts the operations.
    """

    def __init__(self, records: int) -> None:
        self._all = range(records)
        self._began = NOW - timedelta(minutes=records)
        self.calls: Counter[str] = Counter()

    def answer(self, operation: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What DynamoDB answers."""
        self.calls[operation] += 1
        if operation != "Query":
            return {"Responses": {}, "UnprocessedKeys": {}}
        values = {name: value["S"] for name, value in asked["ExpressionAttributeValues"].items()}
        if ":first" not in values:
            return {"Items": self._marks() if values.get(":sk") == "mark#" else []}
        found = self._of(values[":key"]) if "IndexName" in asked else self._all
        low = bisect.bisect_left(found, values[":first"], key=self._sk)
        start = asked.get("ExclusiveStartKey")
        high = bisect.bisect_right(found, values[":last"], key=self._sk)
        forward = asked.get("ScanIndexForward", True)
        if start is not None and forward:
            low = bisect.bisect_right(found, start["sk"]["S"], key=self._sk)
        elif start is not None:
            high = bisect.bisect_left(found, start["sk"]["S"], key=self._sk)
        within = found[low:high]
        return self._page(within if forward else reversed(within))

    def _marks(self) -> list[dict[str, Any]]:
        """A mark for the tag that nobody pushes any more, as for each stable tag."""
        body = {"unique": "1.2.2", "digest": _digest(2), "placed": True}
        return [write(Item(partition_of(REPOSITORY), f"mark#{DORMANT}", body))]

    def _page(self, found: Iterable[int]) -> dict[str, Any]:
        items: list[dict[str, Any]] = []
        size = 0
        for number in found:
            items.append(write(fact_item(self._fact(number))))
            size += len(json.dumps(items[-1]))
            if size > PAGE:
                keys = {name: items[-1][name] for name in ("pk", "sk", "subject")}
                return {"Items": items, "LastEvaluatedKey": keys}
        return {"Items": items}

    def _of(self, subject: str) -> Sequence[int]:
        """The records about a tag, which the index has."""
        tag = subject.removeprefix(f"{partition_of(REPOSITORY)}:")
        if tag == DORMANT:
            return [2]
        return range(int(tag.removeprefix("1.")), len(self._all), _LINES)

    def _sk(self, number: int) -> str:
        return fact_item(self._fact(number)).sk

    def _fact(self, number: int) -> Fact:
        line = f"1.{number % _LINES}"
        return Fact(
            kind=FactKind.MOVE,
            cause=Cause(f"11111111-{number}", "ECR Image Action"),
            account="123456789012",
            region="eu-west-1",
            repository=REPOSITORY,
            mode="enforce",
            rule="0: base/*",
            rules="3a92dae3b84f",
            reason=f"`{line}` goes to {line}.{number}, the highest of {line}.*.",
            time=iso(self._began + timedelta(minutes=number)),
            tag=DORMANT if number == 2 else line,
            digest=_digest(number),
            before=_digest(number - _LINES),
            after_tags=(f"{line}.{number}",),
            before_tags=(f"{line}.{number - _LINES}",),
        )


def _digest(number: int) -> str:
    return f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}"


def serve(past: LongPast, port: int) -> None:
    """Answer for the table, on the loopback, until stopped."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(past.answer(self.headers["X-Amz-Target"].rpartition(".")[2], asked))

        def do_GET(self) -> None:
            self._answer({})

        def log_message(self, *said: Any) -> None:
            pass

        def _answer(self, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.end_headers()
            self.wfile.write(body)

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


@dataclass(frozen=True, slots=True)
class Question:
    """Something that people ask of history, what the answer has in it, and the pages that it takes:
    one of what was told and one of what was kept quietly, and who holds what."""

    what: str
    asked: tuple[str, ...]
    found: str
    pages: int


_HOUR = ("--since", "2026-11-20T12:00:00Z", "--until", "2026-11-20T13:00:00Z")
QUESTIONS = (
    Question("the newest 50 of a repository", (REPOSITORY,), "1.199.999999", 3),
    Question("the newest 50 of a tag", (f"{REPOSITORY}:1.7",), "1.7.999807", 3),
    Question("a tag that was moved once, long ago", (f"{REPOSITORY}:{DORMANT}",), "1.2.2", 3),
    Question(
        "what a tag was, one Friday at noon",
        (f"{REPOSITORY}:1.7", "--at", "2026-11-20T12:00:00Z"),
        "1.7 was on 1.7.",
        2,
    ),
    Question(
        "what that tag was then",
        (f"{REPOSITORY}:{DORMANT}", "--at", "2026-11-20T12:00:00Z"),
        "0.9 was on 1.2.2",
        2,
    ),
    Question(
        "what each tag was then",
        (REPOSITORY, "--at", "2026-11-20T12:00:00Z"),
        "0.9 was on 1.2.2",
        6,
    ),
    Question("an hour of a repository", (REPOSITORY, *_HOUR), "2026-11-20 12:30:00Z", 3),
)


def ask(question: Question, dynamodb: Any) -> str:
    """What the command prints, over a client of DynamoDB; raises where it fails."""
    clients = {"cloudformation": _Stack(), "dynamodb": dynamodb}
    outside = Outside(client=clients.__getitem__, now=lambda: NOW)
    result = CliRunner().invoke(history, question.asked, obj=outside, catch_exceptions=False)
    if result.exit_code:
        raise RuntimeError(f"{question.what}: {result.output}")
    return result.stdout


class _Stack:
    """CloudFormation, with a stack whose history is the table."""

    meta = SimpleNamespace(region_name="eu-west-1")

    def describe_stacks(self, **asked: Any) -> dict[str, Any]:
        output = {"OutputKey": "HistoryTableName", "OutputValue": "history"}
        stack = {"StackStatus": "CREATE_COMPLETE", "CreationTime": NOW, "Outputs": [output]}
        return {"Stacks": [stack]}


def dynamodb_at(endpoint: str) -> Any:
    """boto3's client of a DynamoDB of one's own."""
    return boto3.client(
        "dynamodb",
        region_name="eu-west-1",
        endpoint_url=endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(proxies={}),
    )


def measure(records: int, repeat: int, progress: Callable[[str], None]) -> list[Row]:
    """How long each question takes, where the repository has so many records."""
    progress(f"history of {records:,} records")
    (port,) = processes.free_ports(1)
    endpoint = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="ecr-steward-bench-") as folder:
        log = Path(folder) / "server.log"
        command = [sys.executable, "-m", "bench.history", str(port), str(records)]
        server = processes.start(command, {"PYTHONPATH": str(ROOT)}, log)
        try:
            processes.wait_for(server, "DynamoDB", lambda: _answers(endpoint), log, 60.0)
            return [_row(question, records, repeat, endpoint) for question in QUESTIONS]
        finally:
            server.stop()


def _answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(endpoint).close()  # noqa: S310
    except OSError:
        return False
    return True


def _row(question: Question, records: int, repeat: int, endpoint: str) -> Row:
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        ask(question, dynamodb_at(endpoint))
        times.append(time.perf_counter() - began)
    seconds = statistics.median(times)
    group = f"history of a repository with {records:,} records"
    goal = f"< {MOST_SECONDS:.0f} s"
    return Row(group, question.what, seconds, "s", goal=goal, met=seconds < MOST_SECONDS)


if __name__ == "__main__":
    serve(LongPast(int(sys.argv[2])), int(sys.argv[1]))
