"""Failure paths, alarms, data and logs of the transformed template."""

from __future__ import annotations

from typing import Any

import pytest

from tests.template import checks, support
from tests.template.checks import Check
from tests.template.support import Mutation, Stack, Template


@pytest.mark.parametrize("check", checks.EVERYWHERE, ids=lambda check: check.__name__)
def test_the_stack_holds_in_every_mode(any_stack: Stack, check: Check) -> None:
    assert list(check(any_stack)) == []


@pytest.mark.parametrize("check", checks.EVERYWHERE, ids=lambda check: check.__name__)
def test_the_stack_holds_with_every_option_taken(check: Check) -> None:
    taken = support.stack(
        Mode="enforce",
        SettingsMode="enforce",
        CreationTemplateRole="arn:aws:iam::123456789012:role/templates",
        RepositoryPattern="base/*",
        PermissionsBoundary="arn:aws:iam::123456789012:policy/boundary",
        NotificationEmail="team@example.org",
        Tracing="Active",
        Architecture="x86_64",
        NotifyWindowSeconds=120,
        RunningSources="ecs,lambda,inspector",
        WorkloadAccounts="210987654321",
    )
    assert list(check(taken)) == []


@pytest.mark.parametrize("mode", ["audit", "enforce"])
def test_an_alarm_says_that_no_sweep_ran(mode: str) -> None:
    assert list(checks.missing_sweeps_have_an_alarm(support.stack(Mode=mode))) == []


def test_no_sweep_is_missed_where_none_should_run(off: Stack) -> None:
    assert "NoSweepAlarm" not in off.resources


def test_every_queue_a_failure_ends_in_is_found(audit: Stack) -> None:
    assert checks.failure_queues(audit) == {
        name for name in audit.of("AWS::SQS::Queue") if name.endswith("FailureQueue")
    }


def _properties(template: Template, name: str) -> dict[str, Any]:
    properties: dict[str, Any] = template["Resources"][name]["Properties"]
    return properties


def drop(name: str) -> Mutation:
    return lambda template: template["Resources"].pop(name)


def unset(name: str, *path: str | int) -> Mutation:
    def mutate(template: Template) -> None:
        place: Any = _properties(template, name)
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return mutate


def put(name: str, value: Any, *path: str | int) -> Mutation:
    def mutate(template: Template) -> None:
        place: Any = _properties(template, name)
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return mutate


def statement(role: str, sid: str, **change: Any) -> Mutation:
    """Change a statement of a role or of a queue's policy."""

    def mutate(template: Template) -> None:
        properties = _properties(template, role)
        policy = properties["Policies"][0] if "Policies" in properties else properties
        found = [s for s in policy["PolicyDocument"]["Statement"] if s.get("Sid") == sid]
        found[0].update(change)

    return mutate


def attribute(name: str, key: str, value: str) -> Mutation:
    return lambda template: template["Resources"][name].update({key: value})


OTHER = "arn:aws:s3:::somewhere"
EVENTS_ONLY = {"Service": "events.amazonaws.com"}
RETAG = ("Events", "RetagEventSource", "Properties")
HISTORY = ("Events", "HistoryEventSource", "Properties")
SCHEDULE = ("Events", "Schedule", "Properties")

