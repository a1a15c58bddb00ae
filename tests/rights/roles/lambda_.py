"""What Lambda and EventBridge Scheduler do themselves with the roles that they are given."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.rights.acts import Act, Acts, depth
from tests.rights.stage import Stage

ACTS = Acts()

FUNCTIONS = (
    "CheckTags", "Retag", "CheckSettings", "EnforceSettings", "Publish", "Notify", "Sweep",
    "CheckRunning", "RetainImages", "LookRunning",
)  # fmt: skip
KEPT = {"CheckTags", "CheckSettings", "Publish", "Sweep", "CheckRunning", "LookRunning"}
"""The functions whose failures Lambda keeps with their own rights."""


def _logs(name: str, stage: Stage) -> None:
    logs: Any = stage.as_role(f"{name}Role").client("logs")
    place = {"logGroupName": stage.ref(f"{name}LogGroup"), "logStreamName": "2026/11/23/[$LATEST]1"}
    logs.create_log_stream(**place)
    logs.put_log_events(**place, logEvents=[{"timestamp": 0, "message": "a line"}])


def _traces(name: str, stage: Stage) -> None:
    xray = stage.as_role(f"{name}Role").client("xray")
    xray.put_trace_segments(TraceSegmentDocuments=["{}"])
    xray.put_telemetry_records(TelemetryRecords=[])


def _keeps(name: str, stage: Stage) -> None:
    queue = f"{name}FailureQueue"
    sqs = stage.as_role(f"{name}Role").client("sqs")
    sqs.send_message(QueueUrl=stage.ref(queue), MessageBody="{}")
    assert depth(stage, queue) == 1


def _starts(name: str, stage: Stage) -> None:
    scheduler = stage.as_role(f"{name}ScheduleRole")
    scheduler.client("lambda").invoke(FunctionName=stage.arn(f"{name}Function"))


def _keeps_schedule(name: str, stage: Stage) -> None:
    queue = f"{name}FailureQueue"
    sqs = stage.as_role(f"{name}ScheduleRole").client("sqs")
    sqs.send_message(QueueUrl=stage.ref(queue), MessageBody="{}")
    assert depth(stage, queue) == 1


for _name in FUNCTIONS:
    ACTS.append(Act(f"{_name}Role", "Lambda writes the function's log", partial(_logs, _name)))
    ACTS.append(Act(f"{_name}Role", "Lambda sends the function's traces", partial(_traces, _name)))
    if _name in KEPT:
        ACTS.append(
            Act(f"{_name}Role", "Lambda keeps an event that the function failed on",
                partial(_keeps, _name))
        )  # fmt: skip
for _name in ("Sweep", "LookRunning"):
    ACTS.append(
        Act(f"{_name}ScheduleRole", "the schedule starts the function", partial(_starts, _name))
    )
    ACTS.append(
        Act(f"{_name}ScheduleRole", "the schedule keeps what it could not start",
            partial(_keeps_schedule, _name))
    )  # fmt: skip
