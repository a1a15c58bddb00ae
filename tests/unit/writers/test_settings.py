"""What one visit to the settings of a repository finds, says and sets back."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.doors.calls import CallAnswer
from ecr_steward.ecr import Denied, Unavailable
from ecr_steward.history.settings import Known, SettingsHistory
from ecr_steward.rules import Mode
from ecr_steward.settings import expiry_rule
from ecr_steward.settings.state import Problem, SettingAction, SettingChange
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers import preview
from ecr_steward.writers.passing import StewardOff
from ecr_steward.writers.places import RepositoryPlace
from ecr_steward.writers.preview import Outlook
from ecr_steward.writers.setting_facts import SettingFacts
from tests.support.facts import faults
from tests.support.having import shown
from tests.support.settings_world import (
    ALICE,
    ANYONE,
    BASELINE,
    GRACE,
    LAMBDAS,
    MALLORY,
    OURS,
    STEWARD,
    UNTAGGED_GO,
    SettingsWorld,
    policy,
    rules_for,
)
from tests.support.world import REPOSITORY, WatchedTable, image, manifest

UNCHANGED = {
    "DescribeRepositories": 1,
    "GetRepositoryPolicy": 1,
    "GetLifecyclePolicy": 1,
    "ListTagsForResource": 1,
}


def swept(world: SettingsWorld) -> Hint:
    return Hint(REPOSITORY, Action.SWEEP, None, None, Cause("sweep-x/y", "Sweep"), world.now)


@pytest.fixture
def world() -> SettingsWorld:
    """A repository at its baseline."""
    made = SettingsWorld()
    made.put_right()
    return made


# ---------------------------------------------------------------------------- corrected
def test_a_new_repository_gets_every_setting_of_its_baseline() -> None:
    world = SettingsWorld()
    world.settle()
    assert world.policy() == [OURS]
    found = shown(world.enforcer.setup.registry, REPOSITORY)
    assert found["scan_on_push"] is True
    assert found["lifecycle"] == UNTAGGED_GO
    assert found["resource_tags"] == {"owner": "platform"}
    assert world.about() == {
        ("correct", "policy", "missing"): 1,
        ("correct", "lifecycle", "missing"): 1,
        ("correct", "scan_on_push", "different"): 1,
        ("correct", "resource_tags", "missing"): 1,
    }
    assert {fact.cause.by for fact in world.told()} == {MALLORY}
    assert {fact.of for fact in world.told()} == {4}


def test_a_repository_made_public_is_put_right_and_its_story_told(world: SettingsWorld) -> None:
    world.set_policy(OURS, ANYONE, LAMBDAS)
    world.settle()
    assert world.policy() == [OURS, LAMBDAS]
    (fact,) = world.told()
    assert fact.kind is FactKind.CORRECT
    assert fact.mode == "enforce"
    assert fact.cause.by == MALLORY
    assert fact.difference is not None
    assert (fact.difference.setting, fact.difference.problem) == ("policy", "public")
    assert (fact.difference.before, fact.difference.after) == (ANYONE, None)
    assert list(faults(fact.detail_type, fact.to_detail())) == []


@pytest.mark.parametrize(
    ("spoil", "setting"),
    [
        (lambda ecr: ecr.delete_repository_policy(repositoryName=REPOSITORY), "policy"),
        (lambda ecr: ecr.delete_lifecycle_policy(repositoryName=REPOSITORY), "lifecycle"),
        (
            lambda ecr: ecr.put_image_tag_mutability(
                repositoryName=REPOSITORY, imageTagMutability="IMMUTABLE"
            ),
            "immutability",
        ),
        (
            lambda ecr: ecr.put_image_scanning_configuration(
                repositoryName=REPOSITORY, imageScanningConfiguration={"scanOnPush": False}
            ),
            "scan_on_push",
        ),
        (
            lambda ecr: ecr.untag_resource(
                resourceArn=f"arn:aws:ecr:eu-west-1:123456789012:repository/{REPOSITORY}",
                tagKeys=["owner"],
            ),
            "resource_tags",
        ),
    ],
)
def test_each_setting_is_found_and_set_back(world: SettingsWorld, spoil: Any, setting: str) -> None:
    spoil(world.ecr)
    world.settle()
    (fact,) = world.told()
    assert fact.kind is FactKind.CORRECT
    assert fact.difference is not None
    assert fact.difference.setting == setting
    assert fact.cause.by == MALLORY
    assert world.calls(lambda: world.visit([swept(world)])) == UNCHANGED


def test_what_cannot_be_changed_is_reported_once() -> None:
    world = SettingsWorld(rules_for({"encryption": "KMS"}))
    world.settle()
    world.sweep()
    (fact,) = world.told()
    assert fact.kind is FactKind.DRIFT
    assert fact.difference is not None
    assert (fact.difference.problem, fact.difference.action) == ("unchangeable", "report")


def test_the_stewards_own_calls_cause_nothing(world: SettingsWorld) -> None:
    world.answers.clear()
    world.set_policy(ANYONE)
    world.settle()
    assert world.answers == [CallAnswer.LOOK, CallAnswer.OWN]


def test_a_rule_that_drops_a_statement_has_it_taken_out() -> None:
    world = SettingsWorld(rules_for({"policy": {"statements": [OURS], "others": "keep"}}))
    world.put_right()
    assert world.policy() == [OURS]
    world.deploy(rules_for({"policy": {"statements": [], "others": "keep"}}))
    world.sweep()
    assert world.policy() == []
    assert world.about()["correct", "policy", "extra"] == 1
    assert {fact.kind for fact in world.told()} == {FactKind.CORRECT}


def test_a_statement_that_a_refusal_left_in_is_taken_out_later() -> None:
    other = {**OURS, "Sid": "Other"}
    world = SettingsWorld(rules_for({"policy": {"statements": [OURS], "others": "keep"}}))
    world.put_right()
    world.deploy(rules_for({"policy": {"statements": [other], "others": "keep"}}))
    world.ecr.before = fails("AccessDenied", "SetRepositoryPolicy", "DeleteRepositoryPolicy")
    world.sweep()
    assert world.policy() == [OURS]
    world.ecr.before = fails("")
    world.sweep()
    assert world.policy() == [other]


def test_a_statement_that_somebody_else_put_in_is_not_taken_out_with_the_rule() -> None:
    theirs = {**OURS, "Sid": "Theirs"}
    world = SettingsWorld(rules_for({"policy": {"statements": [], "others": "keep"}}))
    world.set_policy(theirs)
    world.settle()
    assert world.policy() == [theirs]


# ---------------------------------------------------------------------------- cost
def test_an_unchanged_repository_costs_four_reads_and_no_write_anywhere(
    world: SettingsWorld,
) -> None:
    def visit() -> None:
        world.wire.steps = 0
        world.visit([swept(world)])

    assert world.calls(visit) == UNCHANGED
    world.arm(None)
    world.visit([swept(world)])
    # One read of the table; before and after of four calls; the sweep's own two writes and a read.
    assert world.wire.steps <= 1 + 2 * 4 + 5


@pytest.mark.parametrize(
    ("baseline", "reads"),
    [
        ({"scan_on_push": True}, {"DescribeRepositories"}),
        (
            {"policy": {"public": "remove", "others": "keep"}},
            {"DescribeRepositories", "GetRepositoryPolicy"},
        ),
        ({"lifecycle": UNTAGGED_GO}, {"DescribeRepositories", "GetLifecyclePolicy"}),
        ({"resource_tags": {"a": "b"}}, {"DescribeRepositories", "ListTagsForResource"}),
    ],
)
def test_only_what_the_baseline_states_is_read(baseline: Any, reads: set[str]) -> None:
    world = SettingsWorld(rules_for(baseline))
    world.put_right()
    assert world.calls(lambda: world.visit([swept(world)])).keys() == reads


# ---------------------------------------------------------------------------- said once
def audited() -> SettingsWorld:
    world = SettingsWorld(mode=Mode.AUDIT)
    world.settle()
    return world


def test_audit_reports_and_changes_nothing() -> None:
    world = audited()
    world.set_policy(ANYONE)
    world.table.told.clear()
    world.answers.clear()
    assert set(world.calls(world.settle)) == set(UNCHANGED)
    assert world.policy() == [ANYONE]
    assert world.about() == {("drift", "policy", "public"): 1}
    (fact,) = world.told()
    assert (fact.mode, fact.cause.by) == ("audit", MALLORY)
    assert list(faults(fact.detail_type, fact.to_detail())) == []


def test_a_rule_in_audit_is_not_enforced_by_the_stack() -> None:
    world = SettingsWorld(rules_for(BASELINE, mode="audit"))
    world.settle()
    assert world.policy() == []
    assert {fact.kind for fact in world.told()} == {FactKind.DRIFT}


def test_a_drift_is_told_once_however_often_it_is_seen() -> None:
    world = audited()
    told = len(world.told())
    for _ in range(3):
        world.sweep()
    assert len(world.past()) == len(world.told()) == told == 4


def test_a_drift_that_was_gone_in_between_is_told_again() -> None:
    world = audited()
    for _ in range(2):
        world.set_policy(ANYONE)
        world.settle()
        world.set_policy(OURS)
        world.settle()
    assert world.about()["drift", "policy", "public"] == 2


def test_a_drift_that_changes_is_told_again() -> None:
    world = audited()
    world.set_policy(ANYONE)
    world.settle()
    world.set_policy({**ANYONE, "Action": ["ecr:*"]})
    world.settle()
    assert world.about()["drift", "policy", "public"] == 2


def test_rules_that_judge_the_same_say_nothing_again_and_others_do() -> None:
    world = audited()
    told = len(world.told())
    world.deploy(rules_for({**BASELINE, "encryption": "AES256"}), Mode.AUDIT)
    world.sweep()
    assert len(world.told()) == told
    world.deploy(rules_for({**BASELINE, "resource_tags": {"owner": "security"}}), Mode.AUDIT)
    world.sweep()
    assert len(world.told()) == told + 1


def test_the_first_sight_by_a_sweep_is_kept_and_told_in_the_summary_alone() -> None:
    world = SettingsWorld(mode=Mode.AUDIT)
    world.trail.clear()
    world.sweep()
    assert [fact.kind for fact in world.told()] == []
    assert len(world.past()) == 4
    world.set_policy(ANYONE)
    world.settle()
    assert world.about() == {("drift", "policy", "public"): 1}


def test_a_repository_of_the_same_name_is_another_one() -> None:
    world = audited()
    told = len(world.told())
    world.now += timedelta(minutes=1)
    world.ecr.delete_repository(repositoryName=REPOSITORY)
    world.ecr.create_repository(repositoryName=REPOSITORY)
    world.settle()
    assert len(world.told()) == 2 * told


def test_each_drift_is_attributed_to_whoever_made_that_call() -> None:
    world = audited()
    world.table.told.clear()
    hints: list[Hint] = []
    world.set_policy(ANYONE, by=MALLORY)
    world.ecr.caller = ALICE
    world.ecr.put_image_tag_mutability(repositoryName=REPOSITORY, imageTagMutability="IMMUTABLE")
    for event in world.trail:
        call = Hint(
            REPOSITORY, Action.CALL, None, None,
            Cause(event["id"], event["detail-type"], event["detail"]["userIdentity"]["arn"]),
            world.now, event["detail"]["eventName"],
        )  # fmt: skip
        hints.append(call)
    world.visit(hints)
    by = {f.difference.setting: f.cause.by for f in world.told() if f.difference is not None}
    assert by == {"policy": MALLORY, "immutability": ALICE}


# ---------------------------------------------------------------------------- lifecycle
EXPIRES = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {
                "tagStatus": "tagged",
                "tagPatternList": ["1.*"],
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 30,
            },
            "action": {"type": "expire"},
        }
    ]
}
UNSTABLE = {"unique": ["semver"]}
ALL = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {
                "tagStatus": "tagged",
                "tagPatternList": ["*"],
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 30,
            },
            "action": {"type": "expire"},
        }
    ]
}


def test_a_lifecycle_policy_is_previewed_before_it_is_set_and_the_event_says_so() -> None:
    world = SettingsWorld(rules_for({"lifecycle": EXPIRES}, tags=UNSTABLE))
    world.push("1.0.0", age=timedelta(days=40))
    world.push("1.1.0", age=timedelta(days=40))
    world.push("1.2.0")
    world.settle()
    (fact,) = world.told()
    assert fact.kind is FactKind.CORRECT
    assert "2 images would expire now, among them 1.0.0, 1.1.0." in fact.reason
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] == EXPIRES


def test_a_lifecycle_policy_that_would_expire_stable_tags_is_refused_and_reported() -> None:
    world = SettingsWorld(rules_for({"lifecycle": ALL}))
    world.push("latest", age=timedelta(days=40))
    world.settle()
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] is None
    assert world.about() == {
        ("drift", "lifecycle", "missing"): 1,
        ("drift", "lifecycle", "expires_stable"): 1,
    }
    assert {f.difference.action for f in world.told() if f.difference} == {"refuse"}
    world.deploy(rules_for({"lifecycle": {**ALL, "allow_expiring_stable": True}}))
    world.sweep()
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] == ALL


UNTAGGED: dict[str, Any] = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 30,
            },
            "action": {"type": "expire"},
        }
    ]
}


def test_a_lifecycle_policy_that_would_expire_what_runs_is_refused_until_it_runs_no_more() -> None:
    world = SettingsWorld(rules_for({"lifecycle": UNTAGGED}))
    world.push("1.0.0", age=timedelta(days=40))
    world.ecr.put_image(
        repositoryName=REPOSITORY, imageManifest=manifest("1.1.0"), imageTag="1.0.0"
    )
    world.enforcer.setup.running = lambda repository: {image("1.0.0"): ["ecs:prod/payments"]}
    world.settle()
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] is None
    assert ("drift", "lifecycle", "expires_running") in world.about()
    world.enforcer.setup.running = lambda repository: {}
    world.sweep()
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] == UNTAGGED


def could_go() -> SettingsWorld:
    """A repository whose rule has a policy that could take what runs, some day."""
    world = SettingsWorld(rules_for({"lifecycle": EXPIRES}, tags=UNSTABLE))
    world.push("1.0.0")
    world.runs("ecs:prod/web", "1.0.0")
    return world


def test_a_policy_that_could_take_what_runs_is_refused_by_its_rules_alone() -> None:
    world = could_go()
    calls = world.calls(world.settle)
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] is None
    assert world.about() == {
        ("drift", "lifecycle", "missing"): 1,
        ("drift", "lifecycle", "expires_running"): 1,
    }
    assert calls["DescribeImages"] == 1
    assert "StartLifecyclePolicyPreview" not in calls
    world.sweep()
    assert len(world.told()) == 2


def test_a_policy_that_is_refused_for_what_runs_is_told_once_whatever_is_deployed() -> None:
    world = could_go()
    world.settle()
    for version in ("1.0.1", "1.0.2"):
        world.push(version)
        world.runs("ecs:prod/web", version)
        world.sweep()
    assert len(world.told()) == 2


def test_a_policy_that_could_take_what_ran_is_set_after_the_grace() -> None:
    world = could_go()
    world.settle()
    world.ends("ecs:prod/web", "1.0.0")
    world.sweep()
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] is None
    world.now += GRACE
    world.sweep()
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] == EXPIRES


def test_a_policy_that_is_there_is_not_held_against_what_it_could_take_some_day() -> None:
    world = could_go()
    world.ecr.put_lifecycle_policy(
        repositoryName=REPOSITORY, lifecyclePolicyText=json.dumps(EXPIRES)
    )
    assert "DescribeImages" not in world.calls(world.settle)
    assert world.told() == []


def test_a_policy_that_takes_stable_tags_and_what_runs_is_refused_for_both() -> None:
    world = SettingsWorld(rules_for({"lifecycle": ALL}))
    world.push("1.0.0")
    world.runs("ecs:prod/web", "1.0.0")
    world.settle()
    problems = {problem for _, _, problem in world.about()}
    assert problems == {"missing", "expires_stable", "expires_running"}


def test_a_policy_is_not_set_where_the_tags_of_what_runs_cannot_be_read() -> None:
    def denied(repository: str, running: object) -> Any:
        raise Denied("DescribeImages", "AccessDenied", "no")

    world = could_go()
    world.enforcer.setup.tagged = denied
    world.settle()
    (fact,) = world.told()
    assert fact.kind is FactKind.FAILED
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] is None


def goes_in_a_week(**more: Any) -> SettingsWorld:
    """A repository whose policy takes an image in four days from which `web` runs."""
    world = SettingsWorld(rules_for({"lifecycle": {**EXPIRES, **more}}, tags=UNSTABLE))
    world.settle()
    world.push("1.0.0", age=timedelta(days=26))
    world.enforcer.setup.running = lambda repository: {image("1.0.0"): ["ecs:prod/web"]}
    world.table.told.clear()
    return world


def test_what_the_policy_in_place_takes_of_what_runs_is_told_once_and_a_week_before() -> None:
    world = goes_in_a_week()
    for _ in range(3):
        world.sweep()
    (fact,) = world.told()
    assert fact.difference is not None
    assert (fact.difference.problem, fact.difference.action) == ("expires_running", "report")
    assert "would expire 1 image within 7 days from which ecs:prod/web can start" in fact.reason


def test_ecr_is_asked_once_for_a_policy_and_what_runs_and_again_a_day_later() -> None:
    world = goes_in_a_week()
    starts = "StartLifecyclePolicyPreview"
    assert [starts in world.calls(world.sweep) for _ in range(3)] == [True, False, False]
    world.enforcer.setup.running = lambda repository: {image("1.1.0"): ["ecs:prod/web"]}
    assert starts in world.calls(world.sweep)
    world.now += preview.JUDGED
    assert starts in world.calls(world.sweep)


def test_nothing_is_asked_of_ecr_where_nothing_runs() -> None:
    world = goes_in_a_week()
    world.enforcer.setup.running = lambda repository: {}
    assert "GetLifecyclePolicyPreview" not in world.calls(world.sweep)


def test_somebody_elses_policy_is_held_against_what_runs_where_any_will_do() -> None:
    world = goes_in_a_week(when="absent")
    world.ecr.put_lifecycle_policy(
        repositoryName=REPOSITORY, lifecyclePolicyText=json.dumps(UNTAGGED)
    )
    world.sweep()
    assert world.told() == []
    world.ecr.put_lifecycle_policy(repositoryName=REPOSITORY, lifecyclePolicyText=json.dumps(ALL))
    world.sweep()
    assert world.about() == {("drift", "lifecycle", "expires_running"): 1}


def test_what_runs_is_held_against_the_policy_in_place_while_the_expiry_rule_is_merged() -> None:
    stated, expire = {"lifecycle": EXPIRES}, {"others": "expire", "keep": [{"newest": 3}]}
    world = goes_in_a_week()
    world.deploy(rules_for(stated, tags=UNSTABLE, images=expire), expiry=True)
    world.enforcer.setup.running = lambda repository: {image("1.0.0"): ["ecs:prod/web"]}
    world.sweep()
    assert world.about() == {
        ("correct", "lifecycle", "missing"): 1,
        ("drift", "lifecycle", "expires_running"): 1,
    }


@pytest.mark.parametrize("stated", [{}, {"lifecycle": {**EXPIRES, "when": "absent"}}])
def test_a_rule_that_loses_images_loses_the_expiry_rule_of_its_policies(stated: Any) -> None:
    expire = {"others": "expire", "keep": [{"newest": 3}]}
    world = SettingsWorld()
    world.deploy(rules_for(stated, tags=UNSTABLE, images=expire), expiry=True)
    world.settle()
    with_it = shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"]
    assert expiry_rule.holds(with_it)
    world.deploy(rules_for(stated, tags=UNSTABLE), expiry=True)
    world.sweep()
    without = shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"]
    assert without == expiry_rule.stripped(with_it)


def test_a_policy_is_not_set_where_the_preview_alone_shows_what_it_takes_of_what_runs() -> None:
    world = SettingsWorld(rules_for({"lifecycle": EXPIRES}, tags=UNSTABLE))
    world.push("1.0.0", age=timedelta(days=26))
    world.runs("ecs:prod/web", "1.0.0")
    world.enforcer.setup.tagged = lambda repository, running: ()
    world.settle()
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] is None
    assert ("drift", "lifecycle", "expires_running") in world.about()


def test_a_policy_that_spares_what_runs_is_set_and_the_event_says_what_it_takes() -> None:
    world = SettingsWorld(rules_for({"lifecycle": EXPIRES}, tags=UNSTABLE))
    world.push("1.0.0", age=timedelta(days=26))
    world.push("2.0.0")
    world.runs("ecs:prod/web", "2.0.0")
    world.settle()
    (fact,) = world.told()
    assert "1 image would expire within 7 days, among them 1.0.0." in fact.reason
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] == EXPIRES


def test_a_long_preview_of_the_policy_in_place_keeps_no_visit_waiting() -> None:
    world = goes_in_a_week()
    world.ecr.preview_polls = 2 * preview.POLLS
    world.sweep()
    assert world.told() == []
    for _ in range(3):
        world.now += timedelta(hours=7)
        world.sweep()
    assert world.about() == {("drift", "lifecycle", "expires_running"): 1}
    assert world.ecr.calls["StartLifecyclePolicyPreview"] == 2


def test_a_lifecycle_policy_in_any_order_is_the_one_that_ecr_previewed() -> None:
    first, second = UNTAGGED_GO["rules"][0], EXPIRES["rules"][0]
    stated = {"rules": [{**second, "rulePriority": 2}, {**first, "rulePriority": 1}]}
    world = SettingsWorld(rules_for({"lifecycle": stated}, tags=UNSTABLE))
    world.settle()
    assert [(fact.kind, fact.of) for fact in world.told()] == [(FactKind.CORRECT, 1)]
    assert world.ecr.calls["StartLifecyclePolicyPreview"] == 1


def test_a_preview_that_takes_long_makes_only_the_lifecycle_policy_wait() -> None:
    world = SettingsWorld(rules_for({"lifecycle": EXPIRES, "scan_on_push": True}, tags=UNSTABLE))
    world.ecr.preview_polls = 2 * preview.POLLS
    with pytest.raises(Unavailable, match="the lifecycle preview is still running"):
        world.settle()
    assert world.about() == {("correct", "scan_on_push", "different"): 1}
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] is None
    hint = swept(world)
    for _ in range(2):
        try:
            world.visit([hint])
        except Unavailable:
            continue
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] == EXPIRES
    assert world.ecr.calls["StartLifecyclePolicyPreview"] == 1
    assert len(world.told()) == 2


def test_somebody_elses_preview_is_waited_for_and_not_believed() -> None:
    world = SettingsWorld(rules_for({"lifecycle": EXPIRES}, tags=UNSTABLE))
    world.ecr.preview_polls = 1
    world.ecr.start_lifecycle_policy_preview(
        repositoryName=REPOSITORY, lifecyclePolicyText=json.dumps(UNTAGGED_GO)
    )
    world.trail.clear()
    hint = swept(world)
    for _ in range(3):
        try:
            world.visit([hint])
        except Unavailable:
            continue
        break
    assert shown(world.enforcer.setup.registry, REPOSITORY)["lifecycle"] == EXPIRES


# ---------------------------------------------------------------------------- bad days
def fails(code: str, *operations: str, times: int = 1000) -> Any:
    left = [times]

    def before(operation: str, asked: Any) -> None:
        if operation in operations and left[0]:
            left[0] -= 1
            message = "no" if code != "InvalidParameterException" else (
                "Invalid parameter at 'PolicyText' failed to satisfy constraint: "
                "'Invalid repository policy provided'"
            )  # fmt: skip
            raise ClientError(
                {"Error": {"Code": code, "Message": message},
                 "ResponseMetadata": {"HTTPStatusCode": 400}},  # type: ignore[typeddict-item]
                operation,
            )  # fmt: skip

    return before


def test_a_denied_call_is_told_once_and_the_other_settings_are_set_back(
    world: SettingsWorld,
) -> None:
    world.set_policy(ANYONE)
    world.ecr.put_image_tag_mutability(repositoryName=REPOSITORY, imageTagMutability="IMMUTABLE")
    world.ecr.before = fails("AccessDeniedException", "SetRepositoryPolicy")
    for _ in range(2):
        world.settle()
        world.sweep()
    assert [fact.kind for fact in world.told()] == [FactKind.CORRECT, FactKind.FAILED] or [
        fact.kind for fact in world.told()
    ] == [FactKind.FAILED, FactKind.CORRECT]
    (failed,) = world.told(FactKind.FAILED)
    assert failed.reason == (
        "The policy of the repository could not be corrected: AccessDeniedException (no)."
    )
    assert list(faults(failed.detail_type, failed.to_detail())) == []
    world.ecr.before = None
    world.sweep()
    assert world.policy() == [OURS]


def test_throttling_loses_nothing_and_doubles_nothing(world: SettingsWorld) -> None:
    world.set_policy(ANYONE)
    world.ecr.put_image_tag_mutability(repositoryName=REPOSITORY, imageTagMutability="IMMUTABLE")
    events = list(world.trail)
    world.ecr.before = fails("ThrottlingException", "SetRepositoryPolicy", times=1)
    with pytest.raises(Unavailable):
        world.deliver(events[0])
    for event in events:
        world.deliver(event)
    world.settle()
    assert world.policy() == [OURS]
    ids = [fact.id for fact in world.told()]
    assert len(ids) == len(set(ids)) == 3
    assert world.about() == {
        ("correct", "policy", "public"): 1,
        ("correct", "policy", "missing"): 1,
        ("correct", "immutability", "different"): 1,
    }


def test_a_principal_that_is_too_new_is_tried_again(world: SettingsWorld) -> None:
    world.set_policy(ANYONE)
    world.ecr.before = fails("InvalidParameterException", "SetRepositoryPolicy", times=2)
    world.settle()
    assert world.policy() == [OURS]
    assert world.slept == [2.0, 4.0]
    assert world.told(FactKind.FAILED) == []


def test_a_principal_that_does_not_exist_is_told_and_the_public_statement_still_goes(
    world: SettingsWorld,
) -> None:
    world.set_policy(ANYONE, LAMBDAS)
    world.ecr.strangers.add("111122223333")
    world.settle()
    assert world.policy() == [LAMBDAS]
    assert world.about() == {("correct", "policy", "public"): 1}
    (failed,) = world.told(FactKind.FAILED)
    assert "mostly a principal does not exist (any more)" in failed.reason
    world.ecr.strangers.clear()
    world.sweep()
    assert OURS in world.policy()


FORMER = "arn:aws:iam::123456789012:role/Former"
THEIRS = {**OURS, "Sid": "Theirs", "Principal": {"AWS": FORMER}}


@pytest.mark.parametrize("tags", [None, UNSTABLE])
def test_no_statement_keeps_the_writer_of_tags_from_its_work(tags: Any) -> None:
    frozen = {**ANYONE, "Sid": "Freeze", "Effect": "Deny", "Action": "ecr:PutImage"}
    world = SettingsWorld(rules_for({"policy": {"statements": [frozen]}}, tags=tags))
    world.settle()
    assert world.policy() == ([frozen] if tags is None else [])
    problem = "missing" if tags is None else "locks_out"
    assert [f.difference.problem for f in world.told() if f.difference] == [problem]


@pytest.mark.parametrize("beside", [[], ["arn:aws:iam::123456789012:role/Here"]])
def test_a_deleted_principal_in_anothers_statement_does_not_keep_a_public_one(
    world: SettingsWorld, beside: list[str]
) -> None:
    world.set_policy({**THEIRS, "Principal": {"AWS": [FORMER, *beside]}}, ANYONE)
    world.ecr.forget_principal(FORMER, "AROAEXAMPLEEXAMPLE")
    world.settle()
    left = [{**THEIRS, "Principal": {"AWS": beside}}] if beside else []
    assert world.policy() == [*left, OURS]
    assert world.about() == {
        ("correct", "policy", "public"): 1,
        ("correct", "policy", "missing"): 1,
    }
    assert world.told(FactKind.FAILED) == []
    for fact in world.told():
        assert "AROAEXAMPLEEXAMPLE went from the statement `Theirs`." in fact.reason
    assert world.calls(lambda: world.visit([swept(world)])) == UNCHANGED


def test_a_public_statement_goes_beside_two_principals_that_do_not_exist(
    world: SettingsWorld,
) -> None:
    world.set_policy(THEIRS, ANYONE, LAMBDAS)
    world.ecr.forget_principal(FORMER, "AROAEXAMPLEEXAMPLE")
    world.ecr.strangers.add("111122223333")
    world.settle()
    assert world.policy() == [LAMBDAS]
    assert world.about() == {("correct", "policy", "public"): 1}
    assert len(world.told(FactKind.FAILED)) == 1


def test_a_public_statement_of_ours_that_only_goes_is_told_as_gone(world: SettingsWorld) -> None:
    world.set_policy({**OURS, "Principal": "*"}, LAMBDAS)
    world.ecr.strangers.add("111122223333")
    world.settle()
    assert world.policy() == [LAMBDAS]
    (fact,) = world.told(FactKind.CORRECT)
    assert fact.difference is not None
    assert (fact.difference.problem, fact.difference.after) == ("public", None)


def test_a_second_try_that_is_throttled_is_made_again(world: SettingsWorld) -> None:
    world.set_policy(ANYONE, LAMBDAS)
    world.ecr.strangers.add("111122223333")
    tries: list[str] = []

    def throttle(operation: str, asked: Any) -> None:
        tries.append(operation)
        if operation == "SetRepositoryPolicy" and tries.count(operation) == 4:
            fails("ThrottlingException", operation)(operation, asked)

    world.ecr.before = throttle
    event = world.trail.pop()
    world.trail.clear()
    with pytest.raises(Unavailable):
        world.deliver(event)
    world.deliver(event)
    assert world.policy() == [LAMBDAS]
    assert len(world.told(FactKind.CORRECT)) == len(world.told(FactKind.FAILED)) == 1


def test_a_repository_that_is_deleted_half_way_is_forgotten(world: SettingsWorld) -> None:
    world.set_policy(ANYONE)
    world.ecr.put_image_tag_mutability(repositoryName=REPOSITORY, imageTagMutability="IMMUTABLE")

    def vanish(operation: str, asked: Any) -> None:
        if operation == "PutImageTagMutability":
            world.ecr.before = None
            world.ecr.delete_repository(repositoryName=REPOSITORY)

    world.ecr.before = vanish
    world.settle()
    assert [fact.kind for fact in world.told()] == [FactKind.CORRECT, FactKind.CORRECT]
    assert world.enforcer.setup.history.recall(REPOSITORY) == Known()


def test_somebody_who_sets_it_between_read_and_write_is_set_right_too(
    world: SettingsWorld,
) -> None:
    world.set_policy(ANYONE)
    tries = [2]

    def interfere(operation: str, asked: Any) -> None:
        if operation == "SetRepositoryPolicy" and tries[0]:
            tries[0] -= 1
            world.ecr._of(REPOSITORY).policy = policy(ANYONE)

    world.ecr.after = interfere
    world.settle()
    assert world.policy() == [OURS]
    assert world.told(FactKind.FAILED) == []
    # Each time that it was set is on record.
    assert world.about()["correct", "policy", "public"] == 3
    ids = [fact.id for fact in world.told()]
    assert len(ids) == len(set(ids))


def test_somebody_who_always_sets_it_is_told_and_ends_the_visit(world: SettingsWorld) -> None:
    world.set_policy(ANYONE)

    def interfere(operation: str, asked: Any) -> None:
        if operation == "SetRepositoryPolicy":
            world.ecr._of(REPOSITORY).policy = policy(ANYONE)

    world.ecr.after = interfere
    calls = world.calls(world.settle)
    assert calls["SetRepositoryPolicy"] == 3
    (failed,) = world.told(FactKind.FAILED)
    assert "differed again right after" in failed.reason


def test_off_keeps_the_message() -> None:
    world = SettingsWorld(mode=Mode.OFF)
    with pytest.raises(StewardOff):
        world.settle()
    assert world.ecr.calls == {"CreateRepository": 1}


# ---------------------------------------------------------------------------- whose it is
def test_a_repository_without_a_baseline_costs_nothing() -> None:
    world = SettingsWorld(rules_for({}))
    world.answers.clear()
    assert world.calls(world.settle) == {}
    assert world.answers == [CallAnswer.NO_BASELINE]
    assert world.calls(lambda: world.visit([swept(world)])) == {}


def test_a_cache_is_left_alone_unless_a_rule_names_it() -> None:
    def cached(repositories: list[str]) -> SettingsWorld:
        world = SettingsWorld(rules_for({**BASELINE, "immutability": "IMMUTABLE"}))
        rule = world.rules.rules[0]
        world.deploy(replace(world.rules, rules=(replace(rule, repositories=tuple(repositories)),)))
        world.ecr.add_pull_through_cache_rule("base", "public.ecr.aws")
        world.trail.clear()
        world.sweep()
        return world

    assert cached(["*"]).told() == []
    named = cached(["base/*"])
    assert {setting for _, setting, _ in named.about()} == {
        "policy", "lifecycle", "scan_on_push", "resource_tags",
    }  # fmt: skip
    assert shown(named.enforcer.setup.registry, REPOSITORY)["immutability"].word == "MUTABLE"


def test_the_first_repository_of_a_new_cache_is_left_alone_before_any_sweep() -> None:
    world = SettingsWorld(rules_for({**BASELINE, "immutability": "IMMUTABLE"}))
    rule = replace(world.rules.rules[0], repositories=("*",))
    world.deploy(replace(world.rules, rules=(rule,)))
    world.ecr.add_pull_through_cache_rule("base", "public.ecr.aws")
    world.settle()
    assert world.told() == []
    assert shown(world.enforcer.setup.registry, REPOSITORY)["immutability"].word == "MUTABLE"


def test_the_caller_of_every_write_is_the_steward(world: SettingsWorld) -> None:
    world.set_policy(ANYONE)
    world.trail[:-1] = []
    world.deliver(world.trail.pop())
    (own,) = world.trail
    assert own["detail"]["userIdentity"]["arn"] == STEWARD
    assert "force" not in own["detail"]["requestParameters"]
    assert "Resource" not in own["detail"]["requestParameters"]["policyText"]


def test_a_correction_that_was_announced_twice_is_closed_once(world: SettingsWorld) -> None:
    world.set_policy(ANYONE)
    world.settle()
    fact, *_ = world.told(FactKind.CORRECT)
    history = SettingsHistory(WatchedTable(world.wire))
    history.announce(REPOSITORY, [fact, fact], Known())
    assert history.recall(REPOSITORY).open == (fact,)
    history.close(REPOSITORY, Known(), [fact, fact], {})
    assert history.recall(REPOSITORY).open == ()


def test_what_one_call_led_to_twice_is_told_twice(world: SettingsWorld) -> None:
    world.set_policy(ANYONE)
    (call,) = world.trail
    world.settle()
    world.set_policy(ANYONE)
    world.trail[:] = [call]
    world.settle()
    public = [fact for fact in world.told() if fact.difference and fact.difference.subject]
    told = Counter(fact.difference.problem for fact in public if fact.difference)
    assert told == {"public": 2, "missing": 2}
    assert len({fact.id for fact in public}) == 4
    assert {fact.cause.id for fact in public} == {call["id"]}


def test_two_failures_of_one_call_are_two_facts(world: SettingsWorld) -> None:
    world.set_policy(ANYONE)
    (call,) = world.trail
    for code in ("AccessDeniedException", "ValidationException"):
        world.ecr.before = fails(code, "SetRepositoryPolicy", times=1)
        world.deliver(call)
    assert len({fact.id for fact in world.told(FactKind.FAILED)}) == 2


def test_what_one_visit_sets_several_times_has_an_id_each_time() -> None:
    setup = SettingsWorld(rules_for({"lifecycle": EXPIRES}, tags=UNSTABLE)).enforcer.setup
    rule = setup.rules.rule_for(REPOSITORY)
    assert rule is not None
    place = RepositoryPlace(setup, REPOSITORY, rule, rule.baseline, new=False)
    hint = Hint(REPOSITORY, Action.SWEEP, None, None, Cause("1", "Sweep"), setup.maker.clock())
    missing, correct = Problem.MISSING, SettingAction.CORRECT
    change = SettingChange("lifecycle", missing, "lifecycle", correct, None, EXPIRES, "None.")
    facts = SettingFacts(setup, place, [hint]).corrected([change] * 3, Outlook([change]))
    assert [fact.again for fact in facts] == [0, 1, 2]
    assert len({fact.id for fact in facts}) == 3
