"""What the notifier is made of: the ledger, the channels, who is told what."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ecr_steward.messages import deliver
from ecr_steward.messages.ledger import Ledger
from ecr_steward.messages.notify import Notifier
from ecr_steward.rules.channels import Channel, Form
from ecr_steward.start.environment.notify import NotifyEnvironment
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, Kind
from ecr_steward.words.reading import iso

if TYPE_CHECKING:
    from ecr_steward.history.table import Table
    from ecr_steward.messages.channels.forms import Letter
    from ecr_steward.messages.errands import Errands
    from ecr_steward.messages.say.message import Message
    from ecr_steward.messages.send.http import Answer
    from ecr_steward.messages.send.outcome import Outcome
    from ecr_steward.messages.send.send import Sender
    from ecr_steward.messages.whom.owners import ResourceTags
    from ecr_steward.messages.whom.routes import Parcel
    from ecr_steward.rules import Ruleset

log = logging.getLogger(__name__)

_AT_ONCE = 8
"""How many channels of one story are told at the same time."""


@dataclass
class Mailroom:
    """Everything behind the notifier's handler; its parts are made when they are first needed.

    `client` gives the client of an AWS service, `rules` the rules that the stack was built with,
    `count` adds to a metric.
    """

    settings: NotifyEnvironment
    table: Table
    client: Callable[[str], Any]
    rules: Callable[[], Ruleset]
    clock: Callable[[], datetime]
    count: Callable[[str], None]

    def __post_init__(self) -> None:
        self._making = threading.Lock()

    def notify(
        self,
        records: Iterable[Mapping[str, Any]],
        may_send: Callable[[], bool],
        may_note: Callable[[], bool],
    ) -> dict[str, Any]:
        """Tell the facts, and run the errands, of one SQS event; replies what must come again."""
        return dict(self._notifier.notify(records, may_send, may_note))

    def try_out(self, name: str) -> dict[str, Any]:
        """Send a sample to a channel, at once and whatever its routes; what came of it."""
        from ecr_steward.messages import samples
        from ecr_steward.messages.channels import forms
        from ecr_steward.messages.say import message
        from ecr_steward.messages.send.outcome import Sent

        channels = self.rules().channels
        channel = channels.get(name)
        if channel is None:
            return {"channel": name, "known": sorted(channels)}
        sample = samples.sample(
            name,
            registry=self.settings.account,
            region=self.settings.region,
            rules=self.rules().fingerprint,
            time=self.clock(),
        )
        said = message.story([sample])
        self._sender.forget(channel)  # whoever tries it has mostly just changed the address
        outcomes = [self._sender.send(channel, each) for each in forms.write(channel.form, said)]
        failed = next((each for each in outcomes if not isinstance(each, Sent)), None)
        if failed is not None:
            return {"channel": name, "sent": False, "answer": failed.reason}
        return {"channel": name, "sent": True, "answer": _answers(outcomes)}

    @cached_property
    def _notifier(self) -> Notifier:
        sender = self._sender  # made here, before several threads need it

        def send(channel: Channel, letter: Letter) -> Outcome:
            from ecr_steward.messages.send.outcome import Sent

            outcome = sender.send(channel, letter)
            self.count("MessagesSent" if isinstance(outcome, Sent) else "MessagesNotSent")
            return outcome

        return Notifier(
            carrier=deliver.Carrier(
                ledger=Ledger(self.table),
                write=_write,
                send=send,
                errand=lambda errand, seconds: self._errands.send(errand, seconds),
                wrong=self._wrong,
                clock=self.clock,
                pause=time.sleep,
                most=self.settings.messages_per_minute,
            ),
            route=self._route,
            channel=lambda name: self.rules().channels.get(name),
            retry_in=self._retry_in,
            retry_errand_in=lambda handle, seconds: self._errands.retry_in(handle, seconds),
            spread=_at_once,
        )

    def _client(self, service: str) -> Any:
        """The client of an AWS service; botocore makes one at a time only."""
        with self._making:
            return self.client(service)

    @cached_property
    def _errands(self) -> Errands:
        from ecr_steward.messages.errands import Errands

        return Errands(self._client("sqs"), self.settings.errands_url)

    @cached_property
    def _sender(self) -> Sender:
        from ecr_steward.messages.send.references import References
        from ecr_steward.messages.send.send import Sender

        return Sender(
            references=References(self._client),
            sns=lambda: self._client("sns"),
            topics={Form.TEXT: self.settings.topic, Form.CHAT: self.settings.chat_topic},
            clock=self.clock,
            post=self._post,
        )

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        from ecr_steward.messages.send.http import Http

        return Http(local=self.settings.local_http).post(url, body, headers)

    @cached_property
    def _resource_tags(self) -> ResourceTags:
        from ecr_steward.messages.whom.owners import ResourceTags

        return ResourceTags(self._client("ecr"))

    def _retry_in(self, receipt_handle: str, seconds: int) -> None:
        client = self._client("sqs")
        client.change_message_visibility(
            QueueUrl=self.settings.queue_url,
            ReceiptHandle=receipt_handle,
            VisibilityTimeout=seconds,
        )

    def _route(self, facts: Sequence[Fact]) -> list[Parcel]:
        from ecr_steward.messages.whom import recipients

        rules = self.rules()
        # Where e-mail is all there is, a repository's tags can add nothing.
        tags_of = self._resource_tags.of if len(rules.channels) > 1 else _no_tags
        return recipients.recipients(rules, facts, tags_of)

    def _wrong(self, channel: Channel, reason: str, time: datetime) -> Fact:
        """The fact that a channel is wrong."""
        from ecr_steward.messages.whom.recipients import WRONG

        return Fact(
            kind=Kind.FAILED,
            cause=Cause(f"channel/{channel.name}/{iso(time)}", WRONG),
            registry=self.settings.account,
            region=self.settings.region,
            repository="",
            mode=self.settings.mode.value,
            rule="",
            rules=self.rules().fingerprint,
            reason=(
                f"The channel `{channel.name}` takes no messages. {reason} What it misses is tried "
                "again for two hours and then waits in NotifyFailureQueue; once it is put right, "
                f"`ecr-steward notify-test {channel.name}` shows it."
            ),
            time=iso(time),
        )


def _write(form: Form, said: Message) -> Sequence[Letter]:
    from ecr_steward.messages.channels import forms

    return forms.write(form, said)


def _no_tags(fact: Fact) -> Mapping[str, str]:
    return {}


def _answers(outcomes: Iterable[Outcome]) -> str:
    from ecr_steward.messages.send.outcome import Sent

    return ", ".join(each.answer for each in outcomes if isinstance(each, Sent))


def _at_once(
    do: Callable[[Parcel], timedelta | None], parcels: Sequence[Parcel]
) -> Iterable[timedelta | None]:
    """Do something for each parcel, at the same time where there are several."""
    if len(parcels) < 2:
        return map(do, parcels)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(do, parcels))
