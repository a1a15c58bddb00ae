"""Image URIs as they are written, and whose they are."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.words.image_uris import ImageUri, NoImageUri, image_in

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        (f"{HOST}/base/redis:1.4", (HOST, "base/redis", "1.4", None)),
        (f"{HOST}/redis@{DIGEST}", (HOST, "redis", None, DIGEST)),
        (f"{HOST}/redis:1.4@{DIGEST}", (HOST, "redis", "1.4", DIGEST)),
        (f"{HOST}/redis", (HOST, "redis", "latest", None)),
        (f"docker-pullable://{HOST}/redis@{DIGEST}", (HOST, "redis", None, DIGEST)),
        ("localhost:5000/redis:1", ("localhost:5000", "redis", "1", None)),
    ],
)
def test_an_image_uri_has_host_repository_tag_and_digest(
    written: str, parts: tuple[str, str, str | None, str | None]
) -> None:
    uri = ImageUri.parse(written)
    assert (uri.host, uri.repository, uri.tag, uri.digest) == parts


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("redis:1.4", "host"),
        ("redis", "host"),
        ("localhost:5000", "host"),
        (f"/redis@{DIGEST}", "host"),
        (f"docker://{DIGEST}", "host"),
        ("", "host"),
        (f"{HOST}/Redis:1", "no name of a repository"),
        (f"{HOST}/redis:", "no tag"),
        (f"{HOST}/redis:a b", "no tag"),
        (f"{HOST}/redis@sha256:1", "64 hex digits"),
        (f"{HOST}/redis@", "64 hex digits"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(written: str, why: str) -> None:
    with pytest.raises(NoImageUri, match=why):
        ImageUri.parse(written)


@pytest.mark.parametrize(
    "host",
    [
        HOST,
        "123456789012.dkr.ecr-fips.eu-west-1.amazonaws.com",
        "123456789012.dkr-ecr.eu-west-1.on.aws",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn",
    ],
)
def test_the_registry_knows_its_own_hosts(host: str) -> None:
    assert image_in(f"{host}/redis:1", "123456789012", "eu-west-1") is not None


@pytest.mark.parametrize(
    "written",
    [
        "210987654321.dkr.ecr.eu-west-1.amazonaws.com/redis:1",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/redis:1",
        "public.ecr.aws/docker/redis:1",
        "evil.example/123456789012.dkr.ecr.eu-west-1.amazonaws.com/redis:1",
        "redis",
        None,
        5,
    ],
)
def test_an_image_of_another_registry_is_not_ours(written: Any) -> None:
    assert image_in(written, "123456789012", "eu-west-1") is None
