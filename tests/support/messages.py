"""The messages that the golden files hold, one folder a form.

`python -m tests.support.messages` writes them again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from ecr_steward.messages.channels.channel import Payload, Render
from ecr_steward.messages.channels.table import channel_types
from ecr_steward.messages.say.message import Message, digest
from ecr_steward.messages.say.message import story as told
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Difference, Fact
from tests.support.facts import (
    BEHIND,
    CORRECTED,
    DRIFTED,
    EXPIRING,
    EXPIRY_CLEARED,
    EXPIRY_SET,
    FAILED,
    GIVEN_UP,
    GONE,
    HELD,
    LOST,
    MOVED,
    NEW,
    ON_STABLE,
    OTHER,
    OVERWRITTEN,
    PINNED,
    REJECTED,
    REMOVED,
    RESTORED,
    STALE,
    SWEPT,
    story,
)

GOLDEN = Path(__file__).parents[1] / "unit/messages/golden"
LONG = "team-a/" + "payments-" * 25 + "api"

ONE_PUSH = story("1", "1.4", "latest")
FIRST = [
    replace(
        fact,
        before=None,
        before_tags=(),
        reason=f"1.4.2 is the highest of {line}, and `{fact.tag}` was on no image.",
    )
    for fact, line in zip(story("1", "1.4"), ("1.*", "1.4.*"), strict=True)
]
PIN_AND_MOVE = [
    PINNED.counted(2),
    replace(
        MOVED,
        tag="latest",
        before=OTHER,
        before_tags=("latest",),
        reason="1.4.2 is the highest of all releases; the image that `latest` was on has no "
        "version of it.",
        of=2,
    ),
]
OVERWRITTEN_AND_RESTORED = [
    replace(OVERWRITTEN, reason=f"{OVERWRITTEN.reason.rstrip('.')}; it is put back."),
    RESTORED,
    replace(
        PINNED,
        tag=f"1.4.2-20261123T022400Z-{NEW[7:19]}",
        digest=NEW,
        after_tags=("1.4.2",),
        reason="The image lost the unique tag it came by.",
    ),
]
UNTAGGED = replace(
    DRIFTED,
    reason="The resource tag `owner` is missing; the rule asks for `platform`.",
    difference=Difference("resource_tags", "missing", "owner", "correct", None, "platform"),
)
CALLED = replace(DRIFTED.cause, by="arn:aws:sts::123456789012:assumed-role/Deploy/alice")


def in_audit(facts: Sequence[Fact]) -> list[Fact]:
    return [replace(fact, mode="audit") for fact in facts]


def storm() -> list[Fact]:
    """What an hour with a broken pipeline leads to."""
    return [
        replace(
            fact,
            repository=f"apps/service-{n % 30}",
            cause=Cause(f"push-{n}", fact.cause.type),
            time=f"2026-11-23T02:{n % 60:02}:06Z",
        )
        for n in range(240)
        for fact in ((MOVED, REJECTED) if n % 4 else (MOVED, OVERWRITTEN))
    ]


EVENTS: dict[str, Message] = {
    "tag_moved": told(ONE_PUSH),
    "tag_pinned": told([PINNED]),
    "tag_restored": told(OVERWRITTEN_AND_RESTORED),
    "tag_removed": told([REMOVED]),
    "tag_rejected": told([REJECTED]),
    "tag_overwritten": told([OVERWRITTEN]),
    "tag_held": told([HELD]),
    "tag_stale": told([STALE]),
    "image_lost": told([LOST]),
    "workload_on_stable_tag": told([ON_STABLE]),
    "workload_left_behind": told([BEHIND]),
    "images_expiring": told([EXPIRING]),
    "image_expiry_set": told([EXPIRY_SET]),
    "image_expiry_cleared": told([EXPIRY_CLEARED]),
    "repository_drifted": told([replace(DRIFTED, cause=CALLED, of=2), replace(UNTAGGED, of=2)]),
    "repository_corrected": told([replace(CORRECTED, cause=CALLED)]),
    "steward_failed": told([FAILED]),
    "sweep_completed": told([SWEPT]),
}
"""A message for each kind of event, by its name; every form has a golden file of each."""

DIGESTS: dict[str, Message] = {
    "digest": digest([*ONE_PUSH, PINNED, HELD, REJECTED, SWEPT], timedelta(hours=1)),
    "digest_of_a_storm": digest(storm(), timedelta(hours=1)),
}
"""Digests; every form has a golden file of each."""

STORIES: dict[str, Message] = {
    "audit": told(in_audit(ONE_PUSH)),
    "first_version": told(FIRST),
    "from_different_images": told(
        [
            *story("1.4"),
            replace(MOVED, tag="latest", before=OTHER, before_tags=("0.9.7", "latest")),
        ]
    ),
    "pin_and_move": told(PIN_AND_MOVE),
    "pin_and_move_in_audit": told(in_audit(PIN_AND_MOVE)),
    "restored_in_audit": told(in_audit(OVERWRITTEN_AND_RESTORED)),
    "removed_in_audit": told(in_audit([REMOVED])),
    "gone": told(
        [
            GONE,
            replace(
                GONE, tag="1", reason="1.4.1 is gone and nothing is left of 1.*: `1` stays away."
            ),
        ]
    ),
    "held_on_no_image": told([replace(HELD, before=None, before_tags=())]),
    "given_up": told([replace(GIVEN_UP, repository="base/redis")]),
    "moved_and_failed": told([*story("1", "latest"), FAILED]),
    "sweep_completed_in_audit": told(in_audit([SWEPT])),
    "long_names": told([replace(MOVED, repository=LONG, rule="0: team-a/*")]),
    "many_tags": told([replace(MOVED, tag=f"1.{n}") for n in range(12)]),
}
"""What is told in other words; only plain text has golden files of these."""


FORMS: dict[str, Render] = {
    name: render for each in channel_types() for name, render in each.forms.items()
}
"""The forms of all types of channel."""


def write(form: str, message: Message) -> tuple[Payload, ...]:
    return FORMS[form](message)


def messages(form: str) -> dict[str, Message]:
    """The messages of which `form` has golden files."""
    return EVENTS | DIGESTS | (STORIES if form == "text" else {})


def file(form: str, name: str) -> Path:
    return GOLDEN / form / f"{name}.{'txt' if form == 'text' else 'json'}"


def golden(form: str, message: Message) -> str:
    """What the golden file of a message holds: plain text, or JSON made readable."""
    payloads = write(form, message)
    if form == "text":
        return "\n".join(_text(payload) for payload in payloads)
    bodies = [json.loads(payload.body) for payload in payloads]
    shown = bodies if form == "webhook" else bodies[0]
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def _text(payload: Payload) -> str:
    return f"{payload.subject}\n\n{payload.body}"


def main() -> None:
    for form in FORMS:
        wanted = {file(form, name): message for name, message in messages(form).items()}
        (GOLDEN / form).mkdir(exist_ok=True)
        for path, message in wanted.items():
            path.write_text(golden(form, message), encoding="utf-8")
        for path in set((GOLDEN / form).iterdir()) - set(wanted):
            path.unlink()


if __name__ == "__main__":
    main()
