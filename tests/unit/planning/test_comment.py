"""A plan as a comment on a pull request."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from ecr_steward_cli.main import main
from ecr_steward_cli.planning.comment import LEAST, MARKER, comment, inert
from ecr_steward_cli.planning.outlook import (
    Outlooks,
    PlannedTag,
    RegistryOutlook,
    RepositoryOutlook,
)
from tests.unit.planning.registries import behind, one


def long(repositories: int) -> Outlooks:
    """A plan of as many repositories, each with a removal and a move."""
    changes = (
        PlannedTag("remove", "wip", "sha256:1", None, "`wip` is unknown.", writes=True),
        PlannedTag("move", "1.4", "sha256:1", "sha256:2", "`1.4` goes to 1.4.2.", writes=True),
    )
    every = tuple(
        RepositoryOutlook(f"base/app-{number}", "0: base/*", changes=changes)
        for number in range(repositories)
    )
    registry = RegistryOutlook("123456789012", "eu-west-1", every)
    return Outlooks("0123456789ab", "2026-11-23T02:24:00Z", (registry,))


def test_the_marker_and_the_verdict_come_first_and_the_rest_is_folded(tmp_path: Path) -> None:
    said = one(behind()).plan(tmp_path, "--markdown").stdout
    assert said.startswith(f"{MARKER}\n**In 2 repositories: 2 tags would move")
    above, _, folded = said.partition("<details>")
    assert "Tags that would be removed" in above
    assert "Settings that let others in" in above
    assert "<summary>Tags (2)</summary>" in folded


@pytest.mark.parametrize("most", [LEAST, 10_000, 65_000])
def test_it_is_never_longer_than_asked_and_says_how_much_is_left_out(most: int) -> None:
    said = comment(long(2_000), most)
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
    assert inert("&lt;b&gt;") == "&amp;lt;b&amp;gt;"


def test_json_and_markdown_are_not_asked_for_at_once(tmp_path: Path) -> None:
    result = one(behind()).plan(tmp_path, "--markdown", "--json")
    assert result.exit_code == 2
    assert "--json or --markdown" in result.stderr


def test_the_help_shows_an_example() -> None:
    assert "Example: ecr-steward plan" in CliRunner().invoke(main, ["plan", "--help"]).stdout
