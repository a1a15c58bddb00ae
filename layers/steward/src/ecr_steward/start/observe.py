"""Logs and metrics of the functions: one JSON logger, one CloudWatch namespace."""

from __future__ import annotations

import functools
import json
import logging
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from ecr_steward.words.reading import printable

if TYPE_CHECKING:
    from ecr_steward.words.facts import Fact

NAMESPACE = "EcrSteward"
"""CloudWatch namespace, before the stack's name; the only dimension is the function's service name,
never a repository."""


@functools.cache
def metrics() -> Metrics:
    """The function's metrics, under the service name and in the namespace of its environment."""
    return Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE))


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


def count(name: str, value: int = 1) -> None:
    """Add to a metric of this invocation."""
    metrics().add_metric(name=name, unit=MetricUnit.Count, value=value)


def count_facts(facts: Iterable[Fact]) -> None:
    """Count each fact by its kind: `Tag Moved` as `TagMoved`."""
    for fact in facts:
        count(fact.detail_type.replace(" ", ""))
