"""What a look asks for first, and what shows it that nothing is new."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ecr_steward.ecr import Fetched, Manifest
from ecr_steward.history.tags import Memory
from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.state import Concern, Mark, Observed
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind, FactMaker
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.survey import (
    _asked,
    _is_in_place,
    _is_settled,
    _judged,
    _needs_images,
)

NOW = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
CAUSE = Cause("event", "ECR Image Action")
ONE, TWO, THREE = "sha256:1", "sha256:2", "sha256:3"
SCHEME = Scheme.from_document(
    {"unique": ["semver"], "stable": [{"tag": "latest", "follows": "highest"}]}
)
REMOVING = replace(SCHEME, unknown="remove")


def hint(action: Action = Action.PUSH, tag: str | None = "1.4.2", digest: str | None = ONE) -> Hint:
    return Hint("base/redis", action, tag, digest, CAUSE, NOW)


def open_fact(**own: Any) -> Fact:
    maker = FactMaker("123456789012", "eu-west-1", lambda: NOW, "rules")
    return maker.fact(FactKind.MOVE, CAUSE, "It is the highest.", mode="enforce", **own)


PUSHED = (hint(),)
LINE = SCHEME.line("latest")
assert LINE is not None
LINES = {"latest": LINE}
MARK = Mark("latest", "1.4.2", TWO)
OPEN = open_fact(tag="latest", digest=TWO, before=THREE)

ASKED: list[tuple[Concern, Memory, list[Hint], tuple[str, ...], list[str], list[str]]] = [
    (Concern(), Memory(), [], (), [], []),
    (Concern(), Memory(), [hint()], (), [ONE], []),
    (Concern(), Memory(), [hint(digest=None)], (), [], []),
    (Concern(), Memory(), [hint(Action.DELETE)], (), [], []),
    (Concern(LINES), Memory(), [], (), [], ["latest"]),
    (Concern(LINES), Memory({"latest": MARK}), [], (), [TWO], ["latest"]),
    (Concern(unique={"1.4.2": PUSHED}), Memory(known={"1.4.2": TWO}), [], (), [TWO], []),
    (Concern(unique={"1.4.2": PUSHED}), Memory(known={"1.4.3": TWO}), [], (), [], []),
    (Concern(deleted={"1.4.2": PUSHED}), Memory(known={"1.4.2": TWO}), [], (), [TWO], ["1.4.2"]),
    (Concern(deleted={"1.4.2": PUSHED}), Memory(), [], (), [], []),
    (Concern(), Memory(open=(OPEN,)), [], (), [TWO, THREE], ["latest"]),
    (Concern(), Memory(open=(open_fact(),)), [], (), [], []),
    (Concern(), Memory(places={"main": THREE}), [], ("main", "prod"), [THREE], ["main", "prod"]),
]


@pytest.mark.parametrize(("about", "memory", "hints", "watched", "digests", "tags"), ASKED)
def test_the_first_read_asks_for_what_was_pushed_and_where_history_has_what_it_is_about(
    about: Concern,
    memory: Memory,
    hints: list[Hint],
    watched: tuple[str, ...],
    digests: list[str],
    tags: list[str],
) -> None:
    assert tuple(map(list, _asked(about, memory, hints, watched))) == (digests, tags)


NEEDED: list[tuple[Scheme, Concern, Memory, bool]] = [
    (SCHEME, Concern(), Memory(), False),
    (SCHEME, Concern(LINES), Memory(), True),
    (SCHEME, Concern(unique={"1.4.2": PUSHED}), Memory(), True),
    (SCHEME, Concern(stable=PUSHED), Memory(), True),
    (SCHEME, Concern(unknown=PUSHED), Memory(), False),
    (REMOVING, Concern(unknown=PUSHED), Memory(), True),
    (REMOVING, Concern(), Memory(), False),
    (SCHEME, Concern(deleted={"1.4.2": PUSHED}), Memory(), False),
    (SCHEME, Concern(deleted={"1.4.2": PUSHED}), Memory(known={"1.4.2": ONE}), True),
    (SCHEME, Concern(deleted={"1.4.2": PUSHED}), Memory(known={"1.4.3": ONE}), False),
    (SCHEME, Concern(), Memory(open=(OPEN,)), True),
]


@pytest.mark.parametrize(("scheme", "about", "memory", "needs"), NEEDED)
def test_images_are_read_only_where_something_depends_on_them(
    scheme: Scheme, about: Concern, memory: Memory, needs: bool
) -> None:
    assert _needs_images(scheme, about, memory) is needs


FOUND = {ONE: Manifest(ONE, "{}", "")}
KNOWN = Memory(known={"1.4.2": ONE})
ECHO = Concern(unique={"1.4.2": PUSHED})


@pytest.mark.parametrize(
    ("about", "memory", "fetched", "settled"),
    [
        (ECHO, KNOWN, Fetched(FOUND), True),
        (ECHO, Memory(), Fetched(FOUND), False),
        (ECHO, KNOWN, Fetched(FOUND, absent=frozenset({TWO})), False),
        (ECHO, KNOWN, Fetched(FOUND, blocked={TWO: "ImageInaccessible"}), False),
        (ECHO, replace(KNOWN, open=(OPEN,)), Fetched(FOUND), False),
    ],
)
def test_nothing_is_new_where_ecr_gave_all_and_history_has_it_so(
    about: Concern, memory: Memory, fetched: Fetched, settled: bool
) -> None:
    assert _is_settled(about, memory, fetched) is settled


@pytest.mark.parametrize(
    ("watched", "hints", "places", "in_place"),
    [
        ((), [hint(tag="main")], {}, True),
        (("main",), [hint(tag="main")], {}, False),
        (("main",), [hint(tag="main")], {"main": ONE}, True),
        (("main",), [hint(tag="main")], {"main": TWO}, False),
        (("main",), [hint(tag="prod")], {}, True),
        (("main", "prod"), [hint(tag="prod")], {"main": TWO, "prod": ONE}, True),
    ],
)
def test_a_stable_tag_that_was_pushed_where_it_was_seen_is_in_place(
    watched: tuple[str, ...], hints: list[Hint], places: dict[str, str], in_place: bool
) -> None:
    assert _is_in_place(watched, hints, Memory(places=places)) is in_place


@pytest.mark.parametrize(
    ("marks", "blocked", "after", "code"),
    [
        ({}, {}, None, None),
        ({"latest": MARK}, {}, None, None),
        ({"latest": MARK}, {THREE: "KmsError"}, None, None),
        ({}, {"latest": "KmsError"}, None, "KmsError"),
        ({"latest": MARK}, {"latest": "KmsError"}, TWO, "KmsError"),
        ({"latest": MARK}, {TWO: "ImageInaccessible"}, TWO, "ImageInaccessible"),
    ],
)
def test_a_line_whose_image_ecr_does_not_give_is_told_and_not_judged(
    marks: dict[str, Mark], blocked: dict[str, str], after: str | None, code: str | None
) -> None:
    about = Concern(LINES, hints={"latest": PUSHED})
    judged, failures = _judged(about, Observed({}, marks, {}), Fetched(blocked=blocked))
    assert judged.lines == (LINES if code is None else {})
    said = [(each.kind, each.tag, each.after, each.hint, each.reason) for each in failures]
    reason = (
        "`latest` stays where it is: ECR does not give its image or the highest of its line "
        f"({code}). Is it archived, or its key out of reach?"
    )
    told = (FactKind.FAILED, "latest", after, PUSHED[0], reason)
    assert said == ([] if code is None else [told])
