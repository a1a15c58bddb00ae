"""What the dashboard shows: five questions, and no metric that nobody sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ecr_steward.start.observe import COUNTED, NAMESPACE
from tests.template import support
from tests.template.support import Stack, logical_id

OF_AWS = {
    ("AWS/Lambda", "Invocations"): {"FunctionName": "AWS::Lambda::Function"},
    ("AWS/Lambda", "Errors"): {"FunctionName": "AWS::Lambda::Function"},
    ("AWS/Lambda", "Throttles"): {"FunctionName": "AWS::Lambda::Function"},
    ("AWS/Lambda", "IteratorAge"): {"FunctionName": "AWS::Lambda::Function"},
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): {"QueueName": "AWS::SQS::Queue"},
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): {"QueueName": "AWS::SQS::Queue"},
    ("AWS/Events", "TriggeredRules"): {"RuleName": "AWS::Events::Rule"},
}
"""What AWS sends, and of which part (Lambda and SQS Developer Guides, EventBridge User Guide)."""

USAGE = ("AWS/Usage", "CallCount")
QUESTIONS = ("alive", "behind", "just do", "pushing back", "waits for me")
COLUMNS = 24

Metric = tuple[str, str, dict[str, str]]


def widgets(stack: Stack) -> list[dict[str, Any]]:
    (dashboard,) = stack.of("AWS::CloudWatch::Dashboard").values()
    found: list[dict[str, Any]] = json.loads(dashboard["DashboardBody"])["widgets"]
    return found


def shown(stack: Stack) -> Iterator[Metric]:
    """Every metric of every widget: its namespace, its name and its dimensions."""
    for widget in widgets(stack):
        for metric in widget["properties"].get("metrics", ()):
            if not isinstance(metric[0], dict):
                namespace, name, *pairs = (each for each in metric if isinstance(each, str))
                yield namespace, name, dict(zip(pairs[::2], pairs[1::2], strict=True))


def is_sent(stack: Stack, metric: Metric) -> bool:
    """Whether a function of the stack counts the metric, or AWS sends it of a part of the stack."""
    namespace, name, dimensions = metric
    if (namespace, name) == USAGE:
        return dimensions["Service"] == "ECR"
    if namespace == f"{NAMESPACE}/ecr-steward":
        return name in COUNTED[dimensions["service"]] and len(dimensions) == 1
    kinds = {key: stack.resources[logical_id(value)]["Type"] for key, value in dimensions.items()}
    return OF_AWS[namespace, name] == kinds


def test_every_metric_on_the_dashboard_is_one_that_somebody_sends(any_stack: Stack) -> None:
    assert [each for each in shown(any_stack) if not is_sent(any_stack, each)] == []


def test_every_metric_that_the_functions_count_is_shown(audit: Stack) -> None:
    seen = {(each["service"], name) for _, name, each in shown(audit) if "service" in each}
    counted = {(service, name) for service, names in COUNTED.items() for name in names}
    assert counted <= seen


def test_every_alarm_rings_for_a_metric_that_somebody_sends(any_stack: Stack) -> None:
    of_the_stack = f"{NAMESPACE}/ecr-steward"
    for name, alarm in any_stack.of("AWS::CloudWatch::Alarm").items():
        for each in alarm.get("Metrics", [{"MetricStat": {"Metric": alarm}}]):
            metric = each.get("MetricStat", {}).get("Metric", {})
            if metric.get("Namespace") == of_the_stack:
                dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
                assert is_sent(any_stack, (of_the_stack, metric["MetricName"], dimensions)), name


def test_every_failure_queue_is_shown(audit: Stack) -> None:
    queues = {
        logical_id(each["QueueName"])
        for _, name, each in shown(audit)
        if name == "ApproximateNumberOfMessagesVisible"
    }
    assert queues == {name for name in audit.of("AWS::SQS::Queue") if name.endswith("FailureQueue")}


def test_each_row_asks_one_of_the_five_questions(audit: Stack) -> None:
    asked = [each["properties"]["markdown"] for each in widgets(audit) if each["type"] == "text"]
    assert [question in text for question, text in zip(QUESTIONS, asked, strict=True)] == [True] * 5


def test_widgets_lie_side_by_side_and_cover_each_other_nowhere(audit: Stack) -> None:
    taken: set[tuple[int, int]] = set()
    for each in widgets(audit):
        place = {
            (each["x"] + across, each["y"] + down)
            for across in range(each["width"])
            for down in range(each["height"])
        }
        assert not place & taken
        assert max(x for x, _ in place) < COLUMNS
        taken |= place
    assert len(taken) == COLUMNS * (1 + max(y for _, y in taken))


@pytest.mark.parametrize("wrong", ["TagsMovedd", "PushLags"])
def test_a_metric_that_nobody_sends_is_noticed(wrong: str) -> None:
    def mutate(template: support.Template) -> None:
        body = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]
        right = wrong[:-1]
        assert f'"{right}"' in body["Fn::Sub"]
        body["Fn::Sub"] = body["Fn::Sub"].replace(f'"{right}"', f'"{wrong}"')

    stack = support.stack(mutate)
    assert [name for _, name, _ in filter(lambda each: not is_sent(stack, each), shown(stack))] == [
        wrong
    ]
