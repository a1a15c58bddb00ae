from __future__ import annotations

import pytest

from ecr_steward.words import grammar

HEX64 = "0123456789abcdef" * 4


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


def test_a_digest_is_read_by_its_first_twelve_digits() -> None:
    assert grammar.short(f"sha256:{HEX64}") == "sha256:0123456789ab"


def test_a_tag_of_the_most_characters_is_one() -> None:
    assert grammar.is_tag("a" * grammar.MAX_LENGTH)
    assert not grammar.is_tag("a" * (grammar.MAX_LENGTH + 1))
