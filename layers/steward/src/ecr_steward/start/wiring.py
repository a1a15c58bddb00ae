"""The composition root: the only place that makes real clients, once per sandbox.

Each function starts with what it needs itself: its part here imports the rest of the library, and
clients come from botocore alone, which boto3's resources and transfers would make a tenth slower.
"""

from __future__ import annotations

import functools
import gc
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from ecr_steward.start import observe
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, Kind
from ecr_steward.words.hints import REGISTRY, Hint
from ecr_steward.words.reading import iso

if TYPE_CHECKING:
    from ecr_steward.doors.queue import HintQueue
    from ecr_steward.history.dynamo import DynamoTable
    from ecr_steward.history.tags import History
    from ecr_steward.rules import Ruleset
    from ecr_steward.start.environment.enforce_settings import EnforceSettingsEnvironment
    from ecr_steward.start.environment.retag import RetagEnvironment
    from ecr_steward.writers.batch import Message

log = logging.getLogger(__name__)

Reply = dict[str, Any]
Handler = Callable[[Mapping[str, Any]], Reply]

PUTS_AT_ONCE = 4
"""`PutImage` calls in parallel for one repository (ECR allows 10/s per account and Region)."""

BEGIN_WITHIN = 120
"""Seconds after which a batch begins no other repository; a visit may take as long again before
the function's time is over (template.yaml: RetagFunction, Timeout)."""

TELL_WITHIN = 25
"""Seconds after which a batch of messages begins no other story; one story may take twice as long
again before the function's time is over (template.yaml: NotifyFunction, Timeout)."""

_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=PUTS_AT_ONCE,
)

_QUICK = Config(
    connect_timeout=2,
    read_timeout=4,
    retries={"mode": "standard", "total_max_attempts": 2},
)


def _now() -> datetime:
    return datetime.now(UTC)


class _Loader(Loader):
    """Knows the services of the functions; botocore's own looks for all four hundred, twice."""

    def list_available_services(self, type_name: str) -> list[str]:
        return [
            "cloudtrail", "dynamodb", "ecr", "events", "secretsmanager", "sns", "sqs", "ssm",
        ]  # fmt: skip


@functools.cache
def _session() -> botocore.session.Session:
    session = botocore.session.get_session()
    session.register_component("data_loader", _Loader())
    return session


@functools.cache
def client(service: str) -> Any:
    """The sandbox's one client of an AWS service; all share one session."""
    return _session().create_client(service, config=_CONFIG)


@functools.cache
def quick_client(service: str) -> Any:
    """The same for calls that may fail: where a message must not wait long for them."""
    return _session().create_client(service, config=_QUICK)


def prepared(build: Callable[[], Handler]) -> Callable[[], Handler]:
    """What gives a function's handler: built while Lambda initialises it, at full speed.

    Anywhere else it is built at its first use, so that importing a function needs no environment.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        # What is made here lives as long as the sandbox: the collector need not look through it.
        gc.disable()
        try:
            built = build()
        finally:
            gc.freeze()
            gc.enable()
        return lambda: built
    return functools.cache(build)


@functools.cache
def _queue(url: str) -> HintQueue:
    from ecr_steward.doors.queue import HintQueue

    return HintQueue(client("sqs"), url)


def _door(url: str) -> Callable[[Hint], None]:
    """What hands hints on: the queue, or under `sam local invoke`, where `!Ref` gives no address
    but the queue's logical id, a line in the log."""
    if os.environ.get("AWS_SAM_LOCAL") == "true" and not url.startswith("http"):
        return lambda hint: log.info("No queue here; it would get %s", hint.to_message())
    return _queue(url).send


class _LateQueue:
    """For a function that seldom writes to its queue: the client is made when it first does."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, hint: Hint) -> None:
        _queue(self._url).send(hint)

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        _queue(self._url).retry_in(receipt_handle, seconds)


def _table(name: str) -> DynamoTable:
    from ecr_steward.history.dynamo import DynamoTable

    return DynamoTable(client("dynamodb"), name)


def _history(table: str) -> History:
    from ecr_steward.history.tags import History

    return History(_table(table))


@functools.cache
def rules() -> Ruleset:
    """The rules this function was deployed with. Raises RulesError."""
    from ecr_steward.rules.compiled import find, read

    return read(find(os.environ))


def check_tags() -> Handler:
    """The door's handler: one `ECR Image Action` event to its answer."""
    from ecr_steward.doors import pushes
    from ecr_steward.start.environment.check_tags import CheckTagsEnvironment

    send = _door(CheckTagsEnvironment.from_env(os.environ).queue_url)

    def handle(event: Mapping[str, Any]) -> Reply:
        observe.count("EventsReceived")
        hint, answer = pushes.check(event, rules(), send)
        observe.count("EventsQueued", int(answer is pushes.Answer.LOOK))
        repository = None if hint is None else hint.repository
        tag = None if hint is None else hint.tag
        log.info("%s", answer.value, extra={"repository": repository, "tag": tag})
        return {"repository": repository, "tag": tag, "answer": answer.name, "why": answer.value}

    return handle


