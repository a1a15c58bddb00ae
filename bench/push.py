"""How long a push takes as deployed, its history included, at latencies like AWS's."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from moto import mock_aws

from bench.report import Row
from bench.wall import STABLE, Job, TimedPush, recipe, steward
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.table import Item, Key, Put, Table, Write
from ecr_steward.start.clients import PUTS_AT_ONCE
from ecr_steward_cli.in_memory.table import MemoryTable

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

SIZE = 10
MOST_OF_RECIPE = 0.60
MOST_OF_CHAIN = 1.10

ECR_SECONDS = {"BatchGetImage": 0.040, "DescribeImages": 0.060, "PutImage": 0.080}
"""What these calls take from a function in the same Region."""

DYNAMODB_SECONDS = 0.006

_FACT = "x" * 900
"""As long as a fact in the table."""


def chain(ecr: ECRClient, table: Table, pool: ThreadPoolExecutor) -> Job:
    """The calls of a push that moves three tags, each waiting for the one before, and nothing else:
    recall, read, describe, announce, put, close. None can be left out or made earlier."""
    registry = EcrRegistry(ecr)

    def move(repository: str, version: str, digest: str) -> None:
        pk = f"chain#{repository}"
        kept = [f"{what}#{tag}" for tag in STABLE for what in ("mark", "hold", "taken")]
        table.get([(pk, sk) for sk in (*kept, "unique", "open", "led", "pull-through")])
        manifest = registry.fetch(repository, [digest], STABLE).manifests[digest]
        registry.describe(repository, [digest])
        table.put_all([Item(pk, "open", [_FACT] * len(STABLE))])
        list(pool.map(lambda tag: registry.put(repository, manifest, tag), STABLE))
        facts = [Put(Item(pk, f"fact#{version}#{tag}", _FACT)) for tag in STABLE]
        marks = [Put(Item(pk, f"mark#{tag}", version)) for tag in STABLE]
        rest = [Put(Item(pk, sk, version)) for sk in ("open", "led", f"unique#{version}")]
        table.transact([*facts, *marks, *rest])

    return move


def measure(times: int, progress: Callable[[str], None]) -> list[Row]:
    """The rows of the report: in every round each way does one push, in turn."""
    group = "a push that moves 3 tags, as deployed, at AWS's latencies"
    table = FarTable()
    with _aws() as (near, ecr), ThreadPoolExecutor(PUTS_AT_ONCE) as pool:
        ways = {
            "steward": steward(ecr, table, pool),
            "recipe": recipe(ecr),
            "chain": chain(ecr, table, pool),
        }
        progress("pushes at AWS's latencies")
        pushes = {name: TimedPush(near, f"base/{name}", SIZE, job) for name, job in ways.items()}
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(times):
            for name, push in pushes.items():
                seconds[name].append(push.time() * 1000)
    return [
        Row.compared(group, what, "ms", seconds["steward"], seconds[other], most)
        for what, other, most in (
            ("history included, over AWS's recipe", "recipe", MOST_OF_RECIPE),
            ("history included, over the chain of calls alone", "chain", MOST_OF_CHAIN),
        )
    ]


class FarTable(MemoryTable):
    """The history's table at DynamoDB's latency: moto's copies all of a table for a transaction."""

    def get(self, keys: Collection[Key]) -> dict[Key, Item]:
        time.sleep(DYNAMODB_SECONDS)
        return super().get(keys)

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        time.sleep(DYNAMODB_SECONDS)
        return super().query(pk, prefix)

    def transact(self, writes: Sequence[Write]) -> None:
        time.sleep(DYNAMODB_SECONDS)
        super().transact(writes)

    def put_all(self, items: Iterable[Item]) -> None:
        time.sleep(DYNAMODB_SECONDS)
        super().put_all(items)


@contextmanager
def _aws() -> Iterator[tuple[ECRClient, ECRClient]]:
    """moto's ECR in this process: a client without latency, and one with."""
    with mock_aws():
        far = _client()
        for operation, seconds in ECR_SECONDS.items():
            _delay(far, operation, seconds)
        yield _client(), far


def _delay(client: ECRClient, operation: str, seconds: float) -> None:
    """Let these calls take so long, before moto answers them."""

    def wait(**_: Any) -> None:
        time.sleep(seconds)

    client.meta.events.register_first(f"before-send.ecr.{operation}", wait)


def _client() -> ECRClient:
    return boto3.client(
        "ecr",
        region_name="eu-west-1",
        aws_access_key_id="measured",
        aws_secret_access_key="measured",
        config=Config(max_pool_connections=PUTS_AT_ONCE),
    )