SPOILED: list[tuple[Check, Mutation]] = [
    (checks.rules_have_failure_paths, put("ImagePushRule", {}, "Targets", 0, "DeadLetterConfig")),
    (checks.rules_have_failure_paths, unset("CheckTagsFunction", "EventInvokeConfig")),
    (checks.rules_have_failure_paths, drop("ImagePushPermission")),
    (checks.rules_have_failure_paths, put("ImagePushPermission", OTHER, "SourceArn")),
    (checks.rules_have_failure_paths, drop("NotifyQueuePolicy")),
    (checks.rules_have_failure_paths, drop("StewardEventsFailureQueuePolicy")),
    (checks.rules_have_failure_paths, drop("CheckTagsFailureQueuePolicy")),
    (checks.rules_have_failure_paths, drop("CheckSettingsFailureQueuePolicy")),
    (checks.rules_have_failure_paths, unset("CheckSettingsFunction", "EventInvokeConfig")),
    (checks.rules_have_failure_paths, drop("ApiCallPermission")),
    (checks.consumers_have_failure_paths, unset("SettingsQueue", "RedrivePolicy")),
    (checks.waits_are_long_enough, put("SettingsQueue", 90, "VisibilityTimeout")),
    (
        checks.rules_have_failure_paths,
        statement("CheckTagsFailureQueuePolicy", "ImagePushRuleOnly", Condition={}),
    ),
    (checks.rules_have_failure_paths, unset("CheckTagsFailureQueue", "MessageRetentionPeriod")),
    (checks.consumers_have_failure_paths, unset("RetagQueue", "RedrivePolicy")),
    (checks.consumers_have_failure_paths, put("RetagQueue", 1, "RedrivePolicy", "maxReceiveCount")),
    (checks.consumers_have_failure_paths, unset("RetagFailureQueue", "FifoQueue")),
    (checks.consumers_have_failure_paths, unset("NotifyQueue", "MessageRetentionPeriod")),
    (
        checks.consumers_have_failure_paths,
        unset("RetagFunction", *RETAG, "FunctionResponseTypes"),
    ),
    (checks.consumers_have_failure_paths, unset("PublishFunction", *HISTORY, "DestinationConfig")),
    (
        checks.consumers_have_failure_paths,
        unset("PublishFunction", *HISTORY, "MaximumRetryAttempts"),
    ),
    (
        checks.consumers_have_failure_paths,
        unset("PublishFunction", *HISTORY, "BisectBatchOnFunctionError"),
    ),
    (checks.consumers_have_failure_paths, statement("PublishRole", "KeepFailures", Resource=OTHER)),
    (checks.schedules_have_failure_paths, unset("SweepFunction", *SCHEDULE, "DeadLetterConfig")),
    (checks.schedules_have_failure_paths, unset("SweepFunction", "EventInvokeConfig")),
    (
        checks.schedules_have_failure_paths,
        statement("SweepScheduleRole", "KeepFailures", Resource=OTHER),
    ),
    (
        checks.schedules_have_failure_paths,
        statement("SweepScheduleRole", "StartSweep", Resource=OTHER),
    ),
    (checks.destinations_are_usable, statement("CheckTagsRole", "KeepFailures", Resource=OTHER)),
    (checks.destinations_are_usable, put("SweepFailureQueue", True, "FifoQueue")),
    *((checks.failures_have_alarms, drop(f"{each}FailureAlarm"))
      for each in ("CheckTags", "Retag", "CheckSettings", "Settings", "Publish", "Notify",
                   "Sweep", "Retention")),
    *((checks.failures_have_alarms, drop(f"{each}BacklogAlarm"))
      for each in ("Retag", "Settings", "Notify", "Publish", "Retention")),
    *((checks.failures_have_alarms, drop(f"{each}LostAlarm"))
      for each in ("TaskChange", "FunctionCode", "ImageLost", "CheckRunning", "LookRunning",
                   "ImagePush", "ImageDeleted", "ApiCall", "StewardEvent", "CheckTags",
                   "CheckSettings", "Publish", "Sweep")),
    (checks.failures_have_alarms, put("RetagFailureAlarm", 100, "Threshold")),
    (
        checks.failures_have_alarms,
        put("StewardEventLostAlarm", {"Ref": "StewardEventsRule"}, "Dimensions", 1, "Value"),
    ),
    (checks.contested_tags_have_an_alarm, drop("ContestedTagAlarm")),
    (
        checks.contested_tags_have_an_alarm,
        put("ContestedTagAlarm", "sweep", "Dimensions", 0, "Value"),
    ),
    (checks.contested_tags_have_an_alarm, put("ContestedTagAlarm", "Steward", "Namespace")),
    (checks.failed_copies_have_an_alarm, drop("ReplicationFailedAlarm")),
    (checks.late_pushes_have_an_alarm, put("PushLagAlarm", "lag", "Metrics", 0, "Expression")),
    (
        checks.late_pushes_have_an_alarm,
        put("PushLagAlarm", "PushLags", "Metrics", 1, "MetricStat", "Metric", "MetricName"),
    ),
    (checks.throttled_functions_have_an_alarm, unset("ThrottledAlarm", "Metrics", 3)),
    (checks.used_quota_has_an_alarm, put("PutImageQuotaAlarm", 100, "Threshold")),
    (
        checks.alarms_reach_people,
        put("RetagFailureAlarm", "retag failed on repositories.", "AlarmDescription"),
    ),
    (checks.missing_sweeps_have_an_alarm, drop("NoSweepAlarm")),
    (
        checks.missing_sweeps_have_an_alarm,
        put("NoSweepAlarm", "notBreaching", "TreatMissingData"),
    ),
    (checks.missing_sweeps_have_an_alarm, put("NoSweepAlarm", 12, "EvaluationPeriods")),
    (
        checks.missing_sweeps_have_an_alarm,
        put("NoSweepAlarm", "GreaterThanThreshold", "ComparisonOperator"),
    ),
    (
        checks.failures_go_back_the_way_they_came,
        put(
            "StewardEventsRule",
            {"Arn": {"Fn::GetAtt": ["NotifyFailureQueue", "Arn"]}},
            *("Targets", 0, "DeadLetterConfig"),
        ),
    ),
    (
        checks.waiting_is_not_taken_for_age,
        put(
            "NotifyBacklogAlarm",
            {"Fn::GetAtt": ["RetryQueue", "QueueName"]},
            *("Dimensions", 0, "Value"),
        ),
    ),
    (checks.queues_leave_room_for_others, unset("RetagFunction", *RETAG, "ScalingConfig")),
    (checks.alarms_reach_people, unset("RetagFailureAlarm", "AlarmActions")),
    (checks.alarms_reach_people, put("RetagFailureAlarm", "breaching", "TreatMissingData")),
    (checks.alarms_reach_people, put("RetagFailureAlarm", "Sum", "Statistic")),
    (
        checks.alarms_reach_people,
        statement("NotificationTopicPolicy", "AlarmsOfThisAccount", Principal=EVENTS_ONLY),
    ),
    (
        checks.ecr_rights_stay_in_the_pattern,
        statement("RetagRole", "LookAtImages", Resource="arn:aws:ecr:eu-west-1:1:repository/all"),
    ),
    (checks.roles_are_bounded, unset("SweepScheduleRole", "PermissionsBoundary")),
    (checks.roles_are_bounded, put("RetagRole", [OTHER], "ManagedPolicyArns")),
    (
        checks.roles_are_assumed_by_one_service,
        put("RetagFunction", {"Fn::GetAtt": ["CheckTagsRole", "Arn"]}, "Role"),
    ),
    (
        checks.roles_are_assumed_by_one_service,
        put("SweepScheduleRole", {}, "AssumeRolePolicyDocument", "Statement", 0, "Condition"),
    ),
    (checks.history_survives, attribute("HistoryTable", "DeletionPolicy", "Delete")),
    (checks.history_survives, attribute("HistoryTable", "DeletionPolicy", "Retain")),
    (checks.history_survives, attribute("HistoryTable", "UpdateReplacePolicy", "Delete")),
    (checks.history_survives, unset("HistoryTable", "PointInTimeRecoverySpecification")),
    (checks.nothing_else_survives, put("StewardLayer", "Retain", "RetentionPolicy")),
    (checks.nothing_else_survives, attribute("RetagQueue", "DeletionPolicy", "Retain")),
    (checks.functions_have_log_groups, unset("SweepFunction", "LoggingConfig")),
    (checks.functions_have_log_groups, unset("SweepLogGroup", "RetentionInDays")),
    (checks.functions_have_log_groups, statement("SweepRole", "WriteOwnLogs", Resource="*")),
    (checks.waits_are_long_enough, put("RetagQueue", 90, "VisibilityTimeout")),
    (checks.waits_are_long_enough, put("RetagFunction", 2, "ReservedConcurrentExecutions")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "mutate"),
    SPOILED,
    ids=[f"{check.__name__}-{number}" for number, (check, _) in enumerate(SPOILED)],
)
def test_each_check_notices_what_it_is_for(check: Check, mutate: Mutation) -> None:
    spoiled = support.stack(
        mutate,
        Mode="enforce",
        PermissionsBoundary="arn:aws:iam::123456789012:policy/boundary",
        NotifyWindowSeconds=120,
    )
    assert list(check(spoiled)) != []


def test_every_check_is_shown_to_notice_something() -> None:
    shown = {check for check, _ in SPOILED}
    assert shown == {*checks.EVERYWHERE, checks.missing_sweeps_have_an_alarm}
