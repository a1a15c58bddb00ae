"""A stable tag back to an earlier image, where it then stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ecr_steward.ecr import ImageGone, Manifest
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.holds import Hold
from ecr_steward.history.tags import History
from ecr_steward.rules import Mode
from ecr_steward.tags.scheme import Verdict
from ecr_steward.tags.state import Image
from ecr_steward.words.causes import ROLLBACK, Cause
from ecr_steward.words.facts import Fact, FactKind, FactMaker
from ecr_steward_cli.deployed.governed import Governed
from ecr_steward_cli.deployed.places import Place, place
from ecr_steward_cli.deployed.stack import Stack
from ecr_steward_cli.given.names import is_digest
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal

_SETTLE = 2.0
"""Seconds after which a writer that had begun before the hold has made its last move."""

_ATTEMPTS = 3


def before(facts: Sequence[Fact], tag: str, now: str | None) -> str | None:
    """The image that a tag was on before it came to `now`, as history has it; None if it has not.

    Rollbacks are passed over: a second one goes on from where the first one led.
    """
    moves = [fact for fact in facts if fact.tag == tag and _was_moved(fact)]
    if not moves:
        return None
    if moves[-1].digest != now:
        return moves[-1].digest  # somebody else moved it since
    came = [fact for fact in moves if fact.digest == now and fact.cause.type != ROLLBACK]
    return came[-1].before if came else None


def _was_moved(fact: Fact) -> bool:
    return fact.kind is FactKind.MOVE and fact.mode == Mode.ENFORCE.value


@dataclass(slots=True)
class Rollback:
    """One rollback: from where, to where, and with whose hold."""

    stack: Stack
    subject: Governed
    registry: EcrRegistry
    history: History
    hold: Hold
    account: str
    start: Place | None
    goal: Image
    manifest: Manifest

    def run(self) -> None:
        """Write the hold, then move the tag; raises NeedsAttention where it does not stay."""
        subject, start = self.subject, self.start
        self.history.holds.put(subject.repository, self.hold)
        if start is not None and start.digest == self.goal.digest:
            return
        # An image that the tag leaves keeps a name.
        lonely = start if start is not None and set(start.tags) == {subject.tag} else None
        if lonely is not None:
            self.history.record(self._pin(lonely).counted(2))
        self._put()
        self.history.record(self._moved().counted(1 if lonely is None else 2))
        if not self._stays():
            raise NeedsAttention(
                f"{subject} is held, but somebody else moves it: find out who pushes it."
            )

    def _pin(self, start: Place) -> Fact:
        """Pin the image that would lose its last tag."""
        subject, digest = self.subject, start.digest
        image = self.registry.describe(subject.repository, [digest])[digest]
        pin = subject.scheme.make_pin(subject.tag, image.pushed_at, digest)
        manifest = manifest_of(self.registry, subject.repository, digest)
        self.registry.put(subject.repository, manifest, pin)
        reason = f"The image would lose its last tag when `{subject.tag}` is rolled back."
        return replace(
            self._fact(FactKind.PIN, reason),
            tag=pin,
            digest=digest,
            before=None,
            before_tags=(),
            after_tags=start.tags,
        )

    def _put(self) -> None:
        self.registry.put(self.subject.repository, self.manifest, self.subject.tag)

    def _moved(self) -> Fact:
        tag = self.subject.tag
        way = f"to {words(self.goal, tag)}"
        if self.start is not None:
            way = f"from {self.start.words(tag)} {way}"
        return self._fact(FactKind.MOVE, f"`{tag}` was rolled back {way}, and is held {self.hold}.")

    def _stays(self) -> bool:
        """Whether the tag is there after a moment; a writer that knew no hold may have moved it."""
        subject = self.subject
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._put()
            self.stack.outside.sleep(_SETTLE)
            found = place(self.stack.client("ecr"), subject.repository, subject.tag)
            if found is not None and found.digest == self.goal.digest:
                return True
        return False

    def _fact(self, kind: FactKind, reason: str) -> Fact:
        now, start = self.hold.since, self.start
        rules = self.subject.rules.fingerprint
        made = FactMaker(self.account, self.stack.region, lambda: now, rules).fact(
            kind,
            Cause(f"rollback-{now:%Y%m%dT%H%M%S.%fZ}", ROLLBACK, self.hold.by),
            reason,
            repository=self.subject.repository,
            mode=Mode.ENFORCE.value,
            rule=self.subject.rule.label(),
        )
        return replace(
            made,
            tag=self.subject.tag,
            digest=self.goal.digest,
            before=None if start is None else start.digest,
            before_tags=() if start is None else start.tags,
            after_tags=self.goal.tags,
        )


def words(image: Image, tag: str) -> str:
    """An image by its other tags and its short digest."""
    return Place(image.digest, image.tags).words(tag)


def manifest_of(registry: EcrRegistry, repository: str, digest: str) -> Manifest:
    """Raises Refusal where ECR does not give it."""
    fetched = registry.fetch(repository, [digest])
    if digest not in fetched.manifests:
        code = fetched.blocked.get(digest, "it is gone")
        raise Refusal(f"ECR does not return the image {digest} ({code}): name another with --to.")
    return fetched.manifests[digest]


def aim(
    ecr: Any,
    registry: EcrRegistry,
    history: History,
    subject: Governed,
    start: Place | None,
    to: str | None,
) -> Image:
    """The image to go back to. Raises Refusal where there is none."""
    repository, tag = subject.repository, subject.tag
    digest = to if to is None or is_digest(to) else _tagged(ecr, subject, to)
    if digest is None:
        now = None if start is None else start.digest
        digest = before(list(history.facts(repository)), tag, now)
    if digest is None:
        raise Refusal(
            f"The history does not know where {subject} was before: name the image with --to."
        )
    try:
        return registry.describe(repository, [digest])[digest]
    except ImageGone as error:
        raise Refusal(
            f"The image {digest} is not in {repository} (any more): name another with --to."
        ) from error


def _tagged(ecr: Any, subject: Governed, to: str) -> str:
    found = place(ecr, subject.repository, to)
    digest = None if found is None else found.digest
    if subject.scheme.judge(to, digest) not in (Verdict.UNIQUE, Verdict.PIN):
        raise Refusal(
            f"`{to}` is neither a digest nor a unique tag of {subject.repository}: --to takes one "
            "of these, because other tags may move."
        )
    if digest is None:
        raise Refusal(f"No image of {subject.repository} has the tag {to}.")
    return digest
