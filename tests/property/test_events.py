"""Hints and facts on their way: whatever they hold survives, and nothing else gets in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.history.dynamo import read, write
from ecr_steward.history.table import Item
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import DETAIL_TYPES, RUNNING, Difference, Fact, FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import MalformedEvent, iso, parse_time
from tests.support.facts import DRIFTED, EVERY_KIND, MOVED, NEW, OLD, faults

COMPONENT = r"[a-z0-9]{1,20}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}"
repositories = st.from_regex(rf"{COMPONENT}(/{COMPONENT}){{0,3}}", fullmatch=True).filter(
    lambda name: len(name) >= 2
)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)
digests = st.binary(min_size=32, max_size=32).map(lambda hash_: f"sha256:{hash_.hex()}")
sentences = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200)
causes = st.builds(Cause, sentences, sentences, by=st.none() | sentences)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=zones).map(  # noqa: DTZ001
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
)
stamps = times.map(iso)
tag_lists = st.lists(tags, max_size=5, unique=True).map(tuple)
rules = st.builds(
    "{}: {}".format, st.integers(0, 999), st.from_regex(r"[a-z*/, ]+", fullmatch=True)
)
fingerprints = st.binary(min_size=6, max_size=6).map(bytes.hex)
hints = st.builds(
    Hint,
    repository=repositories,
    action=st.sampled_from(Action),
    tag=st.none() | tags,
    digest=st.none() | digests,
    cause=causes,
    time=times,
    plan=st.none() | st.text(min_size=1),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=8,
)
NEEDED = ("repositories", "missing")
OPTIONAL = (
    "images", "first_sight", "moved", "pinned", "restored", "removed", "rejected", "overwritten",
    "held", "failed",
)  # fmt: skip


def differences(*actions: str) -> st.SearchStrategy[Difference]:
    return st.builds(
        Difference,
        setting=st.sampled_from(["policy", "lifecycle", "immutability", "scanning"]),
        problem=st.sampled_from(["missing", "different", "extra", "public", "locks_out"]),
        subject=st.text(max_size=20),
        action=st.sampled_from(actions),
        before=json_values,
        after=json_values,
    )


TOTALLED = (FactKind.SWEPT, FactKind.EXPIRING)


def totalled(kind: FactKind) -> dict[str, st.SearchStrategy[Any]]:
    """What is special of the facts that have totals, and are about no single tag or image."""
    counts = st.integers(0, 10**9)
    needed: Sequence[str]
    optional: Sequence[str]
    if kind is FactKind.EXPIRING:
        needed, optional = ("images", "bytes"), ("braked",)
        special: dict[str, st.SearchStrategy[Any]] = {}
    else:
        needed, optional = NEEDED, OPTIONAL
        special = {
            "repository": st.just(""),
            "rule": st.just(""),
            "mode": st.sampled_from(["audit", "enforce", "off"]),
        }
    totals = st.fixed_dictionaries(
        dict.fromkeys(needed, counts), optional=dict.fromkeys(optional, counts)
    )
    return {**special, "tag": st.none(), "digest": st.none(), "totals": totals}


def facts(kind: FactKind) -> st.SearchStrategy[Fact]:
    """Any fact of this kind that the steward can come to."""
    special: dict[str, st.SearchStrategy[Any]] = {}
    if kind in (FactKind.MOVE, FactKind.PIN, FactKind.OVERWRITE, FactKind.RESTORE, FactKind.HELD):
        known = kind in (FactKind.OVERWRITE, FactKind.RESTORE)
        before = digests if known else st.none() | digests
        special = {"before": before, "before_tags": tag_lists, "after_tags": tag_lists}
        special |= {"contested": st.booleans()} if kind is FactKind.HELD else {}
    elif kind is FactKind.REMOVE:
        special = {"digest": st.none(), "before": digests, "before_tags": tag_lists}
    elif kind is FactKind.REJECT:
        special = {"digest": st.none() | digests}
    elif kind in (FactKind.DRIFT, FactKind.CORRECT):
        found = kind is FactKind.DRIFT
        special = {
            "repository": st.just("") | repositories,
            "rule": st.just("registry") | rules,
            "tag": st.none(),
            "digest": st.none(),
            "mode": st.sampled_from(["audit", "enforce"] if found else ["enforce"]),
            "difference": differences("correct", *(["report", "refuse"] if found else [])),
        }
    elif kind in RUNNING:
        names = st.lists(sentences, min_size=1, max_size=4, unique=True).map(tuple)
        gone = kind is FactKind.LOST
        unique = st.none() if gone else st.none() | tags
        special = {"tag": st.none() if gone else tags, "workloads": names, "unique": unique}
    elif kind is FactKind.FAILED:
        special = {
            "repository": st.just("") | repositories,
            "tag": st.none() | tags,
            "digest": st.none() | digests,
            "mode": st.sampled_from(["audit", "enforce", "off"]),
            "rule": st.just("") | rules,
            "rules": st.just("unknown") | fingerprints,
        }
    elif kind in TOTALLED:
        special = totalled(kind)
    common: dict[str, st.SearchStrategy[Any]] = {
        "kind": st.just(kind),
        "cause": causes,
        "account": st.integers(0, 10**12 - 1).map("{:012}".format),
        "region": st.sampled_from(
            ["eu-west-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1"]
        ),
        "repository": repositories,
        "mode": st.sampled_from(["audit", "enforce"]),
        "rule": rules,
        "rules": fingerprints,
        "reason": sentences,
        "time": stamps,
        "tag": tags,
        "digest": digests,
        "of": st.integers(1, 1000),
        "again": st.integers(0, 9),
    }
    return st.builds(Fact, **(common | special))


any_fact = st.sampled_from(FactKind).flatmap(facts)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(), each, max_size=4),
    max_leaves=12,
)


@st.composite
def nearly(draw: st.DrawFn, document: dict[str, Any]) -> Any:
    """`document` with one to three of its fields, at any depth, taken out or replaced."""
    copy = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 3))):
        node = copy
        while True:
            key = draw(st.sampled_from(sorted(node))) if node else None
            if isinstance(node.get(key), dict) and draw(st.booleans()):
                node = node[key]
                continue
            break
        if key is None:
            continue
        if draw(st.booleans()):
            del node[key]
        else:
            node[key] = draw(any_json)
    return copy


ECR_EVENT = {
    "id": "event-1",
    "detail-type": "ECR Image Action",
    "time": "2026-11-23T02:24:00Z",
    "detail": {
        "result": "SUCCESS",
        "repository-name": "base/redis",
        "image-digest": NEW,
        "action-type": "PUSH",
        "image-tag": "1.4.2",
    },
}
MESSAGE = {
    "repository": "base/redis",
    "action": "PUSH",
    "tag": "1.4.2",
    "digest": NEW,
    "cause": {"id": "event-1", "type": "ECR Image Action"},
    "time": "2026-11-23T02:24:00Z",
}


@given(hints)
def test_every_hint_survives_its_message(hint: Hint) -> None:
    assert Hint.from_message(hint.to_message()) == hint


@given(any_fact)
def test_every_fact_survives_event_and_table_and_fits_its_schema(fact: Fact) -> None:
    detail = json.loads(json.dumps(fact.to_detail()))
    assert list(faults(fact.detail_type, detail)) == []
    again = Fact.from_detail(fact.detail_type, detail)
    assert again == fact
    assert again.id == detail["id"]
    item = Item("repo#a", f"fact#{fact.time}#{fact.id}", {"detail": detail})
    assert read(json.loads(json.dumps(write(item)))) == item


Subject = tuple[str, FactKind, str | None, str | None, int]
few_subjects: st.SearchStrategy[Subject] = st.tuples(
    st.sampled_from(["push", "push\nmove", "push\n"]),
    st.sampled_from([FactKind.MOVE, FactKind.PIN]),
    st.sampled_from([None, "1", "move"]),
    st.sampled_from([None, OLD, NEW]),
    st.integers(0, 2),
)


ABOUT_IMAGES = [fact for fact in EVERY_KIND if fact.difference is None]


@given(few_subjects, few_subjects, st.sampled_from(ABOUT_IMAGES))
def test_two_facts_have_the_same_id_exactly_if_cause_kind_tag_digest_and_number_are_the_same(
    one: Subject, other: Subject, rest: Fact
) -> None:
    def about(fact: Fact, subject: Subject) -> Fact:
        cause, kind, tag, digest, again = subject
        return replace(
            fact, cause=Cause(cause, "Test"), kind=kind, tag=tag, digest=digest, again=again
        )

    assert (about(MOVED, one).id == about(rest, other).id) == (one == other)
    assert (about(MOVED, one).first_id == about(rest, other).first_id) == (one[:4] == other[:4])


@given(differences("correct"), differences("correct"))
def test_two_differences_have_the_same_id_exactly_if_they_say_the_same(
    one: Difference, other: Difference
) -> None:
    same = len({json.dumps(each.to_document(), sort_keys=True) for each in (one, other)}) == 1
    ids = {replace(DRIFTED, difference=each).id for each in (one, other)}
    assert (len(ids) == 1) == same


def refusal(reads: Callable[..., Any], *document: Any) -> str | None:
    """The sentence with which `reads` refuses a document, or None if it does not."""
    try:
        reads(*document)
    except MalformedEvent as error:
        return str(error)
    return None


@given(any_json | nearly(ECR_EVENT))
def test_any_event_is_read_or_refused_with_a_sentence(event: Any) -> None:
    refused = refusal(Hint.from_ecr, event)
    if refused is None:
        hint = Hint.from_ecr(event)
        assert hint is None or Hint.from_message(hint.to_message()).cause == hint.cause
    else:
        assert refused.endswith(".")


@given((any_json | nearly(MESSAGE)).map(json.dumps) | st.text())
def test_any_message_is_read_or_refused_with_a_sentence(body: str) -> None:
    refused = refusal(Hint.from_message, body)
    if refused is None:
        hint = Hint.from_message(body)
        assert Hint.from_message(hint.to_message()).cause == hint.cause
    else:
        assert refused.endswith(".")


@given(
    st.sampled_from([*DETAIL_TYPES.values(), "Tag Eaten"]) | any_json,
    any_json | nearly(MOVED.to_detail()),
)
def test_any_detail_is_read_or_refused_with_a_sentence(detail_type: Any, detail: Any) -> None:
    refused = refusal(Fact.from_detail, detail_type, detail)
    if refused is None:
        fact = Fact.from_detail(detail_type, detail)
        assert Fact.from_detail(fact.detail_type, fact.to_detail()).kind is fact.kind
    else:
        assert refused.endswith(".")


@given(times)
def test_a_time_survives_to_the_millisecond(time: datetime) -> None:
    assert parse_time(iso(time)) == time
    assert parse_time(iso(time)).tzinfo is UTC


@given(times, st.integers(0, 999))
def test_what_is_below_a_millisecond_is_cut_off(time: datetime, microseconds: int) -> None:
    assert iso(time + timedelta(microseconds=microseconds)) == iso(time)
