"""The door of the settings: may this call have changed what a rule says something about?"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any

from ecr_steward.rules import Ruleset
from ecr_steward.words.calls import Call
from ecr_steward.words.hints import REGISTRY, Hint


class CallAnswer(enum.StrEnum):
    """What the door makes of a call."""

    LOOK = "there is something to look at"
    NO_RULE = "no rule matches the repository"
    NO_BASELINE = "its rule says nothing about settings"
    NO_REGISTRY = "the rules say nothing about settings of the registry"
    NO_SETTING = "the call changes no setting"
    CALL_FAILED = "the call failed, so it changed nothing"
    OWN = "the steward called"


def judge(rules: Ruleset, call: Call, own_role: str) -> CallAnswer:
    """Whether the writer has to look at what `call` is about, and if not, why.

    `own_role` is the ARN of the role that the writer calls with. A call is the steward's own by the
    role alone: whatever else a call says of itself, anybody can say.
    """
    if call.failed:
        return CallAnswer.CALL_FAILED
    if call.role == own_role:
        return CallAnswer.OWN
    if call.repository == REGISTRY:
        return CallAnswer.LOOK if rules.registry else CallAnswer.NO_REGISTRY
    rule = rules.rule_for(call.repository)
    if rule is None:
        return CallAnswer.NO_RULE
    return CallAnswer.LOOK if rule.has_settings else CallAnswer.NO_BASELINE


def check(
    event: Mapping[str, Any], rules: Ruleset, own_role: str, send: Callable[[Hint], None]
) -> tuple[Call | None, CallAnswer]:
    """Judge one call, and `send` its hint on if there is something to look at.

    Raises MalformedEvent for an event that cannot be understood.
    """
    call = Call.from_cloudtrail(event)
    answer = CallAnswer.NO_SETTING if call is None else judge(rules, call, own_role)
    if call is not None and answer is CallAnswer.LOOK:
        send(call.hint())
    return call, answer
