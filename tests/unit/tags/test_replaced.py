"""What stable tags leave, and the names that it keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecr_steward.tags import replaced
from ecr_steward.tags.plan import Plan
from ecr_steward.tags.state import Observed
from tests.support.planning import digest, images, plan, pushes, scheme, words

(HINT,) = pushes("main on b")
MOVED = plan(
    ["a: latest main", "b: 1.4.2"],
    ["1.4.2 on b"],
    [],
    {"stable": [{"tag": "latest", "follows": "highest"}]},
)
"""`latest` goes from `a` to `b`."""


def names(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {each[-1]: tags for each, tags in found.items()}


@pytest.mark.parametrize(
    ("there", "places", "pins"),
    [
        (["a:", "b: main"], {"main": "a"}, ["pin main-20261121T120000Z-aaaaaaaaaaaa: - > a"]),
        (["a: latest", "b: main"], {"main": "a"},
         ["pin main-20261121T120000Z-aaaaaaaaaaaa: - > a"]),
        # It has a name, is gone, or is where the tag is.
        (["a: 1.4.1", "b: main"], {"main": "a"}, []),
        (["a: main-20261120T120000Z-aaaaaaaaaaaa", "b: main"], {"main": "a"}, []),
        (["b: main"], {"main": "a"}, []),
        (["a: main"], {"main": "a"}, []),
        (["a:"], {"main": "a"}, []),
        (["a:", "b: main"], {}, []),
        # Two tags left it: it gets one pin, of the first.
        (["a:", "b: main latest"], {"main": "a", "latest": "a"},
         ["pin main-20261121T120000Z-aaaaaaaaaaaa: - > a"]),
    ],
)  # fmt: skip
def test_an_image_that_a_stable_tag_left_gets_a_name(
    there: list[str], places: dict[str, str], pins: list[str]
) -> None:
    seen = Observed(images(*there), {}, {})
    known = {tag: digest(name) for tag, name in places.items()}
    made = replaced.with_pins(scheme(), known, seen, Plan(), HINT)
    assert [words(each).replace("PIN", each.tag) for each in made.changes] == pins


def test_the_reason_of_a_name_is_the_tag_that_left() -> None:
    seen = Observed(images("a:", "b: main"), {}, {})
    (pin,) = replaced.with_pins(scheme(), {"main": digest("a")}, seen, Plan(), HINT).changes
    assert pin.reason == (
        "`main` left the image, which keeps a name as long as the rule's `replaced` says."
    )


def test_an_image_that_the_plan_moves_a_tag_from_gets_a_name_before_it_does() -> None:
    seen = Observed(images("a: latest main", "b: 1.4.2"), {}, {})
    made = replaced.with_pins(scheme(), {}, seen, MOVED, HINT)
    assert [words(each) for each in made.changes] == ["pin PIN: - > a", "move latest: a > b"]
    again = replaced.with_pins(scheme(), {}, seen, made, HINT)
    assert again == made


@pytest.mark.parametrize(
    ("places", "left"),
    [
        ({}, {"a": ["latest"]}),
        ({"latest": "c"}, {"c": ["latest"], "a": ["latest"]}),
        ({"latest": "b"}, {"a": ["latest"]}),
        ({"latest": "a"}, {"a": ["latest"]}),
        ({"main": "c"}, {"c": ["main"], "a": ["latest"]}),
        ({"main": "a"}, {"a": ["latest"]}),
    ],
)
def test_what_a_stable_tag_left_is_all_that_it_was_on_but_the_last(
    places: dict[str, str], left: dict[str, list[str]]
) -> None:
    seen = Observed(images("a: latest main", "b: 1.4.2"), {}, {})
    known = {tag: digest(name) for tag, name in places.items()}
    assert names(replaced.left(known, seen, MOVED.changes)) == left


def test_a_stable_tag_is_where_it_was_moved_to_else_where_it_was_seen() -> None:
    seen = Observed(images("a: latest main", "b: 1.4.2"), {}, {})
    placed = replaced.now(["latest", "main", "edge"], seen, MOVED.changes)
    assert placed == {"latest": digest("b"), "main": digest("a")}
    pinned = replaced.with_pins(scheme(), {}, seen, MOVED, HINT).changes
    assert replaced.now(["latest", pinned[0].tag], seen, pinned) == {"latest": digest("b")}
    held = [replace(each, tag="main") for each in pinned if each.before is None]
    assert replaced.now(["main"], seen, held) == {"main": digest("a")}


def test_stable_tags_are_watched_once_whether_they_follow_or_not() -> None:
    tags = ["main", None, "1.4", "1.4.2", "nightly", "main"]
    assert replaced.watched(scheme(), tags) == ["main", "1.4"]
