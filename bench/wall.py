"""How long a warm push takes on moto's ECR over loopback, against AWS's recipe and the floor."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from bench.calls import RULES
from bench.report import Row
from ecr_steward.ecr.images import MEDIA_TYPES
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.table import Table
from ecr_steward.history.tags import History
from ecr_steward.start.clients import PUTS_AT_ONCE
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import IMAGE_ACTION, Action, Hint
from ecr_steward_cli.in_memory.images import OCI_MANIFEST
from ecr_steward_cli.in_memory.retagger import retagger
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.dynamodb import create_history_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecr import ECRClient

SIZES = (10, 1_000)
MOST_OF_RECIPE = 1.0
MOST_OF_FLOOR = 1.35
STABLE = ("1.4", "1", "latest")
_TABLE = "history"
_PATIENCE = 30.0

Job = Callable[[str, str, str], None]
"""What moves the stable tags of a repository to the image just pushed: name, version, digest."""


@contextmanager
def moto_server() -> Iterator[str]:
    """A moto server of our own on a free port of loopback; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("The moto server did not start.")


class TimedPush:
    """A repository of `size` tags on the server, into which versions are pushed one by one."""

    def __init__(self, ecr: ECRClient, repository: str, size: int, job: Job) -> None:
        self._ecr = ecr
        self._repository = repository
        self._job = job
        self._patch = 0
        ecr.create_repository(repositoryName=repository)
        for i in range(size - len(STABLE) - 1):
            self._put(f"0.{i // 100}.{i % 100}")
        self.time()

    def time(self) -> float:
        """Seconds from the pushed image to its moved tags; the image before it is deleted, so
        that the repository keeps its size."""
        version = f"1.4.{self._patch}"
        digest = self._put(version)
        begin = time.perf_counter()
        self._job(self._repository, version, digest)
        seconds = time.perf_counter() - begin
        self._check(digest)
        if self._patch:
            before = f"1.4.{self._patch - 1}"
            self._ecr.batch_delete_image(
                repositoryName=self._repository, imageIds=[{"imageTag": before}]
            )
        self._patch += 1
        return seconds

    def _put(self, version: str) -> str:
        config = f'{{"mediaType":"application/vnd.oci.image.config.v1+json","note":"{version}"}}'
        manifest = (
            f'{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{config},"layers":[]}}'
        )
        # moto takes the digest it is given, and makes another of its own where it is given none.
        digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
        self._ecr.put_image(
            repositoryName=self._repository,
            imageManifest=manifest,
            imageManifestMediaType=OCI_MANIFEST,
            imageTag=version,
            imageDigest=digest,
        )
        return digest

    def _check(self, digest: str) -> None:
        answer = self._ecr.describe_images(
            repositoryName=self._repository, imageIds=[{"imageDigest": digest}]
        )
        missing = set(STABLE) - set(answer["imageDetails"][0]["imageTags"])
        if missing:
            raise RuntimeError(f"{self._repository}: {sorted(missing)} did not move.")


def floor(ecr: ECRClient) -> Job:
    """One BatchGetImage, then one PutImage per tag: what nobody can do without."""

    def move(repository: str, version: str, digest: str) -> None:
        ids: Any = [{"imageDigest": digest}]
        got = ecr.batch_get_image(
            repositoryName=repository, imageIds=ids, acceptedMediaTypes=MEDIA_TYPES
        )
        for tag in STABLE:
            _put_on(ecr, repository, got["images"][0]["imageManifest"], tag)

    return move


def recipe(ecr: ECRClient) -> Job:
    """AWS's recipe per tag: batch-get-image by tag, put-image (ECR User Guide: Retagging)."""

    def move(repository: str, version: str, digest: str) -> None:
        for tag in STABLE:
            got = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": version}])
            _put_on(ecr, repository, got["images"][0]["imageManifest"], tag)

    return move


def _put_on(ecr: ECRClient, repository: str, manifest: str, tag: str) -> None:
    ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag)


def steward(ecr: ECRClient, table: Table, pool: ThreadPoolExecutor) -> Job:
    """The deployed code: what RetagFunction does with one push."""
    tagger = retagger(
        ecr, lambda: datetime.now(UTC), RULES, history=History(table), spread=pool.map
    )

    def move(repository: str, version: str, digest: str) -> None:
        cause = Cause(f"{repository}:{version}", IMAGE_ACTION)
        hint = Hint(repository, Action.PUSH, version, digest, cause, datetime.now(UTC))
        tagger.visit(repository, [hint])

    return move


def measure(sizes: Sequence[int], times: int, progress: Callable[[str], None]) -> list[Row]:
    """The rows of the report: in every round each way does one push, in turn."""
    group = "a warm push that moves 3 tags, on moto over loopback"
    rows: list[Row] = []
    with moto_server() as address, ThreadPoolExecutor(PUTS_AT_ONCE) as pool:
        ecr: ECRClient = _client("ecr", address)
        table = _dynamo_table(_client("dynamodb", address))
        ways = {
            "floor": floor(ecr),
            "recipe": recipe(ecr),
            "steward": steward(ecr, MemoryTable(), pool),
            "steward-dynamodb": steward(ecr, table, pool),
        }
        for size in sizes:
            progress(f"filling repositories of {size:,} tags")
            pushes = {
                name: TimedPush(ecr, f"base/{name}-{size}", size, job) for name, job in ways.items()
            }
            seconds: dict[str, list[float]] = {name: [] for name in ways}
            progress(f"pushes at {size:,} tags")
            for _ in range(times):
                for name, push in pushes.items():
                    seconds[name].append(push.time() * 1000)
            for what, name, other, most in (
                ("history in memory, over AWS's recipe", "steward", "recipe", MOST_OF_RECIPE),
                ("history in memory, over the floor", "steward", "floor", MOST_OF_FLOOR),
                ("history on moto's DynamoDB, over the recipe", "steward-dynamodb", "recipe", None),
                ("AWS's recipe, over the floor", "recipe", "floor", None),
            ):
                what = f"{what}, {size:,} tags"
                rows.append(Row.compared(group, what, "ms", seconds[name], seconds[other], most))
    return rows


def _client(service: Any, address: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=address,
        region_name="eu-west-1",
        aws_access_key_id="measured",
        aws_secret_access_key="measured",
        config=Config(max_pool_connections=PUTS_AT_ONCE),
    )


def _dynamo_table(dynamodb: DynamoDBClient) -> DynamoTable:
    create_history_table(dynamodb, _TABLE)
    return DynamoTable(dynamodb, _TABLE)
