"""A round over the images of a repository: reads all of them, judges, announces, and leaves what
may get its expiry tag. It writes nothing in ECR; the writer of expiry tags (expire.py) does."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ecr_steward.ecr import RepositoryGone
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.ecr.inventory import Detail, KnownOfImages, indexes, listed, retained, united
from ecr_steward.history.expiries import Expiries
from ecr_steward.history.holds import Holds
from ecr_steward.history.running import RunningImages
from ecr_steward.history.table import Table
from ecr_steward.history.tags import History
from ecr_steward.images import (
    ImagesRule,
    Inventory,
    Kept,
    RetainedImage,
    Round,
    judge,
    round_of,
)
from ecr_steward.images.round import as_judged
from ecr_steward.rules import Mode, Rule, Ruleset
from ecr_steward.tags.scheme import Scheme
from ecr_steward.words.causes import Cause
from ecr_steward.words.expiry_tags import ExpiryTag, is_expiry_tag
from ecr_steward.words.facts import Fact, FactKind, FactMaker
from ecr_steward.words.grammar import short
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.running import Running
from ecr_steward.writers.expiry_conditions import ExpiryConditions
from ecr_steward.writers.passing import StewardOff
from ecr_steward.writers.tags import next_visit
from ecr_steward.writers.withdrawn import withdrawn

log = logging.getLogger(__name__)

NAMED = 4
"""How many images a message names."""

MANIFESTS_PER_VISIT = 5_000
"""Most manifests read in one visit, 100 a call; the rest is read in the next: ECR's rates are
everybody's."""

_KB, _MB, _GB = 1_000, 1_000_000, 1_000_000_000


@dataclass(frozen=True, slots=True)
class RoundVisit:
    """What a round led to: facts, and the hint that has expiry tags taken off, if any are to be.
    `rest` is the hint that goes on with the round, where it stopped."""

    facts: tuple[Fact, ...] = ()
    next: Hint | None = None
    rest: Hint | None = None


class Retainer:
    """Makes rounds over the images of one repository at a time.

    `cap` is the stack's mode, `allowed` whether the stack lets images expire; `conditions` are what
    else must hold before one may get an expiry tag. `table` is the history's, and `grace` how long
    an image that ran is kept after it was last seen to run. `maker` makes the facts, and has the
    time (UTC) that they carry.
    """

    def __init__(
        self,
        *,
        rules: Ruleset,
        cap: Mode,
        allowed: bool,
        registry: EcrRegistry,
        table: Table,
        grace: timedelta,
        conditions: ExpiryConditions,
        maker: FactMaker,
    ) -> None:
        self._rules = rules
        self._cap = cap
        self._allowed = allowed
        self._registry = registry
        self._expiries = Expiries(table)
        self._running = RunningImages(table, grace)
        self._history = History(table)
        self._grace = grace
        self._conditions = conditions
        self._maker = maker

    def visit(self, repository: str, hints: Sequence[Hint]) -> RoundVisit:
        """Make a round over `repository`; raises RegistryError where it cannot be read."""
        rule = self._rules.rule_for(repository)
        if self._cap is Mode.OFF:
            raise StewardOff("Mode is off.")
        if rule is None or not rule.judges_images:
            return self._withdraw(repository, hints[0])
        try:
            return self._round(repository, rule, hints[0])
        except RepositoryGone:
            log.warning("The repository is gone", extra={"repository": repository})
            return RoundVisit()

    def _withdraw(self, repository: str, hint: Hint) -> RoundVisit:
        """Forget what was announced where no rule lets an image go, and have expiry tags taken off
        that are still there."""
        log.info("No rule lets an image go here", extra={"repository": repository})
        if going := self._expiries.going(repository):
            self._expiries.keep_going(repository, (), going)
        return RoundVisit(next=_need(hint) if _is_any_on(self._expiries.put(repository)) else None)

    def _round(self, repository: str, rule: Rule, hint: Hint) -> RoundVisit:
        now, asked = self._maker.clock(), ImagesRule.from_document(rule.images or {})
        known, put = self._expiries.going(repository), self._expiries.put(repository)
        details = united(self._registry.details_of_all(repository))
        children, whole = self._children(repository, details)
        if not whole:
            return RoundVisit(rest=next_visit([hint], Action.RETAIN))
        images, carried = self._images(repository, details, children, now)
        inventory = Inventory(images, rule.tags or Scheme(unique=()), now)
        kept = judge(inventory, asked, self._grace)
        refusal = self._refusal(rule, asked)
        missing = [refusal] if refusal else self._conditions.missing(repository, rule)
        made = round_of(
            kept,
            asked,
            inventory,
            known,
            put,
            carried,
            lets_go=not refusal,
            may_tag=not missing,
        )
        facts = list(self._facts(repository, rule, asked, made, missing, hint))
        self._expiries.keep_going(repository, made.going, known, facts)
        log.info(
            "A round over the images",
            extra={
                "repository": repository,
                "images": len(kept),
                "announced": len(made.told),
                "due": len(made.due),
                "missing": missing,
            },
        )
        off = made.needed or (withdrawn(rule, self._cap) and _is_any_on(put))
        return RoundVisit(tuple(facts), _need(hint) if off else None)

    def _children(
        self, repository: str, details: Iterable[Detail]
    ) -> tuple[dict[str, tuple[str, ...]], bool]:
        """What the indexes list, and whether that is all of them. A manifest never changes, so each
        is read once; a round that stops here goes on with the next ones."""
        asked, known = indexes(details), self._expiries.children(repository)
        unread = [digest for digest in asked if digest not in known]
        read = listed(self._registry, repository, unread[:MANIFESTS_PER_VISIT])
        self._expiries.note_children(repository, read, known.keys() - set(asked))
        return {**known, **read}, len(unread) <= MANIFESTS_PER_VISIT or not read

    def _images(
        self,
        repository: str,
        details: Iterable[Detail],
        children: Mapping[str, Sequence[str]],
        now: datetime,
    ) -> tuple[list[RetainedImage], dict[str, list[str]]]:
        """Every image as it is judged, and the expiry tags that images have."""
        before, left = self._expiries.untagged(repository), self._history.left(repository)
        running = self._running.all(repository)
        known = known_of(running, self._history.holds, repository, now, before, left)
        every = retained(details, children, known)
        carried = {
            image.digest: tags
            for image in every
            if (tags := [tag for tag in image.tags if is_expiry_tag(tag)])
        }
        images = [as_judged(each) for each in every]
        since = {each.digest: before.get(each.digest, now) for each in images if not each.tags}
        self._expiries.note_untagged(repository, since, before)
        here = {each.digest for each in images}
        self._history.forget_left(
            repository, {d: tags for d, tags in left.items() if d not in here}
        )
        return images, carried

    def _refusal(self, rule: Rule, asked: ImagesRule) -> str:
        """Why neither the rule nor the stack lets an image go; empty where they do."""
        if asked.others != "expire":
            return "the rule only reports them"
        if not self._allowed:
            return "the parameter AllowExpiry is false"
        if rule.mode.capped(self._cap) is not Mode.ENFORCE:
            return "the steward does not enforce"
        return ""

    # ------------------------------------------------------------------------ words
    def _facts(
        self,
        repository: str,
        rule: Rule,
        asked: ImagesRule,
        made: Round,
        missing: Sequence[str],
        hint: Hint,
    ) -> Iterator[Fact]:
        if made.told:
            said = _announced(made, asked, missing, self._maker.clock())
            yield self._fact(repository, rule, hint.cause, said, _totals(made.told))
        if made.braked:
            cause = Cause(f"{hint.cause.id}/braked", hint.cause.type)
            totals = {"images": 0, "bytes": 0, "braked": made.braked}
            yield self._fact(repository, rule, cause, _braked(made), totals)

    def _fact(
        self, repository: str, rule: Rule, cause: Cause, reason: str, totals: Mapping[str, int]
    ) -> Fact:
        made = self._maker.fact(
            FactKind.EXPIRING,
            cause,
            reason,
            mode=rule.mode.capped(self._cap).value,
            repository=repository,
            rule=rule.label(),
        )
        return replace(made, totals=totals)