def check_settings() -> Handler:
    """The other door's handler: one call of the ECR API, as CloudTrail tells it, to its answer."""
    from ecr_steward.doors import calls as door
    from ecr_steward.start.environment.check_settings import CheckSettingsEnvironment

    settings = CheckSettingsEnvironment.from_env(os.environ)
    send = _door(settings.queue_url)

    def handle(event: Mapping[str, Any]) -> Reply:
        observe.count("CallsReceived")
        call, answer = door.check(event, rules(), settings.role, send)
        observe.count("CallsQueued", int(answer is door.Answer.LOOK))
        repository = None if call is None else call.repository
        name = None if call is None else call.name
        log.info("%s", answer.value, extra={"repository": repository, "call": name})
        return {"repository": repository, "call": name, "answer": answer.name, "why": answer.value}

    return handle


def retag() -> Handler:
    """The writer's handler: one SQS event to the messages that failed."""
    from concurrent.futures import ThreadPoolExecutor

    from ecr_steward.ecr.images import EcrRegistry
    from ecr_steward.ecr.trail import Trail
    from ecr_steward.start.environment.retag import RetagEnvironment
    from ecr_steward.sweep import slices
    from ecr_steward.writers.tags import Retagger

    settings = RetagEnvironment.from_env(os.environ)
    history = _history(settings.table)
    queue = _LateQueue(settings.queue_url)
    pool = ThreadPoolExecutor(PUTS_AT_ONCE)
    registry = EcrRegistry(client("ecr"))

    @functools.cache
    def workers() -> tuple[Retagger, slices.Sweeper]:
        # Made at the first visit: broken rules must cost messages, which come back, not the start.
        tagger = Retagger(
            rules=rules(),
            cap=settings.mode,
            registry=registry,
            history=history,
            clock=_now,
            account=settings.account,
            region=settings.region,
            spread=pool.map,
            allow_removal=settings.allow_removal,
            witness=Trail(lambda: client("cloudtrail")).who_took,
        )
        sweeper = slices.Sweeper(
            rules=rules(),
            cap=settings.mode,
            history=history,
            clock=_now,
            account=settings.account,
            region=settings.region,
        )
        return tagger, sweeper

    def visit(repository: str, hints: Sequence[Hint]) -> None:
        visited = slices.visit_and_report(*workers(), queue.send, repository, hints)
        for fact in visited.facts:
            observe.count(fact.detail_type.replace(" ", ""))
        if visited.contested:
            observe.count("TagsContested", visited.contested)

    return _writer(settings, history, queue, visit)


def enforce_settings() -> Handler:
    """The other writer's handler: one SQS event to the messages that failed."""
    from ecr_steward.ecr.settings import EcrSettings
    from ecr_steward.history.dynamo import DynamoTable
    from ecr_steward.history.settings import SettingsHistory
    from ecr_steward.start.environment.enforce_settings import EnforceSettingsEnvironment
    from ecr_steward.sweep import slices
    from ecr_steward.writers.settings import Enforcer

    settings = EnforceSettingsEnvironment.from_env(os.environ)
    history = _history(settings.table)
    table = DynamoTable(client("dynamodb"), settings.table)
    registry = EcrSettings(client("ecr"))

    @functools.cache
    def workers() -> tuple[Enforcer, slices.Sweeper]:
        common: Any = {"clock": _now, "account": settings.account, "region": settings.region}
        enforcer = Enforcer(
            rules=rules(),
            cap=settings.settings_mode,
            registry=registry,
            history=SettingsHistory(table),
            role=settings.role,
            tagger=settings.tagger,
            **common,
        )
        sweeper = slices.Sweeper(
            rules=rules(),
            cap=settings.mode,
            settings_cap=settings.settings_mode,
            history=history,
            **common,
        )
        return enforcer, sweeper

    def visit(repository: str, hints: Sequence[Hint]) -> None:
        visited = slices.visit_settings_and_report(*workers(), repository, hints)
        for fact in visited.facts:
            observe.count(fact.detail_type.replace(" ", ""))

    return _writer(settings, history, _LateQueue(settings.queue_url), visit)


