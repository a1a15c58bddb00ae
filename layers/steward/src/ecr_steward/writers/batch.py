"""A batch of queue messages: each repository on its own, and only what failed is returned."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from ecr_steward.queues.hints import Received
from ecr_steward.words.hints import Hint
from ecr_steward.words.reading import MalformedEvent
from ecr_steward.writers.passing import is_passing

log = logging.getLogger(__name__)

LONGEST_WAIT = 900
"""Most seconds that a message waits for what passes, such as ECR's throttles."""

_LONGEST_REST = 60
"""Most seconds between two tries of what failed otherwise."""

_FAILED, _WAITING, _GIVEN_UP = "failed", "waiting", "given up"


About = Callable[[Iterable[Hint]], AbstractContextManager[object]]
"""What makes each line of the log say which hints it is about."""


def _unsaid(hints: Iterable[Hint]) -> AbstractContextManager[object]:
    return nullcontext()


class OutOfTime(Exception):
    """The last try of a message did not come to an end: the function was killed."""


class GivesBack(Protocol):
    """What is asked of the queue that the messages came from."""

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        """Let a message that is returned be received again in `seconds`."""
        ...

    def send_again(self, message: Received) -> None:
        """Send a message once more that was not worked on."""
        ...

    def give_up(self, message: Received, why: str) -> None:
        """Put a message into the failure queue."""
        ...


class Counted(Protocol):
    """What counts the tries of a message, by its first id."""

    def begin(self, message: str) -> int:
        """Count one more try; returns which one it is."""
        ...

    def excuse(self, message: str) -> None:
        """Take the last try back."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """A message that failed, with its hint if it can be read, and `tries` if they were counted."""

    message: Received
    hint: Hint | None
    error: Exception
    tries: int | None = None

    @property
    def repository(self) -> str:
        return self.message.group if self.hint is None else self.hint.repository


@dataclass(frozen=True, slots=True)
class Limits:
    """After how many `tries` a message is given up, and after how many `receives` whatever the
    fault: that is when SQS moves it to the failure queue by itself, without a word."""

    tries: int
    receives: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What is returned to the queue (`ReportBatchItemFailures`), and the counts of what `failed`,
    of what waits for a fault to pass, and of what was given up."""

    reply: dict[str, list[dict[str, str]]]
    failed: int
    waiting: int
    given_up: int


