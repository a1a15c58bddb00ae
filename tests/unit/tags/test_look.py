"""The look, as tables: what hints are about, when nothing is new, and what must be listed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ecr_steward.tags import look
from ecr_steward.tags.state import Mark, Observed
from ecr_steward.words.hints import Hint
from tests.support.planning import NOW, deletes, digest, images, marks, pushes, scheme

LINES = ["1.4", "1", "latest"]
SETTLED = ("1.4 = 1.4.2 on b", "1 = 1.4.2 on b", "latest = 1.4.2 on b")


@pytest.mark.parametrize(
    ("hints", "lines", "unique", "unknown"),
    [
        (pushes(" on b"), LINES, [], []),
        (pushes("1.4.2 on a"), LINES, ["1.4.2"], []),
        (pushes("1.4 on a"), ["1.4"], [], []),
        (pushes("latest on a"), ["latest"], [], []),
        (pushes("main on a"), [], [], []),
        (pushes("nightly on a"), [], [], ["nightly"]),
        (pushes("buildcache-1 on a"), [], [], []),
        (pushes("1.5.0-rc.1 on a"), [], ["1.5.0-rc.1"], []),
        (pushes("1.4.2 on a", "1.4 on b"), LINES, ["1.4.2"], []),
        (deletes("1.4.2 on a"), LINES, [], []),
        (deletes("nightly on a"), [], [], []),
        (deletes(" on a"), [], [], []),
        (deletes(" on b"), LINES, [], []),
    ],
)
def test_what_hints_are_about(
    hints: list[Hint], lines: list[str], unique: list[str], unknown: list[str]
) -> None:
    led = [Mark(tag, "1.4.2", digest("b")) for tag in LINES]
    about = look.concern(scheme(), hints, {digest("b"): led})
    assert list(about.lines) == lines
    assert list(about.unique) == unique
    assert [hint.tag for hint in about.unknown] == unknown
    assert all(about.hints[tag] == tuple(hints)[: len(about.hints[tag])] for tag in lines)


@pytest.mark.parametrize(
    ("hint", "free"),
    [("1.4.2 on a", ["1.4.2"]), ("latest on a", []), (" on a", [])],
)
def test_what_a_deletion_frees_by_its_tag(hint: str, free: list[str]) -> None:
    assert list(look.concern(scheme(), deletes(hint)).deleted) == free


@pytest.mark.parametrize(
    ("hints", "deleted"),
    [
        (deletes("1.4.2 on a", "1.4.2 on b"), ["1.4.2"]),
        (deletes("1.4 on a", "nightly on a", " on a"), []),
        (pushes("1.4.2 on a"), []),
    ],
)
def test_the_unique_tags_that_somebody_deleted(hints: list[Hint], deleted: list[str]) -> None:
    about = look.concern(scheme(), hints)
    assert list(about.deleted) == deleted
    assert all(about.deleted[tag] == tuple(hints) for tag in deleted)


@pytest.mark.parametrize(
    ("pushed", "found", "known", "settled"),
    [
        ("1.4 on b", "b", SETTLED, True),
        ("1.4.2 on b", "b", SETTLED, True),
        # The tag, or its mark, is somewhere else.
        ("1.4 on b", "ab", SETTLED, False),
        ("1.4 on a", "a", SETTLED, False),
        # No mark yet, and a tag that history does not know there.
        ("1.4.2 on b", "b", SETTLED[:2], False),
        ("1.4.3 on b", "b", SETTLED, False),
        ("nightly on b", "b", SETTLED, False),
    ],
)
def test_when_the_first_answer_shows_that_nothing_is_new(
    pushed: str, found: str, known: tuple[str, ...], settled: bool
) -> None:
    about = look.concern(scheme(), pushes(pushed))
    digests = [digest(name) for name in found]
    assert look.is_settled(about, digests, marks(*known), {"1.4.2": digest("b")}) is settled


@pytest.mark.parametrize(
    ("there", "known", "listed"),
    [
        # The mark's image still has its unique tag.
        (["b: 1.4.2", "c: 1.4.3"], SETTLED, []),
        # No mark at all, or one whose image or tag is gone.
        (["c: 1.4.3"], [], LINES),
        (["c: 1.4.3"], SETTLED, LINES),
        (["b: 1.4", "c: 1.4.3"], SETTLED, LINES),
        # What a mark stands for is no unique tag any more, or none of the line.
        (["b: nightly", "c: 1.4.3"], ["1.4 = nightly on b", *SETTLED[1:]], LINES),
        (["b: 1.3.0 1.4.2", "c: 1.4.3"], ["1.4 = 1.3.0 on b", *SETTLED[1:]], []),
        (["b: 1.3.0", "c: 1.4.3"], ["1.4 = 1.3.0 on b"], LINES),
        # A wider line's mark that is not higher bounds the narrower line.
        (["b: 1.3.9", "c: 1.4.3"], ["1 = 1.3.9 on b", "latest = 1.3.9 on b"], []),
        (["b: 1.5.0", "c: 1.4.3"], ["1 = 1.5.0 on b", "latest = 1.5.0 on b"], ["1.4"]),
        (["c: 1.4.3"], ["1 = 1.4.3 on c"], ["latest"]),
        (["b: 1.3.9"], ["1 = 1.3.9 on b", "latest = 1.3.9 on b"], ["1.4"]),
    ],
)
def test_which_lines_must_be_listed(
    there: list[str], known: tuple[str, ...], listed: list[str]
) -> None:
    asked = scheme()
    about = look.concern(asked, pushes("1.4.3 on c"))
    found = look.unbounded(asked, about, Observed(images(*there), marks(*known), {}))
    assert [line.tag for line in found] == listed


@pytest.mark.parametrize(
    ("listed", "worth"),
    [
        ("1.4.1=a 1.4.2=b 1.4=a", "b"),
        ("1.4.2=a v1.4.2=b", "ab"),
        ("1.5.0=a 1.4.2=b", "ab"),
        ("1.5.0-rc.1=a 1.4.2=b", "b"),
        ("nightly=a", ""),
    ],
)
def test_which_images_of_a_listing_are_worth_a_look(listed: str, worth: str) -> None:
    asked = scheme()
    lines = look.concern(asked, pushes("1.4.0 on c")).lines.values()
    rows = ((tag, digest(name)) for tag, name in (row.split("=") for row in listed.split()))
    assert look.leaders(asked, lines, rows) == {digest(name) for name in worth}


@pytest.mark.parametrize(
    ("there", "overwritten", "doubtful"),
    [
        # The owner is there since history saw it: the tag was overwritten.
        (["a: 1.4", "b: 1.4.2"], "restore", False),
        # The owner is gone, so it may have been in a repository of the same name.
        (["b: 1.4.2"], "restore", True),
        (["b: 1.4.2"], "report", True),
        (["b: 1.4.2"], "allow", False),
        # The tag is not on the newcomer any more, or never left.
        (["b: 1.4"], "restore", False),
        (["a: 1.4.2"], "restore", False),
    ],
)
def test_whether_a_tag_may_have_been_in_a_repository_of_the_same_name(
    there: list[str], overwritten: str, doubtful: bool
) -> None:
    asked = scheme(overwritten=overwritten)
    about = look.concern(asked, pushes("1.4.2 on b"))
    observed = Observed(images(*there), {}, {"1.4.2": digest("a")})
    pushed = {"1.4.2": images("a:")[digest("a")].pushed_at}
    found = look.doubtful(asked, about, observed, pushed)
    assert found == ({"1.4.2"} if doubtful else set())


@pytest.mark.parametrize(("microseconds", "doubtful"), [(0, False), (999, False), (1000, True)])
def test_an_owner_was_there_since_history_saw_it_to_the_millisecond(
    microseconds: int, doubtful: bool
) -> None:
    asked = scheme()
    about = look.concern(asked, pushes("1.4.2 on b"))
    observed = Observed(images("a: 1.4", "b: 1.4.2"), {}, {"1.4.2": digest("a")})
    # What is remembered has no more than milliseconds.
    since = observed.images[digest("a")].pushed_at - timedelta(microseconds=microseconds)
    assert bool(look.doubtful(asked, about, observed, {"1.4.2": since})) is doubtful


@pytest.mark.parametrize("pushed", ["1.4.2 on a", "1.4.2 on z"])
def test_a_tag_on_its_own_image_or_on_one_that_is_not_here_is_not_in_doubt(pushed: str) -> None:
    about = look.concern(scheme(), pushes(pushed))
    observed = Observed(images("a: 1.4.2"), {}, {"1.4.2": digest("a")})
    long_ago = {"1.4.2": NOW - timedelta(days=30)}
    assert look.doubtful(scheme(), about, observed, long_ago) == set()


def test_a_line_that_can_be_read_in_several_ways_is_bounded_by_its_own_mark() -> None:
    parts = {"pattern": "(?P<b>[a-z-]+)[.](?P<c>[a-z-]+)[.](?P<version>[0-9]+)"}
    asked = scheme(unique=[parts], stable=[{"tag": "{b}-{c}", "follows": "highest"}])
    about = look.concern(asked, pushes("x.y-z.1 on a"))
    there = images("a: x.y-z.1")
    assert look.unbounded(asked, about, Observed(there, marks("x-y-z = x.y-z.1 on a"), {})) == ()
    assert look.unbounded(asked, about, Observed(there, {}, {}))


def test_a_frozen_tag_and_one_that_nobody_remembers_are_not_in_doubt() -> None:
    asked = scheme()
    about = look.concern(asked, pushes("1.4.2 on b"))
    known, frozen = {"1.4.2": digest("a")}, frozenset({"1.4.2"})
    seen = Observed(images("b: 1.4.2"), {}, known, frozen=frozen)
    assert look.doubtful(asked, about, seen, {"1.4.2": NOW}) == set()
    assert look.doubtful(asked, about, replace(seen, frozen=frozenset()), {}) == set()
    assert look.doubtful(asked, about, replace(seen, frozen=frozenset()), {"1.4.2": NOW})


@pytest.mark.parametrize(
    ("there", "gone", "freed"),
    [
        (["b: 1.4.2"], {"a": 0}, True),
        (["b: 1.4.2"], {"a": 1}, False),
        (["b: 1.4.2"], {"c": 0}, False),
        (["b: 1.4.2"], {}, False),
        # It came again, or the tag is not where it was pushed any more.
        (["a: 1.4", "b: 1.4.2"], {"a": 0}, False),
        (["b: 1.4"], {"a": 1}, True),
    ],
)
def test_a_tag_is_free_whose_image_was_deleted_before_it_was_pushed(
    there: list[str], gone: dict[str, int], freed: bool
) -> None:
    about = look.concern(scheme(), pushes("1.4.2 on b"))
    observed = Observed(images(*there), {}, {"1.4.2": digest("a")})
    when = {digest(name): NOW + timedelta(seconds=late) for name, late in gone.items()}
    found = look.freed_with(about, observed, ["1.4.2"], when)
    assert found == ({"1.4.2": digest("a")} if freed else {})


def test_the_unique_tags_that_no_image_carries_have_vanished() -> None:
    (sweep,) = pushes("1.4 on a")
    known = {"1.4.1": digest("a"), "1.4.2": digest("b")}
    assert look.vanished(known, images("a: 1.4.1", "c: 1.4").values(), sweep) == {"1.4.2": (sweep,)}


@pytest.mark.parametrize(
    ("rule", "tag", "stable", "unknown"),
    [
        ({}, "main", False, False),
        ({"pin": "{tag}-{digest}"}, "main", True, False),
        ({"pin": "{tag}-{digest}"}, "nightly", False, True),
        ({"pin": "{tag}-{digest}"}, "buildcache-1", False, False),
        ({"unknown": "allow"}, "nightly", False, False),
        ({"unknown": "remove"}, "nightly", False, True),
    ],
)
def test_a_push_is_looked_at_for_what_the_rule_asks(
    rule: dict[str, str], tag: str, stable: bool, unknown: bool
) -> None:
    about = look.concern(scheme(**rule), pushes(f"{tag} on a"))
    assert (bool(about.stable), bool(about.unknown)) == (stable, unknown)


def test_a_stable_tag_of_no_line_may_want_a_pin_whatever_the_answer() -> None:
    about = look.concern(scheme(pin="{tag}-{digest}"), pushes("main on b"))
    assert not look.is_settled(about, [digest("b")], {}, {})
    about = look.concern(scheme(pin="{tag}-{digest}"), pushes("1.4 on b"))
    assert look.is_settled(about, [digest("b")], marks(*SETTLED), {})


def test_commits_of_a_listing_lead_no_line_of_versions() -> None:
    edge = {"unique": ["sha"], "stable": [{"tag": "edge", "follows": "newest"}]}
    asked = scheme(**edge)
    lines = look.concern(asked, pushes("0a1b2c3 on a")).lines.values()
    assert look.leaders(asked, lines, [("0a1b2c3", digest("a"))]) == set()


def test_a_line_is_bounded_by_no_line_that_it_is_not_inside() -> None:
    asked = scheme(
        stable=[{"tag": "edge", "follows": "newest"}, {"tag": "latest", "follows": "highest"}]
    )
    about = look.concern(asked, pushes("1.4.3 on c"))
    seen = Observed(images("c: 1.4.3"), marks("edge = 1.4.3 on c"), {})
    assert [line.tag for line in look.unbounded(asked, about, seen)] == ["latest"]


def test_an_owner_that_came_again_later_may_be_another_repositorys() -> None:
    asked = scheme()
    about = look.concern(asked, pushes("1.4.2 on b"))
    observed = Observed(images("a: 1.4", "b: 1.4.2"), {}, {"1.4.2": digest("a")})
    long_ago = NOW - timedelta(days=30)
    assert look.doubtful(asked, about, observed, {"1.4.2": long_ago}) == {"1.4.2"}


def test_a_sweep_takes_a_pin_for_no_stable_tag_whatever_it_looks_like() -> None:
    rule = scheme(variants=["slim-*"], pin="{tag}-{digest}")
    found = images("a: 1.4-slim-x 1.4-slim-x-aaaaaaaaaaaa").values()
    (sweep,) = pushes("1.4-slim-x on a")
    assert list(look.concern_all(rule, found, (), sweep).lines) == ["1.4-slim-x"]


def test_a_deletion_that_names_no_tag_deletes_the_image() -> None:
    gone = deletes(" on a")
    others = [*deletes("1.4.2 on b"), *pushes("1.4.3 on c", " on d")]
    assert look.deleted([*gone, *others, replace(gone[0], digest=None)]) == {
        digest("a"): gone[0].time
    }
