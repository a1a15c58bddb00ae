"""docs/settings.md says what a baseline can state and what drift finds."""

from __future__ import annotations

import re
import textwrap

import pytest

from ecr_steward.settings.kinds import KINDS
from ecr_steward.settings.state import Problem, SettingAction
from ecr_steward_cli.rules_file.load import inspect_text
from tests.support.pages import blocks, code, read, table

SETTINGS = read("docs/settings.md")
EXAMPLES = blocks(SETTINGS, "yaml", "repository:\n")
_APPS = """\
version: 1
rules:
  - repositories: ["apps/*"]
    tags: {unique: [sha], stable: [{tag: main}, {tag: prod}]}
"""


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_says_nothing_in_vain(example: str) -> None:
    loaded = inspect_text(_APPS + textwrap.indent(example, "    "), "settings.md")
    assert loaded.warnings == ()
    assert loaded.ruleset.rules[0].baseline.reads


def test_every_setting_of_a_repository_is_in_an_example() -> None:
    shown = set(re.findall(r"\b(\w+):", " ".join(EXAMPLES)))
    assert {each.name for each in KINDS} <= shown


def test_the_example_of_the_registry_is_one() -> None:
    (example,) = blocks(SETTINGS, "yaml", "registry:\n")
    baseline = inspect_text(_APPS + example, "settings.md").ruleset.registry_baseline
    assert "scanning" in baseline.wishes
    assert [each.prefix for each in baseline.wishes["creation_templates"]] == ["apps"]


def test_every_problem_that_a_setting_can_have_is_listed() -> None:
    rows = table(SETTINGS, "Setting", "Problem", "When", "What is done")
    assert {row[0] for row in rows} == {code(each.name) for each in KINDS}
    assert {row[1] for row in rows} == {code(each.value) for each in Problem}
    steps = {each.value for each in SettingAction}
    assert all(steps & set(re.findall(r"\w+", row[3])) or "as `" in row[3] for row in rows)
