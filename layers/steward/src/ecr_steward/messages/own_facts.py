"""The facts that the notifier makes itself: a channel is down, and a sample to try one with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ecr_steward.rules import Mode
from ecr_steward.words.causes import CHANNEL, TEST, Cause
from ecr_steward.words.facts import Fact, FactMaker, Kind
from ecr_steward.words.reading import iso

if TYPE_CHECKING:
    from ecr_steward.rules import Ruleset
    from ecr_steward.rules.channels import Channel


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
            Kind.MOVE,
            Cause(f"test-{iso(time)}", TEST),
            f"This is a test of the channel `{channel}`: no such image exists.",
            repository="example",
            mode="audit",
        )
        return replace(
            made,
            tag="1.4",
            digest="sha256:" + "2" * 64,
            before="sha256:" + "1" * 64,
            before_tags=("1.4", "1.4.1"),
            after_tags=("1.4.2",),
        )

    def channel_down(self, channel: Channel, reason: str, time: datetime) -> Fact:
        """What is said of a channel that takes no messages; `reason` is what it answered."""
        return self._maker(time).fact(
            Kind.FAILED,
            Cause(f"channel/{channel.name}/{iso(time)}", CHANNEL),
            f"The channel `{channel.name}` takes no messages. {reason} What it misses is tried "
            "again for two hours and then waits in NotifyFailureQueue; once it is put right, "
            f"`ecr-steward notify-test {channel.name}` shows it.",
            mode=self.mode.value,
        )

    def _maker(self, time: datetime) -> FactMaker:
        return FactMaker(self.account, self.region, lambda: time, self.rules().fingerprint)
