"""Workloads of another account: its events, its role, and what a stranger is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import ACCOUNT, REGION, ROOT, LocalCloud
from tests.e2e.deployed import Deployed

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
REPOSITORY = "base/away"
AWAY, STRANGER = "210987654321", "333344445555"


class Workloads:
    """An account with workloads, which deployed workloads/template.yaml."""

    def __init__(self, cloud: LocalCloud, account: str, steward: str) -> None:
        self._cloud = cloud
        self.account = account
        outputs = cloud.outputs(steward)
        given = {
            "Steward": steward,
            "StewardAccount": ACCOUNT,
            "LookRunningRoleArn": outputs["LookRunningRoleArn"],
            "WorkloadBusArn": outputs["WorkloadBusArn"],
        }
        formation = self.client("cloudformation")
        formation.create_stack(
            StackName="workloads",
            TemplateBody=(ROOT / "workloads/template.yaml").read_text(),
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        formation.get_waiter("stack_create_complete").wait(
            StackName="workloads", WaiterConfig={"Delay": 0.1, "MaxAttempts": 600}
        )

    def client(self, service: str) -> Any:
        return self._cloud.client_of(self.account, service)

    def serve(self, service: str, tag: str) -> None:
        """Start a service with one task, from a tag of the registry's."""
        ecs, registry = self.client("ecs"), f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
        container = {"name": "app", "image": f"{registry}/{REPOSITORY}:{tag}"}
        ecs.register_task_definition(family=service, containerDefinitions=[container])
        ecs.create_service(
            cluster="prod", serviceName=service, taskDefinition=service, desiredCount=1
        )

    def stop(self, service: str) -> None:
        """Let the service have no task."""
        self.client("ecs").update_service(cluster="prod", service=service, desiredCount=0)

    def lose_events(self) -> None:
        """From now on no event of a task leaves the account."""
        rule = self.client("cloudformation").describe_stack_resource(
            StackName="workloads", LogicalResourceId="TaskChangeRule"
        )["StackResourceDetail"]["PhysicalResourceId"]
        self.client("events").disable_rule(Name=rule)


@pytest.fixture(scope="module")
def away(base: Deployed) -> Iterator[Workloads]:
    base.deploy("enforce")
    with base.parameter(RunningSources="ecs", WorkloadAccounts=AWAY):
        base.push(f"{REPOSITORY}:1.4.2")
        base.rest()
        yield Workloads(base.cloud, AWAY, base.name)


def runs(stack: Deployed) -> set[str]:
    """The workloads that `ecr-steward running` has of the repository."""
    said = json.loads(stack.steward("running", REPOSITORY, "--json").stdout)
    return {each["workload"] for each in said["workloads"]}


def test_a_task_of_another_account_is_known_from_its_event(
    stack: Deployed, away: Workloads
) -> None:
    away.serve("web", "1.4")
    stack.until(lambda: runs(stack) == {f"ecs:{AWAY}/prod/web"}, "the workload is known")


def test_the_look_assumes_the_role_there_and_finds_a_service_with_no_task(
    stack: Deployed, away: Workloads
) -> None:
    away.lose_events()
    away.serve("jobs", "1.4.2")
    away.stop("jobs")
    stack.rest()
    assert f"ecs:{AWAY}/prod/jobs" not in runs(stack)
    stack.invoke("LookRunningFunction", {})
    assert f"ecs:{AWAY}/prod/jobs" in runs(stack)


def test_an_account_that_no_parameter_names_is_not_heard(stack: Deployed, away: Workloads) -> None:
    stranger = Workloads(stack.cloud, STRANGER, stack.name)
    stranger.serve("evil", "1.4")
    stack.rest()
    assert not any(STRANGER in each for each in runs(stack))


@pytest.mark.parametrize("known_id", [False, True])
def test_the_role_there_lets_in_the_look_alone(
    stack: Deployed, away: Workloads, known_id: bool
) -> None:
    registrys = stack.cloud.client_of(ACCOUNT, "sts")
    role = f"arn:aws:iam::{AWAY}:role/{stack.name}-workloads"
    given = {"ExternalId": f"{ACCOUNT}/{stack.name}"} if known_id else {}
    with pytest.raises(ClientError, match="AccessDenied"):
        registrys.assume_role(RoleArn=role, RoleSessionName="somebody", **given)
