"""What the roles may do."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import Any

import pytest

from tests.rights import table
from tests.template import checks, support
from tests.template.calls import ASKED_WITH_A_TEMPLATE, BY_LAMBDA, CALLS
from tests.template.support import ROOT, Stack, Template, listed

NARROW: dict[str, Any] = {
    "RepositoryPattern": "base/redis",
    "ChannelParameters": "ecr-steward/slack",
    "ChannelSecrets": "ecr-steward/hook-??????",
    "RunningSources": "ecs,lambda,inspector",
    "WorkloadAccounts": "210987654321",
}
"""Parameters that name one thing each."""

LIBRARY = ROOT / "layers" / "steward" / "src" / "ecr_steward"


@pytest.mark.parametrize("mode", ["audit", "off"])
@pytest.mark.parametrize("settings", ["audit", "enforce", "off"])
def test_no_role_may_write_to_ecr_unless_the_stack_enforces(mode: str, settings: str) -> None:
    assert checks.ecr_writes(support.stack(Mode=mode, SettingsMode=settings)) == set()


def test_the_writer_alone_may_put_images_where_the_stack_enforces(enforce: Stack) -> None:
    assert checks.ecr_writes(enforce) == {("RetagRole", "ecr:PutImage")}


SETTINGS = {
    "SetRepositoryPolicy",
    "DeleteRepositoryPolicy",
    "PutLifecyclePolicy",
    "DeleteLifecyclePolicy",
    "StartLifecyclePolicyPreview",
    "PutImageTagMutability",
    "PutImageScanningConfiguration",
    "TagResource",
    "PutRegistryScanningConfiguration",
}
TEMPLATES = {"CreateRepositoryCreationTemplate", "UpdateRepositoryCreationTemplate"}


@pytest.mark.parametrize("mode", ["audit", "off"])
def test_settings_are_out_of_reach_unless_their_own_mode_enforces_too(mode: str) -> None:
    stack = support.stack(Mode="enforce", SettingsMode=mode)
    assert checks.ecr_writes(stack) == {("RetagRole", "ecr:PutImage")}


def test_the_writer_of_settings_alone_may_set_them_where_both_modes_enforce() -> None:
    writes = checks.ecr_writes(support.stack(Mode="enforce", SettingsMode="enforce"))
    assert writes == {
        ("RetagRole", "ecr:PutImage"),
        *(("EnforceSettingsRole", f"ecr:{action}") for action in SETTINGS),
    }


def test_whoever_may_make_a_template_may_do_what_aws_asks_with_it() -> None:
    on: Any = {"Mode": "enforce", "SettingsMode": "enforce", "CreationTemplates": "true"}
    writes = {action for _, action in checks.ecr_writes(support.stack(**on))}
    assert {f"ecr:{each}" for each in TEMPLATES} <= writes
    assert _granted(**on) >= ASKED_WITH_A_TEMPLATE
    without = _granted(**{**on, "CreationTemplates": "false"})
    for_templates = {*ASKED_WITH_A_TEMPLATE, *(f"ecr:{each}" for each in TEMPLATES)}
    assert without & for_templates <= {f"ecr:{each}" for each in SETTINGS}


def test_enhanced_scanning_turns_inspector_on_where_the_parameter_says_so() -> None:
    on: Any = {"Mode": "enforce", "SettingsMode": "enforce"}
    inspector = {"inspector2:Enable", "inspector2:ListAccountPermissions"}
    assert inspector <= _granted(**on, EnhancedScanning="true")
    assert not inspector & _granted(**on)


def test_a_role_for_a_service_is_made_for_that_service_alone() -> None:
    on: Any = {"Mode": "enforce", "SettingsMode": "enforce"}
    stack = support.stack(**on, EnhancedScanning="true", CreationTemplates="true")
    made = [
        (each["Resource"].rpartition("/aws-service-role/")[2], each["Condition"]["StringEquals"])
        for _, each in stack.statements()
        if "iam:CreateServiceLinkedRole" in listed(each["Action"])
    ]
    assert made == [
        (f"{service}/*", {"iam:AWSServiceName": service})
        for service in ("ecr.amazonaws.com", "inspector2.amazonaws.com")
    ]


def _granted(**parameters: Any) -> set[str]:
    statements = support.stack(**parameters).statements()
    return {action for _, each in statements for action in listed(each["Action"])}


def test_a_role_is_passed_to_ecr_alone_and_only_the_one_that_is_named() -> None:
    role = "arn:aws:iam::123456789012:role/templates"

    def passed(**parameters: Any) -> list[tuple[str, object, object]]:
        stack = support.stack(CreationTemplateRole=role, **parameters)
        return [
            (name, each["Resource"], each["Condition"])
            for name, each in stack.statements()
            if "iam:PassRole" in listed(each["Action"])
        ]

    assert passed(Mode="enforce", SettingsMode="audit") == []
    assert passed(Mode="enforce", SettingsMode="enforce") == [
        (
            "EnforceSettingsRole",
            role,
            {"StringEquals": {"iam:PassedToService": "ecr.amazonaws.com"}},
        )
    ]
    assert all(
        "iam:PassRole" not in listed(each["Action"])
        for _, each in support.stack(Mode="enforce", SettingsMode="enforce").statements()
    )


def test_tags_may_be_removed_only_where_the_stack_enforces_and_allows_it() -> None:
    for mode, allowed in (("enforce", "true"), ("enforce", "false"), ("audit", "true")):
        writes = checks.ecr_writes(support.stack(Mode=mode, AllowTagRemoval=allowed))
        both = mode == "enforce" and allowed == "true"
        assert (("RetagRole", "ecr:BatchDeleteImage") in writes) is both


@pytest.mark.parametrize("action", ["ecr:*", "*", "ecr:PutImage", "ecr:BatchDeleteImage", "ecr:P*"])
def test_a_write_action_is_recognised(action: str) -> None:
    def mutate(template: Template) -> None:
        role = template["Resources"]["SweepRole"]["Properties"]["Policies"][0]
        role["PolicyDocument"]["Statement"].append(
            {"Sid": "Extra", "Effect": "Allow", "Action": [action], "Resource": "*"}
        )

    assert checks.ecr_writes(support.stack(mutate)) == {("SweepRole", action)}


@pytest.mark.parametrize("mode", ["audit", "enforce", "off"])
def test_wildcards_are_those_that_aws_demands(mode: str) -> None:
    stack = support.stack(Mode=mode, SettingsMode=mode, Tracing="Active", **NARROW)
    assert list(checks.wildcards_have_reasons(stack)) == []


def test_every_wildcard_with_a_reason_is_there() -> None:
    stack = support.stack(Mode="enforce", SettingsMode="enforce", Tracing="Active", **NARROW)
    wide = {
        (role, each["Sid"])
        for role, each in stack.statements()
        if any("*" in resource for resource in listed(each["Resource"]))
    }
    assert wide == set(checks.WILDCARDS)


@pytest.mark.parametrize("change", [{"Resource": "*"}, {"Action": "sqs:*"}, {"NotAction": "a:B"}])
def test_a_needless_wildcard_is_noticed(change: dict[str, str]) -> None:
    def mutate(template: Template) -> None:
        role = template["Resources"]["CheckTagsRole"]["Properties"]["Policies"][0]
        (hand_over,) = (
            each for each in role["PolicyDocument"]["Statement"] if each.get("Sid") == "HandOver"
        )
        hand_over.update(change)

    stack = support.stack(mutate, **NARROW)
    assert list(checks.wildcards_have_reasons(stack)) != []


def test_every_role_is_written_in_the_template(enforce: Stack) -> None:
    written = {
        name
        for name, resource in support.source()["Resources"].items()
        if resource["Type"].startswith("AWS::IAM::")
    }
    made = {name for name, each in enforce.resources.items() if each["Type"].startswith("AWS::IAM")}
    assert made == written


def test_sam_makes_a_role_where_the_template_forgets_one() -> None:
    stack = support.stack(
        lambda template: template["Resources"]["SweepFunction"]["Properties"].pop("Role")
    )
    assert "SweepFunctionRole" in stack.resources


def test_statements_have_names_and_no_two_share_one(enforce: Stack) -> None:
    names = [(role, each.get("Sid")) for role, each in enforce.statements()]
    assert len(set(names)) == len(names)
    assert all(sid for _, sid in names)


def test_traces_need_no_right_until_they_are_switched_on(audit: Stack) -> None:
    def traced(stack: Stack) -> set[str]:
        return {
            role for role, each in stack.statements() if "xray:PutTraceSegments" in each["Action"]
        }

    assert traced(audit) == set()
    assert traced(support.stack(Tracing="Active")) == {
        f"{each}Role"
        for each in (
            "CheckTags",
            "Retag",
            "CheckSettings",
            "EnforceSettings",
            "Publish",
            "Notify",
            "Sweep",
            "CheckRunning",
            "LookRunning",
            "RetainImages",
        )
    }


def test_the_publisher_speaks_for_the_steward_only(audit: Stack) -> None:
    (spoken,) = [each for _, each in audit.statements() if "events:PutEvents" in each["Action"]]
    assert spoken["Resource"] == "${StewardBus.Arn}"
    assert spoken["Condition"] == {"ForAllValues:StringEquals": {"events:source": "ecr-steward"}}


ADAPTERS = sorted(
    {*LIBRARY.rglob("*.py"), *(ROOT / "functions").rglob("*.py")}
    - {LIBRARY / "messages/send/http.py"}
)
"""Every module that ships but the one whose clients are HTTP's own."""

