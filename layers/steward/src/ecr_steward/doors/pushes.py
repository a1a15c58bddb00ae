"""The door: is this event about a repository of ours, and is there anything to look at?"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any

from ecr_steward.rules import Rule, Ruleset
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.words.calls import API_CALL, deletions
from ecr_steward.words.expiry_tags import is_expiry_tag
from ecr_steward.words.hints import REPLICATION, Action, Hint
from ecr_steward.words.reading import as_object


class PushAnswer(enum.StrEnum):
    """What the door makes of an event."""

    LOOK = "there is something to look at"
    NO_RULE = "no rule matches the repository"
    NO_TAGS = "its rule says nothing about tags"
    NOTHING_DONE = "the action failed, or is neither a push nor a delete"
    UNTAGGED = "an untagged image is never judged"
    IGNORED = "the rule ignores the tag, or it belongs to a referrer"
    PIN = "the tag is a pin"
    EXPIRY = "the tag is an expiry tag, which only the steward puts"
    PIPELINES = "the tag follows nothing: only your pipeline moves it, and nothing is to be pinned"
    ALLOWED = "the tag is unknown, and the rule allows that"
    HARMLESS = "no stable tag can depend on what was deleted"
    NOT_COPIED = "ECR could not copy the image here, and it says no more"


def judge(rules: Ruleset, hint: Hint) -> PushAnswer:
    """Whether the writer has to look at what `hint` is about, and if not, why."""
    rule = rules.rule_for(hint.repository)
    if rule is None:
        return PushAnswer.NO_RULE
    if hint.action is Action.PUSH and _may_be_needed(rule, hint.tag):
        return PushAnswer.LOOK
    if rule.tags is None:
        return PushAnswer.NO_TAGS
    if hint.action is Action.SWEEP:
        return PushAnswer.LOOK
    if hint.tag is None:
        deleted = hint.action is Action.DELETE and hint.digest is not None
        return PushAnswer.LOOK if deleted else PushAnswer.UNTAGGED
    if hint.action is Action.DELETE:
        return _judge_deleted(rule.tags, hint.tag, hint.digest)
    if rule.keeps_replaced and rule.tags.judge(hint.tag) is Verdict.STABLE:
        return PushAnswer.LOOK
    return _judge_pushed(rule.tags, hint.tag, hint.digest)


def _may_be_needed(rule: Rule, tag: str | None) -> bool:
    """Whether a pushed tag may be on an image that goes, and is needed again then, whatever the
    scheme makes of the tag; or an expiry tag, which may be forged."""
    if tag is None or rule.images is None:
        return False
    return rule.images.get("others") == "expire" or is_expiry_tag(tag)


def _judge_pushed(scheme: Scheme, tag: str, digest: str | None) -> PushAnswer:
    verdict = scheme.judge(tag, digest)
    if verdict is Verdict.STABLE and scheme.line(tag) is None and scheme.pin is None:
        return PushAnswer.PIPELINES
    if verdict is Verdict.UNKNOWN and scheme.unknown == "allow":
        return PushAnswer.ALLOWED
    return _UNJUDGED.get(verdict, PushAnswer.LOOK)


_UNJUDGED = {
    Verdict.EXPIRY: PushAnswer.EXPIRY,
    Verdict.IGNORED: PushAnswer.IGNORED,
    Verdict.PIN: PushAnswer.PIN,
}


def _judge_deleted(scheme: Scheme, tag: str, digest: str | None) -> PushAnswer:
    if scheme.read_unique(tag, digest) is not None:
        return PushAnswer.LOOK
    return PushAnswer.LOOK if scheme.line(tag) is not None else PushAnswer.HARMLESS


def check(
    event: Mapping[str, Any], rules: Ruleset, send: Callable[[Hint], None]
) -> tuple[Hint | None, PushAnswer]:
    """Judge one `ECR Image Action` event, or a call that deleted tags, and `send` on what there is
    to look at. Returns the first hint that is, or else the first of all, and what it is. Of a
    replication that failed nothing is to be looked at: the image is not here.

    Raises MalformedEvent for an event that cannot be understood.
    """
    if as_object(event, "The event").get("detail-type") == REPLICATION:
        missing = Hint.missing_copy(event)
        return missing, PushAnswer.NOTHING_DONE if missing is None else PushAnswer.NOT_COPIED
    hints = _hints(event)
    answers = [judge(rules, hint) for hint in hints]
    looked = [hint for hint, each in zip(hints, answers, strict=True) if each is PushAnswer.LOOK]
    for hint in looked:
        send(hint)
    if looked:
        return looked[0], PushAnswer.LOOK
    return (hints[0], answers[0]) if hints else (None, PushAnswer.NOTHING_DONE)


def _hints(event: Mapping[str, Any]) -> list[Hint]:
    if as_object(event, "The event").get("detail-type") == API_CALL:
        return deletions(event)
    hint = Hint.from_ecr(event)
    return [] if hint is None else [hint]
