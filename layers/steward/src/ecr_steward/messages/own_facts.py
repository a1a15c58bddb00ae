"""The facts that the notifier makes itself: a channel is down, and a sample to try one with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ecr_steward.rules import Mode
from ecr_steward.words.causes import CHANNEL, TEST, Cause
from ecr_steward.words.facts import Fact, Kind
from ecr_steward.words.reading import iso

if TYPE_CHECKING:
    from ecr_steward.messages.channels.channel import Channel
    from ecr_steward.rules import Ruleset


@dataclass(frozen=True)
class OwnFacts:
    """Makes them for one stack: its registry's account and Region, its mode, and its rules."""

    account: str
    region: str
    mode: Mode
    rules: Callable[[], Ruleset]

    def sample(self, channel: str, time: datetime) -> Fact:
        """What `notify-test` sends to `channel`: a move in a repository called `example`, in audit
        mode, whose reason says that it is a test. Each `time` gives another fact."""
        return Fact(
            kind=Kind.MOVE,
            cause=Cause(f"test-{iso(time)}", TEST),
            registry=self.account,
            region=self.region,
            repository="example",
            mode="audit",
            rule="",
            rules=self.rules().fingerprint,
            reason=f"This is a test of the channel `{channel}`: no such image exists.",
            time=iso(time),
            tag="1.4",
            digest=_digest("1.4.2"),
            before=_digest("1.4.1"),
            before_tags=("1.4", "1.4.1"),
            after_tags=("1.4.2",),
        )

    def channel_down(self, channel: Channel, reason: str, time: datetime) -> Fact:
        """What is said of a channel that is down; `reason` is what it answered."""
        return Fact(
            kind=Kind.FAILED,
            cause=Cause(f"channel/{channel.name}/{iso(time)}", CHANNEL),
            registry=self.account,
            region=self.region,
            repository="",
            mode=self.mode.value,
            rule="",
            rules=self.rules().fingerprint,
            reason=(
                f"The channel `{channel.name}` is down. {reason} Its messages are retried for two "
                "hours and then wait in NotifyFailureQueue. To try the channel: "
                f"`ecr-steward notify-test {channel.name}`."
            ),
            time=iso(time),
        )


def _digest(tag: str) -> str:
    """A digest that looks like one."""
    return f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"
