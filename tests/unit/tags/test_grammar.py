from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.tags import grammar

HEX64 = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX64}"
PUSHED = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)


@pytest.mark.parametrize("tag", ["latest", "1.4.2", "_", "a" * 128, "A-b_c.d", "0"])
def test_a_tag_begins_with_a_letter_digit_or_underscore_and_has_128_characters_at_most(
    tag: str,
) -> None:
    assert grammar.is_tag(tag)


@pytest.mark.parametrize(
    "text", ["", ".hidden", "-dash", "a" * 129, "1.4.2+build", "a b", "a/b", "latest\n", "é", "a:b"]
)
def test_other_texts_are_no_tags(text: str) -> None:
    assert not grammar.is_tag(text)


@pytest.mark.parametrize("suffix", ["", ".sig", ".att", ".sbom"])
def test_the_tag_of_a_signature_attestation_or_sbom_is_a_referrer(suffix: str) -> None:
    assert grammar.is_referrer(f"sha256-{HEX64}{suffix}")


@pytest.mark.parametrize(
    "tag",
    [
        f"sha256-{HEX64[:-1]}",
        f"sha256-{HEX64}0",
        f"sha256-{HEX64}.txt",
        f"sha256-{HEX64.upper()}",
        f"sha512-{HEX64}",
        f"my-sha256-{HEX64}",
        "sha256-",
    ],
)
def test_a_tag_that_only_resembles_a_referrer_is_none(tag: str) -> None:
    assert not grammar.is_referrer(tag)


def test_a_pin_holds_the_tag_the_time_of_the_push_and_twelve_digits_of_the_digest() -> None:
    assert grammar.pin("edge", PUSHED, DIGEST) == "edge-20261123T022400Z-0123456789ab"


def test_a_pin_is_in_utc_whatever_the_zone_of_the_time() -> None:
    elsewhere = PUSHED.astimezone(timezone(timedelta(hours=-5)))
    assert grammar.pin("edge", elsewhere, DIGEST) == grammar.pin("edge", PUSHED, DIGEST)


@given(
    tag=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True),
    pushed=st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_every_pin_is_a_tag_and_is_known_as_a_pin(tag: str, pushed: datetime) -> None:
    pinned = grammar.pin(tag, pushed, DIGEST)
    assert grammar.is_tag(pinned)
    assert grammar.is_pin(pinned)


@pytest.mark.parametrize(
    "tag",
    [
        "edge",
        "-20261123T022400Z-0123456789ab",
        "edge-20261123T022400-0123456789ab",
        "edge-20261123T022400Z-0123456789a",
        "edge-20261123T022400Z-0123456789abc",
        "edge-20261123T022400Z-0123456789AB",
        "edge-2026-11-23-0123456789ab",
    ],
)
def test_a_tag_that_no_pin_template_renders_is_no_pin(tag: str) -> None:
    assert not grammar.is_pin(tag)
