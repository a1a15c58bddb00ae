"""What ECR answers, in our own words: manifests, errors, and the one way to call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest exactly as ECR stores it; `text` must never be parsed and written again."""

    digest: str
    text: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What `fetch` found.

    `manifests` by digest. `absent` are the digests and tags that do not exist; `blocked` are
    those ECR would not give, with its failure code (an archived image: `ImageInaccessible`).
    """

    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    blocked: Mapping[str, str] = field(default_factory=dict)


class RegistryError(Exception):
    """ECR did not do what was asked. `code` is ECR's, `operation` the API's name."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.code = code
        self.message = message


class Unavailable(RegistryError):
    """A passing fault (throttled, a server's error, no connection): asking again can help."""


class RepositoryGone(RegistryError):
    """There is no such repository (any more)."""


class ImageGone(RegistryError):
    """An image, or one that an index refers to, is not there (any more)."""


class Denied(RegistryError):
    """The role may not do this."""


class TagFrozen(RegistryError):
    """The repository's tag immutability does not let the tag move."""


class Refused(RegistryError):
    """ECR refuses this for good: asking again cannot help."""


_BY_CODE: Mapping[str, type[RegistryError]] = {
    "RepositoryNotFoundException": RepositoryGone,
    "ImageNotFoundException": ImageGone,
    "ReferencedImagesNotFoundException": ImageGone,
    "LayersNotFoundException": ImageGone,
    "ImageTagAlreadyExistsException": TagFrozen,
    "AccessDeniedException": Denied,
    "AccessDenied": Denied,
    "UnauthorizedOperation": Denied,
}
PASSING = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServerException",
        "ServiceUnavailable",
        "ThrottleException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "UnableToGetUpstreamImageException",
        "UpstreamTooManyRequests",
        "UpstreamUnavailable",
    }
)


def call(operation: str, method: Callable[..., Any], **asked: Any) -> Any:
    """Call a method of the client; what it raises arrives as one of the registry's errors."""
    try:
        return method(**asked)
    except ClientError as error:
        raise _translate(operation, error) from error
    except ParamValidationError as error:
        # The SDK of Lambda's runtime can be older than the API's model that this needs.
        known = f"botocore {botocore.__version__} does not know this call: {error}"
        raise Refused(operation, "ParamValidation", known) from error
    except BotoCoreError as error:
        raise Unavailable(operation, type(error).__name__, str(error)) from error


def _translate(operation: str, error: ClientError) -> RegistryError:
    details = error.response.get("Error", {})
    code, message = details.get("Code", ""), details.get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    if code in PASSING or status >= 500 or status == 429:
        return Unavailable(operation, code, message)
    return _BY_CODE.get(code, Refused)(operation, code, message)