class Batch:
    """Handles the records of SQS events, grouped by repository, the longest waiting first.

    A failure returns only its repository's messages. What passes is waited for, longer each time,
    and is not the message's fault; what fails otherwise is tried again soon, and moved to the
    failure queue when it has failed too often. `tell` is called with a message that is given up,
    `about` with the hints that are worked on.
    """

    def __init__(
        self,
        *,
        queue: GivesBack,
        tries: Counted,
        limits: Limits,
        visit: Callable[[str, Sequence[Hint]], object],
        tell: Callable[[Failure], None],
        about: About = _unsaid,
    ) -> None:
        self._queue = queue
        self._tries = tries
        self._limits = limits
        self._visit = visit
        self._tell = tell
        self._about = about

    def handle(
        self,
        records: Iterable[Mapping[str, Any]],
        may_begin: Callable[[], bool] = lambda: True,
    ) -> Outcomes:
        """Handle the records of one event.

        `may_begin` is asked before each repository but the first: the messages of those that there
        is no time left for are sent again, for SQS counts every receive of the old ones.
        """
        failures, groups = _grouped(records)
        left: list[tuple[Received, Hint]] = []
        for i, members in enumerate(groups.values()):
            if i and not may_begin():
                left += members
            else:
                failures += self._worked_on(members)
        ends = {failure.message.id: self._end(failure) for failure in failures}
        kept = [message.id for message, hint in left if not self._sent_again(message, hint)]
        back = [id_ for id_, end in ends.items() if end != _GIVEN_UP] + kept
        counts = [*ends.values()]
        return Outcomes(
            {"batchItemFailures": [{"itemIdentifier": id_} for id_ in back]},
            failed=counts.count(_FAILED) + counts.count(_GIVEN_UP),
            waiting=counts.count(_WAITING),
            given_up=counts.count(_GIVEN_UP),
        )

    def _worked_on(self, members: Sequence[tuple[Received, Hint]]) -> list[Failure]:
        """Visit a repository; the messages that failed."""
        tries: dict[str, int | None] = {}
        killed = OutOfTime("The last try did not come to an end.")
        failures: list[Failure] = []
        try:
            for message, hint in members:
                tries[message.id] = begun = self._begun(message)
                if begun is not None and begun > self._limits.tries:
                    failures.append(Failure(message, hint, killed, begun))
            over = {failure.message.id for failure in failures}
            hints = [hint for message, hint in members if message.id not in over]
            if hints:
                with self._about(hints):
                    self._visit(hints[0].repository, hints)
        except Exception as error:  # every fault must cost this repository alone
            return [Failure(each, hint, error, tries.get(each.id)) for each, hint in members]
        return failures

    def _begun(self, message: Received) -> int | None:
        """Which try this is; a first one is counted where it fails, for nearly none does."""
        return None if message.receives == 1 else self._tries.begin(message.first)

    def _end(self, failure: Failure) -> str:
        with self._about([] if failure.hint is None else [failure.hint]):
            return self._ended(failure)

    def _ended(self, failure: Failure) -> str:
        message = failure.message
        last = message.receives >= self._limits.receives
        if is_passing(failure.error) and not last:
            return self._put_off(failure)
        try:
            tries = failure.tries or self._tries.begin(message.first)
            if tries >= self._limits.tries or last:
                self._give_up(failure, tries)
                return _GIVEN_UP
        except Exception as error:  # the table or the failure queue is out of reach: later, then
            return self._put_off(Failure(message, failure.hint, error, failure.tries))
        self._report(log.error, "A message failed: %s", failure, tries)
        self._retry_in(message, min(2**tries, _LONGEST_REST))
        return _FAILED

    def _put_off(self, failure: Failure) -> str:
        message = failure.message
        self._report(log.warning, "A message waits: %s", failure, failure.tries)
        if failure.tries:
            self._excuse(message)
        self._retry_in(message, min(2**message.receives, LONGEST_WAIT))
        return _WAITING

    def _excuse(self, message: Received) -> None:
        try:
            self._tries.excuse(message.first)
        except Exception as error:  # it has one try less, then
            log.warning("A try could not be taken back: %s", error)

    def _give_up(self, failure: Failure, tries: int) -> None:
        self._report(log.error, "A message is given up: %s", failure, tries)
        self._queue.give_up(failure.message, str(failure.error))
        try:
            self._tell(Failure(failure.message, failure.hint, failure.error, tries))
        except Exception as error:  # the failure queue and its alarm tell it all the same
            log.error("The failure could not be told: %s", error)

    def _report(
        self, say: Callable[..., None], text: str, failure: Failure, tries: int | None
    ) -> None:
        readable = not isinstance(failure.error, MalformedEvent)
        say(
            text,
            failure.error,
            exc_info=failure.error if readable else None,
            extra={
                "message_id": failure.message.id,
                "repository": failure.repository,
                "tries": tries,
                "receives": failure.message.receives,
            },
        )

    def _sent_again(self, message: Received, hint: Hint) -> bool:
        with self._about([hint]):
            return self._is_sent_again(message)

    def _is_sent_again(self, message: Received) -> bool:
        log.info("No time left for it in this batch", extra={"message_id": message.id})
        try:
            self._queue.send_again(message)
        except Exception as error:  # it is handed back then, which counts as one of its tries
            log.warning("The message could not be sent again: %s", error)
            self._retry_in(message, 0)
            return False
        return True

    def _retry_in(self, message: Received, seconds: int) -> None:
        try:
            self._queue.retry_in(message.receipt_handle, seconds)
        except Exception as error:  # the queue's own visibility timeout brings it back then
            log.warning("The message will be retried late: %s", error)


def _grouped(
    records: Iterable[Mapping[str, Any]],
) -> tuple[list[Failure], dict[str, list[tuple[Received, Hint]]]]:
    """The messages that cannot be read, and the others by repository."""
    failures: list[Failure] = []
    groups: dict[str, list[tuple[Received, Hint]]] = {}
    # SQS has the order of each repository's messages; a sort keeps it where they wait as long.
    for message in sorted(map(Received.from_record, records), key=lambda each: each.since):
        try:
            hint = Hint.from_message(message.body)
        except MalformedEvent as error:
            failures.append(Failure(message, None, error))
        else:
            groups.setdefault(hint.repository, []).append((message, hint))
    return failures, groups
