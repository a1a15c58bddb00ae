"""A fact that never was, to try a channel with."""

from __future__ import annotations

from datetime import datetime

from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, Kind
from ecr_steward.words.reading import iso

CAUSE = "Test"
"""Type of the cause of such a fact; no other fact has it."""


def sample(channel: str, *, registry: str, region: str, rules: str, time: datetime) -> Fact:
    """What `notify-test` sends to `channel`: a move in a repository called `example`, in audit
    mode, whose reason says that it is a test. Each `time` gives another fact."""
    return Fact(
        kind=Kind.MOVE,
        cause=Cause(f"test-{iso(time)}", CAUSE),
        registry=registry,
        region=region,
        repository="example",
        mode="audit",
        rule="",
        rules=rules,
        reason=f"This is a test of the channel `{channel}`: no such image exists.",
        time=iso(time),
        tag="1.4",
        digest="sha256:" + "2" * 64,
        before="sha256:" + "1" * 64,
        before_tags=("1.4", "1.4.1"),
        after_tags=("1.4.2",),
    )
