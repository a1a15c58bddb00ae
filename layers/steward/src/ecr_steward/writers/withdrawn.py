"""Where no image may have an expiry tag any more: asked by the round and by the writer of expiry
tags alike."""

from __future__ import annotations

from ecr_steward.images import ImagesRule
from ecr_steward.rules import Mode, Rule


def withdrawn(rule: Rule | None, cap: Mode) -> str:
    """Why no image may have an expiry tag by the rule, under the stack's mode; empty where one
    may."""
    if rule is None or rule.images is None:
        return "No rule says any more which images stay."
    if ImagesRule.from_document(rule.images).others != "expire":
        return "The rule lets no image expire any more."
    if rule.mode.capped(cap) is not Mode.ENFORCE:
        return "The rule does not enforce any more."
    return ""
