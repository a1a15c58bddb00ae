"""The registry in memory as a client: what it counts, where it can fail, what it refuses."""

from __future__ import annotations

import ast
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from ecr_steward_cli import in_memory
from ecr_steward_cli.in_memory.images import MemoryEcr
from tests.support.waiting import PATIENCE
from tests.unit.in_memory.memory_images import digest, image, push, refused, registry


class CrashError(Exception):
    """The process dies here."""


def test_every_call_is_counted_the_refused_ones_too() -> None:
    """Calls are what a quota of ECR counts (ECR User Guide: Amazon ECR service quotas)."""
    ecr = registry()
    push(ecr, image("8.0.1"), "8.0.1")
    with refused("PutImage", "ImageAlreadyExistsException"):
        push(ecr, image("8.0.1"), "8.0.1")
    ecr.list_images(repositoryName="redis")
    ecr.tags("redis")
    assert ecr.calls == {"PutImage": 2, "ListImages": 1}


def test_before_can_throttle_a_call_which_then_has_no_effect() -> None:
    """ECR API: Common Error Types, ThrottlingException."""
    seen: list[tuple[str, dict[str, Any]]] = []

    def throttle(operation: str, parameters: dict[str, Any]) -> None:
        seen.append((operation, parameters))
        raise ClientError(
            {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, operation
        )

    bus: list[dict[str, Any]] = []
    ecr = registry(emit=bus.append)
    ecr.before = throttle
    with refused("PutImage", "ThrottlingException"):
        push(ecr, image("8.0.1"), "8.0.1")
    assert seen == [
        (
            "PutImage",
            {
                "repositoryName": "redis",
                "imageManifest": image("8.0.1"),
                "imageTag": "8.0.1",
            },
        )
    ]
    assert ecr.calls["PutImage"] == 1
    assert ecr.tags("redis") == {}
    assert bus == []


def test_after_can_crash_between_the_effect_and_its_answer() -> None:
    """A caller that never sees the answer meets the effect, and its event, later."""

    def crash(operation: str, parameters: dict[str, Any]) -> None:
        assert (operation, parameters["imageTag"]) == ("PutImage", "8.0.1")
        raise CrashError

    bus: list[dict[str, Any]] = []
    ecr = registry(emit=bus.append)
    ecr.after = crash
    with pytest.raises(CrashError):
        push(ecr, image("8.0.1"), "8.0.1")
    assert list(ecr.tags("redis")) == ["8.0.1"]
    assert len(bus) == 1


def test_after_is_not_called_for_what_was_refused() -> None:
    """A refused call has no effect to stop after."""
    done: list[str] = []
    ecr = registry(after=lambda operation, _: done.append(operation))
    done.clear()
    with refused("BatchGetImage", "RepositoryNotFoundException"):
        ecr.batch_get_image(repositoryName="absent", imageIds=[{"imageTag": "1"}])
    ecr.list_images(repositoryName="redis")
    assert done == ["ListImages"]


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({}, 'Missing required parameter in input: "repositoryName"'),
        ({"repositoryName": "redis", "tags": []}, 'Unknown parameter in input: "tags"'),
        ({"repositoryName": "redis", "nextToken": None}, "nextToken, value: None"),
    ],
)
def test_the_client_refuses_before_it_calls(parameters: dict[str, Any], complaint: str) -> None:
    """boto3: ParamValidationError; an argument given as None is not an argument left out."""
    ecr = registry()
    with pytest.raises(ParamValidationError, match=complaint):
        ecr.list_images(**parameters)
    assert ecr.calls == {}


def test_the_client_takes_keywords_only() -> None:
    """boto3: a client's methods only accept keyword arguments."""
    ecr = registry()
    with pytest.raises(TypeError, match="only accepts keyword arguments"):
        ecr.list_images("redis")  # type: ignore[call-arg]


def test_answers_and_errors_bear_their_metadata() -> None:
    """boto3: ResponseMetadata. ECR's refusals are HTTP 400 (ECR API: Common Error Types)."""
    ecr = registry()
    answer = ecr.list_images(repositoryName="redis")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    with refused("ListImages", "RepositoryNotFoundException") as caught:
        ecr.list_images(repositoryName="absent")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_caller_cannot_change_the_registry_through_an_answer() -> None:
    """An answer of boto3 is the caller's own."""
    ecr = registry()
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    ecr.tags("redis").clear()
    ecr.describe_images(repositoryName="redis")["imageDetails"][0]["imageTags"].append("x")
    ecr.list_images(repositoryName="redis")["imageIds"][0]["imageTag"] = "y"
    assert ecr.tags("redis") == {"8.0.1": pushed}
    [detail] = ecr.describe_images(repositoryName="redis")["imageDetails"]
    assert detail["imageTags"] == ["8.0.1"]


def test_tags_put_from_several_threads_all_arrive() -> None:
    """boto3 clients are thread-safe (Boto3 documentation: Multithreading with clients)."""
    bus: list[dict[str, Any]] = []
    ecr = registry(emit=bus.append)
    tags = [f"build-{number}" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda tag: push(ecr, image("8.0.1"), tag), tags))
    assert set(ecr.tags("redis")) == set(tags)
    assert ecr.calls["PutImage"] == len(tags)
    assert {event["detail"]["image-tag"] for event in bus} == set(tags)
    assert len({event["id"] for event in bus}) == len(tags)


