"""What is under way in ministack: everything from the moment it is asked for until it is done."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.ministack_server import (
    WORK,
    Counter,
    counted_threads,
    in_turn,
    mapped,
    of_one_metric,
    telling,
    unpacked_once,
    waiting,
    with_texts,
)
from tests.support.waiting import PATIENCE


def nothing() -> dict[str, int]:
    return {}


def test_functions_at_work_are_under_way_even_when_they_fail() -> None:
    counter = Counter()

    def fail() -> None:
        assert waiting(counter, nothing) == {"functions": 1}
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        counter.around(fail)()
    assert waiting(counter, nothing) == {}


def test_a_function_that_ran_while_the_sources_were_read_was_under_way() -> None:
    counter = Counter()

    def sources() -> dict[str, int]:
        counter.around(nothing)()  # it may have filled what was read before
        return {}

    assert waiting(counter, sources) == {"functions": 1}


def test_a_thread_is_under_way_from_its_start_to_its_end() -> None:
    counter, may_end = Counter(), threading.Event()
    thread = counted_threads(counter).Thread(target=may_end.wait)
    assert waiting(counter, nothing) == {}
    thread.start()
    assert waiting(counter, nothing) == {"functions": 1}
    may_end.set()
    thread.join()
    assert waiting(counter, nothing) == {}


def test_a_thread_with_a_name_lasts_and_is_not_waited_for() -> None:
    counter, may_end = Counter(), threading.Event()
    thread = counted_threads(counter).Thread(target=may_end.wait, name="reaper")
    thread.start()
    assert waiting(counter, nothing) == {}
    may_end.set()
    thread.join()


@contextlib.contextmanager
def scope(account: str, region: str) -> Iterator[None]:
    yield


QUEUE = "arn:aws:sqs:eu-west-1:1:RetagQueue"
STREAM = "arn:aws:dynamodb:eu-west-1:1:table/History/stream/2026"


def found(queued: int, written: int, read: int, *, enabled: bool = True) -> dict[str, int]:
    mappings = [
        ("1", "eu-west-1", {"UUID": arn, "EventSourceArn": arn, "Enabled": enabled})
        for arn in (QUEUE, STREAM)
    ]
    lambdas = SimpleNamespace(
        _iter_all_esms=lambda: mappings, _dynamodb_stream_positions={STREAM: read}
    )
    queues = SimpleNamespace(_queue_by_arn={QUEUE: {"messages": ["m"] * queued}}.get)
    tables = SimpleNamespace(stream_end_position={"History": written}.get)
    sources = mapped(lambdas, queues, tables, scope)
    return {name: count for name, count in sources if count}


def test_what_waits_in_queues_and_streams_is_under_way() -> None:
    assert found(2, 7, 4) == {"RetagQueue": 2, "stream of History": 3}
    assert found(0, 7, 7) == {}


def test_what_nobody_takes_out_rests() -> None:
    assert found(2, 7, 4, enabled=False) == {}


def test_calls_of_one_function_take_turns_and_hold_up_no_other() -> None:
    inside, may_end = threading.Semaphore(0), threading.Event()
    most: list[int] = []
    at_work: list[str] = []

    def function(record: dict[str, Any]) -> None:
        name = (record.get("config") or record)["FunctionName"]
        at_work.append(name)
        most.append(at_work.count("busy"))
        inside.release()
        may_end.wait(PATIENCE)
        at_work.remove(name)

    call = in_turn(function, 2)
    threads = [threading.Thread(target=call, args=({"FunctionName": "busy"},)) for _ in range(5)]
    threads.append(threading.Thread(target=call, args=({"config": {"FunctionName": "other"}},)))
    for thread in threads:
        thread.start()
    for _ in range(3):
        assert inside.acquire(timeout=PATIENCE)
    may_end.set()
    for thread in threads:
        thread.join()
    assert max(most) == 2


def test_an_archive_is_unpacked_once_and_shared(tmp_path: Path) -> None:
    archive = tmp_path / "layer.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("python/layer.py", "x = 1")
    once = unpacked_once(tmp_path / "unpacked")
    for worker in ("one", "two"):
        (tmp_path / worker).mkdir()
        with once.ZipFile(archive) as layer:
            layer.extractall(tmp_path / worker)
    one, two = (tmp_path / worker / "python" / "layer.py" for worker in ("one", "two"))
    assert one.read_text() == "x = 1"
    assert one.samefile(two)


def asked(path: str) -> list[Any]:
    sent: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send("ministack's own")

    async def send(message: Any) -> None:
        sent.append(message)

    tell = telling(app, lambda: {"waiting": {}})

    async def ask() -> None:
        await tell({"type": "http", "path": path}, None, send)

    asyncio.run(ask())
    return sent


def test_it_tells_at_one_path_and_is_ministack_at_all_others() -> None:
    start, body = asked(WORK)
    assert start["status"] == 200
    assert json.loads(body["body"]) == {"waiting": {}}
    assert asked("/") == ["ministack's own"]


@pytest.mark.parametrize(
    ("sources", "named"), [("", False), ("ecs", True), ("eks,ecs", True), ("ecs-import", False)]
)
def test_conditions_on_a_list_of_names_are_given_as_texts(sources: str, named: bool) -> None:
    whole = {"Fn::Join": ["", [",", {"Fn::Join": [",", {"Ref": "Sources"}]}, ","]]}
    first = {"Fn::Select": [0, {"Fn::Split": [",ecs,", whole]}]}
    template = {"Conditions": {"Ecs": {"Fn::Equals": [whole, first]}}}
    asked: list[dict[str, Any]] = []
    with_texts(lambda template, params: asked.append(template))(
        template, {"Sources": {"Value": sources}}
    )
    one, other = asked[0]["Conditions"]["Ecs"]["Fn::Equals"]
    assert (one != other) is named


def test_an_alarm_that_computes_watches_the_first_of_its_metrics() -> None:
    seen: list[dict[str, Any]] = []
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Throttles"}
    computed = [
        {"Expression": "SUM(METRICS())"},
        {"MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}},
    ]
    record = of_one_metric(lambda name, properties: seen.append(properties))
    record("a", {"Threshold": 1, "Metrics": computed})
    record("b", {"Threshold": 1, **metric, "Period": 60})
    assert seen == [
        {"Threshold": 1, **metric, "Period": 300},
        {"Threshold": 1, **metric, "Period": 60},
    ]
