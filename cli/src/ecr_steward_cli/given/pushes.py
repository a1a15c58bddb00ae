"""Pushes as people have them at hand: a line each, or what the AWS CLI prints of images."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ecr_steward.rules import Ruleset
from ecr_steward.tags.scheme import Verdict
from ecr_steward_cli.in_memory.simulation import BadPush, Push, moment

_LISTINGS = ("imageDetails", "imageIds")
_WRITE = 'Write an object a line, such as {"repository": "redis", "tag": "8.0.1"}.'
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class BadLine(Exception):
    """A line that cannot be read."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line


def read(text: Iterable[str], rules: Ruleset, repository: str | None = None) -> Iterator[Push]:
    """The pushes in a text, one after the other; raises BadLine.

    It is JSON Lines, or what `aws ecr describe-images` or `list-images` prints: then each tag is a
    push at its image's time, unique tags first. `list-images` names no repository: that is
    `repository`.
    """
    lines = iter(enumerate(text, start=1))
    first = next(((n, line) for n, line in lines if line.strip()), None)
    if first is None:
        return
    if _is_event(first[1]):
        yield from _events(itertools.chain([first], lines))
    else:
        whole = "\n" * (first[0] - 1) + first[1] + "".join(line for _, line in lines)
        yield from _listed(whole, rules, repository)


def _is_event(line: str) -> bool:
    """Whether a first line is all of a JSON value, and none that the AWS CLI prints of images."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return not (isinstance(document, dict) and any(key in document for key in _LISTINGS))


def _events(lines: Iterable[tuple[int, str]]) -> Iterator[Push]:
    for number, line in lines:
        if line.strip():
            try:
                yield Push.parse(number, line)
            except BadPush as error:
                raise BadLine(number, str(error)) from error
            except RecursionError:
                raise BadLine(number, "The JSON is nested too deeply to be read.") from None


def _listed(text: str, rules: Ruleset, repository: str | None) -> Iterator[Push]:
    found: list[tuple[datetime, bool, int, dict[str, Any]]] = []
    for line, document in _documents(text):
        try:
            for time, event in _pushes(document, repository):
                unique = _is_unique(rules, event)
                found.append((time, not unique, len(found), event))
        except BadPush as error:
            raise BadLine(line, str(error)) from error
    for number, (time, _, _, event) in enumerate(sorted(found, key=lambda each: each[:3]), 1):
        try:
            yield Push.read(number, {**event, "pushed_at": time.isoformat()})
        except BadPush as error:
            raise BadLine(number, str(error)) from error


def _documents(text: str) -> Iterator[tuple[int, Any]]:
    """Each JSON value in a text, with the line that it begins on."""
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        line = text.count("\n", 0, at) + 1
        try:
            document, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise BadLine(error.lineno, f"This is not JSON: {error.msg}. {_WRITE}") from error
        except (ValueError, RecursionError) as error:
            raise BadLine(line, "The JSON cannot be read: it is nested too deeply.") from error
        yield line, document


def _pushes(document: Any, repository: str | None) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Each tag of a listing with its image's time; the pipeline's order is not known."""
    if not isinstance(document, Mapping):
        raise BadPush(f"This is not an object. {_WRITE}")
    key = next((each for each in _LISTINGS if each in document), None)
    if key is None:
        raise BadPush(
            "This is neither a push on one line, nor what `aws ecr describe-images` or "
            "`list-images` prints."
        )
    images = document[key]
    if not isinstance(images, list):
        raise BadPush(f"`{key}` is not a list.")
    for number, image in enumerate(images):
        yield from _of_image(image, number, repository)


def _of_image(
    image: Any, number: int, repository: str | None
) -> Iterator[tuple[datetime, dict[str, Any]]]:
    if not isinstance(image, Mapping):
        raise BadPush("An image in the list is no object.")
    name = image.get("repositoryName") or repository
    if name is None:
        raise BadPush("`list-images` does not name its repository: give it with --repository.")
    tags = image.get("imageTags") or [image.get("imageTag")]
    if not isinstance(tags, list):
        raise BadPush("`imageTags` is not a list.")
    pushed = image.get("imagePushedAt")
    time = _BEGINNING if pushed is None else moment(pushed, "imagePushedAt")
    for tag in tags:
        if tag is not None:
            yield time, {"repository": name, "tag": tag, "digest": image.get("imageDigest")}


def _is_unique(rules: Ruleset, event: Mapping[str, Any]) -> bool:
    """Whether the tag is unique in its repository; what is no tag is refused when it is read."""
    name, tag = event["repository"], event["tag"]
    if not isinstance(name, str) or not isinstance(tag, str):
        return False
    rule = rules.rule_for(name)
    return rule is not None and rule.tags is not None and rule.tags.judge(tag) is Verdict.UNIQUE
