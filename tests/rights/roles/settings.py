"""What is done with the rights of the door and of the writer of settings."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError

from ecr_steward.start import writer
from ecr_steward.words.hints import REGISTRY, Action
from tests.handlers.functions import event
from tests.rights.acts import SETTINGS, Acts, depth, hold, policy, send
from tests.rights.roles.batches import Batches
from tests.rights.rules import SHARED, TEMPLATE_ROLE
from tests.rights.stage import Stage
from tests.support.settings_world import ANYONE, OURS, UNTAGGED_GO

ACTS = Acts()
DOOR, WRITER = "CheckSettingsRole", "EnforceSettingsRole"
BARE = "base/bare"
FEW = {"CreationTemplates": "false"}
"""Of a stack that makes no templates: the rights for them cover others."""


@ACTS.by(DOOR, "a call that changes a setting hands its repository to the writer")
def _hand_over(stage: Stage) -> None:
    call = json.dumps(event("call_set_repository_policy")).replace("base/redis", SETTINGS)
    stage.invoke("CheckSettingsFunction", json.loads(call))
    assert depth(stage, "SettingsQueue") == 1


def visit(stage: Stage, name: str) -> None:
    """The writer's visit to a repository or to the registry, which is done with it."""
    send(stage, "SettingsQueue", name, Action.SWEEP)
    stage.poll("SettingsQueue", "EnforceSettingsFunction")
    assert depth(stage, "SettingsQueue") == 0


@ACTS.by(WRITER, "a repository policy gets its statement and loses a public one", parameters=FEW)
def _set_policy(stage: Stage) -> None:
    hold(stage, SETTINGS)
    stage.ecr.set_repository_policy(repositoryName=SETTINGS, policyText=policy(ANYONE))
    visit(stage, SETTINGS)
    found = stage.ecr.get_repository_policy(repositoryName=SETTINGS)["policyText"]
    assert json.loads(found)["Statement"] == [OURS]


@ACTS.by(WRITER, "a repository policy of nothing but a public statement is deleted")
def _delete_policy(stage: Stage) -> None:
    hold(stage, BARE)
    stage.ecr.set_repository_policy(repositoryName=BARE, policyText=policy(ANYONE))
    visit(stage, BARE)
    assert _refused(stage.ecr.get_repository_policy, BARE)


@ACTS.by(WRITER, "a lifecycle policy is previewed and set", parameters=FEW)
def _set_lifecycle(stage: Stage) -> None:
    hold(stage, SETTINGS, "1.4.2")
    visit(stage, SETTINGS)
    found = stage.ecr.get_lifecycle_policy(repositoryName=SETTINGS)["lifecyclePolicyText"]
    assert json.loads(found)["rules"][0]["selection"]["tagStatus"] == "untagged"


@ACTS.by(WRITER, "a lifecycle policy that should not be is deleted")
def _delete_lifecycle(stage: Stage) -> None:
    hold(stage, BARE)
    text = json.dumps(UNTAGGED_GO)
    stage.ecr.put_lifecycle_policy(repositoryName=BARE, lifecyclePolicyText=text)
    visit(stage, BARE)
    assert _refused(stage.ecr.get_lifecycle_policy, BARE)


def _refused(ask: Any, name: str | None = None) -> bool:
    try:
        ask() if name is None else ask(repositoryName=name)
    except ClientError as error:
        return error.response["Error"]["Code"].endswith("NotFoundException")
    return False


@ACTS.by(WRITER, "a repository's tags are made immutable")
def _immutable(stage: Stage) -> None:
    hold(stage, SETTINGS)
    visit(stage, SETTINGS)
    assert _described(stage)["imageTagMutability"] == "IMMUTABLE"


@ACTS.by(WRITER, "a repository is scanned on push", registry={})
def _scanned(stage: Stage) -> None:
    hold(stage, SETTINGS)
    visit(stage, SETTINGS)
    assert _described(stage)["imageScanningConfiguration"] == {"scanOnPush": True}


def _described(stage: Stage) -> Any:
    (found,) = stage.ecr.describe_repositories(repositoryNames=[SETTINGS])["repositories"]
    return found