def known_of(
    running: Iterable[Running],
    holds: Holds,
    repository: str,
    now: datetime,
    untagged: Mapping[str, datetime],
    left: Mapping[str, Mapping[str, datetime]],
) -> KnownOfImages:
    """What the stack knows of a repository's images beside ECR."""
    runs: dict[str, set[str]] = {}
    ran: dict[str, dict[str, datetime]] = {}
    for record in running:
        if record.runs:
            runs.setdefault(record.digest, set()).add(record.workload)
        else:
            ran.setdefault(record.digest, {})[record.workload] = min(record.last, now)
    held = {hold.tag for _, hold in holds.all(repository) if hold.holds(now)}
    return KnownOfImages(
        held, {digest: tuple(sorted(each)) for digest, each in runs.items()}, ran, untagged, left
    )


def _need(hint: Hint) -> Hint:
    """The hint that has expiry tags taken off."""
    return Hint(hint.repository, Action.NEED, None, None, hint.cause, hint.time)


def _is_any_on(put: Mapping[str, ExpiryTag]) -> bool:
    return any(each.is_on for each in put.values())


def _totals(told: Sequence[Kept]) -> dict[str, int]:
    return {"images": len(told), "bytes": sum(each.image.size for each in told)}


def _announced(made: Round, asked: ImagesRule, missing: Sequence[str], now: datetime) -> str:
    """What is announced, in one or two sentences."""
    totals = _totals(made.told)
    count = "1 image" if totals["images"] == 1 else f"{totals['images']:,} images"
    named = [_named(each.image) for each in made.told[:NAMED]]
    more = f" and {len(made.told) - NAMED:,} more" if len(made.told) > NAMED else ""
    said = f"Nothing keeps {count} of {_size(totals['bytes'])}: {', '.join(named)}{more}."
    day = f"{now + asked.notice:%Y-%m-%d}"
    if asked.others != "expire":
        return f"{said} The rule only reports such images."
    if missing:
        return f"{said} No expiry tag is put: {'; '.join(missing)}."
    return f"{said} An expiry tag is put from {day} on, and by it ECR expires the image."


def _size(count: int) -> str:
    units = ((_GB, "GB"), (_MB, "MB"), (_KB, "KB"))
    unit, name = next((each for each in units if count >= each[0]), (1, "bytes"))
    return f"{count / unit:,.1f} {name}" if unit > 1 else f"{count} {name}"


def _braked(made: Round) -> str:
    return (
        f"Nothing keeps {made.braked:,} images, which is more than `at_most` lets go in one round: "
        "none of them gets an expiry tag. Raise `at_most`, or say what keeps them."
    )


def _named(image: RetainedImage) -> str:
    return image.tags[0] if image.tags else short(image.digest)
