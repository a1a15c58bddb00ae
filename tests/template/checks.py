"""What must be true of a stack, each as a function that lists what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ecr_steward.start.observe import NAMESPACE
from tests.template.support import Stack, listed, logical_id

Problems = Iterator[str]
Check = Callable[[Stack], Problems]

TWO_WEEKS = 14 * 24 * 3600
TOPIC = "${NotificationTopic}"

WILDCARDS = {
    ("PublishRole", "FindHistoryStream"): "a stream is named by its time of birth",
    ("SweepRole", "ListRepositories"): "AWS evaluates listing all repositories on repository/*",
    ("SweepRole", "RecogniseCaches"): "a registry has no ARN",
    ("RetagRole", "LearnWhoItWas"): "CloudTrail's event history has no ARN",
    ("LookRunningRole", "LookAtEcs"): "AWS evaluates listing on every cluster of the account",
    ("LookRunningRole", "LookAtFunctions"): "AWS evaluates listing on every function",
    ("LookRunningRole", "LookAtInspector"): "Inspector's coverage has no ARN",
    ("LookRunningRole", "LookElsewhere"): "WorkloadAccounts are many, with one name of a role",
    ("EnforceSettingsRole", "LookAtRegistry"): "a registry has no ARN",
    ("RetainImagesRole", "LookAtRegistry"): "a registry has no ARN",
    ("EnforceSettingsRole", "SetBackRegistry"): "a registry has no ARN",
    **{
        (role, "SendTraces"): "traces have no ARN"
        for role in (
            "CheckTagsRole",
            "RetagRole",
            "CheckSettingsRole",
            "EnforceSettingsRole",
            "PublishRole",
            "NotifyRole",
            "SweepRole",
            "CheckRunningRole",
            "LookRunningRole",
            "RetainImagesRole",
        )
    },
}
"""The statements that name more than one thing, and why nothing narrower will do."""

_TO_DO = ("Ask", "Fix", "Look", "Read", "Remove", "Run")
_READS = ("BatchGet", "Describe", "Get", "List")


# ------------------------------------------------------------------------ failure paths
def rules_have_failure_paths(stack: Stack) -> Problems:
    """What EventBridge cannot hand over, and what an invoked function fails on, is kept."""
    for name, rule in stack.of("AWS::Events::Rule").items():
        for target in rule["Targets"]:
            failures = target.get("DeadLetterConfig", {}).get("Arn")
            if failures is None:
                yield f"{name}: the target {target['Id']} has no failure queue"
            else:
                yield from _is_failure_queue(stack, failures, fifo=False)
                yield from _lets_rule_send(stack, failures, name)
            yield from _target_is_reachable(stack, name, target["Arn"])


def _target_is_reachable(stack: Stack, rule: str, arn: str) -> Problems:
    kind = stack.resources[logical_id(arn)]["Type"]
    if kind == "AWS::SQS::Queue":
        yield from _lets_rule_send(stack, arn, rule)
        return
    if not _on_failure(stack, arn):
        yield f"{logical_id(arn)} is invoked by {rule} and has no destination for failures"
    permitted = any(
        logical_id(each["FunctionName"]) == logical_id(arn)
        and each.get("SourceArn") == f"${{{rule}.Arn}}"
        and each["Principal"] == "events.amazonaws.com"
        for each in stack.of("AWS::Lambda::Permission").values()
    )
    if not permitted:
        yield f"{logical_id(arn)} does not let {rule}, and {rule} alone, invoke it"


def _lets_rule_send(stack: Stack, queue: str, rule: str) -> Problems:
    for policy in stack.of("AWS::SQS::QueuePolicy").values():
        for each in policy["PolicyDocument"]["Statement"]:
            if (
                f"${{{logical_id(queue)}}}" in policy["Queues"]
                and each["Effect"] == "Allow"
                and each["Principal"] == {"Service": "events.amazonaws.com"}
                and each["Action"] == "sqs:SendMessage"
                and each["Resource"] == queue
                and each.get("Condition") == {"ArnEquals": {"aws:SourceArn": f"${{{rule}.Arn}}"}}
            ):
                return
    yield f"{logical_id(queue)} has no policy that lets {rule}, and {rule} alone, send to it"


def consumers_have_failure_paths(stack: Stack) -> Problems:
    """What a function cannot work off is kept, and costs its batch nothing else."""
    for name, mapping in stack.of("AWS::Lambda::EventSourceMapping").items():
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield f"{name} does not report single failures"
        arn = mapping["EventSourceArn"]
        if stack.resources[logical_id(arn)]["Type"] == "AWS::SQS::Queue":
            yield from _queue_redrives(stack, arn)
        else:
            yield from _stream_gives_up_properly(stack, name, mapping)


def _queue_redrives(stack: Stack, arn: str) -> Problems:
    queue = stack.properties(arn)
    redrive = queue.get("RedrivePolicy")
    if redrive is None:
        yield f"{logical_id(arn)} has no failure queue"
        return
    if redrive["maxReceiveCount"] < 5:
        yield f"{logical_id(arn)} gives up after {redrive['maxReceiveCount']} tries"
    if queue.get("MessageRetentionPeriod") != TWO_WEEKS:
        yield f"{logical_id(arn)} does not keep its messages for 14 days"
    failures = redrive["deadLetterTargetArn"]
    yield from _is_failure_queue(stack, failures, fifo=queue.get("FifoQueue", False))


def _stream_gives_up_properly(stack: Stack, name: str, mapping: Mapping[str, Any]) -> Problems:
    if not 0 <= mapping.get("MaximumRetryAttempts", -1) <= 1000:
        yield f"{name} tries a bad record for as long as the stream has it"
    if mapping.get("BisectBatchOnFunctionError") is not True:
        yield f"{name} gives up whole batches"
    failures = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if failures is None:
        yield f"{name} has no destination for failures"
        return
    yield from _is_failure_queue(stack, failures, fifo=False)
    yield from _function_may_send(stack, mapping["FunctionName"], failures)


def schedules_have_failure_paths(stack: Stack) -> Problems:
    """What the scheduler cannot start, and what a started function fails on, is kept."""
    for name, schedule in stack.of("AWS::Scheduler::Schedule").items():
        target = schedule["Target"]
        if not _on_failure(stack, target["Arn"]):
            yield f"{logical_id(target['Arn'])} is started by {name} and keeps no failures"
        if not stack.may(target["RoleArn"], "lambda:InvokeFunction", target["Arn"]):
            yield f"{name} may not start {logical_id(target['Arn'])}"
        failures = target.get("DeadLetterConfig", {}).get("Arn")
        if failures is None:
            yield f"{name} has no failure queue"
            continue
        yield from _is_failure_queue(stack, failures, fifo=False)
        if not stack.may(target["RoleArn"], "sqs:SendMessage", failures):
            yield f"{name} may not send to {logical_id(failures)}"


def destinations_are_usable(stack: Stack) -> Problems:
    """Lambda writes to a destination with the rights of the function that failed."""
    for config in stack.of("AWS::Lambda::EventInvokeConfig").values():
        failures = config["DestinationConfig"]["OnFailure"]["Destination"]
        yield from _is_failure_queue(stack, failures, fifo=False)
        yield from _function_may_send(stack, config["FunctionName"], failures)


def _function_may_send(stack: Stack, function: str, queue: str) -> Problems:
    role = stack.properties(function)["Role"]
    if not stack.may(role, "sqs:SendMessage", queue):
        yield f"{logical_id(function)} may not send to {logical_id(queue)}"


def _is_failure_queue(stack: Stack, arn: str, *, fifo: bool) -> Problems:
    queue = stack.properties(arn)
    if queue.get("FifoQueue", False) is not fifo:
        yield f"{logical_id(arn)} is of the wrong type: FIFO is {fifo} at its source"
    if queue.get("MessageRetentionPeriod") != TWO_WEEKS:
        yield f"{logical_id(arn)} does not keep its messages for 14 days"


def _on_failure(stack: Stack, function: str) -> str | None:
    for config in stack.of("AWS::Lambda::EventInvokeConfig").values():
        if logical_id(config["FunctionName"]) == logical_id(function):
            found: str = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
            return found
    return None


# ------------------------------------------------------------------------ alarms
def failure_queues(stack: Stack) -> set[str]:
    """Every queue that something is kept in because it failed."""
    return _put_by_services(stack) | _moved_by_sqs(stack)


def _moved_by_sqs(stack: Stack) -> set[str]:
    queues = stack.of("AWS::SQS::Queue").values()
    policies = [each["RedrivePolicy"] for each in queues if "RedrivePolicy" in each]
    return {logical_id(each["deadLetterTargetArn"]) for each in policies}


def _put_by_services(stack: Stack) -> set[str]:
    """The queues that EventBridge, Lambda and Scheduler put failures into."""
    found = {
        target["DeadLetterConfig"]["Arn"]
        for rule in stack.of("AWS::Events::Rule").values()
        for target in rule["Targets"]
        if "DeadLetterConfig" in target
    }
    for kind in ("AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping"):
        for each in stack.of(kind).values():
            found.add(each.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))
    for schedule in stack.of("AWS::Scheduler::Schedule").values():
        found.add(schedule["Target"].get("DeadLetterConfig", {}).get("Arn"))
    return {logical_id(arn) for arn in found if arn}


def failures_go_back_the_way_they_came(stack: Stack) -> Problems:
    """SQS moves back only what it moved itself, and one message of another ends the move (SQS
    Developer Guide: Troubleshooting dead-letter queue redrive)."""
    for queue in sorted(_moved_by_sqs(stack) & _put_by_services(stack)):
        yield f"{queue} holds what SQS moved there and what another service put there"


def waiting_is_not_taken_for_age(stack: Stack) -> Problems:
    """The age of a standard queue leaves out what was received three times, which is how retries
    wait (SQS Developer Guide: CloudWatch metrics)."""
    if _alarm(stack, "ApproximateAgeOfOldestMessage", {"QueueName": "${RetryQueue.QueueName}"}):
        yield "an alarm on the age of RetryQueue cannot ring"


def failures_have_alarms(stack: Stack) -> Problems:
    for queue in failure_queues(stack):
        dimensions = {"QueueName": f"${{{queue}.QueueName}}"}
        if not _alarm(stack, "ApproximateNumberOfMessagesVisible", dimensions, at=1):
            yield f"no alarm says that {queue} is not empty"
    for mapping in stack.of("AWS::Lambda::EventSourceMapping").values():
        source, function = logical_id(mapping["EventSourceArn"]), mapping["FunctionName"]
        if stack.resources[source]["Type"] == "AWS::SQS::Queue":
            dimensions = {"QueueName": f"${{{source}.QueueName}}"}
            # Of a standard queue whose messages wait by being received its age says nothing.
            late = source == "RetryQueue" and _alarm(stack, "RetriesLate", {"service": "notify"}, 1)
            if not late and not _alarm(stack, "ApproximateAgeOfOldestMessage", dimensions):
                yield f"no alarm says that the oldest message of {source} is too old"
        elif not _alarm(stack, "IteratorAge", {"FunctionName": function}):
            yield f"no alarm says that {logical_id(function)} is late"
    yield from _lost_failures_have_alarms(stack)


def _lost_failures_have_alarms(stack: Stack) -> Problems:
    for name, rule in stack.of("AWS::Events::Rule").items():
        dimensions = {"RuleName": f"${{{name}}}"}
        if "EventBusName" in rule:
            # Of a rule on a bus of its own, the metric has both, and `!Ref` is "bus|rule".
            arn = f"${{{name}.Arn}}"
            dimensions = {
                "EventBusName": rule["EventBusName"],
                "RuleName": f"part 2 of {arn} split at /",
            }
        if not _alarm(stack, "InvocationsFailedToBeSentToDlq", dimensions, at=1):
            yield f"no alarm says that {name} lost a failure"
    functions = {
        logical_id(each["FunctionName"])
        for kind in ("AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping")
        for each in stack.of(kind).values()
        if "OnFailure" in each.get("DestinationConfig", {})
    }
    for function in functions:
        dimensions = {"FunctionName": f"${{{function}}}"}
        if not _alarm(stack, "DestinationDeliveryFailures", dimensions, at=1):
            yield f"no alarm says that a failure of {function} was lost"


def missing_sweeps_have_an_alarm(stack: Stack) -> Problems:
    """Six intervals of five minutes without an invocation, and silence counts as none."""
    alarm = _alarm(stack, "Invocations", {"FunctionName": "${SweepFunction}"}, at=1)
    if alarm is None:
        yield "no alarm says that no sweep ran"
        return
    if alarm["ComparisonOperator"] != "LessThanThreshold" or alarm["Statistic"] != "Sum":
        yield "the sweep's alarm does not ask for fewer invocations than one"
    if alarm["TreatMissingData"] != "breaching":
        yield "the sweep's alarm takes silence for a sweep"
    if alarm["Period"] * alarm["EvaluationPeriods"] != 30 * 60:
        yield "the sweep's alarm does not look at six intervals"


def contested_tags_have_an_alarm(stack: Stack) -> Problems:
    """On what the writer counts (start/observe.py), under the name that it counts it by."""
    service = stack.resources["RetagFunction"]["Properties"]["Environment"]["Variables"]
    alarm = _alarm(stack, "TagsContested", {"service": service["POWERTOOLS_SERVICE_NAME"]}, 1)
    if alarm is None:
        yield "no alarm says that somebody else keeps taking a tag away"


def failed_copies_have_an_alarm(stack: Stack) -> Problems:
    if _alarm(stack, "TriggeredRules", {"RuleName": "${ReplicationFailedRule}"}, 1) is None:
        yield "no alarm says that an image could not be copied here"


def late_pushes_have_an_alarm(stack: Stack) -> Problems:
    """What SettleSeconds asks for is not late."""
    settle = stack.parameters["SettleSeconds"]
    lag = (f"{NAMESPACE}/ecr-steward", "PushLag", {"service": "retag"})
    if not _computed(stack, f"lag - {settle}", [("lag", "p95", *lag)], at=300):
        yield "no alarm says that stable tags follow late"


def throttled_functions_have_an_alarm(stack: Stack) -> Problems:
    summed: list[tuple[str, str, str, str, Any]] = [
        (f"m{i}", "Sum", "AWS/Lambda", "Throttles", {"FunctionName": f"${{{name}}}"})
        for i, name in enumerate(stack.of("AWS::Lambda::Function"), 1)
    ]
    if not _computed(stack, "SUM(METRICS())", summed, at=1):
        yield "no alarm says that each of the functions may be throttled"


def used_quota_has_an_alarm(stack: Stack) -> Problems:
    """By the dimensions under which ECR's usage is published (ECR User Guide: usage metrics)."""
    dimensions = {"Service": "ECR", "Type": "API", "Resource": "PutImage", "Class": "None"}
    used = "100 * (calls / PERIOD(calls)) / SERVICE_QUOTA(calls)"
    calls = [("calls", "Sum", "AWS/Usage", "CallCount", dimensions)]
    if not _computed(stack, used, calls, at=70):
        yield "no alarm says that the rate of PutImage is nearly used up"


