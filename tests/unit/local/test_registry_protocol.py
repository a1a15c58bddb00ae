from __future__ import annotations

import hashlib
import json

import pytest
from werkzeug.test import TestResponse

from local.images import BuiltImage, Media, build
from tests.unit.local.conftest import LOGIN, Ecr

ABSENT = "sha256:" + "0" * 64


def code(answer: TestResponse) -> str:
    found: str = json.loads(answer.get_data())["errors"][0]["code"]
    return found


def push(ecr: Ecr, repository: str, image: BuiltImage, reference: str) -> TestResponse:
    for child in image.children:
        push(ecr, repository, child, child.digest)
    for content in image.blobs.values():
        ecr.upload(repository, content)
    return ecr.docker(
        "PUT",
        f"{repository}/manifests/{reference}",
        image.manifest.encode(),
        Content_Type=image.media_type,
    )


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic QVdTOndyb25n"}])
def test_whoever_is_not_logged_in_is_asked_for_basic_credentials(
    ecr: Ecr, headers: dict[str, str]
) -> None:
    answer = ecr.http.get("/v2/", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert answer.headers["Docker-Distribution-API-Version"] == "registry/2.0"
    assert ecr.http.get("/v2/", headers=LOGIN).status_code == 200


def test_the_password_is_that_of_the_authorization_token(ecr: Ecr) -> None:
    (data,) = ecr.call("GetAuthorizationToken")["authorizationData"]

    assert LOGIN["Authorization"] == f"Basic {data['authorizationToken']}"


@pytest.mark.parametrize("media", list(Media))
def test_a_pushed_image_comes_back_byte_for_byte_by_tag_and_by_digest(
    ecr: Ecr, media: Media
) -> None:
    image = build("1.4.2", media=media)

    pushed = push(ecr, "base/redis", image, "1.4.2")

    assert pushed.status_code == 201
    assert pushed.headers["Docker-Content-Digest"] == image.digest
    for reference in ("1.4.2", image.digest):
        answer = ecr.docker("GET", f"base/redis/manifests/{reference}")
        assert answer.get_data().decode() == image.manifest
        assert answer.headers["Content-Type"] == image.media_type
        assert answer.headers["Docker-Content-Digest"] == image.digest
        head = ecr.docker("HEAD", f"base/redis/manifests/{reference}")
        assert (head.status_code, head.get_data()) == (200, b"")
        assert head.headers["Content-Length"] == str(len(image.manifest))
    for digest, content in image.blobs.items():
        assert ecr.docker("GET", f"base/redis/blobs/{digest}").get_data() == content


def test_a_pushed_index_is_in_ecr_and_told_child_by_child(ecr: Ecr) -> None:
    index = build("1.4.2", ("amd64", "arm64"))

    push(ecr, "base/redis", index, "1.4.2")

    assert ecr.tags("base/redis")["1.4.2"] == index.digest
    assert [(one.digest, one.tag) for one in ecr.events] == [
        (index.children[0].digest, None),
        (index.children[1].digest, None),
        (index.digest, "1.4.2"),
    ]


def test_pushing_the_same_again_succeeds_and_tells_nothing(ecr: Ecr) -> None:
    image = build("1")
    push(ecr, "base/redis", image, "1")
    ecr.events.clear()

    assert push(ecr, "base/redis", image, "1").status_code == 201
    assert ecr.events == []


def test_a_blob_may_come_in_chunks(ecr: Ecr) -> None:
    place = ecr.docker("POST", "base/redis/blobs/uploads/").headers["Location"][len("/v2/") :]
    first = ecr.docker("PATCH", place, b"hello ", Content_Range="0-5")
    second = ecr.docker("PATCH", place, b"wor")
    assert (first.status_code, first.headers["Range"]) == (202, "0-5")
    assert second.headers["Range"] == "0-8"
    assert ecr.docker("GET", place).headers["Range"] == "0-8"
    digest = "sha256:" + hashlib.sha256(b"hello world").hexdigest()

    answer = ecr.docker("PUT", f"{place}?digest={digest}", b"ld")

    assert (answer.status_code, answer.headers["Docker-Content-Digest"]) == (201, digest)
    assert ecr.docker("GET", f"base/redis/blobs/{digest}").get_data() == b"hello world"


def test_a_chunk_out_of_order_is_refused(ecr: Ecr) -> None:
    place = ecr.docker("POST", "base/redis/blobs/uploads/").headers["Location"][len("/v2/") :]
    ecr.docker("PATCH", place, b"hello", Content_Range="0-4")

    answer = ecr.docker("PATCH", place, b"again", Content_Range="0-4")

    assert (answer.status_code, code(answer)) == (416, "BLOB_UPLOAD_INVALID")


def test_content_with_another_digest_is_refused_and_forgotten(ecr: Ecr) -> None:
    answer = ecr.docker("POST", f"base/redis/blobs/uploads/?digest={ABSENT}", b"x")

    assert (answer.status_code, code(answer)) == (400, "DIGEST_INVALID")
    assert ecr.docker("HEAD", f"base/redis/blobs/{ABSENT}").status_code == 404


def test_a_cancelled_upload_is_unknown(ecr: Ecr) -> None:
    place = ecr.docker("POST", "base/redis/blobs/uploads/").headers["Location"][len("/v2/") :]

    assert ecr.docker("DELETE", place).status_code == 204
    assert code(ecr.docker("PATCH", place, b"x")) == "BLOB_UPLOAD_UNKNOWN"


def test_mounting_from_another_repository_starts_an_upload(ecr: Ecr) -> None:
    answer = ecr.docker("POST", f"base/redis/blobs/uploads/?mount={ABSENT}&from=other")

    assert answer.status_code == 202


def test_a_layer_belongs_to_the_repository_it_was_pushed_to(ecr: Ecr) -> None:
    ecr.call("CreateRepository", repositoryName="apps/shop")
    digest = ecr.upload("base/redis", b"layer")

    assert ecr.docker("HEAD", f"base/redis/blobs/{digest}").status_code == 200
    assert ecr.docker("HEAD", f"apps/shop/blobs/{digest}").status_code == 404
    availability = ecr.call(
        "BatchCheckLayerAvailability", repositoryName="base/redis", layerDigests=[digest]
    )
    assert availability["layers"][0]["layerAvailability"] == "AVAILABLE"


def test_a_layer_uploaded_by_the_api_can_be_pulled(ecr: Ecr) -> None:
    upload = ecr.call("InitiateLayerUpload", repositoryName="base/redis")["uploadId"]
    part = {"uploadId": upload, "partFirstByte": 0, "partLastByte": 4, "layerPartBlob": "aGVsbG8="}
    ecr.call("UploadLayerPart", repositoryName="base/redis", **part)
    digest = "sha256:" + hashlib.sha256(b"hello").hexdigest()

    ecr.call(
        "CompleteLayerUpload", repositoryName="base/redis", uploadId=upload, layerDigests=[digest]
    )

    assert ecr.docker("GET", f"base/redis/blobs/{digest}").get_data() == b"hello"


def test_a_manifest_whose_layers_are_missing_is_refused(ecr: Ecr) -> None:
    image = build("1")

    answer = ecr.docker(
        "PUT", "base/redis/manifests/1", image.manifest.encode(), Content_Type=image.media_type
    )

    assert (answer.status_code, code(answer)) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert ecr.events == []


@pytest.mark.parametrize("content", [b"no json", b"[]", b"\xff", b'{"layers": [1]}'])
def test_what_is_no_manifest_is_refused(ecr: Ecr, content: bytes) -> None:
    answer = ecr.docker("PUT", "base/redis/manifests/1", content, Content_Type="text/plain")

    assert (answer.status_code, code(answer)) == (400, "MANIFEST_INVALID")


def test_a_frozen_tag_is_an_invalid_tag_to_the_client(ecr: Ecr) -> None:
    ecr.call("CreateRepository", repositoryName="frozen", imageTagMutability="IMMUTABLE")
    push(ecr, "frozen", build("old"), "1")

    answer = push(ecr, "frozen", build("new"), "1")

    assert (answer.status_code, code(answer)) == (400, "TAG_INVALID")


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("GET", "nowhere/manifests/1", 404, "NAME_UNKNOWN"),
        ("POST", "nowhere/blobs/uploads/", 404, "NAME_UNKNOWN"),
        ("GET", "base/redis/manifests/absent", 404, "MANIFEST_UNKNOWN"),
        ("GET", f"base/redis/blobs/{ABSENT}", 404, "BLOB_UNKNOWN"),
        ("GET", "base/redis/blobs/..%2f..%2fstate", 404, "UNSUPPORTED"),
        ("DELETE", "base/redis/manifests/1", 405, "UNSUPPORTED"),
        ("GET", "base/redis/other", 404, "UNSUPPORTED"),
    ],
)
def test_what_is_not_there_is_answered_in_the_words_of_the_specification(
    ecr: Ecr, method: str, path: str, status: int, expected: str
) -> None:
    answer = ecr.docker(method, path)

    assert (answer.status_code, code(answer)) == (status, expected)


def test_tags_are_listed_sorted_and_page_by_page(ecr: Ecr) -> None:
    for tag in ("c", "a", "b"):
        push(ecr, "base/redis", build("1"), tag)

    first = ecr.docker("GET", "base/redis/tags/list?n=2")
    second = ecr.docker("GET", "base/redis/tags/list?n=2&last=b")

    assert first.json == {"name": "base/redis", "tags": ["a", "b"]}
    assert first.headers["Link"] == '</v2/base/redis/tags/list?n=2&last=b>; rel="next"'
    assert (second.json, second.headers.get("Link")) == (
        {"name": "base/redis", "tags": ["c"]},
        None,
    )
