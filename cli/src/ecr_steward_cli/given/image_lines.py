"""Images as `ecr-steward retention` takes them: a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ecr_steward.images.state import INDEXES, RetainedImage
from ecr_steward.words.reading import (
    MalformedEvent,
    digest,
    mapping,
    number,
    optional,
    parse_time,
    text,
    texts,
)
from ecr_steward_cli.given.names import is_repository
from ecr_steward_cli.given.strict_json import decoder

KEYS = (
    "repository", "digest", "tags", "pushed_at", "pulled_at", "untagged_at", "bytes", "media_type",
    "status", "children", "subject", "running", "left", "held", "ran",
)  # fmt: skip


class BadImage(ValueError):
    """A line that is no image; `line` is its number."""

    def __init__(self, sentence: str, line: int) -> None:
        super().__init__(sentence)
        self.line = line


def image_of(line: str, at: int) -> tuple[str, RetainedImage]:
    """The repository and the image of a line, whose number is `at`; raises BadImage."""
    try:
        document = decoder(MalformedEvent).decode(line)
        if not isinstance(document, dict):
            raise MalformedEvent("An image must be a JSON object.")
        return _repository(document), _image(document)
    except json.JSONDecodeError as error:
        raise BadImage(f"This is not JSON: {error.msg}.", at) from error
    except RecursionError:
        raise BadImage("The JSON is nested too deeply to be read.", at) from None
    except MalformedEvent as error:
        raise BadImage(str(error).replace("not a text.", "not a string."), at) from error


def _repository(document: Mapping[str, Any]) -> str:
    for key in document:
        if key not in KEYS:
            raise MalformedEvent(f"`{key}` is not a key here; there are {', '.join(KEYS)}.")
    name = text(document, "repository")
    if not is_repository(name):
        raise MalformedEvent(f"`{name}` is no name of a repository.")
    return name


def _image(document: Mapping[str, Any]) -> RetainedImage:
    found = digest(document, "digest")
    if found is None:
        raise MalformedEvent("`digest` is missing.")
    media_type = optional(document, "media_type")
    return RetainedImage(
        digest=found,
        tags=texts(document, "tags"),
        pushed_at=_time(document, "pushed_at"),
        pulled_at=_time(document, "pulled_at"),
        untagged_at=_time(document, "untagged_at"),
        size=number(document, "bytes", 0),
        media_type=media_type,
        status=optional(document, "status") or "ACTIVE",
        children=_children(document, media_type),
        subject=digest(document, "subject"),
        running=texts(document, "running"),
        ran=_times(document, "ran"),
        left=_times(document, "left"),
        held=texts(document, "held"),
    )


def _children(document: Mapping[str, Any], media_type: str | None) -> tuple[str, ...] | None:
    """The digests that an index lists; None for an index of which nobody says."""
    if document.get("children") is None:
        return None if media_type in INDEXES else ()
    children = texts(document, "children")
    for each in children:
        digest({"children": each}, "children")
    return children


def _times(document: Mapping[str, Any], key: str) -> dict[str, datetime]:
    times = mapping({key: {}, **document}, key)
    return {name: found for name in times if (found := _time(times, name)) is not None}


def _time(document: Mapping[str, Any], key: str) -> datetime | None:
    """A time as ISO 8601 has it, or in seconds since 1970, as the AWS CLI may print it."""
    value = document.get(key)
    if value is None:
        return None
    read: Callable[[Any], datetime] = parse_time
    if isinstance(value, int | float) and not isinstance(value, bool):
        read = _of_epoch
    elif not isinstance(value, str):
        raise MalformedEvent(f"`{key}` is not a time.")
    try:
        return read(value)
    except (ValueError, OverflowError, OSError) as error:
        raise MalformedEvent(f"`{key}` is not a time: {error}.") from error


def _of_epoch(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
