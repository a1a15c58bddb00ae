"""What `init` leaves as it is, because the registry contradicts the line it would be in."""

from __future__ import annotations

import pytest

from ecr_steward_cli.rules_file.first import written
from ecr_steward_cli.rules_file.load import inspect_text
from tests.support.registries import seen


def written_of(**repositories: str) -> str:
    """The rules for repositories, without what comes before them; `check` says nothing of them."""
    text = written([seen(name, lines) for name, lines in repositories.items()], "a test")
    assert inspect_text(text, "rules.yaml").warnings == ()
    return text.partition("rules:\n")[2]


def stable(text: str) -> list[str]:
    """The lines of the first `stable:`, without indents."""
    _, _, after = written_of(redis=text).partition("      stable:\n")
    return [line.strip() for line in after.splitlines() if line.startswith("        ")]


NOTE = "# Nothing makes or moves the tags with a reason beside them. Take one away, and it follows."
MINOR = '- {tag: "{major}.{minor}", follows: highest}'
MAJOR = '- {tag: "{major}", follows: highest}'
PLACED = "1.3.1 1.3\n1.2.1 1.2\n1.1.1 1.1"
LATEST = "- {tag: latest, follows: highest}"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("2.0.1 2.0 latest\n1.4.2 1.4\n1.4.1", [MINOR, LATEST]),
        # One of three is behind: the plan moves it.
        ("2.0.1 2.0 latest\n1.4.2\n1.4.1 1.4\n1.3.1 1.3", [MINOR, LATEST]),
        # Half of them are: nobody keeps this line.
        ("2.0.1 2.0 latest\n1.4.2\n1.4.1 1.4", ['- {tag: "{major}.{minor}"}', LATEST]),
        # A tag that is on no image is not made.
        (
            "2.0.1 2.0 latest\n1.4.2",
            [NOTE, '- {tag: "1.4"}  # not there; it would be made on 1.4.2', MINOR, LATEST],
        ),
        # One that is on the image of another line stays there.
        (
            "2.0.1 2.0 1.5 latest\n1.5.2\n1.4.2 1.4\n1.3.1 1.3",
            [NOTE, '- {tag: "1.5"}  # not on 1.5.2', MINOR, LATEST],
        ),
        # And so does one of a line of which nothing is left.
        (
            "2.0.1 2.0 latest\n1.4.2 1.4\nold 1.3",
            [
                NOTE, '- {tag: "1.3"}  # no unique tag of its line is there',
                MINOR, LATEST, "- {tag: old}",
            ],
        ),
        # Two that are behind are a line that nobody keeps, beside one that is in place.
        ("2.0.1 2.0\n1.4.2\n1.4.1 1.4\n1.3.2\n1.3.1 1.3", ['- {tag: "{major}.{minor}"}']),
        # Three lines without a tag are left one by one.
        (
            "3.0.1 3.0 latest\n2.1.1 2.1\n1.2.0\n1.1.0\n1.0.0",
            [
                NOTE,
                '- {tag: "1.0"}  # not there; it would be made on 1.0.0',
                '- {tag: "1.1"}  # not there; it would be made on 1.1.0',
                '- {tag: "1.2"}  # not there; it would be made on 1.2.0',
                MINOR, LATEST,
            ],
        ),
        # `latest` alone: behind, it is moved by hand, or it is what was pushed last.
        ("1.4.2\n1.4.1 latest", ["- {tag: latest}"]),
        ("1.4.1 latest\n1.4.2", ["- {tag: latest, follows: newest}"]),
        ("1.4.1 1.4\n1.4.2", ['- {tag: "{major}.{minor}"}']),
    ],
)  # fmt: skip
def test_a_line_is_kept_where_most_of_its_tags_are_in_place(text: str, lines: list[str]) -> None:
    assert stable(text) == lines


