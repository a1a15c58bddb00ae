"""What a round over images and the writer of expiry tags are made of alike."""

from __future__ import annotations

from dataclasses import dataclass

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.expiries import Expiries
from ecr_steward.history.running import RunningImages
from ecr_steward.images import ImagesRule
from ecr_steward.rules import Mode, Rule, Ruleset
from ecr_steward.words.facts import FactMaker


@dataclass(frozen=True, slots=True)
class ExpirySetup:
    """The rules, what is asked of ECR and history, and how far the steward may go.

    `cap` is the stack's mode, `allowed` whether the stack lets images expire. `maker` makes the
    facts, and has the time (UTC) that they carry.
    """

    rules: Ruleset
    cap: Mode
    allowed: bool
    registry: EcrRegistry
    expiries: Expiries
    running: RunningImages
    maker: FactMaker

    @property
    def may_write(self) -> bool:
        """Whether the stack has the rights to put expiry tags and to take them off."""
        return self.allowed and self.cap is Mode.ENFORCE

    def withdrawn(self, rule: Rule | None) -> str:
        """Why no image may have an expiry tag by the rule; empty where one may."""
        if rule is None or rule.images is None:
            return "No rule says any more which images stay."
        if ImagesRule.from_document(rule.images).others != "expire":
            return "The rule lets no image expire any more."
        if rule.mode.capped(self.cap) is not Mode.ENFORCE:
            return "The rule does not enforce any more."
        return ""
