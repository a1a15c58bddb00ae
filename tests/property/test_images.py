"""Which images stay, over random repositories: what must hold whatever is in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.images import ImagesRule, Inventory, RetainedImage, judge
from ecr_steward.tags.scheme import Scheme

NOW = datetime(2026, 11, 28, tzinfo=UTC)
GRACE = timedelta(days=7)
SCHEME = Scheme.from_document(
    {
        "unique": ["semver", "sha"],
        "variants": ["alpine"],
        "stable": [{"tag": "{major}.{minor}", "follows": "highest"}, {"tag": "main"}],
        "ignore": ["cache*"],
    }
)
DIGESTS = [f"sha256:{name * 64}" for name in "0123456789abcdef"]
TAGS = [
    "1.0.0", "1.0.1", "1.0.1-alpine", "1.1.0-rc.1", "1.1.0", "1.1.0-amd64", "2.0.0", "0a1b2c3",
    "1.0", "main", "cache1", "other", "keep-me", f"sha256-{'0' * 64}.sig", f"sha256-{'a' * 64}",
]  # fmt: skip
KEEPERS: list[dict[str, Any]] = [
    {"highest": 1}, {"highest": 2, "of": "{major}.{minor}"}, {"newest": 1}, {"pushed_within": "9d"},
    {"pulled_within": "9d"}, {"replaced": 1, "within": "9d"}, {"untagged_within": "9d"},
    {"tags": ["keep-*"]},
]  # fmt: skip

times = st.integers(0, 20).map(lambda days: NOW - timedelta(days=days))
digests = st.sampled_from(DIGESTS)
few = st.lists(digests, max_size=3, unique=True).map(tuple)


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    here = draw(st.lists(digests, min_size=1, max_size=9, unique=True))
    tags = draw(st.lists(st.sampled_from(TAGS), max_size=9, unique=True))
    owners = [draw(st.sampled_from(here)) for _ in tags]
    images = [
        RetainedImage(
            digest=digest,
            tags=tuple(tag for tag, owner in zip(tags, owners, strict=True) if owner == digest),
            pushed_at=draw(st.none() | times),
            pulled_at=draw(st.none() | times),
            untagged_at=draw(st.none() | times),
            status=draw(st.sampled_from(["ACTIVE"] * 5 + ["ARCHIVED", "STRANGE"])),
            children=draw(st.just(()) | few | st.none()),
            subject=draw(st.none() | digests),
            running=draw(st.sampled_from([(), (), (), ("ecs:prod/web",)])),
            ran=draw(st.just({}) | st.fixed_dictionaries({"ecs:prod/web": times})),
            left=draw(st.just({}) | st.fixed_dictionaries({"main": times})),
            held=draw(st.sampled_from([(), (), (), ("main",)])),
        )
        for digest in here
    ]
    return Inventory(images, SCHEME, NOW)


rules = st.builds(
    lambda keep, discounted: ImagesRule.from_document(
        {"keep": keep, "not_kept_by": discounted, "others": "expire"}
    ),
    st.lists(st.sampled_from(KEEPERS), max_size=3, unique_by=str),
    st.sampled_from([[], ["cache*"], ["{major}.{minor}"]]),
)


def staying(inventory: Inventory, rule: ImagesRule) -> set[str]:
    return {each.image.digest for each in judge(inventory, rule, GRACE) if each.stays}


@given(inventories(), rules)
def test_what_runs_what_is_not_understood_and_what_belongs_to_it_stays(
    inventory: Inventory, rule: ImagesRule
) -> None:
    stays = staying(inventory, rule)
    here = inventory.by_digest
    running = {image.digest for image in inventory.images if image.running}
    for image in inventory.images:
        ran = any(NOW - seen <= GRACE for seen in image.ran.values())
        strange = image.status != "ACTIVE" or image.children is None
        has_running = bool(running & set(image.children or ()))
        if image.running or ran or image.held or "main" in image.tags or strange or has_running:
            assert image.digest in stays
        if image.digest in stays:
            assert set(image.children or ()) & here.keys() <= stays
        elif image.subject in here:
            assert image.subject not in stays
    assert staying(inventory, replace(rule, others="keep")) == here.keys()


@given(inventories(), rules, st.randoms())
def test_every_image_has_one_verdict_with_a_reason_in_whatever_order(
    inventory: Inventory, rule: ImagesRule, random: Any
) -> None:
    shuffled = list(inventory.images)
    random.shuffle(shuffled)
    one = {each.image.digest: each.by for each in judge(inventory, rule, GRACE)}
    other = judge(Inventory(shuffled, SCHEME, NOW), rule, GRACE)
    assert {each.image.digest: each.by for each in other} == one
    assert all(each.reason.endswith(".") for each in other)


@given(inventories(), rules, st.sampled_from(KEEPERS))
def test_a_keeper_more_lets_nothing_go(
    inventory: Inventory, rule: ImagesRule, more: dict[str, Any]
) -> None:
    (keeper,) = ImagesRule.from_document({"keep": [more]}).keepers
    wider = replace(rule, keepers=(*rule.keepers, keeper))
    assert staying(inventory, rule) <= staying(inventory, wider)
