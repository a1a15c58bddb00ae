"""Whom a statement lets in: the table of policy shapes, as an attacker would write them."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.settings.access import Access, judge, named, without_strangers
from ecr_steward.settings.names import Allowed

OWN = "123456789012"
NAMED = "111122223333"
STRANGER = "999999999999"
ALLOWED = Allowed([NAMED, "o-abc123", "203.0.113.0/24", "2001:db8::/32", "vpc-0a1b"], OWN)
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
ORG = "aws:PrincipalOrgID"

Shape = tuple[str, Any, str]


def allow(principal: Any, condition: Any = None, action: Any = PULL, **more: Any) -> dict[str, Any]:
    found = {"Sid": "S", "Effect": "Allow", "Principal": principal, "Action": action, **more}
    return found if condition is None else {**found, "Condition": condition}


def anyone(operator: str, key: str, wanted: Any) -> dict[str, Any]:
    return allow("*", {operator: {key: wanted}})


def service(name: str, condition: Any = None, action: Any = PULL) -> dict[str, Any]:
    return allow({"Service": name}, condition, action)


def without(statement: dict[str, Any], key: str) -> dict[str, Any]:
    return {each: value for each, value in statement.items() if each != key}


SHAPES: list[Shape] = [
    # Anyone, in any spelling.
    ("star", allow("*"), "public"),
    ("AWS star", allow({"AWS": "*"}), "public"),
    ("AWS star in a list", allow({"AWS": [OWN, "*"]}), "public"),
    ("star under another type", allow({"Federated": "*"}), "public"),
    ("star of services", allow({"Service": "*"}), "public"),
    ("star beside a service", allow({"AWS": "*", "Service": "lambda.amazonaws.com"}), "public"),
    ("empty condition", allow("*", {}), "public"),
    ("empty operator", allow("*", {"StringEquals": {}}), "public"),
    ("one harmless action", allow("*", action="ecr:DescribeImages"), "public"),
    ("wildcard account", allow({"AWS": "arn:aws:iam::*:root"}), "public"),
    ("wildcard digits", allow({"AWS": "arn:aws:iam::11112222333?:root"}), "public"),
    ("wildcard role", allow({"AWS": f"arn:aws:iam::{NAMED}:role/*"}), "public"),
    ("wildcard partition", allow({"AWS": f"arn:*:iam::{NAMED}:root"}), "public"),
    ("number with a star", allow({"AWS": "1111*"}), "public"),
    # Shapes that are not understood are unsafe.
    ("NotPrincipal", without(allow("*", NotPrincipal={"AWS": STRANGER}), "Principal"), "public"),
    ("NotAction", without(allow({"AWS": OWN}, NotAction="ecr:PutImage"), "Action"), "public"),
    ("no principal", without(allow("*"), "Principal"), "public"),
    ("empty principal", allow({}), "public"),
    ("principal null", allow(None), "public"),
    ("principal a list", allow([NAMED]), "public"),
    ("principal a bare account", allow(NAMED), "public"),
    ("no action", without(allow({"AWS": NAMED}), "Action"), "public"),
    ("effect in lowercase", allow({"AWS": NAMED}, Effect="allow"), "public"),
    ("no effect", without(allow({"AWS": NAMED}), "Effect"), "public"),
    ("an element nobody knows", allow({"AWS": NAMED}, Grantee="all"), "public"),
    ("a type nobody knows", allow({"Group": "all"}), "public"),
    ("aws in lowercase", allow({"aws": NAMED}), "public"),
    ("principal a number", allow({"AWS": 111122223333}), "public"),
    ("a name that is no ARN", allow({"AWS": "everyone"}), "public"),
    ("an ARN of no principal", allow({"AWS": f"arn:aws:s3:::{NAMED}"}), "public"),
    ("a digit too many", allow({"AWS": f"{NAMED}1"}), "public"),
    ("a service's name and more", service("lambda.amazonaws.com.evil"), "public"),
    ("a canonical user and more", allow({"CanonicalUser": "0" * 65}), "public"),
    ("an ARN of a digit too many", anyone("ArnEquals", "aws:PrincipalArn",
                                          f"arn:aws:iam::{NAMED}1:role/x"), "public"),
    ("an ARN that is too short", anyone("ArnEquals", "aws:PrincipalArn", f"arn:aws:iam::{NAMED}"),
     "public"),
    ("what only looks like an ARN", anyone("StringEquals", "aws:PrincipalArn",
                                           f"x:aws:iam::{NAMED}:role/x"), "public"),
    ("a path of orgs that begin so", anyone("ForAnyValue:StringLike", "aws:PrincipalOrgPaths",
                                            "o-abc123*/r-1/*"), "public"),
    ("an org without a path", anyone("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-abc123"),
     "public"),
    ("ids that begin so", anyone("StringLike", "aws:userid", "AROAEXAMPLEEXAMPLE*"), "public"),
    ("our org or a variable", anyone("StringEquals", ORG, ["o-abc123", "${aws:PrincipalOrgID}"]),
     "public"),
    ("a web identity", allow({"Federated": "accounts.google.com"}), "public"),
    ("not a statement", "Allow", "public"),
    ("a list in a list", [allow("*")], "public"),
    # Conditions that do not limit.
    ("org, if it exists", anyone("StringEqualsIfExists", ORG, "o-abc123"), "public"),
    ("org, for all values", anyone("ForAllValues:StringEquals", ORG, "o-abc123"), "public"),
    ("not another org", anyone("StringNotEquals", ORG, "o-other1"), "public"),
    ("not like another org", anyone("StringNotLike", ORG, "o-other*"), "public"),
    ("any org", anyone("StringLike", ORG, "o-*"), "public"),
    ("an org with a wildcard", anyone("StringLike", ORG, "o-abc12?"), "public"),
    ("an org or any", anyone("StringLike", ORG, ["o-abc123", "*"]), "public"),
    ("a literal star", anyone("StringEquals", ORG, "o-*"), "public"),
    ("the caller's own org", anyone("StringEquals", ORG, "${aws:PrincipalOrgID}"), "public"),
    ("no org at all", anyone("StringEquals", ORG, []), "public"),
    ("some org", anyone("Null", ORG, "false"), "public"),
    ("any path of orgs", anyone("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-*/r-1/*"),
     "public"),
    ("any account", anyone("StringLike", "aws:PrincipalAccount", "*"), "public"),
    ("accounts with a wildcard", anyone("StringLike", "aws:PrincipalAccount", "1111*"), "public"),
    ("accounts as numbers compare", anyone("NumericEquals", "aws:PrincipalAccount", NAMED),
     "public"),
    ("a role in any account", anyone("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/ci"),
     "public"),
    ("a text wildcard before the account",
     anyone("StringLike", "aws:PrincipalArn", f"arn:*:iam::{NAMED}:role/ci"), "public"),
    ("a wildcard that takes colons",
     anyone("StringLike", "aws:PrincipalArn", f"arn:aws:iam::*:{NAMED}:x"), "public"),
    ("everything", anyone("StringLike", "aws:PrincipalArn", "*"), "public"),
    ("no role of another", anyone("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::9:*"), "public"),
    ("a source in any account",
     anyone("ArnLike", "aws:SourceArn", "arn:aws:lambda:*:*:function:*"), "public"),
    ("a source without account", anyone("ArnLike", "aws:SourceArn", "arn:aws:s3:::bucket"),
     "public"),
    ("every address", anyone("IpAddress", "aws:SourceIp", "0.0.0.0/0"), "public"),
    ("both halves of it", anyone("IpAddress", "aws:SourceIp", ["0.0.0.0/1", "128.0.0.0/1"]),
     "public"),
    ("a seventh of it", anyone("IpAddress", "aws:SourceIp", "16.0.0.0/7"), "public"),
    ("every IPv6 address", anyone("IpAddress", "aws:SourceIp", "::/0"), "public"),
    ("an office or everywhere", anyone("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "::/0"]),
     "public"),
    ("not from an address", anyone("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"), "public"),
    ("an address as text", anyone("StringEquals", "aws:SourceIp", "203.0.113.7"), "public"),
    ("an address in anyone's VPC", anyone("IpAddress", "aws:VpcSourceIp", "203.0.113.0/24"),
     "public"),
    ("no address", anyone("IpAddress", "aws:SourceIp", "office"), "public"),
    ("encrypted transport", anyone("Bool", "aws:SecureTransport", "true"), "public"),
    ("second factor", anyone("Bool", "aws:MultiFactorAuthPresent", True), "public"),
    ("a tag that callers give themselves", anyone("StringEquals", "aws:PrincipalTag/team", "x"),
     "public"),
    ("an agent", anyone("StringEquals", "aws:UserAgent", "docker"), "public"),
    ("the organisation of the repository", anyone("StringEquals", "aws:ResourceOrgID", "o-abc123"),
     "public"),
    ("a Region", anyone("StringEquals", "aws:RequestedRegion", "eu-west-1"), "public"),
    ("until some day", anyone("DateLessThan", "aws:CurrentTime", "2099-01-01T00:00:00Z"), "public"),
    ("any service of AWS", anyone("Bool", "aws:PrincipalIsAWSService", "true"), "public"),
    ("a VPC with a wildcard", anyone("StringLike", "aws:SourceVpc", "vpc-*"), "public"),
    ("a condition that is none", allow("*", "o-abc123"), "public"),
    ("conditions in a list", allow("*", [{"StringEquals": {ORG: "o-abc123"}}]), "public"),
    # Conditions that limit to whom the rule names.
    ("our org", anyone("StringEquals", ORG, "o-abc123"), "fine"),
    ("our org in other letters", anyone("stringequals", "AWS:principalorgid", ["o-abc123"]),
     "fine"),
    ("our org, like", anyone("StringLike", ORG, "o-abc123"), "fine"),
    ("our org, any value", anyone("ForAnyValue:StringEquals", ORG, "o-abc123"), "fine"),
    ("a path in our org",
     anyone("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-abc123/r-1/*"), "fine"),
    ("our account", anyone("StringEquals", "aws:PrincipalAccount", [OWN, NAMED]), "fine"),
    ("our roles", anyone("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{OWN}:role/*"), "fine"),
    ("our roles as text", anyone("StringLike", "aws:PrincipalArn", f"arn:aws:iam::{OWN}:*"),
     "fine"),
    ("our source account", anyone("StringEquals", "aws:SourceAccount", OWN), "fine"),
    ("our network", anyone("IpAddress", "aws:SourceIp", "203.0.113.128/25"), "fine"),
    ("our organisation's endpoints", anyone("StringEquals", "aws:VpceOrgID", "o-abc123"), "fine"),
    ("our account's endpoints", anyone("StringEquals", "aws:VpceAccount", NAMED), "fine"),
    ("our network by one of its addresses", anyone("IpAddress", "aws:SourceIp", "203.0.113.7/24"),
     "fine"),
    ("our IPv6 network", anyone("IpAddress", "aws:SourceIp", "2001:db8:7::/48"), "fine"),
    ("an address in our VPC",
     allow("*", {"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/16"},
                 "StringEquals": {"aws:SourceVpc": "vpc-0a1b"}}), "fine"),
    ("our VPC", anyone("StringEquals", "aws:SourceVpc", "vpc-0a1b"), "fine"),
    ("our org, and more",
     allow("*", {"StringEquals": {ORG: "o-abc123"}, "Bool": {"aws:SecureTransport": "true"}}),
     "fine"),
    ("our org, which must have no value at all",
     allow("*", {"StringEqualsIfExists": {ORG: "o-abc123"}, "Null": {ORG: []}}), "public"),
    ("our org, which is said to be false",
     allow("*", {"StringEqualsIfExists": {ORG: "o-abc123"}, "Bool": {ORG: "false"}}), "public"),
    ("a function of ours in any Region, as text",
     anyone("StringLike", "aws:SourceArn", f"arn:aws:lambda:*:{OWN}:function:*"), "fine"),
    ("a function of ours in some Regions, as text",
     anyone("StringLike", "aws:SourceArn", f"arn:aws:lambda:eu-*:{OWN}:function:x"), "public"),
    ("a function of ours in some Regions, as an ARN",
     anyone("ArnLike", "aws:SourceArn", f"arn:aws:lambda:eu-*:{OWN}:function:x"), "fine"),
    ("a role of ours in any partition, as an ARN",
     anyone("ArnLike", "aws:PrincipalArn", f"arn:*:iam::{OWN}:role/ci"), "fine"),
    ("a source that is no ARN", anyone("StringLike", "aws:SourceArn", "lambda"), "public"),
    ("a resource in no service", anyone("StringLike", "aws:SourceArn", f"arn:aws:*:*:{OWN}"),
     "public"),
    ("our org and any account",
     allow("*", {"StringEquals": {ORG: "o-abc123"}, "StringLike": {"aws:PrincipalAccount": "*"}}),
     "fine"),
    ("our org and another's account",
     allow("*", {"StringEquals": {ORG: "o-abc123", "aws:PrincipalAccount": STRANGER}}), "fine"),
    # Conditions that limit to somebody else.
    ("another org", anyone("StringEquals", ORG, "o-other1"), "foreign o-other1"),
    ("our org or another", anyone("StringEquals", ORG, ["o-abc123", "o-other1"]),
     "foreign o-other1"),
    ("another account", anyone("StringEquals", "aws:PrincipalAccount", STRANGER),
     f"foreign {STRANGER}"),
    ("another's role", anyone("ArnEquals", "aws:PrincipalArn", f"arn:aws:iam::{STRANGER}:role/ci"),
     f"foreign {STRANGER}"),
    ("another network", anyone("IpAddress", "aws:SourceIp", "198.51.100.7"),
     "foreign 198.51.100.7/32"),
    ("another IPv6 address", anyone("IpAddress", "aws:SourceIp", "2600:1f14::7"),
     "foreign 2600:1f14::7/128"),
    ("a network as wide as one may be", anyone("IpAddress", "aws:SourceIp", "10.0.0.0/8"),
     "foreign 10.0.0.0/8"),
    ("another endpoint", anyone("StringEquals", "aws:SourceVpce", "vpce-0f"), "foreign vpce-0f"),
    ("an id of somebody", anyone("StringLike", "aws:userid", "AROAEXAMPLEEXAMPLE:*"),
     "foreign AROAEXAMPLEEXAMPLE"),
    # Accounts, however they are named.
    ("own account", allow({"AWS": OWN}), "fine"),
    ("own root", allow({"AWS": f"arn:aws:iam::{OWN}:root"}), "fine"),
    ("own role", allow({"AWS": f"arn:aws:iam::{OWN}:role/ci"}), "fine"),
    ("own session", allow({"AWS": f"arn:aws:sts::{OWN}:assumed-role/ci/s"}), "fine"),
    ("named account", allow({"AWS": [NAMED, OWN]}), "fine"),
    ("named root in China", allow({"AWS": f"arn:aws-cn:iam::{NAMED}:root"}), "fine"),
    ("named root for the government", allow({"AWS": f"arn:aws-us-gov:iam::{NAMED}:root"}), "fine"),
    ("named provider", allow({"Federated": f"arn:aws:iam::{NAMED}:saml-provider/x"}), "fine"),
    ("deleted role", allow({"AWS": "AROAEXAMPLEEXAMPLE"}), "fine"),
    ("deleted user", allow({"AWS": ["AIDAEXAMPLEEXAMPLE", OWN]}), "fine"),
    ("another account by number", allow({"AWS": STRANGER}), f"foreign {STRANGER}"),
    ("another root", allow({"AWS": f"arn:aws:iam::{STRANGER}:root"}), f"foreign {STRANGER}"),
    ("another root in China", allow({"AWS": f"arn:aws-cn:iam::{STRANGER}:root"}),
     f"foreign {STRANGER}"),
    ("another among ours", allow({"AWS": [OWN, f"arn:aws:iam::{STRANGER}:user/x"]}),
     f"foreign {STRANGER}"),
    ("another, in our org only", allow({"AWS": STRANGER}, {"StringEquals": {ORG: "o-abc123"}}),
     "fine"),
    ("another, in another org", allow({"AWS": STRANGER}, {"StringEquals": {ORG: "o-other1"}}),
     f"foreign {STRANGER}"),
    ("another, in our org if it has one",
     allow({"AWS": STRANGER}, {"StringEqualsIfExists": {ORG: "o-abc123"}}), f"foreign {STRANGER}"),
    # Keys that must be there.
    ("our org, which must be there",
     allow("*", {"StringEqualsIfExists": {ORG: "o-abc123"}, "Null": {ORG: "false"}}), "fine"),
    ("all paths in our org, one of which must be there",
     allow("*", {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-abc123/*"},
                 "Null": {"AWS:PrincipalOrgPaths": False}}), "fine"),
    ("our org, which must not be there",
     allow("*", {"StringEqualsIfExists": {ORG: "o-abc123"}, "Null": {ORG: "true"}}), "public"),
    ("our org, which may be there or not",
     allow("*", {"StringEqualsIfExists": {ORG: "o-abc123"}, "Null": {ORG: ["true", "false"]}}),
     "public"),
    ("another key that must be there",
     allow("*", {"StringEqualsIfExists": {ORG: "o-abc123"}, "Null": {"aws:SourceIp": "false"}}),
     "public"),
    # The registry's own, by variable.
    ("the account of the repository",
     anyone("StringEquals", "aws:PrincipalAccount", "${aws:ResourceAccount}"), "fine"),
    ("the organisation of the repository, as a variable",
     anyone("StringEquals", ORG, "${AWS:resourceorgid}"), "fine"),
    ("a unit of the repository's organisation",
     anyone("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "${aws:ResourceOrgID}/r-1/ou-2/*"),
     "fine"),
    ("a role of the repository's account",
     anyone("ArnLike", "aws:PrincipalArn", "arn:aws:iam::${aws:ResourceAccount}:role/*"), "fine"),
    ("the repository's account or one's own",
     anyone("StringEquals", "aws:PrincipalAccount",
            ["${aws:ResourceAccount}", "${aws:PrincipalAccount}"]), "public"),
    ("the account of the repository with another to fall back on",
     anyone("StringEquals", "aws:PrincipalAccount", "${aws:ResourceAccount, '999999999999'}"),
     "public"),
    # Networks.
    ("private networks together",
     anyone("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                                          "fc00::/7"]),
     "foreign 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7"),
    ("a network inside another", anyone("IpAddress", "aws:SourceIp", ["16.0.0.0/8", "16.1.0.0/16"]),
     "foreign 16.0.0.0/8, 16.1.0.0/16"),
    ("two wide networks", anyone("IpAddress", "aws:SourceIp", ["16.0.0.0/8", "18.0.0.0/16"]),
     "public"),
    ("more than a private network", anyone("IpAddress", "aws:SourceIp", "10.0.0.0/7"), "public"),
    ("our network beside a wide one",
     anyone("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "16.0.0.0/8"]), "foreign 16.0.0.0/8"),
    ("a canonical user", allow({"CanonicalUser": "0" * 64}), f"foreign {'0' * 64}"),
    # Services, and whom they act for.
    ("Lambda, pulling", service("lambda.amazonaws.com"), "fine"),
    ("Lambda's own statement",
     service("lambda.amazonaws.com",
             {"StringLike": {"aws:sourceArn": f"arn:aws:lambda:eu-west-1:{OWN}:function:*"}},
             [*PULL, "ecr:SetRepositoryPolicy", "ecr:GetRepositoryPolicy",
              "ecr:DeleteRepositoryPolicy"]), "fine"),
    ("Lambda, pulling and keeping its statement",
     service("lambda.amazonaws.com", action=[*PULL, "ecr:SetRepositoryPolicy",
                                             "ecr:GetRepositoryPolicy",
                                             "ecr:DeleteRepositoryPolicy"]), "fine"),
    ("Lambda, pushing", service("lambda.amazonaws.com", action="ecr:PutImage"),
     "foreign lambda.amazonaws.com"),
    ("Lambda, everything", service("lambda.amazonaws.com", action="ecr:*"),
     "foreign lambda.amazonaws.com"),
    ("Lambda for another account",
     service("lambda.amazonaws.com",
             {"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:*:{STRANGER}:function:*"}}),
     f"foreign {STRANGER}"),
    ("Lambda in any Region of ours, as text",
     service("lambda.amazonaws.com",
             {"StringLike": {"aws:SourceArn": f"arn:aws:lambda:*:{OWN}:function:*"}}), "fine"),
    ("CodeBuild for anyone", service("codebuild.amazonaws.com"), "foreign codebuild.amazonaws.com"),
    ("CodeBuild if it says for whom",
     service("codebuild.amazonaws.com", {"StringEqualsIfExists": {"aws:SourceAccount": OWN}}),
     "foreign codebuild.amazonaws.com"),
    ("CodeBuild for us",
     service("codebuild.amazonaws.com", {"StringEquals": {"aws:SourceAccount": OWN}}), "fine"),
    ("CodeBuild for our project",
     service("codebuild.amazonaws.com",
             {"ArnEquals": {"aws:SourceArn": f"arn:aws:codebuild:eu-west-1:{OWN}:project/x"}}),
     "fine"),
    ("CodeBuild in any Region of ours, as text",
     service("codebuild.amazonaws.com",
             {"StringLike": {"aws:SourceArn": f"arn:aws:codebuild:*:{OWN}:project/*"}}), "fine"),
    ("a text whose star can be a Region, an account and more", service("lambda.amazonaws.com",
             {"StringLike": {"aws:SourceArn": f"arn:aws:lambda:*:{OWN}:*"}}, "ecr:*"),
     "foreign lambda.amazonaws.com"),
    ("CodeBuild for our org",
     service("codebuild.amazonaws.com", {"StringEquals": {"aws:SourceOrgID": "o-abc123"}}), "fine"),
    ("CodeBuild for another",
     service("codebuild.amazonaws.com", {"StringEquals": {"aws:SourceAccount": STRANGER}}),
     f"foreign {STRANGER}"),
    ("a service in China", service("ecs.amazonaws.com.cn"), "foreign ecs.amazonaws.com.cn"),
    ("a service that is none", service("evil.example.com"), "public"),
    # Denials grant nothing.
    ("deny anyone", allow("*", Effect="Deny"), "fine"),
    ("deny all but one", without(allow("*", Effect="Deny", NotPrincipal={"AWS": OWN}), "Principal"),
     "fine"),
    # What ECR's own answers can have.
    ("a resource", allow({"AWS": NAMED}, Resource="*"), "fine"),
    ("no Sid", without(allow({"AWS": NAMED}), "Sid"), "fine"),
]  # fmt: skip


def verdict(access: Access) -> str:
    if access.public is not None:
        return "public"
    return f"foreign {', '.join(access.foreign)}" if access.foreign else "fine"


@pytest.mark.parametrize(
    ("statement", "expected"), [each[1:] for each in SHAPES], ids=[each[0] for each in SHAPES]
)
def test_each_shape_of_statement_has_its_verdict(statement: Any, expected: str) -> None:
    assert verdict(judge(statement, ALLOWED)) == expected


def test_the_table_has_every_verdict_often_and_no_shape_twice() -> None:
    names = [name for name, _, _ in SHAPES]
    assert len(set(names)) == len(names) >= 100
    found = [expected.partition(" ")[0] for _, _, expected in SHAPES]
    assert min(map(found.count, ("public", "foreign", "fine"))) >= 15


def condition(key: str, wanted: Any, operator: str = "StringEquals") -> dict[str, Any]:
    return anyone(operator, key, wanted)


def test_what_the_rule_names_is_fine_whatever_its_size() -> None:
    everywhere = Allowed(["0.0.0.0/0", "::/0"])
    wide = condition("aws:SourceIp", ["0.0.0.0/1", "203.0.113.7", "2000::/3"], "IpAddress")
    assert verdict(judge(wide, everywhere)) == "fine"
    halves = Allowed(["10.0.0.0/9", "10.128.0.0/9"])
    assert verdict(judge(condition("aws:SourceIp", "10.0.0.0/8", "IpAddress"), halves)) == "fine"


@pytest.mark.parametrize("name", ["1.2.3.4", "1.2.3.4/32", "2001:db8::7"])
def test_an_address_is_named_with_or_without_its_mask(name: str) -> None:
    bare = condition("aws:SourceIp", name.partition("/")[0], "IpAddress")
    assert verdict(judge(bare, Allowed([name]))) == "fine"


UNIT = "o-abc123/r-1/ou-1-a/*"
PATHS = "aws:PrincipalOrgPaths"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (UNIT, "fine"),
        ("o-abc123/r-1/ou-1-a/", "fine"),
        ("o-abc123/r-1/ou-1-a/ou-1-b/*", "fine"),
        ("o-abc123/r-1/ou-1-a*", "foreign o-abc123/r-1/ou-1-a*"),
        ("o-abc123/*", "foreign o-abc123/*"),
        ("o-abc123/*/ou-1-a/*", "foreign o-abc123/*/ou-1-a/*"),
        ("o-other1/r-1/ou-1-a/*", "foreign o-other1/r-1/ou-1-a/*"),
    ],
)
def test_a_unit_takes_in_its_own_units_and_no_more(path: str, expected: str) -> None:
    unit = condition(PATHS, path, "ForAnyValue:StringLike")
    assert verdict(judge(unit, Allowed([UNIT]))) == expected


def test_a_whole_organisation_is_more_than_a_unit_of_it() -> None:
    assert verdict(judge(condition(ORG, "o-abc123"), Allowed([UNIT]))) == "foreign o-abc123"


def test_under_the_old_version_a_variable_names_nobody_but_in_an_arn() -> None:
    own = condition("aws:PrincipalAccount", ["${aws:ResourceAccount}", STRANGER])
    assert verdict(judge(own, ALLOWED, "2008-10-17")) == f"foreign {STRANGER}"
    only = condition("aws:PrincipalAccount", "${aws:ResourceAccount}")
    assert verdict(judge(only, ALLOWED, "2008-10-17")) == "fine"
    role = condition("aws:PrincipalArn", "arn:aws:iam::*:role/${x}", "StringLike")
    assert verdict(judge(role, ALLOWED, "2008-10-17")) == "public"


def test_without_the_registrys_account_nobody_is_its_own() -> None:
    statement = allow({"AWS": OWN})
    assert verdict(judge(statement, Allowed([]))) == f"foreign {OWN}"
    assert verdict(judge(statement, Allowed([OWN]))) == "fine"


def test_a_star_in_the_names_allows_anybody_but_not_everybody() -> None:
    anybody = Allowed(["*"])
    assert verdict(judge(allow({"AWS": STRANGER}), anybody)) == "fine"
    assert verdict(judge(service("codebuild.amazonaws.com"), anybody)) == "fine"
    assert verdict(judge(allow("*"), anybody)) == "public"


def test_a_service_can_be_named() -> None:
    found = judge(service("codebuild.amazonaws.com"), Allowed(["codebuild.amazonaws.com"]))
    assert verdict(found) == "fine"
    for_strangers = service(
        "codebuild.amazonaws.com", {"StringEquals": {"aws:SourceAccount": STRANGER}}
    )
    assert verdict(judge(for_strangers, Allowed(["codebuild.amazonaws.com"]))) == "fine"


def test_a_unit_without_its_star_is_itself_alone() -> None:
    unit = Allowed(["o-abc123/r-1/ou-1-a/"])
    for path, expected in (
        ("o-abc123/r-1/ou-1-a/", "fine"),
        ("o-abc123/r-1/ou-1-a/ou-2/*", "foreign o-abc123/r-1/ou-1-a/ou-2/*"),
    ):
        assert verdict(judge(condition(PATHS, path, "ForAnyValue:StringLike"), unit)) == expected


def test_the_registrys_own_account_is_somebody_even_where_nobody_told_its_number() -> None:
    own = condition("aws:PrincipalAccount", "${aws:ResourceAccount}")
    assert verdict(judge(own, Allowed([]))) == "fine"


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        (allow({"AWS": [NAMED, STRANGER]}), allow({"AWS": [NAMED]})),
        (allow({"AWS": NAMED, "Service": "x.amazonaws.com"}), allow({"AWS": NAMED})),
        (
            condition("aws:PrincipalAccount", ["${aws:ResourceAccount}", NAMED, STRANGER]),
            condition("aws:PrincipalAccount", [NAMED]),
        ),
        (
            service("lambda.amazonaws.com", action=[*PULL, "ecr:PutImage"]),
            service("lambda.amazonaws.com", action=PULL),
        ),
        (allow({"AWS": STRANGER}), None),
        (allow("*"), None),
    ],
)
def test_strangers_are_taken_out_of_a_statement_and_the_others_stay(
    statement: Any, left: Any
) -> None:
    assert without_strangers(statement, ALLOWED, "2008-10-17") == left


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        (allow({"AWS": [NAMED, f"arn:aws:iam::{OWN}:role/x"]}), {NAMED, OWN}),
        (anyone("StringEquals", ORG, ["o-abc123", "o-other1"]), {"o-abc123", "o-other1"}),
        (anyone("IpAddress", "aws:SourceIp", "203.0.113.7"), {"203.0.113.7/32"}),
        (service("codebuild.amazonaws.com"), {"codebuild.amazonaws.com"}),
        (
            service("codebuild.amazonaws.com", {"StringEquals": {"aws:SourceAccount": NAMED}}),
            {NAMED},
        ),
        (allow({"AWS": NAMED}, {"StringEquals": {ORG: "o-abc123"}}), {NAMED, "o-abc123"}),
        (allow({"AWS": "AROAEXAMPLEEXAMPLE"}), set()),
        (allow("*"), set()),
        (allow({"AWS": NAMED}, Effect="Deny"), set()),
        ("nothing", set()),
    ],
)
def test_a_statement_names_whom_it_lets_in(statement: Any, names: set[str]) -> None:
    assert named(statement) == names


def test_the_reason_says_what_lets_anyone_in() -> None:
    def why(statement: Any) -> str | None:
        return judge(statement, ALLOWED).public

    assert why(allow("*")) == "its principal `*` is anyone, with no condition"
    assert why(anyone("Bool", "aws:SecureTransport", "true")) == (
        "its principal `*` is anyone, with no condition that limits it"
    )
    assert why("x") == "it is no statement of a known shape"
    assert why(without(allow("*"), "Action")) == "it has no `Action`"
