"""Where a shape of tags is part of a scheme, and where it is not."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward_cli.commands.init import of_file
from ecr_steward_cli.rules_file.proposed import scheme_of
from ecr_steward_cli.rules_file.shown_scheme import SeenRepository, fewer
from tests.support.registries import seen

RELEASES = {"pattern": "(?P<version>[0-9]+)u(?P<revision>[0-9]+)"}
PLAIN = {"pattern": "[0-9]+u[0-9]+"}
BUILDS = {"pattern": "(?P<version>[0-9]+[.][0-9]+)-(?P<revision>[0-9]+)"}
OF_VARIANTS = {"pattern": "[0-9]+u[0-9]+(?:-(?P<variant>[A-Za-z].*))?"}
BRANCHES = {"pattern": "(?P<branch>[a-z]+)-(?:[0-9]+-)?(?:sha-)?[0-9a-f]{7,40}"}
LONG = {"pattern": "(?P<version>[0-9]+[.][0-9]+[.][0-9]+)-(?P<revision>[0-9]+)"}


VARIANT = "(?:-(?P<variant>[A-Za-z0-9._-]+))?"


def component(behind: str, word: str = "[a-z]+") -> dict[str, str]:
    """The pattern for components, with what may stand behind the version."""
    version = "(?P<version>v?[0-9]+[.][0-9]+[.][0-9]+)"
    return {"pattern": f"(?P<component>{word})-{version}{behind}"}


def listed(text: str) -> SeenRepository:
    """The repository of a file of tags."""
    (found,) = of_file("tags.txt", [f"a/b:{tag}" for tag in text.split()], None)
    return found


def unique(repository: SeenRepository) -> Any:
    made = scheme_of(repository)
    return None if made is None else made["unique"]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("8u4 8\n8u3\n8u2", [RELEASES]),
        ("8u4\n8u3\n8u2", [RELEASES]),
        # Numbers that go down as the images are pushed are no order.
        ("8u2\n8u3\n8u4", [PLAIN]),
        ("8u3\n8u4\n8u2", [RELEASES]),
        ("8u2-jdk\n8u2-jre\n8u3-jdk\n8u3-jre\n8u4-jdk\n8u4-jre", [OF_VARIANTS]),
        # Beside versions they have an order where their lines have stable tags.
        ("1.4.2 1.4\n8u4\n8u3\n8u2", ["semver", PLAIN]),
        ("1.4.2 1.4\n8u4 8\n8u3\n8u2", ["semver", RELEASES]),
        # What other tags are pushed between says nothing of the order.
        ("0.1.0\n8u4 8\n1.0.0 1.0\n8u3\n8u2\n9.9.0", ["semver", RELEASES]),
        # Second names of images may move.
        ("1.4.2 8u4\n1.4.1 8u3\n1.4.0 8u2", ["semver"]),
        ("1.4.2 8u4\n1.4.1\n8u3\n8u2", ["semver", PLAIN]),
        ("1.4.2 8u4\n1.4.1 8u3\n8u2\n8u1", ["semver", PLAIN]),
        # A version alone is a stable tag where it is on an image of the shape.
        ("1.4.3-2 1.4.3\n1.4.2-9 1.4.2\n1.4.2-8", [LONG]),
        ("1.4.3-2\n1.4.3\n1.4.2-9 1.4.2\n1.4.2-8", ["semver"]),
        ("old\nprod", None),
    ],
)
def test_a_shape_is_proposed_where_the_rules_are_right_with_it(text: str, kinds: Any) -> None:
    assert unique(seen("a/b", text)) == kinds


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("9f3c2ab 1234567 1.10.12 1.10", ["semver", "sha"]),
        ("9f3c2ab 1234567 latest", ["sha"]),
        ("main-9f3c2ab main-1234567 main-12 main", ["build", BRANCHES]),
        ("1.2.3.4 1.2.3.5 1.2.3 latest", [{"version": {"parts": 4}}]),
        ("1.2.3.4 2.3.4 3.4.5 latest", [{"version": {"parts": [3, 4]}}]),
        ("main-9f3c2ab main-1234567 main", [BRANCHES]),
        ("2026.04.1 2026.05.1 latest", [{"version": {"parts": 3}}]),
        ("1.4-2 1.4-1 1.3-1", [{"version": {"parts": 2}}]),
        # Candidates are no variants of a release, and dates are none.
        ("api-3.1.0 api-3.1.1-rc1 api-latest", [component("(?:-(?P<prerelease>rc[.]?[0-9]*))?")]),
        (
            "k8s-1.31.2-20261101 k8s-1.31.2-20261102 k8s-1.30.2 k8s-1.31 k8s-1.30",
            [component("(?:-(?P<revision>[0-9]+))?", "[a-z0-9]+")],
        ),
        ("api-3.1.0-9f3c2ab api-latest", [component("(?:-(?:g|sha-)?[0-9a-f]{7,40})?")]),
        (
            "api-3.1.0-7-rc1-slim api-3.1.0-slim api-latest",
            [component("(?:-(?P<revision>[0-9]+))?(?:-(?P<prerelease>rc[.]?[0-9]*))?" + VARIANT)],
        ),
        # A kind that takes none of the tags is no scheme.
        ("5-alpine 6-alpine 7.x", None),
        ("1_000 1_001", None),
        ("2026-11 2026-11-01 latest", ["timestamp"]),
        ("api-1.4.2_1 api-latest", None),
        ("api-1.4.2_1 api-latest 9f3c2ab", ["sha"]),
        # A pattern is none where other kinds take the versions that would follow it.
        (
            "23.04-20260103 23.04 22.04-20260101 22.04-20260103-slim 22.04-20260103",
            [{"version": {"parts": 2}}],
        ),
        ("main-9f3c2ab-rc1 main-1c0ffee-7 main-1c0ffee main", [BRANCHES]),
        ("8u4 8u3 8u2", [RELEASES]),
        ("8u2 8u3 8u4", [RELEASES]),
        ("1.4-2 1.4-1 1.3-1 1.4", [BUILDS]),
        # Of three numbers a version alone is a release, and the others come before it.
        ("1.4.2-2 1.4.2-1 1.4.1-1 1.4.2", ["semver"]),
        ("1.4.2-2 1.4.2-1 1.4.1-1 1.4", [LONG]),
    ],
)
def test_of_tags_alone_nobody_knows_which_image_they_are_on(text: str, kinds: Any) -> None:
    assert unique(listed(text)) == kinds


def test_more_than_three_shapes_are_none() -> None:
    text = " ".join(f"{n}{word}{n}" for word in ("aa", "bb", "cc", "dd") for n in (1, 2, 3))
    assert len(unique(listed(text))) == 3


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("1.4.2-r1 1.4.2-r2 1.4.3-r1 1.4", {"revisions": ["r*"]}),
        ("1.4.2-b7 1.4.2-b8 1.4.3-b9 1.4", {"revisions": ["b*"]}),
        ("1.4.2-b.7 1.4.2-b_8 1.4", {"revisions": ["b*"]}),
        ("1.4.2-b7 1.4.2-b8 1.4.3 1.4", {"variants": ["b*"]}),
        ("1.4.2-b7 1.4.3-b7 1.4", {"variants": ["b7"]}),
        ("1.4.2-b7 1.4.2-c8 1.4", {}),
        ("1.4.2-b7 1.4.2-b8 1.4-b7 1.4", {"variants": ["b*"]}),
        ("1.4.2-b7 1.4.2-b8 b7 1.4", {"variants": ["b*"]}),
        ("1.4.2-rc7 1.4.2-rc8 1.4", {}),
        ("1.4.2-b7 1.4", {}),
        ("1.4.2-foo 1.4.3 1.4 latest", {}),
        ("1.4.2-foo 1.4.3-foo 1.4 latest", {"variants": ["foo"]}),
        ("1.4.2-foo1 1.4.2-foo2 1.4.2 1.4 latest", {"variants": ["foo*"]}),
        ("1.4.2-foo 1.4.2 1.4 foo latest", {"variants": ["foo"]}),
        ("1.4.2-foo_1 1.4.3-foo_1 1.4 latest", {}),
        ("1.4.2-foo-r1 1.4.3-foo-r2 1.4", {"revisions": ["r*"], "variants": ["foo"]}),
        ("1.4.2-amd64 1.4.3-amd64 1.4.3-foo-amd64 1.4.2-foo 1.4", {"variants": ["foo"]}),
        ("1.4.2-rc.1 1.4.3-rc.1 1.4.2 1.4", {}),
        ("1.4.2-foo-alpha 1.4.3-foo-alpha 1.4", {"variants": ["foo"]}),
    ],
)
def test_what_stands_after_versions_is_a_variant_where_several_have_it(
    text: str, more: Any
) -> None:
    made = scheme_of(listed(text)) or {}
    assert {key: made[key] for key in ("variants", "revisions") if key in made} == more


@pytest.mark.parametrize(
    ("text", "stable"),
    [
        ("9f3c2ab 1c0ffee latest", {"latest": "newest"}),
        ("20241126 20241127 latest", {"latest": "highest"}),
        ("1.4.2 v1.4.3 1.4 v1 latest", {"{major}.{minor}": "highest", "v{major}": "highest",
                                       "latest": "highest"}),
        ("1.15.2 1.15-rc 1-rc-alpine", {"{major}-rc": None, "{major}.{minor}-rc": None}),
        ("8u4 8u3 8u2 8 latest", {"{major}": "highest", "latest": "highest"}),
        ("r1a-u2 r1a-u3 r2b-u1 r1a latest", {"{release}": "highest", "latest": "newest"}),
        ("api-1.4.2 api-1.4.3 web-2.0.0 api-1.4 api-1 web-2.0 web-2 api-12",
         {"{component}-{major}.{minor}": "highest", "{component}-{major}": "highest"}),
        ("tip-20241202 tip api-1.4.2 api-1.4",
         {"{component}-{major}.{minor}": "highest", "{name}": "highest"}),
        ("1.15.2 1.15-rc1", {"{major}.{minor}": "highest"}),
        ("1.4.2 a b c d e f g h i j k l", dict.fromkeys("abcdefghijkl")),
        ("1.4.2 a b c d e f g h i j k l m", {}),
        ("1.4.2 1.4.3 main prod", {"main": None, "prod": None}),
    ],
)  # fmt: skip
def test_stable_tags_are_those_that_are_there(text: str, stable: Any) -> None:
    made = scheme_of(listed(text)) or {}
    assert {each["tag"]: each.get("follows") for each in made.get("stable", ())} == stable


@pytest.mark.parametrize(
    ("globs", "few"),
    [
        ("alpine alpine3.* slim", "alpine alpine3.* slim"),
        ("alpine* alpine3.* slim", "alpine* slim"),
        ("fpm fpm-a fpm-b fpm-c d e f g", "d e f fpm fpm-a fpm-b fpm-c g"),
        ("fpm fpm-a fpm-b fpm-c d e f g h", "d e f fpm* g h"),
        ("fpm fpm-a b-a b-b d e f g h", "b-a b-b d e f fpm fpm-a g h"),
    ],
)
def test_of_many_variants_those_that_begin_alike_are_one(globs: str, few: str) -> None:
    assert fewer(globs.split()) == few.split()
