"""The verdicts of two public judges on the same statements, and where ours are others and why."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ecr_steward.settings.access import judge
from ecr_steward.settings.names import Allowed
from ecr_steward_cli.rules_file.load import inspect_text
from tests.unit.settings.test_access import OWN, STRANGER, allow, anyone, service, without

DOCS = Path(__file__).parents[3] / "docs"
ORG, NAMED_ORG = "aws:PrincipalOrgID", "o-abc123"
NAMED = "111122223333"
STATEMENTS: dict[str, Any] = {
    "`*`, no condition": allow("*"),
    "`*` under `AWS`": allow({"AWS": "*"}),
    "`arn:aws:iam::*:root`": allow({"AWS": "arn:aws:iam::*:root"}),
    "own account": allow({"AWS": f"arn:aws:iam::{OWN}:root"}),
    "another account": allow({"AWS": STRANGER}),
    "another account, held to the named organisation": allow(
        {"AWS": STRANGER}, {"StringEquals": {ORG: NAMED_ORG}}
    ),
    "`*` in the named organisation": anyone("StringEquals", ORG, NAMED_ORG),
    "`*` in another organisation": anyone("StringEquals", ORG, "o-other1"),
    "`*` in the named organisation, if the key exists": anyone(
        "StringEqualsIfExists", ORG, NAMED_ORG
    ),
    "`*` in the named organisation, for all values": anyone(
        "ForAllValues:StringEquals", ORG, NAMED_ORG
    ),
    "`*` from 0.0.0.0/0": anyone("IpAddress", "aws:SourceIp", "0.0.0.0/0"),
    "`*` not from an address": anyone("NotIpAddress", "aws:SourceIp", "203.0.113.7"),
    "`*` from an office nobody named": anyone("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
    "`*` from an endpoint nobody named": anyone("StringEquals", "aws:SourceVpce", "vpce-0a1b"),
    "`*` with any user id": anyone("StringLike", "aws:userid", "*"),
    "all but one account (`NotPrincipal`)": without(
        allow("*", NotPrincipal={"AWS": STRANGER}), "Principal"
    ),
    "CodeBuild for anyone": service("codebuild.amazonaws.com"),
    "Lambda, pulling": service("lambda.amazonaws.com"),
    "`*` until a date": anyone("DateLessThan", "aws:CurrentTime", "2099-01-01T00:00:00Z"),
    "`*` of the named account by `aws:PrincipalAccount`": anyone(
        "StringEquals", "aws:PrincipalAccount", NAMED
    ),
    "`*` in a unit of the named organisation": anyone(
        "ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{NAMED_ORG}/r-1/ou-1/*"
    ),
}


def rows() -> dict[str, list[str]]:
    text = (DOCS / "settings.md").read_text("utf-8")
    found = re.findall(
        r"^\| (.*?) \| (public|foreign|fine) \| (.*?) \| (.*?) \| (.*?) \|$", text, re.M
    )
    return {each[0]: list(each[1:]) for each in found}


def test_the_page_has_every_statement_and_no_other() -> None:
    assert list(rows()) == list(STATEMENTS)


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_verdict_is_the_pages_and_its_reason_fits(name: str) -> None:
    ours, custodian, _prowler, why = rows()[name]
    found = judge(STATEMENTS[name], Allowed([NAMED, NAMED_ORG], OWN))
    assert ours == ("public" if found.public else "foreign" if found.foreign else "fine")
    agreed = (ours == "fine") is (custodian == "passed")
    words = "agreed" if agreed else "stricter" if ours != "fine" else "laxer"
    assert why.startswith(words)


def examples() -> list[Any]:
    pages = (each for each in sorted(DOCS.glob("*.md")))
    blocks = ((page, text) for page in pages for text in _blocks(page.read_text("utf-8")))
    return [pytest.param(text, id=f"{page.name}-{i}") for i, (page, text) in enumerate(blocks)]


def _blocks(text: str) -> list[str]:
    return re.findall(r"^```yaml\n(version: 1\n.*?)^```$", text, re.M | re.S)


@pytest.mark.parametrize("text", examples())
def test_the_examples_of_the_pages_are_rules_without_fault(text: str) -> None:
    assert inspect_text(text, "docs").warnings == ()
