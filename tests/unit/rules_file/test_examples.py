"""Examples of tags: those of a variant, those that a glob takes, and one that moves an entry."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ecr_steward.tags.scheme import Scheme
from ecr_steward_cli.rules_file.examples import candidates, moved, of_variant, sample_of


def scheme(unique: Any, *stable: dict[str, Any], variants: Any = ()) -> Scheme:
    entries = list(stable) or [{"tag": "latest", "follows": "highest"}]
    document = {"unique": [unique], "stable": entries, "variants": list(variants)}
    return Scheme.from_document(document)


OF_ANY = {"pattern": "(?P<version>[0-9]+)(-(?P<variant>[a-z]+))?"}


@pytest.mark.parametrize(
    ("unique", "variant", "first"),
    [
        ("semver", "alpine", "1.4.2-alpine"),
        ("semver", "slim", None),
        ("sha", "alpine", "9f1c2ab-alpine"),
        ("sha", "slim", None),
        ({"pattern": "r-[0-9]+"}, "alpine", None),
        (OF_ANY, "alpine", "17-alpine"),
    ],
)
def test_an_example_of_a_variant_is_of_that_variant(
    unique: Any, variant: str, first: str | None
) -> None:
    found = [*of_variant(scheme(unique, variants=["alpine"]), variant)]
    assert all(each.variant == variant for each in found)
    assert next((each.tag for each in found), None) == first


@pytest.mark.parametrize(
    ("glob", "sample"),
    [("alpine", "alpine"), ("alpine3.*", "alpine3.20"), ("slim-*", "slim-x"), ("*-x", "x-x")],
)
def test_a_sample_of_a_glob_is_one_that_people_would_write(glob: str, sample: str) -> None:
    assert sample_of(glob) == sample


EDGE = {"tag": "edge", "follows": "newest"}
MOVED: list[tuple[Any, dict[str, Any], str | None]] = [
    ("semver", {"tag": "latest", "follows": "highest"}, "1.4.2"),
    ("semver", {"tag": "lts", "follows": "highest", "within": ["8"]}, "8.4.2"),
    ("semver", {"tag": "rc", "follows": "highest", "of": ["*-rc*"]}, None),
    ("semver", {**EDGE, "of": ["*-rc*"]}, "1[.]4[.]2-rc.+"),
    ("semver", {**EDGE, "of": ["27.*"]}, "27[.].+"),
    ("semver", {**EDGE, "of": ["*.7.*"]}, "2.7.1"),
    ("sha", EDGE, "9f1c2ab"),
    ("sha", {**EDGE, "of": ["main-*"]}, None),
    ({"pattern": "main-[0-9a-f]{7}"}, {**EDGE, "of": ["main-*"]}, "main-[0-9a-f]{7}"),
    ({"pattern": "[a-z]+-[0-9]+-x"}, {**EDGE, "of": ["main-*-x"]}, "main-[0-9]+-x"),
    ("semver", {"tag": "main"}, None),
]


@pytest.mark.parametrize(("unique", "entry", "looks"), MOVED)
def test_a_tag_that_moves_an_entry_is_found_where_there_is_one(
    unique: Any, entry: dict[str, Any], looks: str | None
) -> None:
    read = scheme(unique, entry)
    found = moved(read, read.stable[0], candidates(read, read.stable[0]))
    assert (found is None) is (looks is None)
    assert found is None or re.fullmatch(looks or "", found[0].tag)
