"""What holds each image, in whole sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ecr_steward.images.judge import judge
from ecr_steward.images.rule import ImagesRule
from ecr_steward.images.state import Inventory, RetainedImage
from ecr_steward.tags.scheme import Scheme

NOW = datetime(2026, 11, 28, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
WEEK = timedelta(days=7)
SCHEME = Scheme.from_document(
    {"unique": ["semver"], "stable": [{"tag": "main"}, {"tag": "preview"}], "ignore": ["pr-*"]}
)
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DAY = {"keep": [{"pushed_within": "1d"}], "others": "expire"}

NOTHING = (
    "Nothing keeps it: no stable, held or ignored tag is on it, and no keeper of the rule holds it."
)
REST = "Nothing asks for it to go: the rule has no `images`, or `others: keep`."
UNREAD = "Its manifest could not be read. Not knowing is a reason to keep."


def digest(name: str) -> str:
    return f"sha256:{name * 64}"


def image(name: str, *tags: str, **known: Any) -> RetainedImage:
    for key in ("children", "subject"):
        if known.get(key) is not None:
            named = known[key]
            known[key] = tuple(map(digest, named)) if key == "children" else digest(named)
    return RetainedImage(digest(name), tags, **{"pushed_at": LONG_AGO, **known})


def verdicts(
    images: Sequence[RetainedImage], rule: dict[str, Any] | None = DAY
) -> dict[str, tuple[str | None, str]]:
    """By the letter of each image, what holds it and why."""
    found = judge(
        Inventory(images, SCHEME, NOW),
        None if rule is None else ImagesRule.from_document(rule),
        WEEK,
    )
    return {each.image.digest[7]: (each.by, each.reason) for each in found}


A, B = f"sha256:{'a' * 12}", f"sha256:{'b' * 12}"


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ([image("a", "1.4.2")], {"a": (None, NOTHING)}),
        ([image("a", "main")], {"a": ("stable", "The stable tag `main` is on it.")}),
        ([image("a", "pr-1")], {"a": ("ignored", "`pr-1` is on it, which the rule ignores.")}),
        ([image("a", "1.4.2", held=("main",))], {"a": ("held", "Somebody holds `main` on it.")}),
        ([image("a", f"sha256-{'f' * 64}.sig")], {"a": (None, NOTHING)}),
        ([image("a", running=("ecs:web",))], {"a": ("running", "`ecs:web` runs it.")}),
        ([image("a", running=("ecs:web", "ecs:api"))],
         {"a": ("running", "`ecs:web` and 1 more run it.")}),
        ([image("a", running=tuple(f"ecs:{n}" for n in range(1234)))],
         {"a": ("running", "`ecs:0` and 1,233 more run it.")}),
        ([image("a", children="b"), image("b", running=("ecs:web", "ecs:api"))],
         {"a": ("running", f"`ecs:web` and 1 more run its child {B}."),
          "b": ("running", "`ecs:web` and 1 more run it.")}),
        ([image("a", children="b"), image("b", ran={"ecs:web": NOW - WEEK})],
         {"a": ("ran", f"`ecs:web` ran its child {B} until 2026-11-21T00:00:00Z, within 7 days."),
          "b": ("ran", "`ecs:web` ran it until 2026-11-21T00:00:00Z, within 7 days.")}),
        ([image("a", ran={"ecs:web": NOW - WEEK - timedelta(seconds=1)})], {"a": (None, NOTHING)}),
        ([image("a", status="ARCHIVED")], {"a": ("archived", "It is archived, and left alone.")}),
        ([image("a", status="ACTIVATING")], {"a": ("archived", "It is archived, and left alone.")}),
        ([image("a", status="MELTED")],
         {"a": ("unreadable",
          ("Its state `MELTED` is not one that the steward knows. Not knowing is "
                "a reason to keep."))}),
        ([image("a", pushed_at=None)],
         {"a": ("unreadable",
          "When it was pushed is not known. Not knowing is a reason to keep.")}),
        ([image("a", "main", children="b"), image("b"), image("c", subject="b")],
         {"a": ("stable", "The stable tag `main` is on it."),
          "b": ("child", "It is a child of `main`, which stays."),
          "c": ("referrer", f"It refers to {B}, which stays.")}),
        ([image("a", "1.4.2", children="b"), image("b"), image("c", subject="a")],
         {"a": (None, NOTHING), "b": (None, NOTHING), "c": (None, NOTHING)}),
        ([image("a", "main", children="bf", subject="f")],
         {"a": ("stable", "The stable tag `main` is on it.")}),
        ([image("a", children="b", running=("ecs:web",)), image("b", children="a")],
         {"a": ("running", "`ecs:web` runs it."),
          "b": ("running", f"`ecs:web` runs its child {A}.")}),
    ],
)  # fmt: skip
def test_what_holds_an_image_is_said(
    images: list[RetainedImage], said: dict[str, tuple[str | None, str]]
) -> None:
    assert verdicts(images) == said


MAY_BE = f"It may be a child of {A}, whose manifest could not be read."


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (image("b"), ("unreadable", MAY_BE)),
        (image("b", "1.4.2"), (None, NOTHING)),
        (image("b", media_type=INDEX), (None, NOTHING)),
        (image("b", media_type=DOCKER_INDEX), (None, NOTHING)),
        (image("b", media_type="application/vnd.oci.image.manifest.v1+json"),
         ("unreadable", MAY_BE)),
        (image("b", subject="c"), (None, NOTHING)),
        (image("b", children=None), ("unreadable", UNREAD)),
    ],
)  # fmt: skip
def test_what_may_be_a_child_of_an_index_that_could_not_be_read_stays(
    other: RetainedImage, said: tuple[str | None, str]
) -> None:
    images = [image("a", "1.0.0", children=None), other]
    assert verdicts(images) == {"a": ("unreadable", UNREAD), "b": said}


def test_the_child_of_another_index_is_none_of_one_that_could_not_be_read() -> None:
    images = [image("a", "1.0.0", children=None), image("b", "1.1.0", children="c"), image("c")]
    assert verdicts(images)["c"] == (None, NOTHING)


def test_a_state_that_nobody_knows_makes_nothing_its_child() -> None:
    assert verdicts([image("a", status="MELTED"), image("b")])["b"] == (None, NOTHING)


@pytest.mark.parametrize("rule", [None, {}, {"keep": [{"newest": 1}]}])
def test_where_others_are_kept_all_stays_and_the_better_reason_is_told(
    rule: dict[str, Any] | None,
) -> None:
    found = verdicts([image("a"), image("b", "main", "1.4.2")], rule)
    assert found == {"a": ("rest", REST), "b": ("stable", "The stable tag `main` is on it.")}


def test_a_tag_that_keeps_nothing_holds_nothing() -> None:
    rule = {**DAY, "not_kept_by": ["preview"]}
    found = verdicts([image("a", "preview"), image("b", "preview", "main")], rule)
    assert found == {"a": (None, NOTHING), "b": ("stable", "The stable tag `main` is on it.")}


def test_only_what_nothing_holds_does_not_stay() -> None:
    kept = judge(
        Inventory([image("a"), image("b", "main")], SCHEME, NOW),
        ImagesRule.from_document(DAY),
        WEEK,
    )
    assert [each.stays for each in kept] == [False, True]


@pytest.mark.parametrize(
    ("children", "status", "readable"),
    [((), "ACTIVE", True), ((), "ARCHIVED", True), ((), "MELTED", False), (None, "ACTIVE", False)],
)
def test_an_image_is_readable_where_its_manifest_and_its_state_are_known(
    children: tuple[str, ...] | None, status: str, readable: bool
) -> None:
    assert RetainedImage(digest("a"), children=children, status=status).is_readable is readable


def test_an_image_refers_to_its_subject_and_to_what_its_tags_name() -> None:
    referrer = image("a", "1.4.2", f"sha256-{'c' * 64}.sig", f"sha256-{'d' * 64}", subject="b")
    assert list(referrer.subjects) == [digest("b"), digest("c"), digest("d")]
    assert not list(image("a", "1.4.2").subjects)


def test_children_and_referrers_are_parts() -> None:
    images = [
        image("a", children="bb"),
        image("b"),
        image("c", subject="f"),
        image("d", children=None),
    ]
    inventory = Inventory(images, SCHEME, NOW)
    assert [inventory.is_part(each.digest) for each in images] == [False, True, True, False]
    assert inventory.parents == {digest("b"): [digest("a")]}
