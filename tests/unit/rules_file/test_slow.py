"""Regular expressions that could hold a function up are refused when the rules are checked."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import ecr_steward
import ecr_steward_cli
from ecr_steward_cli.rules_file.document import RulesFault
from ecr_steward_cli.rules_file.load import inspect_text, schema
from ecr_steward_cli.rules_file.slow import slow


def file(*patterns: str) -> str:
    kinds = "".join(f"\n        - pattern: '{pattern}'" for pattern in patterns)
    return f"version: 1\nrules:\n  - repositories: [redis]\n    tags:\n      unique:{kinds}\n"


SLOW = [
    r"(a+)+b",
    r"v(?P<version>([0-9]+[.]?)*)-final",
    r"release\.(?:[a-f]|[a-z]+)*-[0-9]",
    r"\d+\d+\d+\d+\d+x",
]
QUICK = [
    r".+",
    r"nightly-[0-9]+",
    r"[0-9a-f]{7,40}",
    r"v(?P<version>[0-9]+(?:[.][0-9]+)*)-final",
    r"(?P<version>[0-9]+(?:[.][0-9]+)*)(?:(?P<prerelease>(?:a|b|rc)[0-9]+))?(?:[.]post[0-9]+)?",
]


def test_expressions_that_can_take_for_ever_are_found_among_others() -> None:
    found = slow([QUICK[0], SLOW[0], *QUICK[1:], SLOW[-1], "again-[0-9]+"])
    assert found == {SLOW[0], SLOW[-1]}


@pytest.mark.parametrize("pattern", SLOW)
def test_an_expression_that_can_take_for_ever_is_found(pattern: str) -> None:
    assert slow([pattern]) == {pattern}


def test_a_slow_expression_is_refused_with_its_line_and_the_way_out() -> None:
    with pytest.raises(RulesFault) as refused:
        inspect_text(file("[0-9]{8}", SLOW[-1]), "rules.yaml")
    (fault,) = refused.value.faults
    assert fault.line == 7
    assert "can take forever over a tag that it does not match" in fault.sentence
    assert fault.sentence.endswith("every letter can be taken in one way only.")


@pytest.mark.parametrize("pattern", QUICK)
def test_a_quick_expression_is_not(pattern: str) -> None:
    assert inspect_text(file(pattern), "rules.yaml").warnings is not None


def test_every_expression_that_the_schema_shows_is_quick() -> None:
    (kind,) = (each for each in schema()["$defs"]["kind"]["anyOf"] if each["title"] == "pattern")
    assert slow(kind["properties"]["pattern"]["examples"]) == frozenset()


def _expressions() -> set[str]:
    """The expressions that the modules of both packages hold."""
    found: set[str] = set()
    for package in (ecr_steward, ecr_steward_cli):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            found.update(_held(list(vars(importlib.import_module(module.name)).values())))
    return found


def _held(value: Any) -> Iterator[str]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value.pattern
    for each in value if isinstance(value, list | tuple) else ():
        yield from _held(each)
    if isinstance(value, dict):
        yield from _held(list(value.values()))
    if isinstance(value, type) and value.__module__.startswith("ecr_steward"):
        yield from _held([each for each in vars(value).values() if isinstance(each, re.Pattern)])


def test_no_expression_of_the_stewards_own_takes_long_over_any_tag() -> None:
    found = _expressions()
    assert len(found) > 50
    assert slow(sorted(found)) == frozenset()
