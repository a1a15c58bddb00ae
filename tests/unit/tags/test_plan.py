"""The plan, as a table: what there is and what history knows, and the changes that follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from ecr_steward.tags import look
from ecr_steward.tags.plan import WITHIN, WRITES, plan_changes
from ecr_steward.tags.state import Observed
from tests.support.planning import NOW, digest, images, marks, plan, pushes, scheme, words

SETTLED = ("1.4 = 1.4.1 on a", "1 = 1.4.1 on a", "latest = 1.4.1 on a")
RESTORE = {"overwritten": "restore"}
KEEP = {"overwritten": "keep"}


@pytest.mark.parametrize(
    ("there", "pushed", "known", "rule", "changes"),
    [
        # Stable tags go to the highest version of their line.
        (["a: 1.4.1"], ["1.4.1 on a"], [], {},
         ["move 1.4: - > a", "move 1: - > a", "move latest: - > a"]),
        (["a: 1.4.1 1.4 1 latest", "b: 1.4.2"], ["1.4.2 on b"], SETTLED, {},
         ["move 1.4: a > b", "move 1: a > b", "move latest: a > b"]),
        (["a: 1.4.1 1.4 1 latest", "b: 1.4.0"], ["1.4.0 on b"], SETTLED, {}, []),
        (["a: 1.4.1 1.4 1 latest", "b: 1.5.0-rc.1"], ["1.5.0-rc.1 on b"], SETTLED, {}, []),
        (["a: 1.4.1 1.4 1 latest", "b: 1.3.9"], ["1.3.9 on b"], SETTLED, {}, ["move 1.3: - > b"]),
        # What somebody moved by hand goes back; an image keeps a name.
        (["a: 1.4.1 1.4 1", "b: latest"], ["latest on b"], SETTLED, {},
         ["pin PIN: - > b", "move latest: b > a"]),
        (["a: 1.4.1 1.4 1", "b: latest 1.4.0"], ["latest on b"], SETTLED, {},
         ["move latest: b > a"]),
        # A line of which nothing is left.
        (["b: 1.3.0 1.4"], ["1.4 on b"], ["1.4 = 1.4.1 on a"], {}, ["stale 1.4: - > b"]),
        (["b: 1.3.0"], ["1.4 on a"], ["1.4 = 1.4.1 on a"], {}, ["remove 1.4: a > -"]),
        # Unique tags that were put on another image.
        (["a: 1.4 1 latest", "b: 1.4.1"], ["1.4.1 on b"], SETTLED, {},
         ["pin PIN: - > a", "move 1.4: a > b", "move 1: a > b", "move latest: a > b",
          "overwrite 1.4.1: a > b"]),
        (["a: 1.4 1 latest", "b: 1.4.1"], ["1.4.1 on b"], SETTLED, RESTORE,
         ["pin PIN: - > b", "restore 1.4.1: b > a", "overwrite 1.4.1: a > b"]),
        (["a: 1.4 1 latest", "b: 1.4.1 1.4.0"], ["1.4.1 on b"], SETTLED, RESTORE,
         ["restore 1.4.1: b > a", "overwrite 1.4.1: a > b"]),
        (["b: 1.4.1"], ["1.4.1 on b"], SETTLED, RESTORE,
         ["move 1.4: - > b", "move 1: - > b", "move latest: - > b", "overwrite 1.4.1: a > b"]),
        (["a: 1.4 1 latest", "b: 1.4.1"], ["1.4.1 on b"], SETTLED, {"overwritten": "allow"},
         ["pin PIN: - > a", "move 1.4: a > b", "move 1: a > b", "move latest: a > b"]),
        (["a: 1.4 1 latest", "b: 1.4.1"], ["1.4.1 on b"], SETTLED, KEEP,
         ["pin PIN: - > a", "move 1.4: a > b", "move 1: a > b", "move latest: a > b"]),
        # Tags off the scheme.
        (["a: 1.4.1 nightly"], ["nightly on a"], [], {}, ["reject nightly: - > a"]),
        (["a: 1.4.1 nightly"], ["nightly on a"], [], {"unknown": "remove"},
         ["remove nightly: a > -"]),
        (["a: nightly"], ["nightly on a"], [], {"unknown": "remove"}, ["reject nightly: - > a"]),
        # Equal versions on two images: the one pushed later leads.
        (["a: 1.4.1 1.4 1 latest", "b: v1.4.1"], ["v1.4.1 on b"], SETTLED, {},
         ["move 1.4: a > b", "move 1: a > b", "move latest: a > b", "reject 1.4.1: - > a"]),
        # An image that only stable tags name.
        (["a: main"], ["main on a"], [], {"pin": "{tag}-{digest}"}, ["pin PIN: - > a"]),
        (["a: main"], ["main on a"], [], {}, []),
    ],
)  # fmt: skip
def test_the_changes(
    there: Sequence[str],
    pushed: Sequence[str],
    known: Sequence[str],
    rule: dict[str, Any],
    changes: list[str],
) -> None:
    assert [words(each) for each in plan(there, pushed, known, rule).changes] == changes


MOVED_BY_HAND = (["a: 1.4.1 1.4 1", "b: latest 1.4.0"], ["latest on b"], SETTLED)


@pytest.mark.parametrize(
    ("minutes_ago", "known", "change", "counted"),
    [
        ([], SETTLED, "move", 1),
        ([1], SETTLED, "move", 2),
        ([2, 1], SETTLED, "held", 3),
        ([9, 8, 1], SETTLED, "held", 4),
        ([10, 1], SETTLED, "move", 2),
        ([30, 20, 10], SETTLED, "move", 1),
        # The steward had not put it back: this is the move that was counted before.
        ([2, 1], [*SETTLED[:2], "latest = 1.4.1 on a elsewhere"], "move", 0),
        # It goes to another version than it was on: nobody took it away.
        ([2, 1], [*SETTLED[:2], "latest = 1.4.0 on b"], "move", 0),
    ],
)
def test_the_contest_of_a_tag_that_is_taken_away_again_and_again(
    minutes_ago: list[int], known: tuple[str, ...], change: str, counted: int
) -> None:
    times = tuple(NOW - timedelta(minutes=each) for each in minutes_ago)
    made = plan(*MOVED_BY_HAND[:2], known, taken={"latest": times})
    assert [words(each) for each in made.changes] == [f"{change} latest: b > a"]
    assert sum(len(taken.times) for taken in made.taken) == counted
    assert [each.mark.tag for each in made.contested] == (["latest"] if change == "held" else [])


def test_the_times_of_a_contest_are_those_that_still_count_and_now() -> None:
    old, recent = NOW - WITHIN, NOW - timedelta(minutes=1)
    (taken,) = plan(*MOVED_BY_HAND, taken={"latest": (old, recent)}).taken
    assert taken.times == (recent, NOW)


def test_where_nothing_is_to_be_done_nobody_is_counted() -> None:
    there, pushed, known = MOVED_BY_HAND
    asked = scheme()
    seen = Observed(images(*there), marks(*known), {}, taken={"latest": (NOW, NOW, NOW)})
    made = plan_changes(asked, look.concern(asked, pushes(*pushed)), seen)
    assert (made.taken, [words(each) for each in made.changes]) == ((), ["move latest: b > a"])


@pytest.mark.parametrize(
    ("there", "pushed", "lost"),
    [
        (["a: 1.4.1 1.4 1 latest", "b: 1.4.0"], "1.4.0 on b", "1.4.0"),
        (["a: 1.4.1 1.4.0 1.4 1 latest"], "1.4.0 on a", None),
        (["a: 1.4.1 1.4 1 latest", "b: 1.4.2"], "1.4.0 on b", None),
        (["a: 1.4.1 1.4 1 latest", "b: v1.4.1"], "v1.4.1 on a", None),
    ],
)
def test_a_push_has_lost_a_stable_tag_only_to_another_image(
    there: list[str], pushed: str, lost: str | None
) -> None:
    stays = {stay.tag: stay for stay in plan(there, [pushed], SETTLED).stays}
    found = stays["latest"].lost if "latest" in stays else None
    assert (None if found is None else found.tag) == lost


def test_a_held_tag_stays_and_its_hold_is_in_the_reason() -> None:
    made = plan(*MOVED_BY_HAND, holds={"latest": "by ada"})
    (change,) = made.changes
    assert words(change) == "held latest: b > a"
    assert change.reason == "`latest` is held (by ada) and does not go to 1.4.1."
    assert made.taken == ()


def test_what_is_learned_of_a_hold_goes_into_the_reasons_of_the_same_plan() -> None:
    before = plan(*MOVED_BY_HAND, holds={"latest": "by ada"})
    (change,) = before.told_with({"latest": "by eve", "1": "by ada"}).changes
    assert change.reason == "`latest` is held (by eve) and does not go to 1.4.1."


def test_what_is_learned_of_another_hold_leaves_the_reasons_as_they_are() -> None:
    before = plan(*MOVED_BY_HAND, holds={"latest": "by ada"})
    assert before.told_with({"1": "by eve"}) == before


@pytest.mark.parametrize(
    ("there", "pushed", "frozen", "known"),
    [
        (["a: 1.4.1"], ["1.4.1 on a"], (), {"1.4.1": "a"}),
        (["b: 1.4.1"], ["1.4.1 on b"], (), {"1.4.1": "b"}),
        (["a: latest", "b: 1.4.1"], ["1.4.1 on b"], (), {}),
        (["a: latest", "b: 1.4.1"], ["1.4.1 on b"], ("1.4.1",), {}),
        (["a: latest", "b: 1.4.2"], ["1.4.1 on b"], (), {}),
    ],
)
def test_the_owners_that_are_remembered_where_overwritten_tags_go_back(
    there: list[str], pushed: list[str], frozen: tuple[str, ...], known: dict[str, str]
) -> None:
    owners = {} if there == ["a: 1.4.1"] else {"1.4.1": digest("a")}
    made = plan(tuple(there), tuple(pushed), (), RESTORE, owners=owners, frozen=frozenset(frozen))
    assert made.known == {tag: digest(name) for tag, name in known.items()}


@pytest.mark.parametrize(
    ("there", "pushed", "deleted", "freed", "known"),
    [
        # Nobody has the tag any more, or another image got it since.
        (["a: latest"], [], ["1.4.1 on a"], {"1.4.1": "a"}, {}),
        (["a: latest", "b: 1.4.1"], ["1.4.1 on b"], ["1.4.1 on a"], {}, {"1.4.1": "b"}),
        # It came back on its own image, or the word is of another image that had it.
        (["a: 1.4.1 latest"], ["1.4.1 on a"], ["1.4.1 on a"], {}, {}),
        (["a: latest", "b: 1.4.1"], [], ["1.4.1 on c"], {}, {}),
        # History never knew it.
        (["a: latest"], [], ["1.4.2 on a"], {}, {}),
    ],
)
def test_the_unique_tags_that_somebody_deleted_are_free(
    there: list[str],
    pushed: list[str],
    deleted: list[str],
    freed: dict[str, str],
    known: dict[str, str],
) -> None:
    made = plan(there, pushed, (), RESTORE, owners={"1.4.1": digest("a")}, deleted=deleted)
    assert made.freed == {tag: digest(name) for tag, name in freed.items()}
    assert made.known == {tag: digest(name) for tag, name in known.items()}
    assert [words(each) for each in made.passed] == ["overwrite 1.4.1: a > b"] * len(known)


def test_a_tag_that_was_free_has_its_next_image_for_the_record() -> None:
    made = plan(["b: 1.4.1"], ["1.4.1 on b"], freed={"1.4.1": digest("a")})
    assert [words(each) for each in made.passed] == ["overwrite 1.4.1: a > b"]
    assert made.known == {"1.4.1": digest("b")}
    assert "overwrite" not in {change.kind.value for change in made.changes}


def test_a_rebuilt_tag_waits_for_the_pin_of_the_image_before() -> None:
    made = plan(["a: 1.4", "b: 1.4.1"], ["1.4.1 on b"], SETTLED[:1], KEEP)
    assert made.kept == {"1.4.1": digest("a")}
    assert made.known == {"1.4.1": digest("b")}


def test_a_stale_tag_that_somebody_holds_is_not_told() -> None:
    made = plan(["b: 1.3.0 1.4"], ["1.4 on b"], ["1.4 = 1.4.1 on a"], holds={"1.4": "by ada"})
    assert (made.changes, made.forgotten) == ((), ("1.4",))


def test_a_tag_that_ecr_does_not_let_go_back_is_reported_and_its_stable_tags_follow_what_is() -> (
    None
):
    made = plan(
        ("a: 1.4", "b: 1.4.1"), ("1.4.1 on b",), ("1.4 = 1.4.1 on a",), RESTORE,
        frozen=frozenset({"1.4.1"}),
    )  # fmt: skip
    assert "restore" not in {change.kind.value for change in made.changes}
    assert "move 1.4: a > b" in map(words, made.changes)
    (report,) = made.findings
    assert report.reason.endswith("; ECR does not let it be put back.")


def test_the_writes_are_in_the_order_in_which_they_must_be_made() -> None:
    made = plan(
        ("a: 1.4 1 latest", "b: 1.4.1 nightly", "c: 1.4.2"),
        ("1.4.1 on b", "nightly on b", "1.4.2 on c"),
        SETTLED,
        {**RESTORE, "unknown": "remove"},
    )
    kinds = [change.kind for change in made.writes]
    assert set(kinds) == set(WRITES)
    assert kinds == sorted(kinds, key=WRITES.index)