@pytest.mark.parametrize(
    ("text", "left"),
    [
        # There is none of the variant in a line, whatever the version.
        (
            "2.0.1 2.0 2 latest | =slim\n1.4.2 1.4 1 | =slim, jammy\n1.3.1 1.3 | jammy",
            ["- {tag: jammy}  # not there; it would be made on 1.4.2-jammy"],
        ),
        (
            "2.0.1 2.0 2 latest | =slim\n1.4.2 1.4 1\n1.4.2-jammy 1.4-jammy",
            [
                '- {tag: "{major}-jammy"}  # not there; it would be made on 1.4.2-jammy',
                "- {tag: jammy}  # not there; it would be made on 1.4.2-jammy",
            ],
        ),
        # Those of the variant are elsewhere in a line, and others are not.
        (
            "2.0.1 2.0 2 latest | =slim\n1.4.2 1.4 1 | =slim, alpine\n1.4.3-alpine",
            [
                '- {tag: "{major}.{minor}-alpine"}  # not on 1.4.3-alpine',
                '- {tag: "{major}-alpine"}  # not on 1.4.3-alpine',
                "- {tag: alpine}  # not there; it would be made on 1.4.3-alpine",
            ],
        ),
        # Half of them are, and others, too.
        (
            """
            3.0.1 3.0 3 latest 1.3-alpine
            3.0.1-alpine 3.0-alpine 3-alpine alpine
            2.0.1 2.0 2 | alpine
            1.4.3-alpine 1-alpine
            1.4.2 1.4 1
            1.4.2-alpine 1.4-alpine
            1.3.1 1.3
            1.3.1-alpine
            """,
            [
                '- {tag: "1.4-alpine"}  # not on 1.4.3-alpine',
                '- {tag: "1.3-alpine"}  # not on 1.3.1-alpine',
            ],
        ),
        (
            "2.0.1 2.0 2 latest | =slim, alpine\n1.4.2 1.4 1 | =slim, alpine\n1.4.3-alpine",
            [
                '- {tag: "1.4-alpine"}  # not on 1.4.3-alpine',
                '- {tag: "1-alpine"}  # not on 1.4.3-alpine',
            ],
        ),
    ],
)
def test_a_variant_that_is_no_line_is_left_as_it_is(text: str, left: list[str]) -> None:
    assert stable(text) == [NOTE, *left, MINOR, MAJOR, LATEST]


def test_a_variant_is_left_though_an_entry_has_some_of_its_tags_already() -> None:
    text = "1.4.2 1.4 latest\n1.3.0\n1.4.2-alpine alpine\n1.3.0-alpine"
    left = [
        '- {tag: "1.3"}  # not there; it would be made on 1.3.0',
        '- {tag: "{major}.{minor}-alpine"}  # not there; it would be made on 1.3.0-alpine',
    ]
    assert stable(text) == [NOTE, *left, MINOR, LATEST]


def test_many_lines_without_a_tag_are_limits_of_their_entry() -> None:
    old = "\n".join(f"{version}.{n}" for version in ("1.0", "1.1", "1.2", "2.0") for n in (1, 0))
    lines = stable(f"3.0.1 3.0 latest\n2.1.1 2.1\n{old}")
    limits = 'not_within: ["1", "2.0"]'
    entry = f'- {{tag: "{{major}}.{{minor}}", follows: highest, {limits}}}'
    assert lines == [f"{entry}  # of these there are no such tags", LATEST]


@pytest.mark.parametrize("number", [16, 17])
def test_an_entry_has_sixteen_limits_and_no_more(number: int) -> None:
    old = "\n".join(f"{major}.0.1" for major in range(1, number + 1))
    text = written_of(redis=f"20.0.1 20.0 latest\n{old}")
    assert ("not_within: " in text) == (number == 16)


def test_a_variant_without_stable_tags_is_left_out() -> None:
    text = written_of(redis="1.4.2 1.4 latest | =slim\n1.4.2-noble 1.4.2-rhel8\n1.4.1-noble")
    assert "variants: [slim]\n" in text
    assert "variants" not in written_of(redis="1.4.2 1.4 latest\n1.4.2-noble\n1.4.1-noble")
    early = "1.5.0rc1\n1.4.2 1.4 latest | =slim\n1.4.2-noble\n1.4.1-noble"
    assert "variants: [slim]\n" in written_of(redis=early)


def test_words_without_a_stable_tag_get_none() -> None:
    text = "main-9f3c2ab main\nmain-1c0ffee\nlogin-7ab3d91\nmenu-02f5c4e"
    assert stable(text) == ['- {tag: main, follows: newest, of: ["main-*"]}']


