"""Images get their expiry tag after a look, and no lifecycle policy takes what runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.expiries import Expiries
from ecr_steward.history.running import RunningImages
from ecr_steward.queues.hints import HintQueue
from ecr_steward.settings import expiry_rule, policies
from ecr_steward.start import sandbox
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.running import Running
from tests.e2e.deployed import Deployed
from tests.support.world import image, manifest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
GOING = "base/going"
RUNS = "base/settings-full-runs"


def has_rule(stack: Deployed) -> bool:
    ecr = stack.cloud.client("ecr")
    try:
        answer = ecr.get_lifecycle_policy(repositoryName=GOING)
    except ecr.exceptions.LifecyclePolicyNotFoundException:
        return False
    return expiry_rule.holds(policies.parse(answer["lifecyclePolicyText"]))


def expiring(stack: Deployed) -> list[str]:
    return [tag for tag in stack.tags(GOING) if tag.startswith("steward-expire-")]


def make_round(stack: Deployed) -> None:
    cause = Cause(f"retention-{sandbox.now().isoformat()}/{GOING}", "Retention")
    hint = Hint(GOING, Action.RETAIN, None, None, cause, sandbox.now())
    sqs = stack.cloud.client("sqs")
    HintQueue(lambda: sqs, stack.id("RetentionQueue")).send(hint)


def test_an_image_that_nothing_keeps_gets_an_expiry_tag_until_it_is_needed(stack: Deployed) -> None:
    table = DynamoTable(stack.cloud.client("dynamodb"), stack.id("HistoryTable"))
    old = stack.push(f"{GOING}:pr-1").digest
    stack.push(f"{GOING}:pr-2")
    RunningImages(table, timedelta(days=7)).looked("pods", [], sandbox.now())
    stack.until(lambda: has_rule(stack), "the lifecycle policy has the rule")
    make_round(stack)
    stack.until(lambda: Expiries(table).due().get(GOING) == 1, "an image is due")
    stack.invoke("LookRunningFunction", {})
    stack.until(lambda: expiring(stack), "an image has its expiry tag")
    (tag,) = expiring(stack)
    assert stack.tags(GOING)[tag] == old
    said = stack.steward("status", "--json")
    assert '"expiring": 1' in said.stdout
    stack.push(f"{GOING}:main", f"{GOING}:pr-1")
    stack.until(lambda: not expiring(stack), "the expiry tag is off")
    stack.rest()
    kinds = [fact.kind for fact in stack.facts(GOING)]
    assert [kind for kind in kinds if kind.value.startswith("expir")] == [
        FactKind.EXPIRING,
        FactKind.EXPIRY_SET,
        FactKind.EXPIRY_CLEARED,
    ]
    assert set(stack.tags(GOING)) == {"pr-1", "pr-2", "main"}


def told(stack: Deployed) -> list[tuple[str, str]]:
    """What was told of the lifecycle policy: problem, and what is done about it."""
    found = (fact.difference for fact in stack.facts(RUNS))
    return [(each.problem, each.action) for each in found if each and each.setting == "lifecycle"]


def test_a_lifecycle_policy_that_could_take_what_runs_comes_back_only_when_it_runs_no_more(
    stack: Deployed,
) -> None:
    ecr, now = stack.cloud.client("ecr"), sandbox.now()
    table = DynamoTable(stack.cloud.client("dynamodb"), stack.id("HistoryTable"))
    running = RunningImages(table, timedelta(days=7))
    stack.cloud.create_repository(RUNS)
    stack.until(lambda: told(stack) == [("missing", "correct")], "the policy is set")
    ecr.put_image(repositoryName=RUNS, imageManifest=manifest("runs"))
    running.saw([Running(RUNS, image("runs"), "nomad", "nomad:web", "", now, now)])
    policy = ecr.get_lifecycle_policy(repositoryName=RUNS)["lifecyclePolicyText"]
    ecr.delete_lifecycle_policy(repositoryName=RUNS)
    stack.until(lambda: ("expires_running", "refuse") in told(stack), "the policy is refused")
    stack.rest()
    with pytest.raises(ecr.exceptions.LifecyclePolicyNotFoundException):
        ecr.get_lifecycle_policy(repositoryName=RUNS)
    running.forget("nomad")
    ecr.put_lifecycle_policy(repositoryName=RUNS, lifecyclePolicyText=policy.replace("14", "15"))
    stack.until(lambda: told(stack)[-1] == ("different", "correct"), "the policy is set again")
    assert ecr.get_lifecycle_policy(repositoryName=RUNS)["lifecyclePolicyText"] == policy
