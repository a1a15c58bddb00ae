"""Playing an act: on a stage of its own, with all rights of its role or without one."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from moto import mock_aws

from ecr_steward.rules import compiled
from tests.rights.acts import Act
from tests.rights.iam import Demand
from tests.rights.rules import RULES
from tests.rights.stage import Guard, Right, Stage
from tests.template import support
from tests.template.support import REGION, Stack

WIDEST: Mapping[str, Any] = {**support.EVERYTHING, "RepositoryPattern": "base/*"}
"""The parameters of a stack whose roles have every right, to some repositories only."""

_ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "anybody",
    "AWS_SECRET_ACCESS_KEY": "secret",
    # moto does not know the addresses that have an account in their name.
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
}


@dataclass(frozen=True, slots=True)
class Played:
    """What came of an act: why it was not done, the rights it used, and what was refused."""

    failure: str
    used: Mapping[Right, Demand]
    refused: tuple[Demand, ...]


def play(act: Act, without: Right | None = None) -> Played:
    """Play an act on a new stage; `without` is a right that is taken away."""
    stack = stack_of(tuple(sorted(act.parameters.items())))
    guard = Guard(statements(stack), without)
    failure = ""
    with mock.patch.dict(os.environ, _ENVIRONMENT), mock_aws(), _rules(act.registry) as rules:
        try:
            act.play(Stage(stack, rules, guard))
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
    return Played(failure, guard.used, tuple(guard.refused))


@functools.cache
def stack_of(parameters: tuple[tuple[str, str], ...] = ()) -> Stack:
    """The stack on which acts with these parameters are played."""
    return support.stack(**{**WIDEST, **dict(parameters)})


def statements(stack: Stack) -> dict[str, list[Any]]:
    """The statements of each role of a stack."""
    found: dict[str, list[Any]] = {}
    for role, statement in stack.statements():
        found.setdefault(role, []).append(statement)
    return found


@contextlib.contextmanager
def _rules(registry: Mapping[str, Any]) -> Iterator[Path]:
    """The compiled rules, as the rules layer carries them."""
    with tempfile.TemporaryDirectory(prefix="ecr-steward-rights-") as folder:
        file = Path(folder) / compiled.FILE
        file.write_text(compiled.dumps({**RULES, "registry": registry}), encoding="utf-8")
        yield file
