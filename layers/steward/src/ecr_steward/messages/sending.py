"""Messages to channels. What it takes to send one is loaded when there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecr_steward.messages.channels.channel import Channel, Payload
    from ecr_steward.messages.send.http import Response
    from ecr_steward.messages.send.outcome import Outcome
    from ecr_steward.messages.send.send import Sender
    from ecr_steward.words.facts import Fact


@dataclass
class LazySender:
    """Sends payloads.

    `client` gives the client of an AWS service, `topics` are the stack's own by form; with
    `local_http` a channel may be on this machine; `sent` and `not_sent` count what came of it.
    """

    client: Callable[[str], Any]
    topics: Mapping[str, str]
    clock: Callable[[], datetime]
    local_http: bool
    sent: Callable[[], None]
    not_sent: Callable[[], None]

    def send(self, channel: Channel, payload: Payload) -> Outcome:
        """Send one payload, and count what came of it."""
        from ecr_steward.messages.send.outcome import Delivered

        outcome = self._sender.send(channel, payload)
        (self.sent if isinstance(outcome, Delivered) else self.not_sent)()
        return outcome

    def try_out(
        self,
        name: str,
        channels: Mapping[str, Channel],
        sample: Callable[[str, datetime], Fact],
    ) -> dict[str, Any]:
        """Send a sample to a channel, at once and whatever its routes; what came of it."""
        from ecr_steward.messages.say import message
        from ecr_steward.messages.send.outcome import Delivered

        channel = channels.get(name)
        if channel is None:
            return {"channel": name, "known": sorted(channels)}
        said = message.story([sample(name, self.clock())])
        self._sender.forget(channel)  # whoever tries it has mostly just changed the address
        outcomes = [self._sender.send(channel, each) for each in channel.render(said)]
        failed = next((each for each in outcomes if not isinstance(each, Delivered)), None)
        if failed is not None:
            return {"channel": name, "sent": False, "answer": failed.reason}
        return {"channel": name, "sent": True, "answer": _answers(outcomes)}

    @cached_property
    def _sender(self) -> Sender:
        from ecr_steward.messages.send.references import References
        from ecr_steward.messages.send.send import Sender

        return Sender(
            references=References(self.client),
            sns=lambda: self.client("sns"),
            topics=self.topics,
            clock=self.clock,
            post=self._post,
        )

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Response:
        from ecr_steward.messages.send.http import Http

        return Http(local=self.local_http).post(url, body, headers)


def _answers(outcomes: Iterable[Outcome]) -> str:
    from ecr_steward.messages.send.outcome import Delivered

    return ", ".join(each.answer for each in outcomes if isinstance(each, Delivered))