def test_an_event_may_be_answered_from_another_thread() -> None:
    """A simulator's retag puts several tags in parallel while it handles an event."""

    def move_both(event: dict[str, Any]) -> None:
        if event["detail"]["image-tag"] == "8.0.1":
            with ThreadPoolExecutor(2) as pool:
                for tag in ("8.0", "8"):
                    pool.submit(push, ecr, image("8.0.1"), tag).result(timeout=PATIENCE)

    ecr = registry(emit=move_both)
    push(ecr, image("8.0.1"), "8.0.1")
    assert list(ecr.tags("redis")) == ["8.0.1", "8.0", "8"]


def test_only_the_exceptions_of_botocore_are_imported() -> None:
    """The simulator starts without boto3, whose import alone costs a fifth of a second."""
    room = Path(str(in_memory.__file__)).parent
    nodes = [node for file in room.glob("*.py") for node in ast.walk(ast.parse(file.read_text()))]
    modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    assert {name for name in modules if name and name.startswith("boto")} == {"botocore.exceptions"}


def seconds_for_pushes(ecr: MemoryEcr, name: str) -> float:
    """The shortest of five rounds of twenty pushes, each with its reads and moves."""
    rounds = []
    for turn in range(5):
        started = time.process_time()
        for number in range(20):
            manifest = image(f"{name} {turn} {number}")
            pushed = push(ecr, manifest, f"{name}-{turn}-{number}")
            ids = [{"imageDigest": pushed}, {"imageTag": "latest"}]
            ecr.batch_get_image(repositoryName="redis", imageIds=ids)
            ecr.describe_images(repositoryName="redis", imageIds=ids[:1])
            push(ecr, manifest, "latest")
            ecr.list_images(repositoryName="redis", maxResults=1)
        rounds.append(time.process_time() - started)
    return min(rounds)


def test_a_push_costs_the_same_in_a_large_repository() -> None:
    """Twenty thousand tags, where a search through them would cost hundreds of times as much."""
    ecr = registry()
    small = seconds_for_pushes(ecr, "small")
    for number in range(20_000):
        push(ecr, '{"mediaType": "m", "number": %d}' % number, f"build-{number}")  # noqa: UP031
    assert seconds_for_pushes(ecr, "large") < 5 * small


class Model:
    """A repository as two plain collections, and the registry it should agree with."""

    def __init__(self) -> None:
        self.ecr = registry()
        self.images: set[str] = set()
        self.tags: dict[str, str] = {}

    def put(self, name: str, tag: str | None) -> None:
        pushed = digest(image(name))
        if pushed in self.images and (tag is None or self.tags.get(tag) == pushed):
            with refused("PutImage", "ImageAlreadyExistsException"):
                push(self.ecr, image(name), tag)
        else:
            push(self.ecr, image(name), tag)
        self.images.add(pushed)
        if tag is not None:
            self.tags[tag] = pushed

    def delete_image(self, name: str) -> None:
        gone = digest(image(name))
        self.ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageDigest": gone}])
        self.images.discard(gone)
        self.tags = {tag: owner for tag, owner in self.tags.items() if owner != gone}

    def delete_tag(self, tag: str) -> None:
        self.ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageTag": tag}])
        owner = self.tags.pop(tag, None)
        if owner is not None and owner not in self.tags.values():
            self.images.discard(owner)

    def entries(self) -> set[tuple[str, str | None]]:
        untagged = self.images - set(self.tags.values())
        return {
            *((owner, tag) for tag, owner in self.tags.items()),
            *((each, None) for each in untagged),
        }


def listed(ecr: MemoryEcr, limit: int) -> list[tuple[str, str | None]]:
    entries: list[tuple[str, str | None]] = []
    more: dict[str, Any] = {}
    while True:
        answer = ecr.list_images(repositoryName="redis", maxResults=limit, **more)
        entries += [(each["imageDigest"], each.get("imageTag")) for each in answer["imageIds"]]
        if "nextToken" not in answer:
            return entries
        more = {"nextToken": answer["nextToken"]}


_TAGS = st.sampled_from(["a", "b", "c"])
_NAMES = st.sampled_from(["1", "2", "3", "4"])
_ACTS = st.one_of(
    st.tuples(st.just(Model.put), _NAMES, st.none() | _TAGS),
    st.tuples(st.just(Model.delete_image), _NAMES),
    st.tuples(st.just(Model.delete_tag), _TAGS),
)


@settings(max_examples=60, deadline=timedelta(seconds=2))
@given(acts=st.lists(_ACTS, max_size=25), limit=st.integers(1, 4))
def test_any_story_ends_where_a_plain_model_ends(acts: list[Any], limit: int) -> None:
    """ECR API: PutImage, BatchDeleteImage and ListImages, against a set and a dictionary."""
    model = Model()
    for act, *arguments in acts:
        act(model, *arguments)

    assert model.ecr.tags("redis") == model.tags
    entries = listed(model.ecr, limit)
    assert len(entries) == len(set(entries))
    assert set(entries) == model.entries()
