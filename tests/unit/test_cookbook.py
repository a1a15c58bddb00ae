"""The cookbook: every rule says nothing in vain, and every story goes as it is told."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest

from ecr_steward.words.facts import FactKind
from ecr_steward_cli.in_memory.simulation import Push, Simulation
from ecr_steward_cli.rules_file.load import Loaded, inspect_text

PAGE = (Path(__file__).parents[2] / "docs" / "cookbook.md").read_text("utf-8")
RECIPES = re.findall(
    r"^## (.+)\n(?:(?!## ).*\n)*?```yaml\n([\s\S]*?)```\n\n```story\n([\s\S]*?)```", PAGE, re.M
)
NAMES = [name for name, *_ in RECIPES]


def loaded(rule: str) -> Loaded:
    head = 'version: 1\nrules:\n  - repositories: ["team/*"]\n    mode: enforce\n'
    return inspect_text(head + textwrap.indent(rule, "    "), "cookbook.md")


def test_every_section_of_the_cookbook_has_a_rule_and_a_story() -> None:
    assert re.findall(r"^## (.+)$", PAGE, re.M) == NAMES
    assert len(NAMES) > 18


@pytest.mark.parametrize(("name", "rule", "story"), RECIPES, ids=NAMES)
def test_a_recipe_is_a_rule_that_says_nothing_in_vain(name: str, rule: str, story: str) -> None:
    assert [each.sentence for each in loaded(rule).warnings] == []


@pytest.mark.parametrize(("name", "rule", "story"), RECIPES, ids=NAMES)
def test_a_story_of_the_cookbook_goes_as_it_is_told(name: str, rule: str, story: str) -> None:
    lines = [line.split(" → ") for line in story.splitlines()]
    simulation = Simulation(loaded(rule).ruleset)
    for number, (tag, _) in enumerate(lines, 1):
        push = {"repository": "team/app", "tag": tag}
        simulation.feed(Push.parse(number, json.dumps(push)))
    told = simulation.outcome().told
    for number, (tag, expected) in enumerate(lines, 1):
        moves = [
            t.fact.tag or "" for t in told if t.line == number and t.fact.kind is FactKind.MOVE
        ]
        assert sorted(moves) == sorted([] if expected == "nothing" else expected.split(", ")), tag
    assert [t.why for t in told if t.fact.kind in (FactKind.REJECT, FactKind.OVERWRITE)] == []
