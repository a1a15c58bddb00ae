"""What `init` writes of registries in which all is right: the scheme of each, and a quiet plan."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ecr_steward.rules import Ruleset
from ecr_steward.tags.look import concern_all
from ecr_steward.tags.plan import plan_changes
from ecr_steward.tags.state import Observed
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from ecr_steward_cli.rules_file.first import written
from ecr_steward_cli.rules_file.load import inspect_text
from ecr_steward_cli.rules_file.shown_scheme import SeenRepository
from tests.unit.rules_file.registries import APPLICATIONS, OFFICIAL, VENDORS, seen

_NOW = datetime(2026, 11, 28, tzinfo=UTC)
EVERY = {**OFFICIAL, **APPLICATIONS, **VENDORS}


def rules_for(*repositories: SeenRepository) -> Ruleset:
    """The rules that are written, which `check` says nothing of."""
    loaded = inspect_text(written(repositories, "a test"), "rules.yaml")
    assert loaded.warnings == ()
    return loaded.ruleset


def told(rules: Ruleset, repository: SeenRepository) -> list[str]:
    """What `plan` would tell of the tags of a repository."""
    rule = rules.rule_for(repository.name)
    assert rule is not None
    assert rule.tags is not None
    sweep = Hint(repository.name, Action.SWEEP, None, None, Cause("1", "Plan"), _NOW)
    about = concern_all(rule.tags, repository.images, (), sweep)
    images = {each.digest: each for each in repository.images}
    plan = plan_changes(rule.tags, about, Observed(images, {}, {}))
    return [f"{each.tag}: {each.reason}" for each in plan.changes]


def tags_of(text: str) -> str:
    """What is written under `tags:` for a repository, without indents."""
    lines = written([seen("a/b", text)], "a test").partition("    tags:\n")[2].splitlines()
    return "\n".join(line.strip() for line in lines)


@pytest.mark.parametrize("name", EVERY)
def test_what_is_right_already_is_quiet(name: str) -> None:
    repository = seen(name, EVERY[name])
    assert told(rules_for(repository), repository) == []


def test_all_in_one_registry_are_quiet_too() -> None:
    every = [seen(name, text) for name, text in EVERY.items()]
    rules = rules_for(*every)
    assert [line for each in every for line in told(rules, each)] == []
    assert len(rules.rules) < len(every) - 7


SHAPES = {
    "letters": (r"(?P<release>r20[0-9]{2}[a-z])-u(?P<version>[0-9]+)", ["{release}"]),
    "rebuilt": (r"(?P<version>[0-9]+[.][0-9]+)-(?P<revision>20[0-9]{6})", ["{major}.{minor}"]),
    "patched": (
        r"(?P<version>[0-9]+[.][0-9]+[.][0-9]+)(?P<revision>[a-z])",
        ["{major}.{minor}.{patch}", "{major}.{minor}"],
    ),
    "prefixed": (r"release-(?P<version>[0-9]+[.][0-9]+)", ["release-{major}"]),
    "long-term": (r"(?P<version>20[0-9]{2})R(?P<revision>[0-9]+-sp[0-9]+)", []),
}


@pytest.mark.parametrize("name", SHAPES)
def test_tags_of_one_shape_are_a_pattern(name: str) -> None:
    pattern, lines = SHAPES[name]
    follows = "newest" if "{release}" in lines else "highest"
    assert tags_of(VENDORS[name]).splitlines() == [
        f'unique: [{{pattern: "{pattern}"}}]',
        "stable:",
        *(f'- {{tag: "{line}", follows: highest}}' for line in lines),
        f"- {{tag: latest, follows: {follows}}}",
    ]


def test_a_shape_beside_versions_has_its_place_in_their_lines() -> None:
    variant = "(?:-(?P<variant>[A-Za-z].*))?"
    assert tags_of(OFFICIAL["eclipse-temurin"]).splitlines()[1:4] == [
        "- semver",
        f'- {{pattern: "(?P<version>[0-9]+)u(?P<revision>[0-9]+-b[0-9]+){variant}"}}',
        f'- {{pattern: "(?P<version>[0-9]+)_(?P<revision>[0-9]+){variant}"}}',
    ]
