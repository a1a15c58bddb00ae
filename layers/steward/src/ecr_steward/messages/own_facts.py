"""The facts that the notifier makes itself: a channel is down, and a sample to try one with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ecr_steward.words.causes import CHANNEL, TEST, Cause
from ecr_steward.words.facts import Fact, FactKind, FactMaker
from ecr_steward.words.modes import Mode
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
        made = self._maker(time).fact(
            FactKind.MOVE,
            Cause(f"test-{iso(time)}", TEST),
            f"This is a test of the channel `{channel}`: no such image exists.",
            repository="example",
            mode="audit",
        )
        return replace(
            made,
            tag="1.4",
            digest=_digest("1.4.2"),
            before=_digest("1.4.1"),
            before_tags=("1.4", "1.4.1"),
            after_tags=("1.4.2",),
        )

    def channel_down(self, channel: Channel, reason: str, time: datetime) -> Fact:
        """What is said of a channel that is down; `reason` is what it answered."""
        return self._maker(time).fact(
            FactKind.FAILED,
            Cause(f"channel/{channel.name}/{iso(time)}", CHANNEL),
            f"The channel `{channel.name}` is down. {reason} Its messages are retried for two "
            "hours and then wait in NotifyFailureQueue. To try the channel: "
            f"`ecr-steward notify-test {channel.name}`.",
            mode=self.mode.value,
        )

    def _maker(self, time: datetime) -> FactMaker:
        return FactMaker(self.account, self.region, lambda: time, self.rules().fingerprint)


def _digest(tag: str) -> str:
    """A digest that looks like one."""
    return f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"
