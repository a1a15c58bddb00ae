from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.tags.pins import DEFAULT_PIN, PinError, PinTemplate
from ecr_steward.words import grammar

DIGEST = "sha256:" + "0123456789abcdef" * 4
PUSHED = datetime(2026, 11, 23, 2, 24, 7, tzinfo=UTC)
OWN = [
    "{digest}",
    "{tag}-{digest}",
    "build-{pushed:%Y.%m.%d}-{digest}",
    "{digest}_{tag}",
    "{tag}.{pushed:%y%j}.{digest}",
    "x-{tag}-y-{digest}-{pushed:%H%M%S}",
]


def test_a_pin_holds_the_tag_the_time_of_the_push_and_twelve_digits_of_the_digest() -> None:
    assert DEFAULT_PIN.render("edge", PUSHED, DIGEST) == "edge-20261123T022407Z-0123456789ab"


@pytest.mark.parametrize(
    ("template", "pin"),
    [
        ("{digest}", "0123456789ab"),
        ("build-{pushed:%Y.%m.%d}-{digest}", "build-2026.11.23-0123456789ab"),
        ("{tag}.{pushed:%y%j}.{digest}", "edge.26327.0123456789ab"),
    ],
)
def test_a_template_of_ones_own_is_rendered_as_it_is_written(template: str, pin: str) -> None:
    assert PinTemplate(template).render("edge", PUSHED, DIGEST) == pin


def test_a_pin_is_in_utc_whatever_the_zone_of_the_time() -> None:
    elsewhere = PUSHED.astimezone(timezone(timedelta(hours=-5)))
    assert DEFAULT_PIN.render("edge", elsewhere, DIGEST) == DEFAULT_PIN.render(
        "edge", PUSHED, DIGEST
    )


@given(
    template=st.sampled_from([DEFAULT_PIN, *map(PinTemplate, OWN)]),
    tag=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True),
    pushed=st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_every_pin_is_a_tag_and_is_known_as_a_pin(
    template: PinTemplate, tag: str, pushed: datetime
) -> None:
    pinned = template.render(tag, pushed, DIGEST)
    assert grammar.is_tag(pinned)
    assert template.renders(pinned)


def test_the_tag_in_a_pin_is_cut_where_the_pin_would_be_too_long() -> None:
    pinned = DEFAULT_PIN.render("a" * 128, PUSHED, DIGEST)
    assert len(pinned) == 128
    assert pinned.endswith("a-20261123T022407Z-0123456789ab")


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
def test_a_tag_that_the_template_cannot_render_is_no_pin(tag: str) -> None:
    assert not DEFAULT_PIN.renders(tag)


@pytest.mark.parametrize(
    ("tag", "digest", "made"),
    [
        ("edge-20261123T022400Z-0123456789ab", DIGEST, True),
        ("edge-20261123T022400Z-0123456789ab", f"sha256:{'a' * 64}", False),
        ("edge-0123456789ab", DIGEST, False),
    ],
)
def test_a_pin_is_one_of_the_image_whose_digits_it_has(tag: str, digest: str, made: bool) -> None:
    assert DEFAULT_PIN.makes(tag, digest) is made


@pytest.mark.parametrize(
    ("template", "parts"),
    [
        ("{digest}", ("(?P<digest>[0-9a-f]{12})",)),
        ("a.{tag}-{pushed:%Y.}{digest}",
         (r"a\.", None, r"\-[0-9]{4}\.(?P<digest>[0-9a-f]{12})")),
    ],
)  # fmt: skip
def test_the_parts_of_a_template_are_what_stands_around_the_tag(
    template: str, parts: tuple[str | None, ...]
) -> None:
    assert PinTemplate(template).parts() == parts


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{tag}", "must have {digest} once"),
        ("{digest}-{digest}", "must have {digest} once"),
        ("{tag}-{sha}-{digest}", "unknown placeholder; there are {tag}, {digest} and {pushed:"),
        ("{pushed}-{digest}", "unknown placeholder"),
        ("{tag}-{digest}}", "unknown placeholder"),
        ("{tag-{digest}", "unknown placeholder"),
        ("{tag}+{digest}", "renders to no valid tag"),
        ("{tag}{tag}-{digest}", "renders to no valid tag"),
        ("-{digest}", "renders to no valid tag"),
        ("x" * 117 + "{digest}", "renders to no valid tag"),
        ("{pushed:%H:%M}-{digest}", "renders to no valid tag"),
        ("{pushed:%B}-{digest}", "`%B` is not known in `{pushed:%B}`; there are %Y, %m"),
        ("{pushed:%}-{digest}", "`%` is not known"),
    ],
)
def test_a_template_that_makes_no_pins_is_refused_with_the_way_out(
    template: str, said: str
) -> None:
    with pytest.raises(PinError) as caught:
        PinTemplate(template)
    assert said in str(caught.value)
