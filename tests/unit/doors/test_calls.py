"""What the door of the settings makes of a call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ecr_steward.doors.calls import CallAnswer, check, judge
from ecr_steward.rules import Ruleset
from ecr_steward.words.calls import Call
from ecr_steward.words.hints import REGISTRY, Hint
from tests.support.settings_world import BASELINE, ROLE, STEWARD, SettingsWorld, rules_for
from tests.unit.words.test_calls import event

SCANNING = {"scanning": {"type": "BASIC", "rules": []}}


def call(**changes: Any) -> Call:
    read = Call.from_cloudtrail(event())
    assert read is not None
    return replace(read, **changes)


@pytest.mark.parametrize(
    ("rules", "changes", "answer"),
    [
        (rules_for(BASELINE), {}, CallAnswer.LOOK),
        (rules_for({}), {}, CallAnswer.NO_BASELINE),
        (rules_for(BASELINE), {"repository": "sandbox/x"}, CallAnswer.NO_RULE),
        (rules_for(BASELINE), {"failed": True}, CallAnswer.CALL_FAILED),
        (rules_for(BASELINE), {"role": ROLE}, CallAnswer.OWN),
        (rules_for(BASELINE), {"role": ROLE, "failed": True}, CallAnswer.CALL_FAILED),
        (rules_for(BASELINE), {"role": f"{ROLE}2"}, CallAnswer.LOOK),
        (rules_for(BASELINE), {"repository": REGISTRY}, CallAnswer.NO_REGISTRY),
        (rules_for(BASELINE, registry=SCANNING), {"repository": REGISTRY}, CallAnswer.LOOK),
    ],
)
def test_the_door_answers(rules: Ruleset, changes: dict[str, Any], answer: CallAnswer) -> None:
    assert judge(rules, call(**changes), ROLE) is answer


def test_only_what_is_to_be_looked_at_is_sent() -> None:
    sent: list[Hint] = []
    check(event(), rules_for(BASELINE), ROLE, sent.append)
    assert [hint.repository for hint in sent] == ["base/redis"]
    for name in ("PutImage", "SetRepositoryPolicy"):
        check(event(name), rules_for({}), ROLE, sent.append)
    assert len(sent) == 1


def test_nobody_passes_for_the_steward_by_what_his_client_says_of_itself() -> None:
    sent: list[Hint] = []
    posing = event(userAgent="ecr-steward", sourceIPAddress="lambda.amazonaws.com")
    posing["detail"]["userIdentity"] = {"type": "IAMUser", "arn": STEWARD, "userName": "enforce"}
    assert check(posing, rules_for(BASELINE), ROLE, sent.append)[1] is CallAnswer.LOOK
    assert len(sent) == 1


def test_the_steward_comes_to_rest_whatever_it_sets_back() -> None:
    world = SettingsWorld()
    world.settle(limit=20)
    assert world.answers[0] is CallAnswer.LOOK
    assert set(world.answers[1:]) == {CallAnswer.OWN}
