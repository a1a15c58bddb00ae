"""The rules that a stack was deployed with, read from its layer."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from ecr_steward.rules import RulesError, Ruleset, compiled
from ecr_steward_cli.deployed.stack import Stack
from ecr_steward_cli.terminal.errors import Refusal


class NotKnown(Exception):
    """The rules cannot be read; the sentence says why."""


def rules_file_of(stack: Stack) -> Mapping[str, Any]:
    """The compiled rules file in the layer that the writer is deployed with. Raises NotKnown."""
    client = stack.client("lambda")
    function = client.get_function_configuration(FunctionName=stack.output("RetagFunctionName"))
    name = f"{stack.name}-rules"
    arns = [each["Arn"] for each in function.get("Layers", ()) if f":layer:{name}:" in each["Arn"]]
    if not arns:
        raise NotKnown(f"RetagFunction has no layer named {name}.")
    layer = client.get_layer_version_by_arn(Arn=arns[0])
    try:
        content = stack.outside.download(layer["Content"]["Location"])
        with zipfile.ZipFile(io.BytesIO(content)) as files:
            file: Mapping[str, Any] = json.loads(
                files.read(f"python/steward_rules/{compiled.FILE}")
            )
            return {"document": file["document"], "fingerprint": str(file["fingerprint"])}
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise NotKnown(f"The rules layer {arns[0]} cannot be read: {error}.") from error


def rules_of(stack: Stack) -> Ruleset:
    """The rules that the stack goes by. Raises Refusal."""
    try:
        return Ruleset.from_document(rules_file_of(stack)["document"])
    except NotKnown as error:
        raise Refusal(f"The stack's rules are not known: {error}") from error
    except (RulesError, AttributeError, TypeError) as error:
        raise Refusal(
            f"The rules of stack `{stack.name}` are of another version than this command "
            f"({error}): install the version that the stack has, which `ecr-steward status` names."
        ) from error
