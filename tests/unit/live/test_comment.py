"""A plan as a comment on a pull request."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecr_steward_cli.live.comment import LEAST, MARKER, comment, inert
from ecr_steward_cli.terminal.text import printable
from tests.unit.live.plans import plan_of, repository

RULES = "0123456789ab"


def test_the_marker_and_the_verdict_come_first_and_the_rest_is_folded() -> None:
    said = comment([plan_of(repository("base/redis"))], RULES)
    assert said.startswith(f"{MARKER}\n**1 repository looked at: 1 tag would move")
    above, _, folded = said.partition("<details>")
    assert "Tags that would be removed (1)" in above
    assert "Settings to look at first (1)" in above
    assert "<summary>Tags (1)</summary>" in folded


def test_what_is_not_done_as_things_are_is_said_above() -> None:
    plan = replace(plan_of(repository("base/redis")), reserved=["The stack has Mode=audit."])
    above, _, _ = comment([plan], RULES).partition("<details>")
    assert "| 123456789012 eu-west-1 | The stack has Mode=audit. |" in above


@pytest.mark.parametrize("most", [LEAST, 10_000, 65_000])
def test_it_is_never_longer_than_asked_and_says_how_much_is_left_out(most: int) -> None:
    every = (repository(f"base/app-{number}") for number in range(2_000))
    said = comment([plan_of(*every)], RULES, most)
    assert len(said) <= most
    assert "… and " in said
    assert "Tags that would be removed (2,000)" in said


@pytest.mark.parametrize(
    "text", ["a|b", "`x`", "<script>", "[a](b)", "![a](b)", "*a*", "</details>", "a\nb"]
)
def test_what_comes_from_outside_is_no_markup(text: str) -> None:
    said = inert(text)
    for each in "|`<[*":
        assert said.count(each) == said.count(f"\\{each}")
    assert "\n" not in said


def test_nobody_is_mentioned_and_nothing_is_linked() -> None:
    assert "@ada" not in inert("ask @ada")
    assert "https://" not in inert("see https://example.com")
    assert "www." not in inert("WWW.example.com").lower()
    assert ":fire:" not in inert("1.4 :fire:")
    assert inert("base/redis:1.4: gone") == "base/redis:1.4: gone"
    assert "\u202e" not in inert("1.4\u202e")
    assert inert("&lt;b&gt;") == "&amp;lt;b&amp;gt;"


def test_what_breaks_links_and_mentions_is_written_as_every_terminal_can_show_it() -> None:
    said = inert("by arn:aws:iam::123456789012:role/ci @ada")
    assert printable(said) == said
