"""The verdicts of public judges on the same statements, and where ours are others and why."""

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

AGENT = {"StringEquals": {"aws:UserAgent": "buildkit"}, "StringLike": {"aws:Referer": "*.corp"}}
ANALYZED: dict[str, Any] = {
    "an account of the zone, held to its organisation": allow(
        {"AWS": STRANGER}, {"StringEquals": {ORG: NAMED_ORG}}
    ),
    "an account outside the zone": allow({"AWS": STRANGER}),
    "`*`": allow("*"),
    "`*` in an organisation outside the zone": anyone("StringEquals", ORG, "o-other1"),
    "a user of an account outside the zone": allow({"AWS": f"arn:aws:iam::{STRANGER}:user/ann"}),
    "`*` with a user agent or referer that the caller writes": allow("*", AGENT),
    "CodeBuild for anyone, by its service principal": service("codebuild.amazonaws.com"),
    "`*`, under a key with an empty list": anyone("StringEquals", ORG, []),
    "`*`, under an empty condition": allow("*", {}),
    "`*` in the zone, by `ForAllValues` on a key with one value": anyone(
        "ForAllValues:StringEquals", ORG, [NAMED_ORG]
    ),
    "everybody but one account (`NotPrincipal` with Allow)": without(
        allow("*", NotPrincipal={"AWS": STRANGER}), "Principal"
    ),
    "a wildcard within a principal's ARN": allow({"AWS": f"arn:aws:iam::{NAMED}:role/ci-*"}),
}
"""Statements of the shapes that AWS documents for IAM Access Analyzer, and written anew."""


def rows(judges: str) -> dict[str, list[str]]:
    """The rows of the table on the page whose heading names these judges, by statement."""
    text = (DOCS / "settings.md").read_text("utf-8")
    table = text.partition(f"| Statement | Here | {judges} |")[2].partition("\n\n")[0]
    found = re.findall(r"^\| (.*?) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", table, re.M)
    return {each[0]: list(each[1:]) for each in found}


def verdict(statement: Any) -> str:
    found = judge(statement, Allowed([NAMED, NAMED_ORG], OWN))
    return "public" if found.public else "foreign" if found.foreign else "fine"


def test_the_page_has_every_statement_and_no_other() -> None:
    assert list(rows("Custodian | Prowler")) == list(STATEMENTS)
    assert list(rows("Analyzer")) == list(ANALYZED)


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_verdict_is_the_pages_and_its_reason_fits(name: str) -> None:
    ours, custodian, _prowler, why = rows("Custodian | Prowler")[name]
    assert ours == verdict(STATEMENTS[name])
    assert why.startswith(_compared(ours, custodian))


@pytest.mark.parametrize("name", ANALYZED)
def test_what_aws_documents_of_its_analyzer_is_told_as_it_is(name: str) -> None:
    ours, analyzer, _where, why = rows("Analyzer")[name]
    assert ours == verdict(ANALYZED[name])
    assert why.startswith(_compared(ours, analyzer))
    assert (ours == "public") is (analyzer != "passed" and analyzer not in _SOMEBODY)


_SOMEBODY = ("finding", "finding, not public")


def _compared(ours: str, judge: str) -> str:
    if (ours == "fine") is (judge == "passed"):
        return "agreed"
    return "stricter" if ours != "fine" else "laxer"


def examples() -> list[Any]:
    pages = (each for each in sorted(DOCS.glob("*.md")))
    blocks = ((page, text) for page in pages for text in _blocks(page.read_text("utf-8")))
    return [pytest.param(text, id=f"{page.name}-{i}") for i, (page, text) in enumerate(blocks)]


def _blocks(text: str) -> list[str]:
    return re.findall(r"^```yaml\n(version: 1\n.*?)^```$", text, re.M | re.S)


@pytest.mark.parametrize("text", examples())
def test_the_examples_of_the_pages_are_rules_without_fault(text: str) -> None:
    assert inspect_text(text, "docs").warnings == ()
