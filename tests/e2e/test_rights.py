"""The rights of the deployed roles, held against every call: they suffice, and no more is allowed.

This cloud checks each call against IAM, so it has the ECR that does so too: ministack's own, which
sends no events. A listing of all repositories is asked on `*` there and on `repository/*` by AWS,
so the sweep is not played.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from ecr_steward.words.facts import Fact
from local import images
from local.cloud import REGION, LocalCloud
from local.images import BuiltImage
from local.receiver import Receiver
from tests.e2e import guard
from tests.e2e.deployed import Deployed, by_tag, call_event, ecr_event
from tests.support.settings_world import ANYONE, policy

SETTINGS = "base/settings-rights"
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e: other stacks")]

ROOT_KEY = "test"
REPOSITORY = "base/rights"


class StrictCloud(LocalCloud):
    """A local cloud where only the root key may do everything."""

    def _ministack_command(self, port: int, ecr_port: int) -> tuple[list[str], dict[str, str]]:
        command, environment = super()._ministack_command(port, ecr_port)
        return command, environment | {"AUTH": "true"}

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
        }

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,  # type: ignore[call-overload]
                region_name=REGION,
                endpoint_url=self.url,
                aws_access_key_id=ROOT_KEY,
                aws_secret_access_key=ROOT_KEY,
                config=Config(proxies={}, read_timeout=180),
            )
        return self._clients[service]


@pytest.fixture(scope="module")
def strict(home: Path, template: Path) -> Iterator[Deployed]:
    with guard.over(StrictCloud(home / "rights", schedules=False)) as cloud:
        stack = Deployed(
            cloud,
            "e2e",
            template,
            RepositoryPattern="base/*",
            SettingsMode="enforce",
            EcrEndpointUrl=cloud.url,
        )
        stack.deploy("enforce")
        stack.listen()
        cloud.create_repository(REPOSITORY)
        cloud.create_repository(SETTINGS)
        yield stack


def push(stack: Deployed, version: str) -> BuiltImage:
    """Push a version, and hand its event to the door."""
    image = images.build(f"{REPOSITORY}:{version}")
    images.push(stack.cloud.client("ecr"), f"{REPOSITORY}:{version}", image)
    event = ecr_event(
        **{"result": "SUCCESS", "action-type": "PUSH", "repository-name": REPOSITORY,
           "image-tag": version, "image-digest": image.digest}
    )  # fmt: skip
    assert stack.invoke("CheckTagsFunction", event)["answer"] == "LOOK"
    return image


def test_the_rights_of_the_roles_suffice_from_the_push_to_the_message(strict: Deployed) -> None:
    image = push(strict, "1.4.2")
    strict.until(lambda: strict.messages(REPOSITORY), "people are told")
    strict.rest()
    assert strict.manifests(REPOSITORY, "1.4", "1", "latest") == {
        (image.manifest, image.media_type)
    }
    (message,) = strict.messages(REPOSITORY)
    assert message.subject == f"[ECR Steward] {REPOSITORY}: 1, 1.4, latest put on 1.4.2"
    assert by_tag(strict.facts(REPOSITORY), "failed") == {}


def test_without_the_right_to_put_images_the_writer_is_denied_and_says_so(
    strict: Deployed,
) -> None:
    iam, role = strict.cloud.client("iam"), strict.id("RetagRole")
    asked = {"RoleName": role, "PolicyName": "retag"}
    policy = iam.get_role_policy(**asked)["PolicyDocument"]
    rest = [statement for statement in policy["Statement"] if statement["Sid"] != "MoveTags"]
    iam.put_role_policy(**asked, PolicyDocument=json.dumps({**policy, "Statement": rest}))
    try:
        push(strict, "2.0.0")
        strict.until(lambda: by_tag(strict.facts(REPOSITORY), "failed"), "it is recorded")
        strict.rest()
    finally:
        iam.put_role_policy(**asked, PolicyDocument=json.dumps(policy))
    denied = by_tag(strict.facts(REPOSITORY), "failed")
    assert denied.keys() == {"2.0", "2", "latest"}
    for fact in denied.values():
        assert "AccessDeniedException" in fact.reason
        assert f"{role}/" in fact.reason
        assert "not authorized to perform: ecr:PutImage" in fact.reason
    subjects = [message.subject for message in strict.messages(REPOSITORY)]
    assert f"[ECR Steward] {REPOSITORY}: work on 2, 2.0, latest failed" in subjects
    assert strict.depth("RetagQueue") == 0
    assert strict.failures() == {}


def test_the_notifier_reads_the_addresses_it_is_given_and_no_others(strict: Deployed) -> None:
    ssm = strict.cloud.client("ssm")
    strict.cloud.client("sns").create_topic(Name="stranger")
    with Receiver() as receiver:
        for name in ("/ecr-steward/team", "/elsewhere/team"):
            ssm.put_parameter(Name=name, Type="SecureString", Value=receiver.url("/team"))
        strict.cloud.client("secretsmanager").create_secret(
            Name="ecr-steward/hook", SecretString=receiver.url("/hook")
        )
        for name in ("team", "hook", "email"):
            run = strict.steward("notify-test", name)
            assert run.returncode == 0, run.stderr
        for name, sentence in (
            ("elsewhere", "The notifier is not allowed to read `ssm:/elsewhere/team`"),
            ("stranger", "SNS refuses to publish to the topic"),
        ):
            run = strict.steward("notify-test", name)
            assert run.returncode == 1
            assert sentence in run.stderr
        assert [each.path for each in receiver.received()] == ["/team", "/hook"]


def make_public(stack: Deployed) -> None:
    """Let anyone pull, and hand the call to the door."""
    ecr = stack.cloud.client("ecr")
    ecr.set_repository_policy(repositoryName=SETTINGS, policyText=policy(ANYONE))
    call = call_event("SetRepositoryPolicy", repositoryName=SETTINGS, policyText=policy(ANYONE))
    answer = stack.invoke("CheckSettingsFunction", call)
    assert answer["answer"] == "LOOK"


def test_the_rights_suffice_to_set_every_setting_back_and_to_tell_it(strict: Deployed) -> None:
    make_public(strict)
    strict.until(lambda: strict.messages(SETTINGS), "people are told")
    strict.rest()
    assert strict.policy(SETTINGS) == []
    (found,) = strict.cloud.client("ecr").describe_repositories(repositoryNames=[SETTINGS])[
        "repositories"
    ]
    assert found["imageTagMutability"] == "IMMUTABLE"
    assert found["imageScanningConfiguration"] == {"scanOnPush": True}
    tags = strict.cloud.client("ecr").list_tags_for_resource(resourceArn=found["repositoryArn"])
    assert tags["tags"] == [{"Key": "owner", "Value": "platform"}]
    facts = strict.facts(SETTINGS)
    assert {fact.kind.value for fact in facts} == {"correct"}
    assert {fact.difference.setting for fact in facts if fact.difference} == {
        "policy",
        "immutability",
        "scan_on_push",
        "resource_tags",
    }


def test_without_the_right_to_set_policies_the_writer_is_denied_and_says_so(
    strict: Deployed,
) -> None:
    iam, role = strict.cloud.client("iam"), strict.id("EnforceSettingsRole")
    asked = {"RoleName": role, "PolicyName": "enforce-settings"}
    granted = iam.get_role_policy(**asked)["PolicyDocument"]
    rest = [each for each in granted["Statement"] if each["Sid"] != "SetBackSettings"]
    iam.put_role_policy(**asked, PolicyDocument=json.dumps({**granted, "Statement": rest}))
    try:
        make_public(strict)
        strict.until(lambda: by_kind(strict, "failed"), "it is recorded")
        strict.rest()
    finally:
        iam.put_role_policy(**asked, PolicyDocument=json.dumps(granted))
    (denied,) = by_kind(strict, "failed")
    assert denied.reason.startswith("The policy of the repository could not be corrected: AccessD")
    assert "not authorized to perform: ecr:DeleteRepositoryPolicy" in denied.reason
    assert strict.policy(SETTINGS) == [ANYONE]
    assert strict.depth("SettingsQueue") == 0
    assert strict.failures() == {}


def by_kind(stack: Deployed, kind: str) -> list[Fact]:
    return [fact for fact in stack.facts(SETTINGS) if fact.kind == kind]
