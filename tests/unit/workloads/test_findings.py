"""What is told of images that run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ecr_steward.history.findings import Findings
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind, FactMaker
from ecr_steward.words.running import Running
from ecr_steward.workloads.findings import Teller
from ecr_steward.workloads.standing import RunningInEcr, Standing
from ecr_steward_cli.in_memory.images import MemoryEcr
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.facts import NEW, OLD, faults
from tests.support.world import image, manifest

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
RULES = Ruleset.from_document(
    {
        "version": 1,
        "rules": [
            {
                "repositories": ["base/*"],
                "mode": "enforce",
                "tags": {
                    "unique": ["semver"],
                    "stable": [{"tag": "{major}.{minor}", "follows": "highest"}],
                },
            }
        ],
    }
)
TELLER = Teller(
    RULES, FactMaker("123456789012", "eu-west-1", lambda: NOON, RULES.fingerprint), Mode.ENFORCE
)
CAUSE = Cause("look-2026-11-23T12:00:00Z", "Look")
PAYMENTS = Running(
    "base/redis", NEW, "ecs", "ecs:prod/payments", f"{HOST}/base/redis:1.4", NOON, NOON
)
WEB = replace(PAYMENTS, workload="ecs:prod/web", written=f"{HOST}/base/redis:1.4.2")
THERE = {NEW: Standing(("1.4", "1.4.2"))}


def told(*records: Running, standing: dict[str, Standing]) -> list[Fact]:
    return TELLER.facts(records, lambda repository, digests: standing, CAUSE)


def test_a_deployment_by_a_stable_tag_is_told_with_the_unique_tag() -> None:
    (fact,) = told(PAYMENTS, WEB, standing=THERE)
    assert (fact.kind, fact.tag, fact.unique) == (FactKind.ON_STABLE, "1.4", "1.4.2")
    assert fact.workloads == ("ecs:prod/payments",)
    assert list(faults(fact.detail_type, fact.to_detail())) == []


def test_a_workload_that_its_stable_tag_has_left_is_told_as_that() -> None:
    (fact,) = told(PAYMENTS, standing={NEW: Standing(("1.4.2",))})
    assert (fact.kind, fact.unique) == (FactKind.BEHIND, "1.4.2")


def test_who_deploys_by_digest_beside_the_tag_is_left_alone() -> None:
    pinned = replace(PAYMENTS, written=f"{PAYMENTS.written}@{NEW}")
    assert told(pinned, standing=THERE) == []


@pytest.mark.parametrize(
    ("standing", "what"), [({}, "deleted"), ({NEW: Standing((), archived=True)}, "archived")]
)
def test_an_image_that_is_gone_is_one_fact_for_all_that_run_it(
    standing: dict[str, Standing], what: str
) -> None:
    lost = [each for each in told(PAYMENTS, WEB, standing=standing) if each.kind is FactKind.LOST]
    (fact,) = lost
    assert fact.workloads == ("ecs:prod/payments", "ecs:prod/web")
    assert fact.reason == (
        f"The image that ecs:prod/payments, ecs:prod/web run was {what}; nobody knows yet by whom."
    )
    assert list(faults(fact.detail_type, fact.to_detail())) == []


def test_an_image_of_what_has_ended_is_not_lost() -> None:
    assert told(replace(PAYMENTS, ended=NOON), standing={}) == []


def test_a_repository_that_no_rule_matches_is_left_alone() -> None:
    assert told(replace(PAYMENTS, repository="other"), standing={}) == []


def test_two_workloads_on_one_tag_and_image_are_two_facts_that_are_both_recorded() -> None:
    facts = told(PAYMENTS, replace(PAYMENTS, workload="ecs:prod/web"), standing=THERE)
    assert len({each.id for each in facts}) == 2
    findings = Findings(MemoryTable())
    assert findings.say(facts) == facts
    assert findings.say(facts) == []


def test_a_loss_is_told_once_and_again_when_it_is_known_by_whom() -> None:
    findings = Findings(MemoryTable())
    mallory = replace(CAUSE, id="call", by="arn:aws:sts::123456789012:assumed-role/Dev/mallory")
    for cause, new in ((CAUSE, 1), (replace(CAUSE, id="next"), 0), (mallory, 1), (mallory, 0)):
        facts = TELLER.lost("base/redis", [PAYMENTS], {}, cause)
        assert len(findings.say(facts)) == new


def test_ecr_is_asked_for_a_hundred_images_at_once_and_finds_the_one_that_is_gone() -> None:
    ecr = MemoryEcr()
    ecr.create_repository(repositoryName="base/redis")
    versions = [f"1.0.{n}" for n in range(60)]
    for each in versions:
        ecr.put_image(repositoryName="base/redis", imageManifest=manifest(each), imageTag=each)
    ecr.calls.clear()
    images = RunningInEcr(ecr)
    digests = [image(each) for each in versions]
    assert images.standing("base/redis", digests).keys() == set(digests)
    assert ecr.calls == {"DescribeImages": 1}
    assert images.standing("base/redis", [*digests, OLD]).keys() == set(digests)
    assert ecr.calls["DescribeImages"] < 20
    assert images.standing("gone", digests) == {}
