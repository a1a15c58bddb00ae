"""Logs and metrics of the functions: one JSON logger, one CloudWatch namespace."""

from __future__ import annotations

import logging

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

NAMESPACE = "EcrSteward"
"""CloudWatch namespace; the only dimension is the function's service name, never a repository."""

metrics = Metrics(namespace=NAMESPACE)


def logger() -> Logger:
    """The function's logger; what the library logs comes out of it too, with the same keys."""
    source = Logger()
    library = logging.getLogger("ecr_steward")
    library.handlers = source.handlers
    library.setLevel(source.log_level)
    library.propagate = False
    return source


def count(name: str, value: int = 1) -> None:
    """Add to a metric of this invocation."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
