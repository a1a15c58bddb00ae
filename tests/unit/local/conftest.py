from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from local.ecr.events import ApiCall, Event, ImageAction
from local.images import BuiltImage
from tests.support.local_ecr import ACCOUNT, REGION, local_ecr

LOGIN = {"Authorization": "Basic " + base64.b64encode(b"AWS:123456789012-auth-token").decode()}


class Ecr:
    """The ECR server in this process, asked without a socket; keeps the events it announced:
    images in `events`, calls that change settings in `trail`."""

    http: Client

    def __init__(self) -> None:
        self.events: list[ImageAction] = []
        self.trail: list[ApiCall] = []

    def keep(self, event: Event) -> None:
        if isinstance(event, ApiCall):
            self.trail.append(event)
        else:
            assert isinstance(event, ImageAction)
            self.events.append(event)

    def call(self, operation: str, user_agent: str = "tests", **parameters: Any) -> dict[str, Any]:
        """The answer of an ECR API operation, `{"error": code}` if it is refused."""
        scope = f"{ACCOUNT}/20260101/{REGION}/ecr/aws4_request"
        answer = self.http.post(
            "/",
            data=json.dumps(parameters),
            headers={
                "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host",
                "Content-Type": "application/x-amz-json-1.1",
                "User-Agent": user_agent,
                "X-Amz-Target": f"AmazonEC2ContainerRegistry_V20150921.{operation}",
            },
        )
        document: dict[str, Any] = json.loads(answer.get_data())
        if answer.status_code == 200:
            return document
        return {"status": answer.status_code, "error": document["__type"].rpartition("#")[2]}

    def put(self, repository: str, image: BuiltImage, tag: str | None = None) -> dict[str, Any]:
        """PutImage, the children of an index first."""
        for child in image.children:
            self.put(repository, child)
        more = {"imageTag": tag} if tag else {}
        return self.call(
            "PutImage",
            repositoryName=repository,
            imageManifest=image.manifest,
            imageManifestMediaType=image.media_type,
            **more,
        )

    def tags(self, repository: str) -> dict[str | None, str]:
        """Each tag and its digest; untagged images come under None."""
        ids = self.call("ListImages", repositoryName=repository)["imageIds"]
        return {one.get("imageTag"): one["imageDigest"] for one in ids}

    def docker(self, method: str, path: str, content: bytes = b"", **headers: str) -> TestResponse:
        """A request of the registry protocol, logged in."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.open(f"/v2/{path}", method=method, data=content, headers=LOGIN | sent)

    def upload(self, repository: str, content: bytes) -> str:
        """Upload a blob in one request; its digest."""
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        answer = self.docker("POST", f"{repository}/blobs/uploads/?digest={digest}", content)
        assert answer.status_code == 201
        return digest


@pytest.fixture
def ecr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ecr]:
    # Both are set for the life of a server process; other tests use moto as it is.
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    server = Ecr()
    with local_ecr(tmp_path, server.keep) as server.http:
        server.call("CreateRepository", repositoryName="base/redis")
        server.trail.clear()
        yield server