@ACTS.by(WRITER, "a repository gets its resource tags")
def _tagged(stage: Stage) -> None:
    hold(stage, SETTINGS)
    visit(stage, SETTINGS)
    arn = _described(stage)["repositoryArn"]
    tags = stage.ecr.list_tags_for_resource(resourceArn=arn)["tags"]
    assert tags == [{"Key": "owner", "Value": "platform"}]


@ACTS.by(WRITER, "the registry's scanning is turned on, which Inspector does")
def _scanning(stage: Stage) -> None:
    visit(stage, REGISTRY)
    found = stage.ecr.get_registry_scanning_configuration()["scanningConfiguration"]
    assert found["scanType"] == "ENHANCED"


@ACTS.by(WRITER, "a creation template is made")
def _template(stage: Stage) -> None:
    visit(stage, REGISTRY)
    (made,) = _templates(stage)
    assert made["imageTagMutability"] == "IMMUTABLE"


@ACTS.by(WRITER, "a creation template is corrected")
def _template_again(stage: Stage) -> None:
    stage.ecr.create_repository_creation_template(
        prefix="base/made",
        appliedFor=["CREATE_ON_PUSH"],
        imageTagMutability="MUTABLE",
        customRoleArn=TEMPLATE_ROLE,
    )
    visit(stage, REGISTRY)
    (made,) = _templates(stage)
    assert made["imageTagMutability"] == "IMMUTABLE"


def _templates(stage: Stage) -> Any:
    return stage.ecr.describe_repository_creation_templates()["repositoryCreationTemplates"]


@ACTS.by(WRITER, "the registry's policy gets its statement")
def _registry_policy(stage: Stage) -> None:
    visit(stage, REGISTRY)
    found = json.loads(stage.ecr.get_registry_policy()["policyText"])["Statement"]
    assert [each["Sid"] for each in found] == [SHARED["Sid"]]


@ACTS.by(
    WRITER,
    "a registry's policy of nothing but a stranger's statement is deleted",
    registry={"policy": {"others": "remove"}},
)
def _no_registry_policy(stage: Stage) -> None:
    stage.ecr.put_registry_policy(policyText=policy(SHARED))
    visit(stage, REGISTRY)
    assert _refused(stage.ecr.get_registry_policy)


@ACTS.by(WRITER, "the registry's replication is set")
def _replication(stage: Stage) -> None:
    visit(stage, REGISTRY)
    assert stage.ecr.describe_registry()["replicationConfiguration"]["rules"]


@ACTS.by(WRITER, "the steward's own roles are excluded from pull times")
def _exclusions(stage: Stage) -> None:
    visit(stage, REGISTRY)
    assert stage.ecr.list_pull_time_update_exclusions()["pullTimeUpdateExclusions"]


@ACTS.by(WRITER, "a new repository that no cache owns is set right")
def _cached(stage: Stage) -> None:
    hold(stage, BARE)
    stage.ecr.set_repository_policy(repositoryName=BARE, policyText=policy(ANYONE))
    send(stage, "SettingsQueue", BARE, Action.SWEEP, call="CreateRepository")
    stage.poll("SettingsQueue", "EnforceSettingsFunction")
    assert _refused(stage.ecr.get_repository_policy, BARE)


@ACTS.by(WRITER, "what there is no time for is sent again")
def _send_again(stage: Stage) -> None:
    for name in (SETTINGS, BARE):
        hold(stage, name)
        send(stage, "SettingsQueue", name, Action.SWEEP)
    with mock.patch.object(writer, "BEGIN_WITHIN", 0):
        reply = stage.poll("SettingsQueue", "EnforceSettingsFunction")
    assert reply == {"batchItemFailures": []}
    assert depth(stage, "SettingsQueue") == 1


def _swept(stage: Stage) -> None:
    hold(stage, SETTINGS)
    send(stage, "SettingsQueue", SETTINGS, Action.SWEEP)


Batches("SettingsQueue", "EnforceSettingsFunction", SETTINGS, _swept).play(ACTS, WRITER)
