"""Lists of running images, as people and other tools write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_steward_cli.given.image_lists import UnreadableImages, listed_images

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "a1" * 32
REDIS = f"{HOST}/base/redis@{DIGEST}"


def pod(*statuses: dict[str, Any], kind: str = "ReplicaSet", **more: Any) -> dict[str, Any]:
    owner = {"kind": kind, "name": "web-5d4f8c7b9"}
    about = {"namespace": "shop", "name": "web-5d4f8c7b9-x2x4z", "ownerReferences": [owner]}
    return {"kind": "Pod", "metadata": about, "status": {"containerStatuses": statuses, **more}}


def test_a_list_has_an_image_a_line() -> None:
    found = listed_images(f"# what runs\n{REDIS}\n\nnginx:1.25\ndocker-pullable://{REDIS}\n")
    assert [each.uri.digest for each in found] == [DIGEST, DIGEST]


def test_an_array_of_json_is_the_same_list() -> None:
    found = listed_images(json.dumps([REDIS, f"{HOST}/shop:1.4", "postgres:16"]))
    assert [(each.uri.repository, each.uri.tag) for each in found] == [
        ("base/redis", None),
        ("shop", "1.4"),
    ]


def test_pods_say_which_image_they_really_run_and_who_they_belong_to() -> None:
    status = {"image": f"{HOST}/base/redis:1.4", "imageID": f"docker-pullable://{REDIS}"}
    pods = {"kind": "List", "items": [pod(status, initContainerStatuses=[status])]}
    found = listed_images(json.dumps(pods))
    assert [each.uri.digest for each in found] == [DIGEST, DIGEST]
    assert {(each.workload, each.written) for each in found} == {("shop/web", status["image"])}


@pytest.mark.parametrize("image_id", ["", DIGEST, f"docker://{DIGEST}"])
def test_an_id_that_names_no_registry_gives_way_to_the_image(image_id: str) -> None:
    status = {"image": f"{HOST}/base/redis:1.4", "imageID": image_id}
    (found,) = listed_images(json.dumps(pod(status, kind="DaemonSet")))
    assert (found.uri.tag, found.workload) == ("1.4", "shop/web-5d4f8c7b9")


@pytest.mark.parametrize(
    ("content", "why", "line"),
    [
        (f"{REDIS}\nwhat is this?\n", "is no image URI", 2),
        (f"{HOST}/redis@sha256:12", "64 hex digits", 1),
        ("[", "not JSON", 1),
        ("[7]", "Entry 1 of the array is not a string", None),
        ('{"a": 1}', "neither an array of image URIs nor", None),
        ('{"items": [{"kind": "Service"}]}', "list pods", None),
        ("[" * 100_000, "nested too deeply", None),
    ],
)
def test_anything_else_is_refused_in_a_sentence(content: str, why: str, line: int | None) -> None:
    with pytest.raises(UnreadableImages, match=why) as refused:
        listed_images(content)
    assert refused.value.line == line
