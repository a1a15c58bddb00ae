"""Pushes images over the registry protocol, as a container client does."""

from __future__ import annotations

import base64
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping

from local.ecr.registry import USER
from local.images import BuiltImage


class PushError(Exception):
    """The registry refused a push; its answer is in the message."""


class RegistryClient:
    """A registry at `base_url`, logged in with the password of its authorization token."""

    def __init__(self, base_url: str, password: str) -> None:
        self._base = base_url.rstrip("/")
        credentials = base64.b64encode(f"{USER}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}"}
        # Without the proxies of the environment: the registry is on this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def push(self, reference: str, image: BuiltImage) -> str:
        """Push `repository:tag` (or `repository`, for no tag); returns the digest.

        Raises PushError when the registry refuses.
        """
        repository, _, tag = reference.partition(":")
        for child in image.children:
            self.push(repository, child)
        for digest, content in image.blobs.items():
            self._push_blob(repository, digest, content)
        path = f"/v2/{repository}/manifests/{tag or image.digest}"
        self._call("PUT", path, image.manifest.encode(), {"Content-Type": image.media_type})
        return image.digest

    def _push_blob(self, repository: str, digest: str, content: bytes) -> None:
        started = self._call("POST", f"/v2/{repository}/blobs/uploads/", b"", {})
        query = urllib.parse.urlencode({"digest": digest})
        headers = {"Content-Type": "application/octet-stream"}
        self._call("PUT", f"{started['Location']}?{query}", content, headers)

    def _call(
        self, method: str, path: str, content: bytes, headers: Mapping[str, str]
    ) -> Mapping[str, str]:
        request = urllib.request.Request(  # noqa: S310  # the scheme is the caller's, http
            self._base + path, data=content, headers={**self._headers, **headers}, method=method
        )
        try:
            with self._opener.open(request, timeout=180) as answer:
                received: Mapping[str, str] = answer.headers
                return received
        except urllib.error.HTTPError as error:
            message = error.read().decode(errors="replace")
            raise PushError(f"{method} {path}: HTTP {error.code} {message}") from error
