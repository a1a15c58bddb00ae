"""Parameters, outputs, and what the files beside the template say about it."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.template import support
from tests.template.support import ROOT, Stack

PARAMETERS: dict[str, dict[str, Any]] = support.source()["Parameters"]


def accepts(name: str, value: str) -> bool:
    """Whether CloudFormation takes a value, by the constraints of the parameter."""
    parameter = PARAMETERS[name]
    if parameter["Type"] == "Number":
        if not re.fullmatch(r"-?\d+", value):
            return False
        number = int(value)
        if not parameter.get("MinValue", number) <= number <= parameter.get("MaxValue", number):
            return False
    if "AllowedValues" in parameter:
        return value in map(str, parameter["AllowedValues"])
    size = len(value)
    if not parameter.get("MinLength", size) <= size <= parameter.get("MaxLength", size):
        return False
    return re.fullmatch(parameter.get("AllowedPattern", ".*"), value) is not None


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_says_what_it_is_and_refuses_what_it_is_not(name: str) -> None:
    parameter = PARAMETERS[name]
    assert parameter["Description"]
    assert parameter["ConstraintDescription"].startswith("must be ")
    limits = {"AllowedValues", "AllowedPattern", "MinValue"} & parameter.keys()
    assert len(limits) == 1
    assert accepts(name, str(parameter["Default"]))
    assert not accepts(name, "!")


def test_every_parameter_is_in_one_group() -> None:
    groups = support.source()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(PARAMETERS)


def test_the_defaults_change_nothing_in_the_registry() -> None:
    assert PARAMETERS["Mode"]["Default"] == "audit"
    assert PARAMETERS["Mode"]["AllowedValues"] == ["audit", "enforce", "off"]
    assert PARAMETERS["SettingsMode"]["Default"] == "audit"
    assert PARAMETERS["SettingsMode"]["AllowedValues"] == ["audit", "enforce", "off"]
    assert PARAMETERS["RepositoryPattern"]["Default"] == "*"
    assert PARAMETERS["Architecture"]["Default"] == "arm64"
    assert PARAMETERS["Tracing"]["Default"] == "PassThrough"


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("Mode", ["audit", "enforce", "off"], ["on", "", "Audit"]),
        (
            "RepositoryPattern",
            ["*", "base/*", "*/redis", "base/redis", "a*b*c", "*a*b*c*d", "team-a/x.y_z"],
            ["", "a*b*c*d*e*f", "**", "base/**", "Base/*", "base redis", "base/*'"],
        ),
        ("SettingsMode", ["audit", "enforce", "off"], ["on", "", "Enforce"]),
        (
            "CreationTemplateRole",
            ["", "arn:aws:iam::123456789012:role/ecr/templates"],
            ["templates", "arn:aws:iam::123456789012:user/x"],
        ),
        ("RunningSources", ["", "ecs", "eks-prod"], ["ECS", "a b", "*"]),
        ("WorkloadAccounts", ["", "210987654321"], ["2109", "a"]),
        ("RunningGraceDays", ["1", "90"], ["0", "91"]),
        ("PermissionsBoundary", ["", "arn:aws-cn:iam::123456789012:policy/a/b"], ["boundary"]),
        ("SettleSeconds", ["0", "900"], ["-1", "901", "1.5"]),
        ("SweepHours", ["1", "168"], ["0", "169"]),
        ("RetagConcurrency", ["2", "1000"], ["1", "1001"]),
        ("NotifyWindowSeconds", ["1", "120"], ["0", "121"]),
        ("NotificationEmail", ["", "team@example.org"], ["team", "a@b", "a b@example.org"]),
        (
            "ChannelParameters",
            ["", "ecr-steward/*", "ecr-steward/slack", "slack"],
            ["/ecr-steward/slack", "ssm:/x", "a b", "*"],
        ),
        (
            "ChannelSecrets",
            ["", "ecr-steward/*", "steward/hook-??????", "a+b=c.d@e"],
            ["*", "a b", "a#b", "arn:aws:secretsmanager:x"],
        ),
        (
            "ChannelKey",
            ["", "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
            ["alias/mine", "arn:aws:kms:eu-west-1:123456789012:alias/mine"],
        ),
        ("ChannelTopics", ["", "arn:aws:sns:eu-west-1:123456789012:ops"], ["ops", "*"]),
        ("MessagesPerMinute", ["1", "1000"], ["0", "1001"]),
        ("AllowLocalHttp", ["true", "false"], ["yes", ""]),
        ("LogRetentionDays", ["30", "365"], ["31", "0"]),
        ("Tracing", ["Active", "PassThrough"], ["Disabled"]),
        ("Architecture", ["arm64", "x86_64"], ["x86", "amd64"]),
        ("ReplaySource", ["ecr-steward.replay", "awsome"], ["aws.ecr", "", "with space"]),
        ("EndpointUrl", ["", "http://127.0.0.1:4566"], ["127.0.0.1:4566"]),
        ("EcrEndpointUrl", ["", "https://ecr.example.org"], ["ftp://example.org"]),
    ],
)
def test_a_parameter_takes_the_right_values(name: str, good: list[str], bad: list[str]) -> None:
    assert [value for value in good if not accepts(name, value)] == []
    assert [value for value in bad if accepts(name, value)] == []


def test_an_e_mail_address_is_subscribed_where_one_is_given(audit: Stack) -> None:
    assert audit.of("AWS::SNS::Subscription") == {}
    given = support.stack(NotificationEmail="team@example.org")
    assert list(given.of("AWS::SNS::Subscription").values()) == [
        {"TopicArn": "${NotificationTopic}", "Protocol": "email", "Endpoint": "team@example.org"}
    ]


def test_logs_are_kept_as_long_as_asked() -> None:
    groups = support.stack(LogRetentionDays=7).of("AWS::Logs::LogGroup").values()
    assert {group["RetentionInDays"] for group in groups} == {7}


def test_two_stacks_in_one_account_share_no_name() -> None:
    other = support.build(support.source(), {"AWS::StackName": "team-b"})
    names = {
        name: properties[key]
        for name, resource in other.resources.items()
        for properties in [resource.get("Properties", {})]
        for key in ("Name", "QueueName", "TableName", "TopicName", "FunctionName", "LogGroupName")
        if key in properties and not str(properties[key]).startswith("${")
    }
    assert names == {
        "StewardBus": "team-b",
        "SweepFunctionSchedule": "team-b",
        "LookRunningFunctionSchedule": "team-b-look",
    }


OUTPUTS = {
    "Version": support.source()["Metadata"]["AWS::ServerlessRepo::Application"]["SemanticVersion"],
    "Mode": "audit",
    "SettingsMode": "audit",
    "RepositoryPattern": "*",
    "ReplaySource": "ecr-steward.replay",
    "HistoryTableName": "${HistoryTable}",
    "StewardBusName": "${StewardBus}",
    "DashboardName": "${Dashboard}",
    "NotificationTopicArn": "${NotificationTopic}",
    "ChatTopicArn": "${ChatTopic}",
    "RetagEventSource": "${RetagFunctionRetagEventSource}",
    "SettingsEventSource": "${EnforceSettingsFunctionSettingsEventSource}",
    "SweepScheduleName": "${SweepFunctionSchedule}",
    **{
        f"{name}FunctionName": f"${{{name}Function}}"
        for name in (
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
    },
    "LookRunningRoleArn": "${LookRunningRole.Arn}",
    **{
        f"{name}Url": f"${{{name}}}"
        for name in (
            "RetagQueue",
            "RetagFailureQueue",
            "RetentionQueue",
            "RetentionFailureQueue",
            "SettingsQueue",
            "SettingsFailureQueue",
            "CheckSettingsFailureQueue",
            "NotifyQueue",
            "RetryQueue",
            "StewardEventsFailureQueue",
            "NotifyFailureQueue",
            "CheckTagsFailureQueue",
            "PublishFailureQueue",
            "SweepFailureQueue",
            "CheckRunningFailureQueue",
            "LookRunningFailureQueue",
        )
    },
}


def test_the_outputs_are_what_an_operator_needs(any_stack: Stack) -> None:
    found = {name: output["Value"] for name, output in any_stack.outputs.items()}
    assert found == {**OUTPUTS, "Mode": any_stack.parameters["Mode"]}
    assert all(output["Description"] for output in any_stack.outputs.values())


def test_every_output_refers_to_something_of_the_stack(audit: Stack) -> None:
    for value in OUTPUTS.values():
        if value.startswith("${"):
            assert support.logical_id(value) in audit.resources


def test_the_template_its_output_and_the_library_have_one_version() -> None:
    source = support.source()
    released = source["Metadata"]["AWS::ServerlessRepo::Application"]["SemanticVersion"]
    project = (ROOT / "layers" / "steward" / "pyproject.toml").read_text(encoding="utf-8")
    assert released == tomllib.loads(project)["project"]["version"]
    assert released == source["Outputs"]["Version"]["Value"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(\d[^]]*)\]", changes, re.M)[0] == released


SAMCONFIG: dict[str, Any] = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("environment", ["default", "local", "prod"])
def test_samconfig_gives_parameters_that_the_template_takes(environment: str) -> None:
    for command, settings in SAMCONFIG[environment].items():
        overrides = settings["parameters"].get("parameter_overrides", "")
        for name, _, value in (each.partition("=") for each in overrides.split()):
            assert accepts(name, value), f"{environment}.{command}: {name}={value}"


def test_samconfig_builds_and_invokes_for_one_architecture_on_one_machine() -> None:
    local = SAMCONFIG["local"]
    for command in ("build", "deploy", "local_invoke"):
        assert "Architecture=x86_64" in local[command]["parameters"]["parameter_overrides"].split()


@pytest.mark.parametrize("environment", ["default", "local", "prod"])
def test_samconfig_never_builds_from_a_cache_that_cannot_see_the_rules(environment: str) -> None:
    assert SAMCONFIG[environment]["build"]["parameters"]["cached"] is False
