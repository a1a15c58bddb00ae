"""Which images are told of, get their expiry tag, and lose it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from ecr_steward_cli.images import ImagesRule, Kept, RetainedImage
from ecr_steward_cli.images.expiry import Round, Step, expiry_tag, round_of
from ecr_steward_cli.images.judge import By

NOW = datetime(2026, 11, 28, tzinfo=UTC)
RULE = ImagesRule(others="expire", notice=timedelta(days=7), at_most=0.25)
DIGESTS = [f"sha256:{name * 64}" for name in "01234567"]
TAG = expiry_tag(DIGESTS[0], NOW)
LONG_AGO = dict.fromkeys(DIGESTS, NOW - timedelta(days=7))


def verdicts(gone: int, tags: tuple[str, ...] = ()) -> list[Kept]:
    return [
        Kept(RetainedImage(each, tags if i == 0 else ()), None if i < gone else By.NEWEST, "So.")
        for i, each in enumerate(DIGESTS)
    ]


def steps(found: Round) -> Sequence[Step]:
    return [each.step for each in found.steps]


def test_an_image_is_told_of_first_and_gets_its_tag_after_the_notice() -> None:
    early = {DIGESTS[0]: NOW - timedelta(days=6)}
    assert steps(round_of(verdicts(1), RULE, {}, (), NOW, may_tag=True)) == [Step.NOTICE]
    assert not steps(round_of(verdicts(1), RULE, early, (), NOW, may_tag=True))
    (tag,) = round_of(verdicts(1), RULE, LONG_AGO, (), NOW, may_tag=True).steps
    assert tag.tag == "steward-expire-20261128-000000000000"


def test_none_gets_a_tag_where_they_are_more_than_at_most_or_tags_are_not_allowed() -> None:
    assert len(round_of(verdicts(2), RULE, LONG_AGO, (), NOW, may_tag=True).steps) == 2
    braked = round_of(verdicts(3), RULE, LONG_AGO, (), NOW, may_tag=True)
    assert (braked.steps, braked.braked) == ((), 3)
    assert not round_of(verdicts(1), RULE, LONG_AGO, (), NOW, may_tag=False).steps


def test_an_image_that_is_needed_again_is_pinned_and_loses_its_tag() -> None:
    found = round_of(verdicts(0, (TAG,)), RULE, LONG_AGO, {TAG}, NOW, may_tag=False)
    assert steps(found) == [Step.PIN, Step.UNTAG]
    named = round_of(verdicts(0, (TAG, "1.4.2")), RULE, LONG_AGO, {TAG}, NOW, may_tag=False)
    assert steps(named) == [Step.UNTAG]
    assert not steps(round_of(verdicts(1, (TAG,)), RULE, LONG_AGO, {TAG}, NOW, may_tag=True))


def test_an_expiry_tag_that_history_did_not_put_is_taken_off() -> None:
    found = round_of(verdicts(0, (TAG, "1.4.2")), RULE, {}, (), NOW, may_tag=True)
    assert steps(found) == [Step.REJECT]
