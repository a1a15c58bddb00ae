"""The functions as they are deployed, with all around them played."""

from __future__ import annotations

import concurrent.futures
import importlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any, Protocol
from unittest.mock import patch

from bench.artefact import HANDLERS
from ecr_steward.messages.channels.channel import Channel
from ecr_steward.messages.send import http
from ecr_steward.rules import Ruleset
from ecr_steward.start import clients, observe, sandbox, writer
from ecr_steward.start.environment import Environment
from tests.handlers.functions import ENVIRONMENT
from tests.soak.cloud import Receivers, SoakTable

Handler = Callable[[Mapping[str, Any]], dict[str, Any]]

APPS: Mapping[str, ModuleType] = {
    name: importlib.import_module(f"functions.{name}.app") for name in HANDLERS
}

_MORE = {"ALLOW_TAG_REMOVAL": "true", "SETTINGS_MODE": "enforce"}


class Deployment(Protocol):
    """What the functions find around them."""

    rules: Ruleset
    table: SoakTable
    channels: Receivers

    def client(self, service: str) -> Any: ...
    def clock(self) -> Any: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class InTurn:
    """A pool of threads that does one thing after the other, so that a seed plays one story."""

    def __init__(self, most: int) -> None:
        self._most = most

    def __enter__(self) -> InTurn:
        return self

    def __exit__(self, *error: object) -> None:
        return

    def map(self, do: Callable[[Any], Any], things: Any) -> Iterator[Any]:
        return iter([do(each) for each in things])


def start(name: str) -> Handler:
    """A new sandbox of a function."""
    build: Callable[[Environment], Handler] = APPS[name].handle.__wrapped__
    return build(Environment({**ENVIRONMENT[name], **_MORE}))


@contextmanager
def deployed(around: Deployment) -> Iterator[None]:
    """The functions reach `around` and nothing else."""
    log = logging.getLogger("ecr_steward")
    level, log.level = log.level, logging.CRITICAL + 1
    here: dict[str, Any] = {
        "client": around.client,
        "quick_client": around.client,
        "patient": around.client,
        "rules": lambda: around.rules,
        "now": around.clock,
        "time": SimpleNamespace(monotonic=around.monotonic, sleep=around.sleep),
        "DynamoTable": lambda client, name: around.table,
        "logger": logging.Logger("silent", logging.CRITICAL + 1),
    }
    seams: list[tuple[Any, str, Any]] = [
        *(
            (module, name, value)
            for module in (*APPS.values(), clients, sandbox, writer)
            for name, value in here.items()
            if hasattr(module, name)
        ),
        (http, "Http", lambda local: around.channels),
        (Channel, "render", around.channels.writing(Channel.render)),
        (concurrent.futures, "ThreadPoolExecutor", InTurn),
        (observe, "count", lambda name, value=1: None),
        (observe, "about", lambda causes: nullcontext()),
        (observe, "count_lag", lambda hints, now: None),
    ]
    with ExitStack() as stack:
        for owner, name, value in seams:
            stack.enter_context(patch.object(owner, name, value))
        try:
            yield
        finally:
            log.setLevel(level)
