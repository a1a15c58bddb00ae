"""docs/tags.md says what the scheme does with the tags that it shows."""

from __future__ import annotations

import re
import textwrap

import pytest

from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward_cli.rules_file.load import inspect_text
from tests.support.keys import keys
from tests.support.pages import blocks, read, table

TAGS = read("docs/tags.md")
EXAMPLES = blocks(TAGS, "yaml", "tags:\n")
EACH = pytest.mark.parametrize("example", EXAMPLES)


def test_every_verdict_on_a_tag_is_explained() -> None:
    rows = table(TAGS, "A tag is", "if", "and then")
    assert [row[0].removeprefix("a ") for row in rows] == [
        each.value for each in (Verdict.PIN, Verdict.IGNORED, Verdict.UNIQUE, Verdict.STABLE)
    ] + [Verdict.UNKNOWN.value]


def test_every_key_of_tags_is_in_an_example() -> None:
    snippets = re.findall(r"^```.*?^```$|`[^`\n]+`", TAGS, re.M | re.S)
    shown = set(re.findall(r"\b(\w+):", " ".join(snippets)))
    wanted = {path.strip("`").rpartition(".")[2] for path, *_ in keys() if ".tags." in path}
    assert "prereleases" in wanted
    assert wanted - shown == set()


@EACH
def test_an_example_is_a_rule_that_says_nothing_in_vain(example: str) -> None:
    warnings = [each.sentence for each in inspect_text(_rule_of(example), "tags.md").warnings]
    assert [each for each in warnings if "AllowTagRemoval" not in each] == []


@EACH
def test_what_an_example_says_of_unique_tags_is_so(example: str) -> None:
    tags = _scheme_of(example)
    for unique, stable in re.findall(r"^# (\S+) → (.+)$", example, re.M):
        found = tags.read_unique(unique)
        assert found is not None, unique
        lines = tags.lines(found)
        assert (", ".join(line.tag for line in lines) or "nothing") == stable, unique


@EACH
def test_what_an_example_says_of_other_tags_is_so(example: str) -> None:
    tags = _scheme_of(example)
    for tag, verdict in re.findall(r"^# (\S+) is (?:an? )?(\w+)$", example, re.M):
        assert tags.judge(tag, f"sha256:{tag[-12:]}").value == verdict, tag
    for one, other in re.findall(r"^# (\S+) and (\S+) are twins$", example, re.M):
        versions = [found.version for tag in (one, other) if (found := tags.read_unique(tag))]
        precedences = [each.precedence for each in versions if each is not None]
        assert len(precedences) == 2
        assert precedences[0] == precedences[1], (one, other)


def test_the_examples_show_every_verdict_and_twins() -> None:
    shown = set(re.findall(r"^# \S+ is (?:an? )?(\w+)$", "\n".join(EXAMPLES), re.M))
    assert shown == {each.value for each in Verdict}
    assert " are twins" in "\n".join(EXAMPLES)


def _scheme_of(example: str) -> Scheme:
    tags = inspect_text(_rule_of(example), "tags.md").ruleset.rules[0].tags
    assert tags is not None
    return tags


def _rule_of(example: str) -> str:
    return 'version: 1\nrules:\n  - repositories: ["base/*"]\n' + textwrap.indent(example, "    ")
