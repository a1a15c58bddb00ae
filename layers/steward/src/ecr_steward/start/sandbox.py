"""A function's sandbox: its handler is built at initialisation, its rules are read once."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ecr_steward.start.environment import Environment

if TYPE_CHECKING:
    from ecr_steward.rules import Ruleset

Reply = dict[str, Any]
Handler = Callable[[Mapping[str, Any]], Reply]


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def prepared(build: Callable[[Environment], Handler]) -> Callable[[], Handler]:
    """What gives a function's handler: built while Lambda initialises it, at full speed.

    Anywhere else it is built at its first use, so that importing a function needs no environment.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        # What is made here lives as long as the sandbox: the collector need not look through it.
        gc.disable()
        try:
            built = build(Environment(os.environ))
        finally:
            gc.freeze()
            gc.enable()
        return functools.wraps(build)(lambda: built)
    return functools.wraps(build)(functools.cache(lambda: build(Environment(os.environ))))


@functools.cache
def rules() -> Ruleset:
    """The rules this function was deployed with. Raises RulesError."""
    from ecr_steward.rules.compiled import find, read

    return read(find(os.environ))
