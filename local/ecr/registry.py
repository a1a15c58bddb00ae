"""The registry protocol under /v2/, as docker, podman and skopeo speak it.

OCI distribution specification 1.1: blobs are uploaded and checked here, manifests go through the
registry's own PutImage, so that a push by a client and a push by the API are one thing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from moto.core.exceptions import ServiceException
from werkzeug.wrappers import Request, Response

from local.ecr.backend import LocalEcr

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

USER: Final = "AWS"

_CHUNK: Final = 1 << 20
_MANIFEST_LIMIT: Final = 4 << 20  # ECR API: PutImage takes 4,194,304 characters
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_NAME: Final = r"(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
_ROUTES: Final = (
    ("uploads", re.compile(rf"/v2/{_NAME}/blobs/uploads/?")),
    ("upload", re.compile(rf"/v2/{_NAME}/blobs/uploads/(?P<reference>[0-9a-f-]{{36}})")),
    ("blob", re.compile(rf"/v2/{_NAME}/blobs/(?P<reference>[^/]+)")),
    ("manifest", re.compile(rf"/v2/{_NAME}/manifests/(?P<reference>[^/]+)")),
    ("tags", re.compile(rf"/v2/{_NAME}/tags/list")),
)
_REFUSALS: Final = {
    "RepositoryNotFoundException": (404, "NAME_UNKNOWN"),
    "ImageTagAlreadyExistsException": (400, "TAG_INVALID"),
    "ImageDigestDoesNotMatchException": (400, "DIGEST_INVALID"),
    "ReferencedImagesNotFoundException": (404, "MANIFEST_BLOB_UNKNOWN"),
    "InvalidParameterException": (400, "MANIFEST_INVALID"),
}


def password_for(account: str) -> str:
    """The password in the registry's authorization token (what `get-login-password` prints)."""
    return f"{account}-auth-token"


