"""The tags by which ECR's lifecycle policy expires an image."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ecr_steward.words.expiry_tags import ExpiryTag, Going, expires, expiry_tag, is_expiry_tag

DIGEST = "sha256:" + "0123456789abcdef" * 4
NOW = datetime(2026, 11, 28, 23, 30, tzinfo=UTC)
TAG = "steward-expire-20261128-0123456789ab"


def test_an_expiry_tag_has_its_day_in_utc_and_twelve_digits_of_the_digest() -> None:
    assert expiry_tag(DIGEST, NOW) == TAG
    assert expiry_tag(DIGEST, NOW.astimezone(timezone(timedelta(hours=2)))) == TAG


@pytest.mark.parametrize(
    ("tag", "looks", "is_one"),
    [
        (TAG, True, True),
        ("steward-expire-20250101-0123456789ab", True, True),
        ("steward-expire-20261128-ffffffffffff", True, False),
        ("steward-expire-20261128-0123456789a", True, False),
        ("steward-expire-2026-0123456789ab", True, False),
        ("steward-expire-", True, False),
        ("1.4.2", False, False),
        (f"my-{TAG}", False, False),
    ],
)
def test_an_expiry_tag_that_is_not_of_the_image_is_forged(
    tag: str, looks: bool, is_one: bool
) -> None:
    assert is_expiry_tag(tag) is looks
    assert expires(tag, DIGEST) is is_one


def test_an_expiry_tag_is_on_until_it_is_cleared() -> None:
    assert ExpiryTag(TAG, NOW).is_on
    assert not ExpiryTag(TAG, NOW, cleared=NOW).is_on
    assert not ExpiryTag(TAG, NOW).done


def test_an_image_that_goes_was_warned_only_where_that_is_said() -> None:
    assert not Going(DIGEST, NOW, "Nothing keeps it.").warned
