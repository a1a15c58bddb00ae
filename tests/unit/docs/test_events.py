"""events/README.md lists every sample event, with the answer that the code gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ecr_steward.doors.calls import check as check_settings
from ecr_steward.doors.pushes import check
from ecr_steward.doors.running import check as check_running
from ecr_steward.words.reading import MalformedEvent
from ecr_steward.words.tasks import OwnRegistry
from ecr_steward_cli.rules_file.load import load
from tests.handlers.functions import SETTINGS_ROLE
from tests.support.pages import ROOT, code, read, table

EVENTS = ROOT / "events"
DOORS = ("ecr", "call", "task", "function")
REGISTRY = OwnRegistry("123456789012", "eu-west-1", ("210987654321",))


def samples() -> list[list[str]]:
    text = read("events/README.md")
    tables = (("File", "Answer"), ("Call", "Answer"), ("Event", "Answer"), ("File", "Function"))
    return [each for file, last in tables for each in table(text, file, "What it is", last)]


def test_every_sample_event_is_listed_once() -> None:
    listed = [file.strip("`") for file, _, _ in samples()]
    assert sorted(listed) == sorted(path.name for path in EVENTS.glob("*.json"))


@pytest.mark.parametrize(
    "file", sorted(path.name for path in EVENTS.iterdir() if path.name.startswith(DOORS))
)
def test_the_door_answers_a_sample_event_as_listed(file: str) -> None:
    answers = {name.strip("`"): answer for name, _, answer in samples()}
    event = json.loads((EVENTS / file).read_text(encoding="utf-8"))
    assert answers[file] == code(_answer(event))


def _answer(event: Mapping[str, Any]) -> str:
    rules = load(ROOT / "layers/rules/rules.yaml")
    try:
        if event["source"] in ("aws.ecs", "aws.lambda"):
            return check_running(event, REGISTRY)[1].name
        if "eventName" in event["detail"]:
            return check_settings(event, rules, SETTINGS_ROLE, lambda hint: None)[1].name
        return check(event, rules, lambda hint: None)[1].name
    except MalformedEvent:
        return MalformedEvent.__name__
