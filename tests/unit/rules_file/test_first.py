"""What `init` writes of registries in which all is right: the scheme of each, and a quiet plan."""

from __future__ import annotations

import re

import pytest

from ecr_steward.rules import Ruleset
from ecr_steward_cli.rules_file.first import _entry, written
from ecr_steward_cli.rules_file.load import inspect_text
from ecr_steward_cli.rules_file.shown_scheme import SeenRepository, _are_lines
from tests.support.registries import APPLICATIONS, OFFICIAL, VENDORS, golden, planned, seen

EVERY = {**OFFICIAL, **APPLICATIONS, **VENDORS}


def rules_for(*repositories: SeenRepository) -> Ruleset:
    """The rules that are written, which `check` says nothing of."""
    loaded = inspect_text(written(repositories, "a test"), "rules.yaml")
    assert loaded.warnings == ()
    return loaded.ruleset


def told(rules: Ruleset, repository: SeenRepository) -> list[str]:
    """What `plan` would tell of the tags of a repository."""
    return [f"{each.tag}: {each.reason}" for each in planned(rules, repository)]


def test_the_rules_are_those_that_a_person_would_write() -> None:
    """`python -m tests.support.registries` writes them again; `git diff` then shows the changes."""
    for file, rules in golden().items():
        assert rules == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EVERY)
def test_what_is_right_already_is_quiet(name: str) -> None:
    repository = seen(name, EVERY[name])
    assert told(rules_for(repository), repository) == []


def test_all_in_one_registry_are_quiet_too() -> None:
    every = [seen(name, text) for name, text in EVERY.items()]
    rules = rules_for(*every)
    assert [line for each in every for line in told(rules, each)] == []
    assert len(rules.rules) < len(every) - 7


def test_where_tags_show_nothing_the_rules_are_about_access() -> None:
    names = [f"a/{letter}" for letter in "abcdefg"]
    text = written([seen(name, "old\nprod") for name in names], "a test")
    loaded = inspect_text(text, "rules.yaml")
    assert loaded.warnings == ()
    (rule,) = loaded.ruleset.rules
    assert (rule.repositories, rule.mode.value, rule.tags) == (("*",), "audit", None)
    assert "# The tags of a/a, a/b, a/c, a/d, a/e and 2 more show no scheme, so this rule" in text


def test_an_empty_registry_has_the_same_rules() -> None:
    text = written([], "a test")
    assert inspect_text(text, "rules.yaml").warnings == ()
    assert "# There are no tags yet, so this rule" in text


def test_repositories_without_a_scheme_are_named_below_the_rules() -> None:
    text = written([seen("a/b", "1.4.2"), seen("a/c", "old")], "a test")
    assert text.endswith("\n\n  # No tags that show a scheme, and so no rule: a/c.\n")
    assert "# A first rules file, from the 2 tags of 2 repositories in a test.\n" in text


def test_no_rule_takes_in_a_repository_without_a_scheme() -> None:
    found = [seen("a/one", "1.0.0 1.0"), seen("a/two", "1.0.0 1.0"), seen("z/bare", "prod")]
    rules = rules_for(*found)
    assert [each.repositories for each in rules.rules] == [("a/*",)]
    assert rules.rule_for("z/bare") is None


@pytest.mark.parametrize("length", [100, 101])
def test_a_list_has_one_line_of_a_hundred_characters(length: int) -> None:
    names = ["base/" + "x" * 30, "base/" + "y" * (length - 66)]
    text = written([*(seen(name, "1.4.2") for name in names), seen("base/z", "9f3c2ab")], "a test")
    line = f'  - repositories: ["{names[0]}", "{names[1]}"]'
    assert (line in text.splitlines()) == (length == 100)
    assert len(line) == length


def test_a_tag_is_whole_in_a_comment_however_long_it_is() -> None:
    odd = [f"{letter}_{'x' * 20}-{'y' * 20}" for letter in "abcd"] + [f"e_{'z' * 118}"]
    text = written([seen("a/b", "\n".join(["1.4.2", *odd]))], "a test")
    assert all(tag in text for tag in odd)


def test_numbers_are_lines_where_more_than_half_of_them_begin_a_longer_version() -> None:
    def read(*versions: str) -> dict[str, re.Match[str]]:
        found = ((each, re.fullmatch("(?P<numbers>.*)", each)) for each in versions)
        return {each: match for each, match in found if match is not None}

    assert not _are_lines(read("1.0", "2.0", "1.0.3"), 2)
    assert _are_lines(read("1.0", "2.0", "1.0.3", "2.0.1"), 2)


def test_what_is_no_list_has_one_line_however_long_it_is() -> None:
    (line,) = _entry("      pin: ", "a" * 200)
    assert line == f"      pin: {'a' * 200}"