class RegistryRefusal(Exception):
    """An error of the distribution specification: HTTP status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class BlobStore:
    """Blobs in one folder, named by their digest, and the uploads under way."""

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "blobs"
        self._uploads = folder / "uploads"
        for one in (self._blobs, self._uploads):
            one.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._hashes: dict[str, tuple[Any, int]] = {}

    def keep(self, digest: str, content: bytes) -> None:
        """Store a blob whose digest is known to be right."""
        self.path(digest).write_bytes(content)

    def path(self, digest: str) -> Path:
        """Where the blob is, if it is there."""
        return self._blobs / digest.replace(":", "-")

    def begin(self) -> str:
        """Start an upload and return its id."""
        upload = str(uuid.uuid4())
        (self._uploads / upload).touch()
        with self._lock:
            self._hashes[upload] = (hashlib.sha256(), 0)
        return upload

    def size(self, upload: str) -> int:
        """How many bytes have arrived. Raises RegistryRefusal if there is no such upload."""
        with self._lock:
            if upload not in self._hashes:
                raise RegistryRefusal(404, "BLOB_UPLOAD_UNKNOWN", f"There is no upload {upload}.")
            return self._hashes[upload][1]

    def append(self, upload: str, stream: IO[bytes]) -> int:
        """Add what the stream holds; how many bytes there are now."""
        self.size(upload)
        with self._lock:
            hashed, size = self._hashes[upload]
        with (self._uploads / upload).open("ab") as file:
            while chunk := stream.read(_CHUNK):
                file.write(chunk)
                hashed.update(chunk)
                size += len(chunk)
        with self._lock:
            self._hashes[upload] = (hashed, size)
        return size

    def finish(self, upload: str, digest: str) -> int:
        """Turn the upload into a blob; its size in bytes. RegistryRefusal if the digest differs."""
        size = self.size(upload)
        with self._lock:
            hashed, _ = self._hashes.pop(upload)
        actual = "sha256:" + hashed.hexdigest()
        if actual != digest:
            (self._uploads / upload).unlink()
            raise RegistryRefusal(400, "DIGEST_INVALID", f"The content has the digest {actual}.")
        (self._uploads / upload).replace(self.path(digest))
        return size

    def cancel(self, upload: str) -> None:
        """Forget the upload."""
        self.size(upload)
        with self._lock:
            del self._hashes[upload]
        (self._uploads / upload).unlink()


class RegistryApp:
    """WSGI application for everything under /v2/. `called(operation)` counts manifests put."""

    def __init__(
        self,
        ecr: LocalEcr,
        blobs: BlobStore,
        password: str,
        called: Callable[[str], None] = lambda _operation: None,
    ) -> None:
        self._ecr = ecr
        self._blobs = blobs
        self._called = called
        self._credentials = base64.b64encode(f"{USER}:{password}".encode()).decode()
        self._handlers: dict[str, Callable[..., Response]] = {
            "uploads": self._start,
            "upload": self._upload,
            "blob": self._blob,
            "manifest": self._manifest,
            "tags": self._tags,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        try:
            response = self._answer(request)
        except RegistryRefusal as refused:
            response = _error(refused.status, refused.code, refused.message)
        except ServiceException as error:
            status, code = _REFUSALS.get(error.code, (400, "UNSUPPORTED"))
            response = _error(status, code, str(error.message))
        response.headers["Docker-Distribution-API-Version"] = "registry/2.0"
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.headers.get("Authorization", "") != f"Basic {self._credentials}":
            response = _error(401, "UNAUTHORIZED", "Log in as AWS with `get-login-password`.")
            response.headers["WWW-Authenticate"] = 'Basic realm="ecr",service="ecr.amazonaws.com"'
            return response
        if request.path in ("/v2", "/v2/"):
            return _json({})
        for kind, pattern in _ROUTES:
            if match := pattern.fullmatch(request.path):
                name = match["name"]
                if not self._ecr.holds(name):
                    raise RegistryRefusal(
                        404, "NAME_UNKNOWN", f"The repository with name '{name}' does not exist."
                    )
                return self._handlers[kind](request, **match.groupdict())
        raise RegistryRefusal(
            404, "UNSUPPORTED", f"{request.path} is no path of the registry protocol."
        )

    def _start(self, request: Request, name: str) -> Response:
        _only(request, "POST")
        # A mount from another repository may always be answered with a fresh upload.
        upload = self._blobs.begin()
        if (digest := request.args.get("digest")) is not None:
            self._blobs.append(upload, request.stream)
            return self._finish(name, upload, digest)
        return self._progress(202, name, upload, 0)

    def _upload(self, request: Request, name: str, reference: str) -> Response:
        _only(request, "PATCH", "PUT", "GET", "DELETE")
        if request.method == "DELETE":
            self._blobs.cancel(reference)
            return Response(status=204)
        if request.method == "GET":
            return self._progress(204, name, reference, self._blobs.size(reference))
        self._require_next(request, reference)
        size = self._blobs.append(reference, request.stream)
        if request.method == "PUT":
            return self._finish(name, reference, request.args.get("digest", ""))
        return self._progress(202, name, reference, size)

    def _require_next(self, request: Request, upload: str) -> None:
        size = self._blobs.size(upload)
        content_range = request.headers.get("Content-Range", "").removeprefix("bytes ")
        if content_range and content_range.partition("-")[0] != str(size):
            raise RegistryRefusal(
                416, "BLOB_UPLOAD_INVALID", f"The next chunk begins at byte {size}."
            )

    def _progress(self, status: int, name: str, upload: str, size: int) -> Response:
        return Response(
            status=status,
            headers={
                "Location": f"/v2/{name}/blobs/uploads/{upload}",
                "Docker-Upload-UUID": upload,
                "Range": f"0-{max(size - 1, 0)}",
            },
        )

    def _finish(self, name: str, upload: str, digest: str) -> Response:
        size = self._blobs.finish(upload, digest)
        self._ecr.layers(name)[digest] = size
        return Response(
            status=201,
            headers={"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest},
        )

    def _blob(self, request: Request, name: str, reference: str) -> Response:
        _only(request, "GET", "HEAD")
        path = self._blobs.path(reference)
        if reference not in self._ecr.layers(name) or not path.exists():
            raise RegistryRefusal(404, "BLOB_UNKNOWN", f"There is no blob {reference} in {name}.")
        return Response(
            () if request.method == "HEAD" else _content(path),
            headers={
                "Content-Length": str(path.stat().st_size),
                "Docker-Content-Digest": reference,
            },
            mimetype="application/octet-stream",
            direct_passthrough=True,
        )

    def _manifest(self, request: Request, name: str, reference: str) -> Response:
        _only(request, "GET", "HEAD", "PUT")
        if request.method == "PUT":
            return self._put_manifest(request, name, reference)
        self._called("BatchGetImage")
        image = self._ecr.find(name, reference)
        if image is None:
            raise RegistryRefusal(
                404, "MANIFEST_UNKNOWN", f"There is no image {reference} in {name}."
            )
        content = image.image_manifest.encode()
        response = Response(
            content if request.method == "GET" else b"",
            headers={"Docker-Content-Digest": image.get_image_digest()},
            content_type=image.image_manifest_media_type,
        )
        response.headers["Content-Length"] = str(len(content))
        return response

    def _put_manifest(self, request: Request, name: str, reference: str) -> Response:
        request.max_content_length = _MANIFEST_LIMIT
        content = request.get_data()
        actual = "sha256:" + hashlib.sha256(content).hexdigest()
        digest = reference if _DIGEST.fullmatch(reference) else None
        tag = None if digest else reference
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise RegistryRefusal(400, "MANIFEST_INVALID", "The manifest is not UTF-8.") from error
        self._require_blobs(name, text)
        self._called("PutImage")
        try:
            self._ecr.put_image(name, text, tag, request.mimetype or None, digest)
        except ServiceException as error:
            # The same image under the same tag again: nothing to do, and no event.
            if error.code != "ImageAlreadyExistsException":
                raise
        return Response(
            status=201,
            headers={
                "Location": f"/v2/{name}/manifests/{actual}",
                "Docker-Content-Digest": actual,
            },
        )

    def _require_blobs(self, name: str, manifest: str) -> None:
        try:
            document = json.loads(manifest)
            blobs = [*document.get("layers", []), *filter(None, [document.get("config")])]
            wanted = {blob["digest"] for blob in blobs if not blob.get("urls")}
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise RegistryRefusal(
                400, "MANIFEST_INVALID", "The manifest is no image manifest."
            ) from error
        if missing := sorted(wanted - self._ecr.layers(name).keys()):
            raise RegistryRefusal(
                404, "MANIFEST_BLOB_UNKNOWN", f"Upload {', '.join(missing)} first."
            )

    def _tags(self, request: Request, name: str) -> Response:
        _only(request, "GET")
        tags = sorted(tag for image in self._ecr.images_of(name) for tag in image.image_tags)
        last = request.args.get("last")
        if last is not None:
            tags = [tag for tag in tags if tag > last]
        page = tags[: request.args.get("n", len(tags), type=int)]
        response = _json({"name": name, "tags": page})
        if page and len(page) < len(tags):
            following = f"/v2/{name}/tags/list?n={len(page)}&last={page[-1]}"
            response.headers["Link"] = f'<{following}>; rel="next"'
        return response


def _only(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise RegistryRefusal(405, "UNSUPPORTED", f"{request.method} {request.path} is not served.")


def _content(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _json(document: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(document), status=status, content_type="application/json")


def _error(status: int, code: str, message: str) -> Response:
    return _json({"errors": [{"code": code, "message": message}]}, status)
