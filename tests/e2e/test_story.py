"""A repository's story, deployed: nothing goes back, and what is not news changes nothing."""

from __future__ import annotations

import uuid

import pytest

from tests.e2e.deployed import Deployed, by_tag, ecr_event

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def test_tags_move_forward_only_whatever_the_order_of_pushes(stack: Deployed) -> None:
    repository = "base/story"
    expected: dict[str, str] = {}
    for version, moved in (
        ("1.4.1", ["1.4", "1", "latest"]),
        ("1.4.2", ["1.4", "1", "latest"]),
        ("2.0.0", ["2.0", "2", "latest"]),
        ("1.4.3", ["1.4", "1"]),
        ("1.3.9", ["1.3"]),
        ("2.1.0-rc.1", []),
        ("0.9.0", ["0.9"]),
        ("v2.0.1", ["2.0", "2", "latest"]),
    ):
        stack.cloud.reset_calls()
        image = stack.push(f"{repository}:{version}")
        stack.rest()
        expected |= dict.fromkeys([version, *moved], image.digest)
        assert stack.tags(repository) == expected, version
        assert stack.writes() == len(moved), version
    assert len(stack.messages(repository)) == 7


def test_several_versions_at_once_come_out_as_if_in_order(stack: Deployed) -> None:
    repository = "base/at-once"
    versions = ("1.4.2", "1.5.0", "1.4.10", "1.4.9", "1.10.0", "1.9.9")
    pushed = {version: stack.push(f"{repository}:{version}").digest for version in versions}
    stack.rest()
    stable = {"1.4": "1.4.10", "1.5": "1.5.0", "1.9": "1.9.9"}
    stable |= dict.fromkeys(["1.10", "1", "latest"], "1.10.0")
    assert stack.tags(repository) == pushed | {tag: pushed[v] for tag, v in stable.items()}


def test_repeated_events_change_and_say_nothing(stack: Deployed) -> None:
    repository = "base/repeated"
    image = stack.push(f"{repository}:1.4.2")
    stack.rest()
    before, told = stack.tags(repository), stack.facts(repository)
    stack.cloud.reset_calls()
    same = ecr_event(
        **{"result": "SUCCESS", "action-type": "PUSH", "repository-name": repository,
           "image-tag": "1.4.2", "image-digest": image.digest}
    )  # fmt: skip
    stack.event_again(repository, "1.4.2", image.digest)
    for _ in range(2):
        assert stack.invoke("CheckTagsFunction", same)["answer"] == "LOOK"
    stack.event_again(repository, "1.4", image.digest)
    stack.rest()
    assert stack.writes() == 0
    assert stack.tags(repository) == before
    assert stack.facts(repository) == told
    assert len(stack.messages(repository)) == 1


def test_the_echoes_of_our_own_writes_cost_one_read_each_at_most(stack: Deployed) -> None:
    repository = "base/echoes"
    stack.push(f"{repository}:1.4.1")
    stack.rest()
    stack.cloud.reset_calls()
    stack.push(f"{repository}:1.4.2")
    stack.rest()
    calls = stack.cloud.calls()["functions"]
    # Each process of the notifier asks once who owns the repository.
    calls.pop("ListTagsForResource", None)
    assert calls.pop("PutImage") == 3
    assert calls.pop("DescribeImages") == 1
    assert 1 <= calls.pop("BatchGetImage") <= 1 + 3
    assert calls == {}


def test_a_tag_outside_the_scheme_is_said_once_and_stays(stack: Deployed) -> None:
    repository = "base/off-scheme"
    image = stack.push(f"{repository}:final-fix")
    stack.rest()
    stack.event_again(repository, "final-fix", image.digest)
    stack.rest()
    assert stack.tags(repository) == {"final-fix": image.digest}
    assert list(by_tag(stack.facts(repository), "reject")) == ["final-fix"]
    (message,) = stack.messages(repository)
    assert message.subject == f"[ECR Steward] {repository}: final-fix rejected by the scheme"


def test_a_stable_tag_moved_by_hand_comes_back_and_the_stray_image_is_pinned(
    stack: Deployed,
) -> None:
    repository = "base/by-hand"
    release = stack.push(f"{repository}:1.4.2")
    stack.rest()
    stray = stack.push(f"{repository}:latest", "stray")
    stack.rest()
    tags = stack.tags(repository)
    assert tags.pop("latest") == release.digest
    (pin,) = [tag for tag, digest in tags.items() if digest == stray.digest]
    assert pin.startswith("latest-")
    assert pin.endswith(f"-{stray.digest[7:19]}")
    assert len(stack.messages(repository)) == 2


def test_a_deleted_version_leaves_its_lines_to_the_next_below(stack: Deployed) -> None:
    repository = "base/deleted"
    below = stack.push(f"{repository}:1.4.1")
    bad = stack.push(f"{repository}:1.4.2")
    stack.rest()
    stack.cloud.client("ecr").batch_delete_image(
        repositoryName=repository, imageIds=[{"imageDigest": bad.digest}]
    )
    stack.rest()
    assert stack.tags(repository) == dict.fromkeys(["1.4.1", "1.4", "1", "latest"], below.digest)


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("base/not-asked:buildcache-amd64", "ignored"),
        ("base/not-asked:main", "moved by the pipeline"),
        ("tools/nobodys:1.4.2", "no rule, and not this stack's"),
    ],
)
def test_what_is_none_of_the_stewards_business_costs_no_call_of_ecr(
    stack: Deployed, reference: str, why: str
) -> None:
    image = stack.push(reference)
    stack.rest()
    repository, _, tag = reference.partition(":")
    assert stack.tags(repository)[tag] == image.digest, why
    assert "functions" not in stack.cloud.calls()
    assert stack.facts(repository) == []


def test_the_event_of_a_repository_that_is_gone_ends_quietly(stack: Deployed) -> None:
    repository = f"base/gone-{uuid.uuid4().hex[:8]}"
    stack.event_again(repository, "1.4.2", "sha256:" + "a" * 64)
    stack.rest()
    assert stack.facts(repository) == []
    assert stack.depth("RetagQueue") == 0
    assert stack.messages(repository) == []
