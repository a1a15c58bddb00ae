"""Logs and metrics of the functions: one JSON logger, one CloudWatch namespace."""

from __future__ import annotations

import enum
import functools
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from ecr_steward.words.reading import printable

if TYPE_CHECKING:
    from datetime import datetime

    from ecr_steward.words.facts import Fact
    from ecr_steward.words.hints import Hint

NAMESPACE = "EcrSteward"
"""CloudWatch namespace, before the stack's name; the only dimension is the function's service name,
never a repository."""


CAUSE = "cause"
"""The key of a line of the log that has the ids of its causes."""


class Metric(enum.StrEnum):
    """What the functions count. What AWS counts by itself, such as invocations and messages sent,
    is not among it: each metric of each function is paid for."""

    TAGS_MOVED = "TagsMoved"
    TAGS_CHANGED = "TagsChanged"
    TAGS_REPORTED = "TagsReported"
    TAGS_CONTESTED = "TagsContested"
    SETTINGS_DRIFTED = "SettingsDrifted"
    SETTINGS_CORRECTED = "SettingsCorrected"
    CHANGES_REFUSED = "ChangesRefused"
    IMAGES_LOST = "ImagesLost"
    PUSH_LAG = "PushLag"
    MESSAGES_PUT_OFF = "MessagesPutOff"
    MESSAGES_GIVEN_UP = "MessagesGivenUp"
    MESSAGES_SENT = "MessagesSent"
    MESSAGES_NOT_SENT = "MessagesNotSent"
    RETRIES_LATE = "RetriesLate"


_OF_BATCHES = (Metric.MESSAGES_PUT_OFF, Metric.MESSAGES_GIVEN_UP)

COUNTED: Mapping[str, tuple[Metric, ...]] = {
    "retag": (
        Metric.TAGS_MOVED,
        Metric.TAGS_CHANGED,
        Metric.TAGS_REPORTED,
        Metric.TAGS_CONTESTED,
        Metric.PUSH_LAG,
        Metric.CHANGES_REFUSED,
        *_OF_BATCHES,
    ),
    "enforce_settings": (
        Metric.SETTINGS_DRIFTED,
        Metric.SETTINGS_CORRECTED,
        Metric.CHANGES_REFUSED,
        *_OF_BATCHES,
    ),
    "retain_images": _OF_BATCHES,
    "check_running": (Metric.IMAGES_LOST,),
    "look_running": (Metric.IMAGES_LOST,),
    "notify": (Metric.MESSAGES_SENT, Metric.MESSAGES_NOT_SENT, Metric.RETRIES_LATE),
}
"""Which function counts what, by its service name: twenty at most, for each costs by the month."""

OF_FACTS: Mapping[str, Metric] = {
    "move": Metric.TAGS_MOVED,
    "pin": Metric.TAGS_CHANGED,
    "restore": Metric.TAGS_CHANGED,
    "remove": Metric.TAGS_CHANGED,
    "expiry_set": Metric.TAGS_CHANGED,
    "expiry_cleared": Metric.TAGS_CHANGED,
    "reject": Metric.TAGS_REPORTED,
    "overwrite": Metric.TAGS_REPORTED,
    "held": Metric.TAGS_REPORTED,
    "stale": Metric.TAGS_REPORTED,
    "drift": Metric.SETTINGS_DRIFTED,
    "correct": Metric.SETTINGS_CORRECTED,
    "failed": Metric.CHANGES_REFUSED,
    "lost": Metric.IMAGES_LOST,
}
"""By which metric a fact is counted, by its kind; what needs nobody's eye is not counted."""


@functools.cache
def metrics() -> Metrics:
    """The function's metrics, under the service name and in the namespace of its environment."""
    return Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE))


@contextmanager
def about(causes: Iterable[str]) -> Iterator[None]:
    """Each line that is logged meanwhile has the ids of its causes as `cause`, with spaces between.

    It is the one thing that the lines of all functions share, from a push to the message about it.
    """
    source = Logger()
    before = source.get_current_keys().get(CAUSE)
    source.append_keys(**{CAUSE: " ".join(dict.fromkeys(filter(None, causes))) or None})
    try:
        yield
    finally:
        source.append_keys(**{CAUSE: before})


def caused_by(event: object) -> list[str]:
    """What `about` is given for an event of EventBridge: its id, if it is an event and has one."""
    id_ = event.get("id") if isinstance(event, Mapping) else None
    return [id_] if isinstance(id_, str) else []


def logger() -> Logger:
    """The function's logger; what the library logs comes out of it too, with the same keys."""
    source = Logger(json_serializer=_line)
    library = logging.getLogger("ecr_steward")
    library.handlers = source.handlers
    library.setLevel(source.log_level)
    library.propagate = False
    return source


def _line(record: Mapping[str, Any]) -> str:
    """A record as one line of JSON. Powertools' own leaves what JSON lets stand, and with that
    whoever reads a log in a terminal lets others write to it."""
    text = json.dumps(record, default=str, separators=(",", ":"), ensure_ascii=False)
    return printable(text)


def count(metric: Metric, value: int = 1) -> None:
    """Add to a metric of this invocation."""
    metrics().add_metric(name=metric, unit=MetricUnit.Count, value=value)


def count_facts(facts: Iterable[Fact]) -> None:
    """Count each fact by its kind, and those of tags that the steward itself holds once more."""
    for fact in facts:
        if fact.kind in OF_FACTS:
            count(OF_FACTS[fact.kind])
        if fact.contested:
            count(Metric.TAGS_CONTESTED)


def count_lag(hints: Iterable[Hint], now: datetime) -> None:
    """How many seconds after its push each push among `hints` was done with, by ECR's clock."""
    for hint in hints:
        if hint.action == "PUSH":
            lag = max(0.0, (now - hint.time).total_seconds())
            metrics().add_metric(name=Metric.PUSH_LAG, unit=MetricUnit.Seconds, value=lag)
