"""A round over a repository: who is told, who may get an expiry tag, and who must not have one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ecr_steward.images.judge import By, Kept
from ecr_steward.images.round import Round, as_judged, closure, round_of
from ecr_steward.images.rule import ImagesRule
from ecr_steward.images.state import Inventory, RetainedImage
from ecr_steward.tags.scheme import Scheme
from ecr_steward.words.expiry_tags import ExpiryTag, Going

NOW = datetime(2026, 11, 28, tzinfo=UTC)
WEEK = timedelta(days=7)
RULE = ImagesRule(others="expire", notice=WEEK, at_most=0.25)
MINE = f"steward-expire-20261128-{'a' * 12}"
GOES, STAYS = "Nothing keeps it.", "The stable tag `main` is on it."


def digest(name: str) -> str:
    return f"sha256:{name * 64}"


def image(name: str, *tags: str, **known: Any) -> RetainedImage:
    return RetainedImage(digest(name), tags, NOW, **known)


def going(name: str, **own: Any) -> Going:
    return Going(digest(name), told=own.pop("told", NOW), reason=GOES, **own)


def kept(each: RetainedImage, leaves: str) -> Kept:
    goes = each.digest[7] in leaves
    return Kept(each, None, GOES) if goes else Kept(each, By.STABLE, STAYS)


def play(
    images: Sequence[RetainedImage],
    leaves: str,
    known: Sequence[Going] = (),
    *,
    put: Mapping[str, ExpiryTag] | None = None,
    carried: Mapping[str, Sequence[str]] | None = None,
    rule: ImagesRule = RULE,
    lets_go: bool = True,
    may_tag: bool = True,
) -> Round:
    """The round over `images`, of which those that `leaves` names are kept by nothing."""
    return round_of(
        [kept(each, leaves) for each in images],
        rule,
        Inventory(images, Scheme(unique=("semver",)), NOW),
        {each.digest: each for each in known},
        {digest(name): each for name, each in (put or {}).items()},
        {digest(name): tags for name, tags in (carried or {}).items()},
        lets_go=lets_go,
        may_tag=may_tag,
    )


FOUR = [image(name) for name in "abcd"]
TOLD = NOW - WEEK
"""Long enough ago for an image to go now."""


def test_a_round_tells_what_goes_and_remembers_it() -> None:
    played = play([image("a", "1.4.2"), image("b")], "a")
    assert [each.image.digest for each in played.told] == [digest("a")]
    assert played.going == (going("a", tags=("1.4.2",), warned=True),)
    assert not played.due
    assert not played.needed
    assert not played.braked


@pytest.mark.parametrize(
    ("told", "due"), [(TOLD, NOW), (TOLD + timedelta(seconds=1), None), (NOW, None)]
)
def test_an_image_may_get_its_tag_the_notice_after_it_was_told(
    told: datetime, due: datetime | None
) -> None:
    played = play(FOUR, "a", [going("a", told=told, warned=True)])
    assert played.going == (going("a", told=told, due=due, warned=True),)
    assert not played.told
    assert played.due == (played.going if due else ())


@pytest.mark.parametrize(
    ("warned", "lets_go", "may_tag", "told_anew", "warned_now"),
    [
        (True, True, True, False, True),
        (False, True, True, True, True),
        (True, True, False, False, True),
        (False, True, False, False, False),
        (False, False, False, False, False),
        (True, False, False, False, False),
        (True, False, True, False, False),
    ],
)
def test_an_image_is_told_anew_once_it_can_go(
    warned: bool, lets_go: bool, may_tag: bool, told_anew: bool, warned_now: bool
) -> None:
    before = going("a", told=TOLD, warned=warned)
    played = play(FOUR, "a", [before], lets_go=lets_go, may_tag=may_tag)
    assert bool(played.told) is told_anew
    (after,) = played.going
    assert after.told == (NOW if told_anew else TOLD)
    assert after.warned is warned_now
    assert (after.due is not None) is (may_tag and not told_anew)


def test_an_image_that_was_needed_and_goes_again_is_told_anew() -> None:
    before = going("a", told=TOLD, warned=True, needed=STAYS)
    played = play(FOUR, "a", [before])
    assert [each.image.digest for each in played.told] == [digest("a")]
    assert played.going == (going("a", warned=True),)


def test_an_image_of_which_a_round_knows_nothing_is_not_warned_while_none_may_go() -> None:
    assert play(FOUR, "a", may_tag=False).going == (going("a"),)


@pytest.mark.parametrize(
    ("at_most", "leaves", "braked"),
    [
        (0.25, "a", 0),
        (0.25, "ab", 2),
        (0.3, "ab", 0),
        (1, "a", 0),
        (1, "ab", 2),
        (2, "ab", 0),
        (float("inf"), "abcd", 0),
        (0.0, "a", 1),
    ],
)
def test_more_than_the_rule_lets_go_at_once_do_not_go(
    at_most: float, leaves: str, braked: int
) -> None:
    known = [going(name, told=TOLD, warned=True) for name in leaves]
    played = play(FOUR, leaves, known, rule=replace(RULE, at_most=at_most))
    assert played.braked == braked
    assert len(played.due) == (0 if braked else len(leaves))


def test_nothing_is_braked_where_nothing_may_be_tagged() -> None:
    known = [going(name, told=TOLD, warned=True) for name in "ab"]
    played = play(FOUR, "ab", known, may_tag=False)
    assert not played.braked
    assert not played.due


ON = ExpiryTag(MINE, TOLD)
FORGED = "steward-expire-20261128-ffffffffffff"


@pytest.mark.parametrize(
    ("put", "carried", "due", "needed"),
    [
        (None, [], True, ""),
        (ON, [MINE], False, ""),
        (ON, [], True, ""),
        (ON, [MINE, FORGED], False, f"The steward did not put `{FORGED}`."),
        (ON, [FORGED], False, f"The steward did not put `{FORGED}`."),
        (None, [MINE], False, f"The steward did not put `{MINE}`."),
        (replace(ON, cleared=NOW), [MINE], False, f"The steward did not put `{MINE}`."),
        (replace(ON, cleared=NOW), [], True, ""),
    ],
)
def test_an_image_keeps_the_tag_that_the_steward_put_and_no_other(
    put: ExpiryTag | None, carried: list[str], due: bool, needed: str
) -> None:
    known = [going("a", told=TOLD, warned=True)]
    puts = {} if put is None else {"a": put}
    played = play(FOUR, "a", known, put=puts, carried={"a": carried})
    (after,) = played.going
    assert (after.due is not None, after.needed) == (due, needed)
    assert bool(played.needed) is bool(needed)


def test_an_image_that_stays_must_not_have_its_tag() -> None:
    played = play(FOUR, "", put={"a": ON}, carried={"a": [MINE], "b": []})
    (after,) = played.going
    assert (after.digest, after.needed, after.reason) == (digest("a"), STAYS, STAYS)
    assert played.needed == played.going
    assert not played.told
    assert not played.due


def test_an_image_belongs_with_its_children_and_what_refers_to_it_both_ways() -> None:
    index = image("a", children=(digest("c"), digest("b"), digest("f")))
    signature = image("d", subject=digest("b"))
    played = play([index, image("b"), image("c"), signature, image("e", children=None)], "abcde")
    kin = {each.digest[7]: "".join(other[7] for other in each.kin) for each in played.going}
    assert kin == {"a": "bc", "b": "ad", "c": "a", "d": "b", "e": ""}


def test_an_image_is_remembered_to_belong_with_a_thousand_others() -> None:
    children = [RetainedImage(f"sha256:{n:064}", pushed_at=NOW) for n in range(1001)]
    index = image("a", children=tuple(each.digest for each in children))
    played = play([index, *children], "a")
    assert len(played.going[0].kin) == 1000


def test_an_expiry_tag_is_no_name() -> None:
    assert as_judged(image("a", "1.4.2", MINE, FORGED)) == image("a", "1.4.2")


def test_images_are_reached_through_all_that_they_belong_with() -> None:
    kin = {"a": "b", "c": "b", "d": "", "e": "f", "b": "a"}
    known = {digest(name): going(name, kin=tuple(map(digest, of))) for name, of in kin.items()}
    found = closure([digest("a"), digest("f"), digest("9")], known)
    assert {each[7]: start[7] for each, start in found.items()} == {
        "a": "a", "b": "a", "c": "a", "f": "f", "e": "f", "9": "9",
    }  # fmt: skip


def test_a_round_over_no_images_leaves_nothing() -> None:
    assert play([], "") == Round()
