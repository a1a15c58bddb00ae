"""When an image may have its expiry tag, and why it may not: both sides of each decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.rules import Rule, Ruleset
from ecr_steward.tags.plan import TagChange
from ecr_steward.tags.scheme import Verdict
from ecr_steward.tags.state import Image
from ecr_steward.words.causes import Cause
from ecr_steward.words.expiry_tags import ExpiryTag, Going
from ecr_steward.words.facts import FactKind, FactMaker
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.running import LOOK_COUNTS
from ecr_steward.writers.expire import (
    NO_SCHEME,
    Expirer,
    ExpiryVisit,
    _asked_by,
    _because,
    _is_as_before,
    _is_due,
    _is_forged,
    _is_of_ecr,
    _is_push,
    _matters,
    _pin,
    _Seen,
    _Task,
    _why_needed,
)
from ecr_steward.writers.tags import Visit
from tests.support.retention_world import RULE, RetentionWorld
from tests.support.world import REPOSITORY

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
DIGEST = f"sha256:{'ab' * 32}"
TAG = f"steward-expire-20261128-{'ab' * 6}"
CAUSE = Cause("event", "Test")
ON = ExpiryTag(TAG, NOW - DAY, done=True)
OFF = replace(ON, cleared=NOW - DAY)
GOING = Going(DIGEST, NOW - DAY, "Nothing keeps it.", ("pr-1",), due=NOW - SECOND)


def hint(action: Action, tag: str | None = None, digest: str | None = DIGEST) -> Hint:
    return Hint("base/redis", action, tag, digest, CAUSE, NOW)


def rule(**images: Any) -> Rule:
    document = {
        "repositories": ["base/*"],
        "tags": {"unique": ["semver"], "stable": [{"tag": "main"}], "ignore": ["cache*"]},
        "images": {"keep": [{"pushed_within": "3d"}], "others": "expire", **images},
    }
    return Ruleset.from_document({"version": 1, "rules": [document]}).rules[0]


def task(put: dict[str, ExpiryTag] | None = None, **more: Any) -> _Task:
    held, going = more.pop("held", ()), more.pop("going", {DIGEST: GOING})
    return _Task("base/redis", rule(**more), [], NOW, going, put or {}, {}, held)


@pytest.mark.parametrize(
    ("going", "known", "due"),
    [
        ({}, None, True),
        ({"due": None}, None, False),
        ({"needed": "It runs."}, None, False),
        ({"due": NOW - LOOK_COUNTS}, None, True),
        ({"due": NOW - LOOK_COUNTS - SECOND}, None, False),
        ({}, ON, False),
        ({}, replace(ON, done=False), True),
        ({}, OFF, True),
        ({}, replace(OFF, cleared=NOW - SECOND), False),
        ({}, replace(OFF, cleared=NOW), False),
        ({"due": None}, OFF, False),
    ],
)
def test_an_image_is_due_by_a_round_that_is_not_long_ago(
    going: dict[str, Any], known: ExpiryTag | None, due: bool
) -> None:
    put = {} if known is None else {DIGEST: known}
    assert _is_due(replace(GOING, **going), put, NOW) is due


@pytest.mark.parametrize(
    ("expiry", "matters"),
    [
        (ON, False),
        (replace(ON, done=False), True),
        (replace(OFF, cleared=NOW - LOOK_COUNTS), True),
        (replace(OFF, cleared=NOW - LOOK_COUNTS - SECOND), False),
    ],
)
def test_an_expiry_tag_that_no_image_has_is_remembered_as_long_as_a_round_counts(
    expiry: ExpiryTag, matters: bool
) -> None:
    assert _matters(expiry, NOW) is matters


FORGED = f"steward-expire-20260101-{'ab' * 6}"
HINTS: list[tuple[Hint, dict[str, ExpiryTag], bool, bool, bool, str | None]] = [
    # A hint, what is known, whether it is forged, a push, of ECR's, and why the image is needed.
    (hint(Action.PUSH, "main"), {}, False, True, True, "`main` was put on it."),
    (hint(Action.PUSH, "main"), {DIGEST: ON}, False, True, True, "`main` was put on it."),
    (hint(Action.PUSH, None), {}, False, True, True, None),
    (hint(Action.PUSH, "main", None), {}, False, True, True, None),
    (hint(Action.PUSH, TAG), {DIGEST: ON}, False, False, True, None),
    (hint(Action.PUSH, TAG), {}, True, False, True, f"The steward did not put `{TAG}`."),
    (hint(Action.PUSH, FORGED), {DIGEST: ON}, True, False, True,
     f"The steward did not put `{FORGED}`."),
    (hint(Action.DELETE, FORGED), {}, False, False, True, None),
    (hint(Action.DELETE, "main"), {}, False, False, True, None),
    (hint(Action.NEED, None), {}, False, False, False, "A workload was started from it."),
    (hint(Action.NEED, "main"), {}, False, False, False, "Somebody holds `main` on it."),
    (hint(Action.SWEEP, None, None), {}, False, False, False, None),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "put", "forged", "push", "of_ecr", "why"), HINTS)
def test_what_a_hint_says_of_an_image(
    asked: Hint, put: Any, forged: bool, push: bool, of_ecr: bool, why: str | None
) -> None:
    assert (_is_forged(asked, put), _is_push(asked), _is_of_ecr(asked)) == (forged, push, of_ecr)
    assert _asked_by(asked, put) == (None if why is None else (DIGEST, why))


PULLED = {"keep": [{"pushed_within": "3d"}, {"pulled_within": "3d"}]}
SIGNATURE = f"sha256-{'ab' * 32}.sig"
SEEN: list[tuple[tuple[str, ...], Any, dict[str, ExpiryTag], dict[str, Any], list[str]]] = [
    # Tags, the last pull, what is known, the rule and holds, and why it is needed.
    (("pr-1", TAG), None, {DIGEST: ON}, {}, []),
    (("pr-1", TAG), None, {}, {}, [f"The steward did not put `{TAG}`."]),
    (("pr-1", TAG), None, {DIGEST: OFF}, {}, [f"The steward did not put `{TAG}`."]),
    (("pr-1",), None, {DIGEST: OFF}, {}, []),
    (("main",), None, {DIGEST: ON}, {}, ["`main` is on it."]),
    (("main",), None, {}, {"not_kept_by": ["main"]}, []),
    (("main",), None, {}, {"not_kept_by": ["main"], "held": {"main"}},
     ["Somebody holds `main` on it."]),
    (("main",), None, {}, {"held": {"main"}},
     ["Somebody holds `main` on it.", "`main` is on it."]),
    (("cache-1",), None, {DIGEST: ON}, {}, ["`cache-1` is on it."]),
    (("cache-1",), None, {DIGEST: ON}, {"not_kept_by": ["cache*"]}, []),
    ((SIGNATURE,), None, {DIGEST: ON}, {}, []),
    (("1.4.2", "pr-1"), None, {DIGEST: ON}, {}, []),
    (("pr-1",), NOW, {DIGEST: ON}, {}, []),
    (("pr-1",), NOW, {DIGEST: ON}, PULLED,
     ["It was pulled at 2026-11-28T12:00:00Z, after it got its expiry tag."]),
    (("pr-1",), ON.put, {DIGEST: ON}, PULLED, []),
    (("pr-1",), NOW, {DIGEST: OFF}, PULLED, []),
    (("pr-1",), NOW, {}, PULLED, []),
    (("pr-1",), None, {DIGEST: ON}, PULLED, []),
]  # fmt: skip


@pytest.mark.parametrize(("tags", "pulled", "put", "more", "why"), SEEN)
def test_why_an_image_that_a_sweep_saw_must_not_have_its_expiry_tag(
    tags: tuple[str, ...], pulled: Any, put: Any, more: dict[str, Any], why: list[str]
) -> None:
    image = Image(DIGEST, tags, NOW - DAY, pulled)
    assert list(_why_needed(task(put, **more), image)) == why


@pytest.mark.parametrize(
    ("tags", "pulled", "put", "more", "same"),
    [
        (("pr-1",), None, {}, {}, True),
        (("pr-1", "pr-2"), None, {}, {}, False),
        ((), None, {}, {}, False),
        (("pr-1", TAG), None, {DIGEST: ON}, {}, True),
        (("pr-1", TAG), None, {DIGEST: OFF}, {}, False),
        (("pr-1", TAG), None, {}, {}, False),
        (("pr-1",), None, {}, {"held": {"pr-1"}}, False),
        (("pr-1",), None, {}, {"held": {"pr-2"}}, True),
        (("pr-1",), NOW, {}, {}, True),
        (("pr-1",), NOW, {}, PULLED, False),
        (("pr-1",), GOING.due, {}, PULLED, True),
        (("pr-1",), None, {}, PULLED, True),
    ],
)
def test_an_image_is_as_the_round_saw_it_by_its_tags_holds_and_pulls(
    tags: tuple[str, ...], pulled: Any, put: Any, more: dict[str, Any], same: bool
) -> None:
    seen = _Seen({DIGEST: Image(DIGEST, tags, NOW - DAY)}, {}, {DIGEST: pulled}, put)
    assert _is_as_before(seen, GOING, task(put, **more)) is same


@pytest.mark.parametrize(
    ("going", "named"),
    [
        ({DIGEST: GOING}, "pr-1"),
        ({DIGEST: replace(GOING, tags=())}, "image"),
        ({}, "image"),
    ],
)
def test_a_pin_is_called_after_the_tag_that_the_round_saw(
    going: dict[str, Going], named: str
) -> None:
    pin = _pin(task(going=going), Image(DIGEST, (TAG,), NOW))
    assert pin == f"{named}-20261128T120000Z-{'ab' * 6}"


def test_where_no_rule_holds_nothing_is_asked_of_images_and_no_tag_has_a_meaning() -> None:
    alone = replace(task(), rule=None)
    assert (alone.asked.others, alone.scheme) == ("keep", NO_SCHEME)
    silent = replace(task(), rule=replace(rule(), images=None, tags=None))
    assert (silent.asked, silent.scheme) == (alone.asked, NO_SCHEME)
    assert task().asked.others == "expire"
    assert task().scheme.judge("main") is Verdict.STABLE


def test_what_belongs_with_a_needed_image_is_needed_for_its_sake() -> None:
    reasons = {DIGEST: "It runs."}
    assert _because(DIGEST, DIGEST, reasons) == "It runs."
    assert _because("sha256:1", DIGEST, reasons) == (
        f"It belongs with sha256:{'ab' * 6}, which is needed: It runs."
    )


# ---------------------------------------------------------------------------- what a visit asks
IMAGE = Image(DIGEST, (TAG,), NOW)
MOVED = TagChange(FactKind.MOVE, "main", None, DIGEST, "It is the highest.", hint(Action.PUSH))
SWEEP, PUSH = hint(Action.SWEEP, None, None), hint(Action.PUSH, "pr-2")
NARROWED = replace(SWEEP, plan="plan")


def visited(
    hints: list[Hint],
    tagged: Visit | None = None,
    *,
    rule: dict[str, Any] | None = None,
    repository: str = REPOSITORY,
) -> tuple[int, int]:
    """How often a visit of a repository in which nothing goes reads history, and asks ECR."""
    world = RetentionWorld(rule)
    world.push("1.4.2", "stays")
    expirer = Expirer(
        rules=world.rules,
        registry=EcrRegistry(world.ecr.client),
        table=world.table,
        grace=timedelta(days=2),
        maker=FactMaker("123456789012", "eu-west-1", lambda: NOW, world.rules.fingerprint),
    )
    reads, calls = world.table.reads, sum(world.ecr.calls.values())
    found = expirer.visit(repository, hints, tagged)
    assert found == ExpiryVisit()
    return world.table.reads - reads, sum(world.ecr.calls.values()) - calls


SILENT = {key: each for key, each in RULE.items() if key != "images"}
ASKED: list[tuple[list[Hint], Visit | None, dict[str, Any], tuple[int, int]]] = [
    ([NARROWED], Visit(expiring=()), {}, (0, 0)),
    ([NARROWED], Visit(changes=(MOVED,), lets_go=True), {}, (1, 0)),
    ([PUSH], Visit(lets_go=False), {}, (0, 0)),
    ([replace(PUSH, tag=None)], Visit(lets_go=False), {}, (0, 0)),
    ([PUSH], Visit(lets_go=False), {"rule": SILENT}, (0, 0)),
    ([PUSH], Visit(lets_go=None), {"rule": SILENT}, (0, 0)),
    ([PUSH], Visit(lets_go=None), {"repository": "other"}, (0, 0)),
    ([PUSH], Visit(lets_go=None), {}, (2, 0)),
    ([PUSH], None, {}, (2, 0)),
    ([PUSH], Visit(lets_go=True), {}, (1, 1)),
    ([replace(PUSH, digest=None)], Visit(lets_go=True), {}, (1, 0)),
    ([hint(Action.DELETE, "pr-2")], Visit(lets_go=True), {}, (1, 0)),
    ([hint(Action.NEED)], Visit(lets_go=None), {"rule": SILENT}, (1, 0)),
    ([SWEEP], Visit(expiring=()), {}, (1, 0)),
    ([SWEEP], Visit(expiring=()), {"rule": SILENT}, (1, 0)),
    ([SWEEP], Visit(expiring=(IMAGE,)), {}, (4, 1)),
    ([SWEEP, NARROWED], Visit(expiring=None), {}, (1, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("hints", "tagged", "more", "asks"), ASKED)
def test_where_nothing_goes_a_visit_asks_as_little_as_tells_it(
    hints: list[Hint], tagged: Visit | None, more: dict[str, Any], asks: tuple[int, int]
) -> None:
    assert visited(hints, tagged, **more) == asks
