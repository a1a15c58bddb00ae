"""Repositories, history and hints in a few characters, for the tables of the plan and the look.

`a` to `z` are images, each pushed an hour after the one before; `"a: 1.4.2 1.4"` is the image `a`
with its tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ecr_steward.tags import look
from ecr_steward.tags.plan import Plan, TagChange, plan_changes
from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.state import Image, Mark, Observed
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from tests.support.world import VERSIONS

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def scheme(**more: Any) -> Scheme:
    """That of `VERSIONS`, with more entries under `tags:`."""
    return Scheme.from_document({**VERSIONS["tags"], **more})


def digest(name: str) -> str:
    return f"sha256:{name * 64}"


def images(*rows: str) -> dict[str, Image]:
    """The images of rows such as `"a: 1.4.2 1.4"`, by digest."""
    return {image.digest: image for image in map(_image, rows)}


def _image(row: str) -> Image:
    name, _, tags = row.partition(":")
    pushed = NOW - timedelta(days=2) + timedelta(hours=ord(name) - ord("a"))
    return Image(digest(name), tuple(tags.split()), pushed)


def marks(*rows: str) -> dict[str, Mark]:
    """The marks of rows such as `"1.4 = 1.4.2 on a"`; with `elsewhere` at the end the stable tag
    was not there when the steward last looked."""
    found = {}
    for row in rows:
        tag, _, unique, _, image, *elsewhere = row.split()
        found[tag] = Mark(tag, unique, digest(image), placed=not elsewhere)
    return found


def pushes(*rows: str) -> list[Hint]:
    """The hints of pushes such as `"1.4.2 on a"`."""
    return [_hint(Action.PUSH, *row.split(" on ")) for row in rows]


def deletes(*rows: str) -> list[Hint]:
    """The hints of deletions: of a tag, `"1.4.2 on a"`, or of a whole image, `" on a"`."""
    return [_hint(Action.DELETE, *row.split(" on ")) for row in rows]


def _hint(action: Action, tag: str, image: str) -> Hint:
    cause = Cause(f"{action.value} {tag} on {image}", "ECR Image Action")
    return Hint("base/redis", action, tag or None, digest(image), cause, NOW)


def words(change: TagChange) -> str:
    """A change as a table has it: `"move 1.4: a > b"`; `-` is no image, `PIN` the tag of a pin."""
    tag = "PIN" if change.kind.value == "pin" else change.tag
    return f"{change.kind.value} {tag}: {_name(change.before)} > {_name(change.after)}"


def _name(digest: str | None) -> str:
    return "-" if digest is None else digest[-1]


def plan(
    there: Sequence[str],
    pushed: Sequence[str],
    known: Sequence[str] = (),
    rule: dict[str, Any] | None = None,
    **observed: Any,
) -> Plan:
    """The plan for these pushes and deletions, where `known` are marks, and unique tags on their
    images."""
    asked = scheme(**(rule or {}))
    about = look.concern(asked, [*pushes(*pushed), *deletes(*observed.pop("deleted", ()))])
    owners = {mark.unique: mark.digest for mark in marks(*known).values()}
    owners |= observed.pop("owners", {})
    seen = Observed(images(*there), marks(*known), owners, **observed)
    return plan_changes(asked, about, seen, NOW)