def _computed(
    stack: Stack, expression: str, metrics: list[tuple[str, str, str, str, Any]], at: int
) -> bool:
    """Whether an alarm computes this of exactly these: its id, statistic, namespace, name and
    dimensions."""
    return any(
        [each["Expression"] for each in alarm.get("Metrics", ()) if "Expression" in each]
        == [expression]
        and sorted(_metrics(alarm), key=str) == sorted(metrics, key=str)
        and alarm["Threshold"] == at
        for alarm in stack.of("AWS::CloudWatch::Alarm").values()
    )


def _metrics(alarm: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, Any]]:
    for each in alarm.get("Metrics", ()):
        if "MetricStat" in each and each["ReturnData"] is False:
            metric = each["MetricStat"]["Metric"]
            dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            yield (
                each["Id"],
                each["MetricStat"]["Stat"],
                metric["Namespace"],
                metric["MetricName"],
                dimensions,
            )


def alarms_reach_people(stack: Stack) -> Problems:
    """Straight to the topic, which lets CloudWatch publish."""
    for name, alarm in stack.of("AWS::CloudWatch::Alarm").items():
        if alarm.get("AlarmActions") != [TOPIC]:
            yield f"{name} does not go to the topic"
        first, _, what_to_do = alarm["AlarmDescription"].partition(". ")
        if not first or not what_to_do.startswith(_TO_DO):
            yield f"{name} does not say what to do"
        if alarm.get("MetricName") != "Invocations" and (
            alarm["ComparisonOperator"] != "GreaterThanOrEqualToThreshold"
            or alarm["TreatMissingData"] != "notBreaching"
        ):
            yield f"{name} does not say that there is too much of something"
        statistic = "Maximum" if alarm.get("Namespace") == "AWS/SQS" else "Sum"
        if "Metrics" not in alarm and (
            alarm["MetricName"] != "IteratorAge" and alarm["Statistic"] != statistic
        ):
            yield f"{name} should use {statistic}"
    account = stack.parameters["AWS::AccountId"]
    allowed = any(
        each["Effect"] == "Allow"
        and each["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        and each["Action"] == "sns:Publish"
        and each["Resource"] == TOPIC
        and each["Condition"] == {"StringEquals": {"aws:SourceAccount": account}}
        for policy in stack.of("AWS::SNS::TopicPolicy").values()
        for each in policy["PolicyDocument"]["Statement"]
    )
    if not allowed:
        yield "the topic does not let this account's alarms publish"


def _alarm(
    stack: Stack, metric: str, dimensions: Mapping[str, str], at: int | None = None
) -> dict[str, Any] | None:
    namespaces = {
        "ApproximateNumberOfMessagesVisible": "AWS/SQS",
        "ApproximateAgeOfOldestMessage": "AWS/SQS",
        "InvocationsFailedToBeSentToDlq": "AWS/Events",
        "TriggeredRules": "AWS/Events",
        "TagsContested": f"{NAMESPACE}/ecr-steward",
        "RetriesLate": f"{NAMESPACE}/ecr-steward",
    }
    for alarm in stack.of("AWS::CloudWatch::Alarm").values():
        if (
            alarm.get("MetricName") == metric
            and alarm["Namespace"] == namespaces.get(metric, "AWS/Lambda")
            and {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == dimensions
            and at in (None, alarm["Threshold"])
        ):
            return alarm
    return None


# ------------------------------------------------------------------------ rights
def wildcards_have_reasons(stack: Stack) -> Problems:
    """To be asked of a stack whose RepositoryPattern has no star."""
    for role, each in stack.statements():
        if any("*" in action for action in listed(each["Action"])):
            yield f"{role}, {each['Sid']}: an action has a wildcard"
        wide = any("*" in resource for resource in listed(each["Resource"]))
        if wide and (role, each["Sid"]) not in WILDCARDS:
            yield f"{role}, {each['Sid']}: {each['Resource']} has a wildcard"
        if "NotAction" in each or "NotResource" in each:
            yield f"{role}, {each['Sid']} grants everything but something"


def ecr_writes(stack: Stack) -> set[tuple[str, str]]:
    """Who may do what to ECR that is not reading it."""
    return {
        (role, action)
        for role, each in stack.statements()
        for action in listed(each["Action"])
        if (action.startswith("ecr:") or action == "*")
        and not action.removeprefix("ecr:").startswith(_READS)
    }


def ecr_rights_stay_in_the_pattern(stack: Stack) -> Problems:
    repository = "arn:aws:ecr:{AWS::Region}:{AWS::AccountId}:repository/{RepositoryPattern}"
    for key in ("AWS::Region", "AWS::AccountId", "RepositoryPattern"):
        repository = repository.replace(f"{{{key}}}", stack.parameters[key])
    for role, each in stack.statements():
        touches = any(action.startswith("ecr:") for action in listed(each["Action"]))
        if touches and (role, each["Sid"]) not in WILDCARDS and each["Resource"] != repository:
            yield f"{role}, {each['Sid']}: {each['Resource']} is not {repository}"


def roles_are_bounded(stack: Stack) -> Problems:
    boundary = stack.parameters["PermissionsBoundary"] or None
    for name, role in stack.of("AWS::IAM::Role").items():
        if role.get("PermissionsBoundary") != boundary:
            yield f"{name} has the boundary {role.get('PermissionsBoundary')}, not {boundary}"
        if role.get("ManagedPolicyArns"):
            yield f"{name} has rights that the template does not show"


def roles_are_assumed_by_one_service(stack: Stack) -> Problems:
    for name, role in stack.of("AWS::IAM::Role").items():
        (each,) = listed(role["AssumeRolePolicyDocument"]["Statement"])
        used_by = [
            function
            for function, properties in stack.of("AWS::Lambda::Function").items()
            if logical_id(properties["Role"]) == name
        ]
        service = "lambda" if used_by else "scheduler"
        if each["Principal"] != {"Service": f"{service}.amazonaws.com"}:
            yield f"{name} can be assumed by {each['Principal']}"
        if len(used_by) > 1:
            yield f"{name} is shared by {used_by}"
        if service == "scheduler" and set(each.get("Condition", {}).get("StringEquals", {})) != {
            "aws:SourceAccount",
            "aws:SourceArn",
        }:
            yield f"{name} can be assumed for another account's schedule"


def queues_leave_room_for_others(stack: Stack) -> Problems:
    """An account begins with ten functions at once (Lambda Developer Guide: Quotas)."""
    for name, mapping in stack.of("AWS::Lambda::EventSourceMapping").items():
        of_queue = stack.resources[logical_id(mapping["EventSourceArn"])]["Type"].endswith("Queue")
        if of_queue and "MaximumConcurrency" not in mapping.get("ScalingConfig", {}):
            yield f"{name} may take every function that the account can run at once"


# ------------------------------------------------------------------------ data and logs
def history_survives(stack: Stack) -> Problems:
    table = stack.resources["HistoryTable"]
    # A first deployment that fails must leave none behind.
    wanted = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    for policy, value in wanted.items():
        if table.get(policy) != value:
            yield f"HistoryTable: {policy} is {table.get(policy)}"
    recovery = table["Properties"].get("PointInTimeRecoverySpecification")
    if recovery != {"PointInTimeRecoveryEnabled": True}:
        yield "HistoryTable cannot be recovered to a point in time"


def nothing_else_survives(stack: Stack) -> Problems:
    for name, resource in stack.resources.items():
        kept = "Retain" in (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        if kept and name != "HistoryTable":
            yield f"{name} is left behind by the stack"
        if (
            resource["Type"] == "AWS::Lambda::LayerVersion"
            and resource.get("DeletionPolicy") != "Delete"
        ):
            yield f"{name} is not deleted with the stack"


def functions_have_log_groups(stack: Stack) -> Problems:
    for name, function in stack.of("AWS::Lambda::Function").items():
        logging = function.get("LoggingConfig", {})
        if logging.get("LogFormat") != "JSON" or "LogGroup" not in logging:
            yield f"{name} does not log JSON into a group of its own"
            continue
        group = logical_id(logging["LogGroup"])
        if stack.properties(logging["LogGroup"]).get("RetentionInDays") is None:
            yield f"{group} is kept forever"
        writes = {
            resource
            for role, each in stack.statements()
            if role == logical_id(function["Role"])
            and any(action.startswith("logs:") for action in listed(each["Action"]))
            for resource in listed(each["Resource"])
        }
        if writes != {f"${{{group}.Arn}}"}:
            yield f"{name} may write to the logs {writes}"


def waits_are_long_enough(stack: Stack) -> Problems:
    """Lambda User Guide, SQS: visibility is six times the function's timeout, and the window."""
    for name, mapping in stack.of("AWS::Lambda::EventSourceMapping").items():
        queue = stack.properties(mapping["EventSourceArn"])
        if "VisibilityTimeout" not in queue:
            continue
        timeout = stack.properties(mapping["FunctionName"])["Timeout"]
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        if queue["VisibilityTimeout"] < 6 * timeout + window:
            yield f"{name}: messages come back while the function may still be at work"
        if "ReservedConcurrentExecutions" in stack.properties(mapping["FunctionName"]):
            yield f"{name}: reserved concurrency sends messages to the failure queue"


EVERYWHERE: tuple[Check, ...] = (
    rules_have_failure_paths,
    consumers_have_failure_paths,
    schedules_have_failure_paths,
    destinations_are_usable,
    failures_go_back_the_way_they_came,
    waiting_is_not_taken_for_age,
    queues_leave_room_for_others,
    failures_have_alarms,
    contested_tags_have_an_alarm,
    failed_copies_have_an_alarm,
    late_pushes_have_an_alarm,
    throttled_functions_have_an_alarm,
    used_quota_has_an_alarm,
    alarms_reach_people,
    ecr_rights_stay_in_the_pattern,
    roles_are_bounded,
    roles_are_assumed_by_one_service,
    history_survives,
    nothing_else_survives,
    functions_have_log_groups,
    waits_are_long_enough,
)
"""What must be true of every stack, whatever its parameters."""
