"""Functions of the runtime have an SDK that knows what the steward asks of ECR."""

from __future__ import annotations

import io
import json
import zipfile

from ecr_steward_cli.probing.assumption import Assumption, Ground, patiently
from ecr_steward_cli.probing.roles import make_role

_EXPECTED = "it knows imageStatus, exclusion filters and pull-time exclusions"
_SOURCE = """
import boto3

def handler(event, context):
    model = boto3.client("ecr").meta.service_model
    operations = set(model.operation_names)
    status = "imageStatus" in model.shape_for("DescribeImagesFilter").members
    create = model.operation_model("CreateRepository").input_shape.members
    knows = {
        "imageStatus": status,
        "exclusion filters": "imageTagMutabilityExclusionFilters" in create,
        "pull-time exclusions": "ListPullTimeUpdateExclusions" in operations,
    }
    return {"version": boto3.__version__, "lacks": [each for each in knows if not knows[each]]}
"""


def _ask(ground: Ground) -> str:
    functions = ground.client("lambda")
    role = make_role(ground, "lambda.amazonaws.com")
    undo = lambda: functions.delete_function(FunctionName=ground.name)  # noqa: E731

    def make() -> None:
        with ground.made.making(f"Function {ground.name}", undo):
            functions.create_function(
                FunctionName=ground.name,
                Runtime="python3.13",
                Handler="index.handler",
                Role=role,
                Code={"ZipFile": _archive()},
                Timeout=30,
            )

    patiently(ground, "InvalidParameterValueException", make)
    functions.get_waiter("function_active_v2").wait(FunctionName=ground.name)
    said = json.loads(functions.invoke(FunctionName=ground.name)["Payload"].read())
    lacks = said.get("lacks")
    if lacks is None:
        return f"the function failed: {said.get('errorMessage', 'no reason')}"
    return f"boto3 {said['version']} lacks {', '.join(lacks)}" if lacks else _EXPECTED


def _archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as files:
        files.writestr("index.py", _SOURCE)
    return content.getvalue()


ASSUMPTION = Assumption("The SDK of the runtime", _EXPECTED, _ask, "function")
