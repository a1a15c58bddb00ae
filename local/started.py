"""Whether the functions of a deployed stack start: each is invoked once with nothing to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from local.processes import CloudError

IDLE: Final[Mapping[str, Any]] = {
    "CheckTagsFunction": {"detail-type": "ECR Image Action", "detail": {"result": "FAILURE"}},
    "CheckSettingsFunction": {
        "id": "started",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventSource": "ecr.amazonaws.com", "eventName": "DescribeRepositories"},
    },
    "CheckRunningFunction": {
        "id": "started",
        "source": "aws.ecs",
        "account": "123456789012",
        "region": "eu-west-1",
        "time": "2026-11-23T02:24:00Z",
        "detail-type": "ECS Task State Change",
        "detail": {"lastStatus": "PROVISIONING", "containers": []},
    },
    "LookRunningFunction": {},
    "RetagFunction": {"Records": []},
    "RetainImagesFunction": {"Records": []},
    "EnforceSettingsFunction": {"Records": []},
    "NotifyFunction": {"Records": []},
    "PublishFunction": {"Records": []},
    "SweepFunction": {"glob": "no-repository-has-this-name", "id": "started", "part": -1},
}
"""An event for each function that has it do nothing."""


def check_started(client: Any, name_of: Callable[[str], str]) -> None:
    """Invoke every function once; raises CloudError for those that cannot start.

    `name_of` gives the name of a function by its logical id.
    """
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda each: _fault(client, name_of(each), IDLE[each]), IDLE)
        faults = [f"{name}: {fault}" for name, fault in zip(IDLE, answers, strict=True) if fault]
    if faults:
        raise CloudError(
            "The stack is deployed, but these functions do not start:\n"
            + "\n".join(faults)
            + "\nRun `make down` and `make up`; where that does not help, `make clean` first."
        )


def _fault(client: Any, name: str, event: Any) -> str:
    """Why a function does not start; empty where it does."""
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    if not answer.get("FunctionError"):
        return ""
    said = json.loads(answer["Payload"].read() or b"{}")
    return f"{said.get('errorType', 'failed')}: {said.get('errorMessage', said)}"
