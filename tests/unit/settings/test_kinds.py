"""Kinds of setting: one object each, which nothing else knows by its name."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import ecr_steward
from ecr_steward.settings.kinds import KINDS, Setting, named
from ecr_steward.settings.registry_kinds import REGISTRY_KINDS
from ecr_steward.settings.state import Problem
from ecr_steward.words.calls import CHANGES

PACKAGE = Path(ecr_steward.__file__).parent
NAMES = {kind.name: kind for kind in KINDS}
by_name = pytest.mark.parametrize("kind", KINDS, ids=NAMES)


@by_name
def test_each_kind_is_found_by_its_name_and_stands_in_a_file_of_that_name(
    kind: Setting[Any, Any],
) -> None:
    assert named(kind.name) is kind
    assert type(kind).__module__ == f"ecr_steward.settings.kinds.{kind.name}"
    assert kind.name in kind.keys


@by_name
def test_a_new_repository_has_what_is_unset(kind: Setting[Any, Any]) -> None:
    if not kind.read.absent:
        assert kind.from_answer({}) == kind.unset
    assert kind.from_template({}) == kind.unset


def test_the_door_lets_in_the_calls_that_change_a_setting_and_no_others() -> None:
    unchangeable = {"encryption"}
    assert set(CHANGES.values()) == set(NAMES) - unchangeable


@pytest.mark.parametrize("name", ["repository_drifted", "repository_corrected"])
def test_events_tell_of_every_setting_and_every_problem(name: str) -> None:
    text = files("ecr_steward_cli.schemas").joinpath("events", f"{name}.json").read_text("utf-8")
    said = json.loads(text)["properties"]
    assert set(said["setting"]["enum"]) == {*NAMES, *(kind.name for kind in REGISTRY_KINDS)}
    assert set(said["problem"]["enum"]) == {each.value for each in Problem}


KNOWN_BY = {
    "words/calls.py": "which call changes which setting: the doors load no kinds",
    "settings/statements.py": "what a policy is merged of",
    "rules/model.py": "the scheme guards unique tags itself where ECR cannot",
}


@pytest.mark.parametrize("name", ["scan_on_push", "required_tags"])
def test_nothing_else_in_the_library_knows_a_setting_by_its_name(name: str) -> None:
    modules = (each for each in PACKAGE.rglob("*.py") if f"{name}" in each.read_text("utf-8"))
    found = {str(each.relative_to(PACKAGE)) for each in modules}
    kinds = {each for each in found if each.startswith("settings/kinds/")}
    assert found - kinds - set(KNOWN_BY) == set()
    assert len(kinds - {"settings/kinds/__init__.py"}) == 1