CLIENTS = {"_client", "client", "sns", "sqs", "events"}


@functools.cache
def _calls(path: Path) -> frozenset[str]:
    """The methods that a module uses of a boto3 client, the operations that it pages through, and
    those that kinds of setting name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and _name(node.value) in CLIENTS:
            found.add(node.attr)
        if isinstance(node, ast.Call) and _name(node.func) == "get_paginator":
            found |= {each.value for each in node.args if isinstance(each, ast.Constant)}  # type: ignore[misc]
        if isinstance(node, ast.Call) and _name(node.func) in (
            "Read",
            "EcrRequest",
            "_pages",
            "_all",
        ):
            first = node.args[0]
            if isinstance(first, ast.Constant):
                found.add(re.sub("(?<!^)(?=[A-Z])", "_", str(first.value)).lower())
    return frozenset(found - {"get_paginator", "exceptions", "meta"})


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Call):
        node = node.func
    return getattr(node, "attr", getattr(node, "id", None))


def test_the_roles_have_what_the_library_calls_and_nothing_more() -> None:
    widest = support.stack(**{**support.EVERYTHING, "Tracing": "PassThrough", "ChannelKey": ""})
    called = set().union(*map(_calls, ADAPTERS))
    needed = set().union(*(CALLS[call] for call in called)) | BY_LAMBDA
    granted = {action for _, each in widest.statements() for action in listed(each["Action"])}
    assert granted == needed


def test_no_role_has_what_its_own_function_never_calls() -> None:
    widest = support.stack(**support.EVERYTHING)
    code = {
        support.logical_id(each["Role"]): set().union(*map(_calls, _loaded(_app(name))))
        for name, each in widest.of("AWS::Lambda::Function").items()
    }
    needless = {
        (role, action)
        for role, each in widest.statements()
        # To where a function's failures are kept Lambda sends with the function's role.
        if role in code and each["Sid"] != "KeepFailures"
        for action in listed(each["Action"])
        if action not in BY_LAMBDA | BESIDE
        and not any(action in CALLS.get(call, ()) for call in code[role])
    }
    assert needless == set()


BESIDE = {"kms:Decrypt", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
"""What AWS does with a role beside the calls of the library."""


def _app(function: str) -> Path:
    code: str = support.source()["Resources"][function]["Properties"]["CodeUri"]
    return ROOT / code / "app.py"


def _loaded(start: Path) -> set[Path]:
    """A module and everything of the library that it imports, at whatever time."""
    found, left = set(), {start}
    while left:
        path = left.pop()
        found.add(path)
        left |= set(_imported(path)) - found
    return found & {*ADAPTERS}


@functools.cache
def _imported(path: Path) -> list[Path]:
    modules = [
        module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ecr_steward.")
        for module in (node.module, *(f"{node.module}.{each.name}" for each in node.names))
    ]
    files = (LIBRARY.parent / module.replace(".", "/") for module in modules if module)
    places = (each for file in files for each in (file.with_suffix(".py"), file / "__init__.py"))
    return [each for each in places if each.is_file()]


def test_each_right_of_the_template_was_proven_to_be_needed_and_no_other_is_documented() -> None:
    assert table.shown() == {*table.granted()}, (
        "make rights says what needs it, or that nothing does"
    )


def test_the_topics_policy_names_no_role_that_was_made_a_moment_ago(audit: Stack) -> None:
    (policy,) = audit.of("AWS::SNS::TopicPolicy").values()
    assert [each["Principal"] for each in policy["PolicyDocument"]["Statement"]] == [
        {"Service": "cloudwatch.amazonaws.com"},
    ]


def test_the_notifier_reads_what_the_parameters_name_and_nothing_else() -> None:
    def read(**parameters: Any) -> dict[str, str]:
        wanted = ("ssm:GetParameter", "secretsmanager:GetSecretValue", "kms:Decrypt")
        return {
            each["Action"]: each["Resource"]
            for _, each in support.stack(**parameters).statements()
            if each["Action"] in wanted
        }

    here = "eu-west-1:123456789012"
    assert read() == {
        "ssm:GetParameter": f"arn:aws:ssm:{here}:parameter/ecr-steward/*",
        "secretsmanager:GetSecretValue": f"arn:aws:secretsmanager:{here}:secret:ecr-steward/*",
    }
    key = f"arn:aws:kms:{here}:key/1234abcd"
    assert read(ChannelParameters="", ChannelSecrets="", ChannelKey=key) == {"kms:Decrypt": key}


def test_a_key_decrypts_for_the_stores_alone() -> None:
    stack = support.stack(ChannelKey="arn:aws:kms:eu-west-1:123456789012:key/1234abcd")
    (decrypt,) = [each for _, each in stack.statements() if each["Action"] == "kms:Decrypt"]
    assert decrypt["Condition"] == {
        "StringEquals": {
            "kms:ViaService": [
                "ssm.eu-west-1.amazonaws.com",
                "secretsmanager.eu-west-1.amazonaws.com",
            ]
        }
    }


def test_topics_of_the_team_are_written_to_only_where_they_are_named() -> None:
    def topics(**parameters: Any) -> list[str]:
        statements = support.stack(**parameters).statements()
        publish = [each["Resource"] for _, each in statements if each["Action"] == "sns:Publish"]
        return [topic for resources in publish for topic in listed(resources)]

    own = ["${NotificationTopic}", "${ChatTopic}"]
    assert topics() == own
    more = "arn:aws:sns:eu-west-1:123456789012:a,arn:aws:sns:eu-west-1:123456789012:b"
    assert topics(ChannelTopics=more) == [*own, *more.split(",")]


def test_what_runs_is_read_only_where_a_parameter_names_the_source() -> None:
    def read(sources: str, accounts: str = "") -> set[str]:
        stack = support.stack(RunningSources=sources, WorkloadAccounts=accounts)
        actions = {
            action
            for role, each in stack.statements()
            if role == "LookRunningRole"
            for action in listed(each["Action"])
        }
        return {action.partition(":")[0] for action in actions} - {"logs", "dynamodb", "sqs", "ecr"}

    assert read("") == read("ecs-of-elsewhere,my-lambda") == set()
    assert read("ecs") == {"ecs"}
    assert read("eks-import,lambda") == {"lambda"}
    assert read("ecs,lambda,inspector", "210987654321") == {"ecs", "lambda", "inspector2", "sts"}


def test_other_accounts_may_tell_of_tasks_and_of_nothing_else() -> None:
    assert support.stack().of("AWS::Events::EventBusPolicy") == {}
    stack = support.stack(RunningSources="ecs", WorkloadAccounts="210987654321,345678901234")
    (policy,) = stack.of("AWS::Events::EventBusPolicy").values()
    assert policy["Statement"]["Principal"] == {"AWS": ["210987654321", "345678901234"]}
    assert policy["Statement"]["Condition"]["StringEquals"] == {
        "events:source": "aws.ecs",
        "events:detail-type": "ECS Task State Change",
    }
