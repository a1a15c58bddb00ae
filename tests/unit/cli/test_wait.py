"""Waiting for a stable tag to come to an image."""

from __future__ import annotations

import json

import pytest

from ecr_steward.history.holds import Hold
from ecr_steward_cli.commands.wait import wait
from ecr_steward_cli.in_memory.images import OCI_MANIFEST
from tests.unit.cli.stack_fakes import Deployed, denied, digest

REPOSITORY = "base/redis"


def manifest(name: str) -> str:
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2}
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {**config, "digest": digest("c")},
        "layers": [],
        "annotations": {"name": name},
    }
    return json.dumps(document)


def push(deployed: Deployed, name: str, tag: str) -> str:
    answer = deployed.ecr.put_image(
        repositoryName=REPOSITORY, imageManifest=manifest(name), imageTag=tag
    )
    return str(answer["image"]["imageId"]["imageDigest"])


@pytest.fixture
def deployed() -> Deployed:
    deployed = Deployed()
    deployed.ecr.create_repository(repositoryName=REPOSITORY)
    for name, tag in (("old", "1.4.1"), ("old", "1.4"), ("new", "1.4.2")):
        push(deployed, name, tag)
    return deployed


def test_a_tag_that_is_there_ends_the_wait_at_once(deployed: Deployed) -> None:
    began = deployed.now
    result = deployed.run(wait, "base/redis:1.4", "--for", "1.4.1")
    assert result.exit_code == 0
    assert result.stdout.startswith("base/redis:1.4 is on 1.4.1 (sha256:")
    assert deployed.now == began
    assert deployed.ecr.calls["DescribeImages"] == 1


def test_a_tag_that_comes_later_ends_the_wait_when_it_comes(deployed: Deployed) -> None:
    began = deployed.now
    deployed.at(7, lambda: push(deployed, "new", "1.4"))
    result = deployed.run(wait, "base/redis:1.4", "--for", "1.4.2")
    assert result.exit_code == 0
    assert (deployed.now - began).total_seconds() == 7


def test_the_image_can_be_given_by_its_digest(deployed: Deployed) -> None:
    deployed.at(1, lambda: push(deployed, "new", "1.4"))
    goal = push(deployed, "new", "1.4.2-copy")
    assert deployed.run(wait, "base/redis:1.4", "--for", goal).exit_code == 0


def test_a_tag_that_does_not_exist_yet_is_waited_for(deployed: Deployed) -> None:
    deployed.at(2, lambda: push(deployed, "new", "latest"))
    assert deployed.run(wait, "base/redis:latest", "--for", "1.4.2").exit_code == 0


def test_after_the_timeout_it_says_where_the_tag_is(deployed: Deployed) -> None:
    began = deployed.now
    result = deployed.run(wait, "base/redis:1.4", "--for", "1.4.2", "--timeout", "5")
    assert result.exit_code == 1
    assert "After 5 seconds base/redis:1.4 is on 1.4.1 (sha256:" in result.stderr
    assert "not on 1.4.2." in result.stderr
    assert (deployed.now - began).total_seconds() == 5


def test_after_the_timeout_it_says_that_the_tag_does_not_exist(deployed: Deployed) -> None:
    result = deployed.run(wait, "base/redis:1", "--for", "1.4.2", "--timeout", "1")
    assert result.exit_code == 1
    assert "base/redis:1 does not exist." in result.stderr


def test_after_the_timeout_it_says_that_nobody_pushed_what_is_waited_for(
    deployed: Deployed,
) -> None:
    result = deployed.run(wait, "base/redis:1.4", "--for", "1.4.9", "--timeout", "1")
    assert result.exit_code == 1
    assert "No image has the tag 1.4.9: was it pushed?" in result.stderr


def test_after_the_timeout_it_says_what_in_the_stack_keeps_the_tag(deployed: Deployed) -> None:
    asked = ("base/redis:1.4", "--for", "1.4.2", "--timeout", "0")
    deployed.history.holds.put("base/redis", Hold("1.4", deployed.now, None, "ada"))
    deployed.history.holds.put("base/redis", Hold("1", deployed.now, None, "eve"))
    said = deployed.run(wait, *asked).stderr
    assert " It is held by ada since " in said
    assert said.endswith(": `ecr-steward release base/redis:1.4` ends that.\n")
    deployed.functions.state = "Disabled"
    assert "Stack `ecr-steward` is paused: `ecr-steward res" in deployed.run(wait, *asked).stderr
    deployed.cloudformation.outputs["Mode"] = "audit"
    assert "has Mode=audit, which moves no tag." in deployed.run(wait, *asked).stderr


def test_a_pipeline_that_may_only_ask_ecr_waits_all_the_same(deployed: Deployed) -> None:
    deployed.refusals["describe_stacks"] = denied("DescribeStacks")
    asked = ("base/redis:1.4", "--for", "1.4.2")
    result = deployed.run(wait, *asked, "--timeout", "1")
    assert result.exit_code == 1
    assert result.stderr.endswith("not on 1.4.2.\n")
    push(deployed, "new", "1.4")
    assert deployed.run(wait, *asked).exit_code == 0


def test_a_repository_that_does_not_exist_is_refused_at_once(deployed: Deployed) -> None:
    began = deployed.now
    result = deployed.run(wait, "base/nothing:1.4", "--for", "1.4.2")
    assert result.exit_code == 2
    assert result.stderr.startswith("There is no repository `base/nothing` in this registry: ")
    assert deployed.now == began


def test_what_is_neither_a_digest_nor_a_tag_is_refused(deployed: Deployed) -> None:
    result = deployed.run(wait, "base/redis:1.4", "--for", "sha256:abc")
    assert result.exit_code == 2
    assert "`sha256:abc` is neither a tag nor `sha256:` and 64 hex digits" in result.stderr