def _writer(
    settings: RetagEnvironment | EnforceSettingsEnvironment,
    history: History,
    queue: _LateQueue,
    visit: Callable[[str, Sequence[Hint]], None],
) -> Handler:
    """What both writers do with a batch of messages, each group by its own `visit`."""
    from ecr_steward.writers import batch

    def give_up(message: Message, hint: Hint | None, error: Exception) -> None:
        repository = message.group if hint is None else hint.repository
        fact = _failed(settings, repository, hint, message.id, error)
        try:
            history.say([fact])
        except Exception as fault:  # the failure queue and its alarm tell it all the same
            log.error("The failure could not be recorded: %s", fault)

    def handle(event: Mapping[str, Any]) -> Reply:
        latest = time.monotonic() + BEGIN_WITHIN
        failures = batch.handle(
            event["Records"], visit=visit, give_up=give_up, retry_in=queue.retry_in,
            max_receives=settings.max_receives, may_begin=lambda: time.monotonic() < latest,
        )  # fmt: skip
        observe.count("MessagesFailed", len(failures["batchItemFailures"]))
        return dict(failures)

    return handle


def _failed(
    settings: RetagEnvironment | EnforceSettingsEnvironment,
    repository: str,
    hint: Hint | None,
    message_id: str,
    error: Exception,
) -> Fact:
    return Fact(
        kind=Kind.FAILED,
        cause=Cause(message_id, "Message") if hint is None else hint.cause,
        registry=settings.account,
        region=settings.region,
        repository="" if repository == REGISTRY else repository,
        mode=settings.mode.value,
        rule="",
        rules="unknown",
        reason=f"Given up after {settings.max_receives} tries, now in the failure queue: {error}",
        time=iso(_now()),
        tag=None if hint is None else hint.tag,
        digest=None if hint is None else hint.digest,
    )


def sweep_slice() -> Handler:
    """The sweep's handler: the slice whose turn it is, or `{"glob": …, "id": …}` by hand.

    By hand, `part` is the portion to send: 0 if not given, -1 for none but a look.
    """
    from dataclasses import asdict

    from ecr_steward.ecr.images import EcrRegistry
    from ecr_steward.start.environment.sweep import SweepEnvironment
    from ecr_steward.sweep import slices

    settings = SweepEnvironment.from_env(os.environ)
    history = _history(settings.table)
    tags, policies = _queue(settings.queue_url), _queue(settings.settings_queue_url)
    registry = EcrRegistry(client("ecr"))

    def handle(event: Mapping[str, Any]) -> Reply:
        sweeper = slices.Sweeper(
            rules=rules(),
            cap=settings.mode,
            settings_cap=settings.settings_mode,
            history=history,
            clock=slices.clock_of(event, _now),
            account=settings.account,
            region=settings.region,
            pattern=settings.pattern,
        )
        if "glob" in event:
            asked = (event["glob"], event["id"], int(event.get("part", 0)))
            sent = sweeper.by_hand(registry, tags.send_all, *asked, policies.send_all)
            reply = asdict(sent)
        else:
            sent_now = sweeper.tick(registry, tags.send_all, settings.hours, policies.send_all)
            reply = {"sent": sent_now}
        log.info("Sent %s repositories to the writers", reply["sent"])
        observe.count("RepositoriesSent", reply["sent"])
        return reply

    return handle


def publish_facts() -> Handler:
    """The publisher's handler: one DynamoDB stream event to the record that failed."""
    from ecr_steward.messages import publish
    from ecr_steward.start.environment.publish import PublishEnvironment

    bus = PublishEnvironment.from_env(os.environ).bus
    events = client("events")

    def handle(event: Mapping[str, Any]) -> Reply:
        observe.count("RecordsRead", len(event["Records"]))
        return dict(publish.publish(event["Records"], events, bus))

    return handle


def notify_people() -> Handler:
    """The notifier's handler: one SQS event of steward events or errands to what must come again.

    `{"test": "CHANNEL"}` sends a sample to one channel and replies what came of it.
    """
    from ecr_steward.messages.mailroom import Mailroom
    from ecr_steward.start.environment.notify import NotifyEnvironment

    settings = NotifyEnvironment.from_env(os.environ)
    mailroom = Mailroom(
        settings=settings,
        table=_table(settings.table),
        client=quick_client,
        rules=rules,
        clock=_now,
        count=observe.count,
    )

    def handle(event: Mapping[str, Any]) -> Reply:
        if "test" in event:
            observe.count("ChannelsTried")
            return mailroom.try_out(str(event["test"]))
        observe.count("EventsReceived", len(event["Records"]))
        latest = time.monotonic() + TELL_WITHIN
        return mailroom.notify(event["Records"], lambda: time.monotonic() < latest)

    return handle
