"""What keepers say: of what they keep, of each image, and of what is wrong with their entry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ecr_steward.images.keepers import keeper, keeper_faults
from ecr_steward.images.state import Inventory, RetainedImage
from ecr_steward.tags.scheme import Scheme

NOW = datetime(2026, 11, 28, tzinfo=UTC)
LAST_WEEK = NOW - timedelta(days=7)
TAGS = {
    "unique": ["semver"],
    "variants": ["alpine"],
    "stable": [{"tag": "{major}.{minor}", "follows": "highest"}, {"tag": "main"}],
    "ignore": ["pr-*"],
}


def image(name: str, *tags: str, **known: Any) -> RetainedImage:
    known = {"pushed_at": LAST_WEEK} | known
    return RetainedImage(f"sha256:{name * 64}", tags, **known)


def inventory(*images: RetainedImage, **tags: Any) -> Inventory:
    return Inventory(images, Scheme.from_document(TAGS | tags), NOW)


def said(entry: Mapping[str, Any], *images: RetainedImage) -> list[tuple[str, str]]:
    """By the letter of each image that the keeper keeps, why."""
    return [(digest[7], why) for digest, why in keeper(entry).kept(inventory(*images))]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"highest": 1}, "the highest version of each variant"),
        ({"highest": 1200}, "the highest 1,200 versions of each variant"),
        ({"highest": 1, "of": "{major}"}, "the highest version of each `{major}`"),
        ({"newest": 1}, "the image pushed last"),
        ({"newest": 1200}, "the 1,200 images pushed last"),
        ({"pushed_within": "1h"}, "what was pushed within 1 hour"),
        ({"pulled_within": "2d"}, "what was pulled, or pushed and never pulled, within 2 days"),
        ({"untagged_within": "14d"}, "what lost its last tag within 14 days"),
        ({"replaced": 1}, "the last image that each stable tag left"),
        ({"replaced": 1200}, "the last 1,200 images that each stable tag left"),
        ({"replaced": 2, "within": "30d"},
         "the last 2 images that each stable tag left, and all that it left within 30 days"),
        ({"tags": ["keep-*"]}, "what has a tag like `keep-*`"),
        ({"tags": ["a", "b*"]}, "what has a tag like `a` or `b*`"),
    ],
)  # fmt: skip
def test_a_keeper_says_what_it_keeps(entry: dict[str, Any], words: str) -> None:
    assert keeper(entry).words() == words


HIGH, LOW, ALPINE = image("a", "1.4.2"), image("b", "1.4.1"), image("c", "1.3.0-alpine")
LEFT = image("d", left={"main": NOW - timedelta(hours=3)})
ON = image("e", "main")


@pytest.mark.parametrize(
    ("entry", "images", "kept"),
    [
        ({"highest": 1}, [HIGH, LOW, ALPINE],
         [("a", "1.4.2 is the highest of all versions."),
          ("c", "1.3.0-alpine is the highest of `alpine`.")]),
        ({"highest": 1, "of": "{major}.{minor}"}, [HIGH, LOW, ALPINE],
         [("a", "1.4.2 is the highest of `1.4`."),
          ("c", "1.3.0-alpine is the highest of `1.3-alpine`.")]),
        ({"highest": 2000}, [HIGH, LOW],
         [("a", "1.4.2 is one of the 2,000 highest of all versions."),
          ("b", "1.4.1 is one of the 2,000 highest of all versions.")]),
        ({"newest": 1}, [HIGH, image("f", pushed_at=NOW)], [("f", "It is the image pushed last.")]),
        ({"highest": 1}, [image("f", "1.4.2", "v1.4.2")],
         [("f", "1.4.2 is the highest of all versions.")]),
        ({"newest": 1}, [image("f", pushed_at=None)], []),
        ({"pushed_within": "7d"}, [image("f", pushed_at=None)], []),
        ({"newest": 2000}, [HIGH], [("a", "It is one of the 2,000 images pushed last.")]),
        ({"pushed_within": "7d"}, [HIGH, image("f", pushed_at=LAST_WEEK - timedelta(seconds=1))],
         [("a", "It was pushed 7 days ago, within 7 days.")]),
        ({"pushed_within": "7d"}, [image("f", pushed_at=NOW + timedelta(days=1))],
         [("f", "It was pushed 0 hours ago, within 7 days.")]),
        ({"pulled_within": "9d"}, [HIGH, image("f", pulled_at=NOW - timedelta(hours=1))],
         [("a", "It was never pulled, and pushed 7 days ago, within 9 days."),
          ("f", "It was pulled 1 hour ago, within 9 days.")]),
        ({"untagged_within": "1d"},
         [HIGH, image("f"), image("d", untagged_at=NOW - timedelta(hours=24)),
          image("e", untagged_at=LAST_WEEK)],
         [("f", "It lost its last tag 0 hours ago, within 24 hours."),
          ("d", "It lost its last tag 24 hours ago, within 24 hours.")]),
        ({"replaced": 1}, [LEFT, ON, image("f", left={"main": LAST_WEEK})],
         [("d", "It is the last that `main` left.")]),
        ({"replaced": 2},
         [LEFT, ON, image("f", left={"main": LAST_WEEK}), image("c", "main", left={"main": NOW})],
         [("d", "It is one of the last 2 that `main` left."),
          ("f", "It is one of the last 2 that `main` left.")]),
        ({"replaced": 1, "within": "3h"}, [LEFT, image("f", left={"main": LAST_WEEK})],
         [("d", "`main` left it 3 hours ago, within 3 hours.")]),
        ({"replaced": 1, "within": "3h"}, [image("f", left={"main": NOW + timedelta(hours=2)})],
         [("f", "`main` left it 0 hours ago, within 3 hours.")]),
        ({"tags": ["keep-*"]}, [HIGH, image("f", "x", "keep-1", "keep-2")],
         [("f", "It has the tag `keep-1`, which the rule keeps.")]),
    ],
)  # fmt: skip
def test_a_keeper_says_why_it_keeps_an_image(
    entry: dict[str, Any], images: list[RetainedImage], kept: list[tuple[str, str]]
) -> None:
    assert said(entry, *images) == kept


UNDATED = image("a", "1.4.2", pushed_at=None)
CHILD = image("c", pushed_at=None)


@pytest.mark.parametrize(
    ("entry", "unknown"),
    [
        ({"newest": 1}, ["a", "b"]),
        ({"pushed_within": "1d"}, ["a", "b", "c"]),
        ({"pulled_within": "1d"}, ["a", "b", "c"]),
        ({"untagged_within": "1d"}, []),
        ({"highest": 1}, []),
        ({"replaced": 1}, []),
        ({"tags": ["x"]}, []),
    ],
)
def test_a_keeper_by_age_does_not_know_of_images_that_nobody_dated(
    entry: dict[str, Any], unknown: list[str]
) -> None:
    index = image("b", pushed_at=None, children=(CHILD.digest,))
    found = keeper(entry).unknown(inventory(UNDATED, index, CHILD, LOW))
    assert list(found) == [
        (f"sha256:{name * 64}", "When it was pushed is not known.") for name in unknown
    ]


KEPT_HIGHEST: list[tuple[str, dict[str, Any], list[RetainedImage], str]] = [
    ("of twins the one pushed last leads", {"highest": 1},
     [image("a", "1.4.2", pushed_at=NOW), image("b", "v1.4.2")], "a"),
    ("of twins pushed at once the higher digest leads", {"highest": 1},
     [image("a", "1.4.2"), image("b", "v1.4.2")], "b"),
    ("a twin that nobody dated does not lead", {"highest": 1},
     [image("a", "1.4.2"), image("b", "v1.4.2", pushed_at=None)], "a"),
    ("twins that nobody dated", {"highest": 1},
     [image("a", "1.4.2", pushed_at=None), image("b", "v1.4.2", pushed_at=None)], "b"),
    ("an image counts at its highest tag, in whatever order it has them", {"highest": 2},
     [image("a", "1.4.0", "1.4.3"), image("b", "1.4.2"), image("c", "1.4.1")], "ab"),
    ("the platforms of the revision that leads alone", {"highest": 1},
     [image("a", "1.4.2-r1"), image("b", "1.4.2-r2"), image("c", "1.4.2-r2-arm64"),
      image("d", "1.4.2-r1-arm64")], "bc"),
    ("platforms without an index", {"highest": 1},
     [image("a", "1.4.2-amd64"), image("b", "1.4.2-arm64"), image("c", "1.4.1-arm64")], "ab"),
    ("the platforms of a variant", {"highest": 1},
     [image("a", "1.4.2-alpine"), image("b", "1.4.2-alpine-arm64"),
      image("c", "1.4.1-alpine")], "ab"),
    ("pre-releases only where the keeper takes them", {"highest": 2},
     [image("a", "1.5.0-rc.1"), image("b", "1.4.2"), image("c", "1.5.0-beta.1")], "b"),
    ("all pre-releases", {"highest": 2, "prereleases": True},
     [image("a", "1.5.0-rc.1"), image("b", "1.4.2"), image("c", "1.5.0-beta.1")], "ac"),
    ("pre-releases of a word, however it is written", {"highest": 2, "prereleases": ["RC"]},
     [image("a", "1.5.0-rc.1"), image("b", "1.4.2"), image("c", "1.5.0-beta.1")], "ab"),
    ("pre-releases that an entry does not take, but the keeper",
     {"highest": 1, "of": "{major}.{minor}", "prereleases": True},
     [image("a", "1.5.0-rc.1"), image("b", "1.4.2")], "ab"),
    ("of a version and the commits after it the highest, and then the version below",
     {"highest": 2, "prereleases": True},
     [image("a", "1.4.2-5-gabc1234"), image("b", "1.4.2"), image("c", "1.4.1")], "ac"),
    ("pre-releases that neither takes", {"highest": 1, "of": "{major}.{minor}"},
     [image("a", "1.5.0-rc.1"), image("b", "1.4.2")], "b"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "images", "kept"),
    [each[1:] for each in KEPT_HIGHEST],
    ids=[e[0] for e in KEPT_HIGHEST],
)
def test_the_highest_are_those_of_the_case(
    entry: dict[str, Any], images: list[RetainedImage], kept: str
) -> None:
    found = keeper(entry).kept(inventory(*images, revisions=["r*"]))
    assert sorted({digest[7] for digest, _ in found}) == list(kept)


def test_the_pre_releases_of_a_keeper_are_those_of_its_entry_alone() -> None:
    stable = [
        {"tag": "{major}", "follows": "highest"},
        {"tag": "{major}.{minor}", "follows": "highest"},
    ]
    images = [image("a", "1.5.0-rc.1"), image("b", "1.4.2")]
    keeping = keeper({"highest": 1, "of": "{major}.{minor}", "prereleases": True})
    found = keeping.kept(inventory(*images, stable=stable))
    assert [why for _, why in found] == [
        "1.5.0-rc.1 is the highest of `1.5`.",
        "1.4.2 is the highest of `1.4`.",
    ]


def test_a_line_of_commits_has_no_highest_version() -> None:
    edge = {"unique": ["sha"], "stable": [{"tag": "edge", "follows": "newest"}]}
    found = inventory(image("a", "0a1b2c3"), **edge)
    assert not list(keeper({"highest": 1, "of": "edge"}).kept(found))


def test_dates_are_no_versions_beside_versions() -> None:
    images = [image("a", "20261123"), image("b", "1.4.2")]
    both = inventory(*images, unique=["timestamp", "semver"])
    dates = inventory(*images, unique=["timestamp"])
    assert [digest[7] for digest, _ in keeper({"highest": 1}).kept(both)] == ["b"]
    assert [digest[7] for digest, _ in keeper({"highest": 1}).kept(dates)] == ["a"]


KEYS = (
    "`highest`, `newest`, `pushed_within`, `pulled_within`, `replaced`, `untagged_within`, `tags`"
)
WORDS = "must be true, false or a list of words such as [beta, rc]; it is"
DURATION = 'must be a number of days or hours such as "30d" or "12h"; it is'
GLOB = "can match no tags; use letters, digits, `.`, `_`, `-` and `*`."


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ("newest",
         [((), f"An entry of `keep` must be a mapping with one of {KEYS}; it is `newest`.")]),
        (5, [((), f"An entry of `keep` must be a mapping with one of {KEYS}; it is `5`.")]),
        ({}, [((), f"An entry of `keep` must have one of {KEYS}; it has nothing.")]),
        ({"last": 1, "of": 2},
         [((), f"An entry of `keep` must have one of {KEYS}; it has `last`, `of`.")]),
        ({"newest": 1, "tags": ["a"]},
         [((), ("An entry of `keep` has one keeper; write `newest` and `tags` as entries of their "
           "own."))]),
        ({"newest": 1, "within": "1d"},
         [(("within",), "`within` is not a key here; there is `newest`.")]),
        ({"replaced": 1, "of": "x"},
         [(("of",), "`of` is not a key here; there is `replaced`, `within`.")]),
        ({"newest": 1}, []),
        ({"newest": 10_000}, []),
        ({"newest": 0},
         [(("newest",), "`newest` must be a whole number from 1 to 10,000; it is `0`.")]),
        ({"newest": 10_001},
         [(("newest",), "`newest` must be a whole number from 1 to 10,000; it is `10001`.")]),
        ({"newest": True},
         [(("newest",), "`newest` must be a whole number from 1 to 10,000; it is `True`.")]),
        ({"newest": "5"},
         [(("newest",),
          "`newest` must be a whole number from 1 to 10,000; write it without quotes.")]),
        ({"newest": "many"},
         [(("newest",), "`newest` must be a whole number from 1 to 10,000; it is `many`.")]),
        ({"replaced": 0},
         [(("replaced",), "`replaced` must be a whole number from 1 to 10,000; it is `0`.")]),
        ({"replaced": 1, "within": 5}, [(("within",), f"`within` {DURATION} `5`.")]),
        ({"replaced": 1, "within": "1d"}, []),
        ({"pushed_within": "1w"}, [(("pushed_within",), f"`pushed_within` {DURATION} `1w`.")]),
        ({"pulled_within": "99999h"}, []),
        ({"tags": ["a", "b_.-*C9"]}, []),
        ({"tags": "a"},
         [(("tags",), '`tags` must be a list of globs on tags, such as ["keep-*"].')]),
        ({"tags": []},
         [(("tags",), '`tags` must be a list of globs on tags, such as ["keep-*"].')]),
        ({"tags": ["a", 1.4]},
         [(("tags", 1), 'An entry of `tags` must be a string; put it in quotes: "1.4"')]),
        ({"tags": ["", "a" * 128]}, [(("tags", 0), f"`` {GLOB}")]),
        ({"tags": ["a" * 129]}, [(("tags", 0), f"`{'a' * 129}` {GLOB}")]),
        ({"tags": ["pr/1", "ü"]}, [(("tags", 0), f"`pr/1` {GLOB}"), (("tags", 1), f"`ü` {GLOB}")]),
        ({"highest": 1, "prereleases": False}, []),
        ({"highest": 1, "prereleases": ["beta", "rc"]}, []),
        ({"highest": 1, "prereleases": []}, [(("prereleases",), f"`prereleases` {WORDS} `[]`.")]),
        ({"highest": 1, "prereleases": ["rc.1"]},
         [(("prereleases",), f"`prereleases` {WORDS} `['rc.1']`.")]),
        ({"highest": 1, "prereleases": ["rc", 1]},
         [(("prereleases",), f"`prereleases` {WORDS} `['rc', 1]`.")]),
        ({"highest": 1, "prereleases": "rc"}, [(("prereleases",), f"`prereleases` {WORDS} `rc`.")]),
        ({"highest": 0},
         [(("highest",), "`highest` must be a whole number from 1 to 10,000; it is `0`.")]),
        ({"highest": 1, "of": "{major}.{minor}"}, []),
        ({"highest": 1, "of": "{major}"},
         [(("of",), ("`{major}` is no entry of the rule's `stable`; there are `{major}.{minor}`, "
           "`main`."))]),
        ({"highest": 1, "of": "main"},
         [(("of",), "`main` follows nothing: your pipeline moves it, and it has no line.")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_entry_is_said(
    entry: Any, wrong: list[tuple[tuple[str | int, ...], str]]
) -> None:
    assert list(keeper_faults(entry, TAGS)) == wrong


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        ({}, "`highest` needs the rule's `tags`, which say what a version is."),
        ({"unique": []}, "`main` is no entry of the rule's `stable`; there are none."),
        ({"stable": "main"}, "`main` is no entry of the rule's `stable`; there are none."),
        (
            {"stable": ["main", {"tag": "a"}]},
            "`main` is no entry of the rule's `stable`; there are `a`.",
        ),
    ],
)
def test_a_keeper_of_versions_needs_tags_that_say_what_they_are(
    tags: dict[str, Any], sentence: str
) -> None:
    assert [said for _, said in keeper_faults({"highest": 1, "of": "main"}, tags)] == [sentence]


def test_one_of_several_entries_of_a_name_that_follows_is_enough() -> None:
    tags = {"stable": [{"tag": "main"}, {"tag": "main", "follows": "highest"}]}
    assert not list(keeper_faults({"highest": 1, "of": "main"}, tags))