def test_words_with_variants_stay_as_they_are() -> None:
    text = (
        "noble-20261101 noble\nnoble-20261101-slim noble-slim\nnoble-20261001-slim\nfocal-20261101"
    )
    focal = "- {tag: focal}  # not there; it would be made on focal-20261101"
    assert stable(text) == [NOTE, focal, '- {tag: "{name}", follows: highest}']


def test_a_tag_that_would_take_others_with_it_is_ignored() -> None:
    text = written_of(jdk="2.0.1-jre 2.0-jre\n2.0.1-jdk 2.0-jdk 2.0\n1.4.2-jre 1.4-jre 1.4")
    assert "# 2.0: no unique tag of its line is there.\n" in text
    assert 'ignore: ["1.4", "2.0"]\n' in text


def test_repositories_of_one_rule_whose_tags_contradict_it_have_their_own() -> None:
    right = "2.0.1 2.0 latest | =slim"
    text = written_of(a=right, b=right, c="2.0.1 2.0 latest\n2.0.1-slim 2.0-slim")
    assert [line for line in text.splitlines() if "repositories:" in line] == [
        "  - repositories: [a, b]",
        "  - repositories: [c]",
    ]
    assert "  # 1 repository: c; 100 % of 5 tags fit.\n" in text
    assert "- {tag: slim}  # not there; it would be made on 2.0.1-slim\n" in text


def test_repositories_of_which_several_tags_are_behind_have_a_rule_of_their_own() -> None:
    right = "2.0.1 2.0\n1.4.2 1.4"
    late = "2.0.2\n2.0.1 2.0\n1.4.3\n1.4.2 1.4"
    assert "  # 1 repository: c; " in written_of(a=right, b=right, c=late)
    assert "  # 3 repositories, such as a; " in written_of(a=right, b=right, c=f"{late}\n{PLACED}")
    assert "  # 1 repository: c; " in written_of(
        a=right, b=right, c=f"{late}\n1.3.1 1.3\n1.2.1 1.2"
    )


def test_what_is_behind_is_named_for_the_plan() -> None:
    right = "2.0.1 2.0 latest\n1.4.2 1.4"
    text = written_of(a=right, b="2.0.2 latest\n2.0.1 2.0\n1.4.2 1.4\n1.3.0 1.3")
    assert "# Not where this rule has them, so that `plan` moves: b:2.0.\n" in text


def test_twenty_four_tags_are_left_by_name_and_no_more() -> None:
    def lines(number: int) -> str:
        names = ", ".join(f"{letter}x" for letter in "abcdefghijklmnopqrstuvwxyz"[:number])
        return f"2.0.1 2.0 latest\n1.4.2 1.4 | {names}"

    assert written_of(a=lines(24)).count("# not there;") == 24
    more = written_of(a=lines(25))
    assert "# not there;" not in more
    named = "ax, bx, cx, dx, ex and 20 more"
    assert f"# Not where this rule has them, so that `plan` moves: {named}.\n" in more


def test_repositories_with_candidates_and_without_are_of_one_rule() -> None:
    text = written_of(a="1.4.2 1.4", b="1.5.0rc1\n1.4.2 1.4")
    assert '  - repositories: ["*"]\n' in text
    assert "(?P<prerelease>" in text


@pytest.mark.parametrize(("on", "known"), [("1.4.3 1.4 latest", True), ("old latest", False)])
def test_variants_behind_latest_are_said_where_latest_follows(on: str, known: bool) -> None:
    alpine = "1.4.3-alpine 1.4-alpine latest-alpine\n1.4.2-alpine"
    text = written_of(a=f"{on}\n1.4.2\n{alpine}")
    assert ('variant_latest: "{tag}-{variant}"' in text) == known
    assert "variant_latest" not in written_of(a=f"{on}\n1.4.2\nalpine {alpine}")
    other = "1.4.3-alpine 1.4-alpine alpine\n1.4.2-alpine\nx latest-dev"
    assert "variant_latest" not in written_of(a=f"{on}\n1.4.2\n{other}")
