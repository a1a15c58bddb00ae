"""What a kept plan would write, and what facts tell of, in the same words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ecr_steward.words.facts import Fact

DONE = frozenset({"move", "pin", "restore", "remove", "correct"})
"""The kinds of fact that tell of something written."""


def wanted(region: Mapping[str, Any]) -> list[str]:
    """The changes that write, of one registry in a plan, its own settings among them."""
    found = list(_of_settings("", region["registry"]["changes"]))
    for name, each in region["repositories"].items():
        found += _of_tags(name, each["changes"])
        found += _of_settings(name, each["settings"]["changes"])
    return sorted(map(str, found))


def _of_tags(name: str, changes: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for each in changes:
        if each["kind"] in DONE:
            yield name, each["kind"], each["tag"], each["from"], each["to"]


def _of_settings(name: str, changes: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for each in changes:
        if each["action"] == "correct":
            values = json.dumps([each["before"], each["after"]])
            yield name, each["setting"], each["problem"], each["subject"], values


def made(facts: Iterable[Fact]) -> list[str]:
    """What was written for good, of facts."""
    every = (fact for fact in facts if fact.mode == "enforce" and fact.kind in DONE)
    return sorted(str((fact.repository, *_about(fact))) for fact in every)


def _about(fact: Fact) -> tuple[Any, ...]:
    if (found := fact.difference) is None:
        return fact.kind.value, fact.tag, fact.before, fact.digest
    values = json.dumps([found.before, found.after])
    return found.setting, found.problem, found.subject, values
