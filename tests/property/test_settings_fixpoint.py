"""Whatever somebody did to a repository: corrected once, it stays, and nothing is said again."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.rules import Mode
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from tests.support.settings_world import (
    ANYONE,
    LAMBDAS,
    OURS,
    UNTAGGED_GO,
    SettingsWorld,
    policy,
    rules_for,
)
from tests.support.world import REPOSITORY

ARN = f"arn:aws:ecr:eu-west-1:123456789012:repository/{REPOSITORY}"
WRITES = ("Set", "Put", "Delete", "Tag", "Start")
STRANGER = {**OURS, "Sid": "Stranger", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}}
STATEMENTS = st.lists(
    st.sampled_from([OURS, ANYONE, LAMBDAS, STRANGER, {**OURS, "Action": "ecr:*"}]), min_size=1,
    max_size=4,
)  # fmt: skip
BASELINES = st.fixed_dictionaries(
    {},
    optional={
        "policy": st.fixed_dictionaries(
            {"statements": st.sampled_from([[], [OURS]])},
            optional={
                "others": st.sampled_from(["keep", "report", "remove"]),
                "public": st.sampled_from(["allow", "report", "remove"]),
            },
        ),
        "lifecycle": st.just(UNTAGGED_GO),
        "immutability": st.sampled_from(["MUTABLE", "IMMUTABLE", {"immutable_except": ["latest"]}]),
        "scan_on_push": st.booleans(),
        "resource_tags": st.just({"owner": "platform"}),
        "encryption": st.sampled_from(["AES256", "KMS"]),
    },
)


def _spoil(world: SettingsWorld, deed: tuple[str, Any]) -> None:
    what, value = deed
    ecr: Any = world.ecr
    name = {"repositoryName": REPOSITORY}
    if what == "policy":
        ecr.set_repository_policy(policyText=policy(*value), **name)
    elif what == "lifecycle":
        ecr.put_lifecycle_policy(lifecyclePolicyText=json.dumps(value), **name)
    elif what == "mutability":
        ecr.put_image_tag_mutability(imageTagMutability=value, **name)
    elif what == "scanning":
        scanning = {"scanOnPush": value}
        ecr.put_image_scanning_configuration(imageScanningConfiguration=scanning, **name)
    else:
        ecr.tag_resource(resourceArn=ARN, tags=[{"Key": "owner", "Value": value}])


OTHER = {"rules": [{**UNTAGGED_GO["rules"][0], "rulePriority": 2}]}
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("policy"), STATEMENTS),
        st.tuples(st.just("lifecycle"), st.sampled_from([UNTAGGED_GO, OTHER])),
        st.tuples(st.just("mutability"), st.sampled_from(["MUTABLE", "IMMUTABLE"])),
        st.tuples(st.just("scanning"), st.booleans()),
        st.tuples(st.just("tags"), st.sampled_from(["platform", "nobody"])),
    ),
    max_size=6,
)


@given(baseline=BASELINES, deeds=DEEDS, mode=st.sampled_from([Mode.ENFORCE, Mode.AUDIT]))
def test_a_second_look_writes_nothing_and_says_nothing(
    baseline: dict[str, Any], deeds: list[tuple[str, Any]], mode: Mode
) -> None:
    world = SettingsWorld(rules_for(baseline), mode)
    for deed in deeds:
        _spoil(world, deed)
    world.settle()
    told = len(world.told())
    hint = Hint(REPOSITORY, Action.SWEEP, None, None, Cause("s/r", "Sweep"), world.now)
    calls = world.calls(lambda: world.visit([hint]))
    assert [name for name in calls if name.startswith(WRITES)] == []
    assert sum(calls.values()) <= 4
    assert len(world.told()) == told
    ids = [fact.id for fact in world.told()]
    assert len(ids) == len(set(ids))


@given(baseline=BASELINES, deeds=DEEDS)
def test_audit_never_writes(baseline: dict[str, Any], deeds: list[tuple[str, Any]]) -> None:
    world = SettingsWorld(rules_for(baseline), Mode.AUDIT)
    for deed in deeds:
        _spoil(world, deed)
    calls = world.calls(world.settle)
    assert [name for name in calls if name.startswith(WRITES)] == []
