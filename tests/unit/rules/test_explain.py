from __future__ import annotations

import pytest

from ecr_steward.rules.explain import explain, is_repository
from ecr_steward.rules.load import inspect_text

RULES = """\
version: 1
rules:
  - repositories: ["base/*"]
    mode: enforce
    tags:
      unique: [semver]
      stable:
        - {tag: "{major}.{minor}", follows: highest}
        - {tag: "{major}", follows: highest}
        - {tag: latest, follows: highest}
        - {tag: main}
        - {tag: "{major}.{minor}.{patch}", follows: highest}
      ignore: ["pr-*"]
      unknown: allow
  - repositories: ["apps/*"]
    tags:
      unique: [sha]
      stable: [{tag: latest, follows: highest}]
      overwritten: allow
  - repositories: [tools]
    tags:
      unique: [semver]
      stable: [{tag: latest, follows: highest}]
  - repositories: ["*-raw"]
"""


UNLESS = "on its image unless a higher release holds them."


def said(repository: str, rules: str = RULES) -> list[str]:
    return [line.strip() for line in explain(inspect_text(rules, "x"), repository).splitlines()]


@pytest.mark.parametrize(
    "name",
    ["redis", "a1", "base/redis", "a.b_c-d/e", "a__b", "a---b", "0/1", "a" * 256],
)
def test_names_that_ecr_accepts_are_names_of_repositories(name: str) -> None:
    assert is_repository(name)


@pytest.mark.parametrize(
    "name",
    ["", "a", "Redis", "/a", "a/", "a//b", "-ab", "ab-", "a..b", "a___b", "a._b", "base/*", "a b",
     "ab\n", "a" * 257],
)  # fmt: skip
def test_names_that_ecr_refuses_are_none(name: str) -> None:
    assert not is_repository(name)


def test_a_repository_that_no_rule_matches_is_left_alone() -> None:
    assert said("redis") == ["redis: no rule matches; the repository is left alone."]


def test_the_rule_that_wins_is_named_by_its_line_and_its_globs() -> None:
    assert said("base/redis")[0] == "base/redis: the rule on line 3 wins (base/*)."
    assert said("apps/shop")[0] == "apps/shop: the rule on line 15 wins (apps/*)."


def test_a_rule_is_told_in_full() -> None:
    assert said("base/redis")[1:] == [
        "mode         enforce: the steward changes the registry, if the stack's Mode allows.",
        "unique       semver (versions such as 1.4.2 or v1.4.2-rc.1)",
        "stable       {major}.{minor}          such as 1.4, the highest of 1.4.*",
        "{major}                  such as 1, the highest of 1.*",
        "latest                   the highest of all releases",
        "main                     moved by your pipeline only",
        "{major}.{minor}.{patch}  not moved by a version such as 1.4.2",
        f"example      a push of 1.4.2 puts 1.4, 1 and latest {UNLESS}",
        "ignored      pr-*, tags of signatures and attestations",
        "unknown      a tag that is neither unique nor stable is allowed",
        "overwritten  a unique tag that moves to another image is reported",
    ]  # fmt: skip


def test_in_audit_the_example_says_would() -> None:
    found = said("tools")
    assert "mode         audit: the steward reports what it would do and changes nothing." in found
    assert f"example      a push of 1.4.2 would put latest {UNLESS}" in found


def test_where_no_unique_tag_carries_a_version_nothing_moves_and_there_is_no_example() -> None:
    found = said("apps/shop")
    assert "unique       sha (commits such as 9f1c2ab or sha-9f1c2ab)" in found
    assert "stable       latest  never moved: no unique tag here carries a version" in found
    assert not any(line.startswith("example") for line in found)


def test_an_example_is_never_a_tag_that_the_rule_ignores() -> None:
    rules = RULES.replace('["pr-*"]', '["1.*"]')
    assert any("a push of 2.7.1 puts 2.7, 2 and latest" in line for line in said("base/a", rules))


def test_a_scheme_without_stable_tags_says_so() -> None:
    rules = "version: 1\nrules: [{repositories: [redis], tags: {unique: [semver]}}]"
    assert "stable       none" in said("redis", rules)
    assert "example      a push of 1.4.2 moves no stable tag." in said("redis", rules)


def test_a_rule_without_tags_leaves_them_alone_and_a_leading_star_names_no_cache() -> None:
    assert said("a/b-raw")[1:] == [
        "mode         audit: the steward reports what it would do and changes nothing.",
        "If it is a pull-through cache it is left alone: only globs that begin",
        "with `*` match it.",
        "tags         The rule says nothing about tags, so they are left alone.",
    ]
