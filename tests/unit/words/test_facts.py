"""ECR's events in, hints on their way, and the steward's own events against their schemas."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from ecr_steward.rules import Mode
from ecr_steward.words import grammar
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import (
    DETAIL_TYPES,
    LARGEST_VALUE,
    RUNNING,
    Difference,
    Fact,
    FactKind,
    FactMaker,
    clipped,
)
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import MalformedEvent, iso, parse_time
from ecr_steward_cli.given.names import is_repository
from ecr_steward_cli.main import main
from ecr_steward_cli.rules_file.load import schema as rules_schema
from ecr_steward_cli.schemas import EVENTS, event_schema
from tests.support.facts import (
    EVERY_KIND,
    GIVEN_UP,
    HELD,
    MOVED,
    NEW,
    OLD,
    PUSH,
    REMOVED,
    RESTORED,
    SWEPT,
    faults,
)
from tests.support.world import VERSIONS, World, ruleset

FILES = Path(__file__).parents[3] / "events"
ABSENT = "(absent)"


def pushed(**changes: Any) -> dict[str, Any]:
    """An `ECR Image Action` event; ABSENT takes a field out."""
    detail = {
        "result": "SUCCESS",
        "repository-name": "base/redis",
        "image-digest": NEW,
        "action-type": "PUSH",
        "image-tag": "1.4.2",
    }
    return {
        "id": "event-1",
        "detail-type": "ECR Image Action",
        "time": "2026-11-23T02:24:00Z",
        "detail": {name: v for name, v in (detail | changes).items() if v is not ABSENT},
    }


# What ECR tells us


def test_a_push_becomes_a_hint() -> None:
    assert Hint.from_ecr(pushed()) == Hint(
        repository="base/redis",
        action=Action.PUSH,
        tag="1.4.2",
        digest=NEW,
        cause=Cause("event-1", "ECR Image Action"),
        time=datetime(2026, 11, 23, 2, 24, tzinfo=UTC),
    )


def test_a_delete_becomes_a_hint() -> None:
    hint = Hint.from_ecr(pushed(**{"action-type": "DELETE"}))
    assert hint is not None
    assert hint.action is Action.DELETE


@pytest.mark.parametrize("tag", ["", None, ABSENT], ids=["empty", "null", "absent"])
def test_an_empty_a_null_and_an_absent_tag_are_no_tag(tag: Any) -> None:
    assert Hint.from_ecr(pushed(**{"image-tag": tag})) == Hint.from_ecr(pushed(**{"image-tag": ""}))
    hint = Hint.from_ecr(pushed(**{"image-tag": tag}))
    assert hint is not None
    assert hint.tag is None


@pytest.mark.parametrize("digest", ["", None, ABSENT], ids=["empty", "null", "absent"])
def test_a_digest_may_be_missing(digest: Any) -> None:
    hint = Hint.from_ecr(pushed(**{"image-digest": digest}))
    assert hint is not None
    assert hint.digest is None


@pytest.mark.parametrize(
    "changes",
    [
        {"result": "FAILED"},
        {"result": "FAILURE"},
        {"result": ABSENT},
        {"action-type": "UPDATE_STORAGE_CLASS"},
        {"action-type": "push"},
        {"action-type": "SWEEP"},
        {"action-type": ABSENT},
    ],
    ids=str,
)
def test_what_failed_or_is_neither_push_nor_delete_is_no_hint(changes: dict[str, Any]) -> None:
    assert Hint.from_ecr(pushed(**changes)) is None


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (pushed(**{"repository-name": ABSENT}), "`repository-name`"),
        (pushed(**{"repository-name": ""}), "`repository-name`"),
        (pushed(**{"repository-name": 7}), "`repository-name`"),
        (pushed(**{"image-tag": 7}), "`image-tag`"),
        (pushed(**{"image-digest": "sha256:short"}), "`image-digest`"),
        (pushed(**{"image-digest": f"{NEW}\n"}), "`image-digest`"),
        (pushed() | {"id": ""}, "`id`"),
        (pushed() | {"detail-type": None}, "`detail-type`"),
        (pushed() | {"time": "yesterday"}, "`time`"),
        (pushed() | {"time": "2026-11-23T02:24:00"}, "no time zone"),
        (pushed() | {"time": "0001-01-01T00:00:00+10:00"}, "before the year 1"),
        (pushed() | {"detail": "PUSH"}, "`detail`"),
        ({}, "`detail`"),
        ([], "The event"),
        (None, "The event"),
    ],
)
def test_a_malformed_event_is_refused_with_the_name_of_the_field(event: Any, named: str) -> None:
    with pytest.raises(MalformedEvent, match=named):
        Hint.from_ecr(event)


@pytest.mark.parametrize("path", sorted(FILES.glob("ecr_*.json")), ids=lambda path: path.stem)
def test_every_sample_event_is_read_or_refused_with_a_sentence(path: Path) -> None:
    event = json.loads(path.read_text())
    if path.stem.endswith("malformed"):
        with pytest.raises(MalformedEvent, match=r"`[a-z-]+` is .*\.$"):
            Hint.from_ecr(event)
        return
    hint = Hint.from_ecr(event)
    action = event["detail"].get("action-type")
    looked_at = event["detail"].get("result") == "SUCCESS" and action in ("PUSH", "DELETE")
    assert (hint is not None) == looked_at


# Hints on their way

HINT = Hint(
    "base/redis", Action.PUSH, "1.4.2", NEW, PUSH, datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
)


def test_a_message_carries_the_whole_hint() -> None:
    assert Hint.from_message(HINT.to_message()) == HINT
    bare = replace(HINT, action=Action.SWEEP, tag=None, digest=None)
    assert Hint.from_message(bare.to_message()) == bare


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"repository": None}, "`repository`"),
        ({"action": "PULL"}, "`action`"),
        ({"action": ["PUSH"]}, "`action`"),
        ({"tag": ["1.4.2"]}, "`tag`"),
        ({"digest": "1.4.2"}, "`digest`"),
        ({"cause": "event-1"}, "`cause`"),
        ({"cause": {"id": "event-1"}}, "`type`"),
        ({"time": 1795400640}, "`time`"),
    ],
    ids=str,
)
def test_a_malformed_message_is_refused_with_the_name_of_the_field(
    changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(MalformedEvent, match=named):
        Hint.from_message(json.dumps(json.loads(HINT.to_message()) | changes))


@pytest.mark.parametrize("body", ["", "{", '{"repository":', "[]", "7", "null", "[" * 100_000])
def test_what_is_no_json_object_is_refused(body: str) -> None:
    with pytest.raises(MalformedEvent, match=r"^The message is not "):
        Hint.from_message(body)


# Facts and their ids


def test_the_id_is_the_sha_256_of_cause_kind_tag_and_digest() -> None:
    text = f"{PUSH.id}\nmove\n1.4\n{NEW}"
    assert MOVED.id == hashlib.sha256(text.encode()).hexdigest()


def test_the_same_fact_has_the_same_id_however_often_and_whenever_it_is_found() -> None:
    again = replace(
        MOVED, time="2026-11-24T00:00:00Z", reason="Another sentence.", of=3, before=None
    )
    assert again.id == MOVED.id
    assert Fact.from_detail("Tag Moved", MOVED.to_detail()).id == MOVED.id


@pytest.mark.parametrize(
    "other",
    [
        replace(MOVED, cause=Cause("another", PUSH.type)),
        replace(MOVED, kind=FactKind.PIN),
        replace(MOVED, tag="1"),
        replace(MOVED, digest=OLD),
    ],
    ids=["cause", "kind", "tag", "digest"],
)
def test_another_cause_kind_tag_or_digest_is_another_fact(other: Fact) -> None:
    assert other.id != MOVED.id


# Facts as events


def test_every_kind_of_fact_has_a_detail_type_and_a_schema() -> None:
    assert set(DETAIL_TYPES) == set(FactKind)
    assert tuple(DETAIL_TYPES.values()) == EVENTS
    assert {fact.kind for fact in EVERY_KIND} == set(FactKind)


@pytest.mark.parametrize("fact", EVERY_KIND, ids=lambda fact: str(fact.kind))
def test_every_fact_fits_its_schema_and_comes_back_whole(fact: Fact) -> None:
    detail = json.loads(json.dumps(fact.to_detail()))
    assert not list(faults(fact.detail_type, detail))
    assert Fact.from_detail(fact.detail_type, detail) == fact


def test_a_fact_that_is_about_an_image_says_where_the_tag_goes() -> None:
    detail = MOVED.to_detail()
    assert (detail["from"], detail["to"], detail["digest"]) == (OLD, NEW, NEW)
    assert (detail["from_tags"], detail["to_tags"]) == (list(MOVED.before_tags), ["1.4.2"])


@pytest.mark.parametrize("detail_type", ["Tag Eaten", "tag moved", "", None, [], {}], ids=repr)
def test_an_unknown_kind_of_event_is_refused(detail_type: Any) -> None:
    with pytest.raises(MalformedEvent, match="no event of the steward's"):
        Fact.from_detail(detail_type, MOVED.to_detail())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cause": None}, "`cause`"),
        ({"cause": {"id": "a"}}, "`type`"),
        ({"cause": {"id": "a", "type": "b", "facts": "3"}}, "`facts`"),
        ({"cause": {"id": "a", "type": "b", "facts": True}}, "`facts`"),
        ({"cause": {"id": "a", "type": "b", "facts": -1}}, "`facts`"),
        ({"registry": 123456789012}, "`registry`"),
        ({"repository": {}}, "`repository`"),
        ({"mode": ""}, "`mode`"),
        ({"rule": 0}, "`rule`"),
        ({"reason": None}, "`reason`"),
        ({"time": "now"}, "`time`"),
        ({"digest": "sha256:1"}, "`digest`"),
        ({"from": "sha256:1"}, "`from`"),
        ({"from_tags": None}, "`from_tags`"),
        ({"to_tags": "1.4.2"}, "`to_tags`"),
        ({"to_tags": [1, 4]}, "`to_tags`"),
        ({"totals": [3]}, "`totals`"),
        ({"totals": {"moved": "3"}}, "`moved`"),
    ],
    ids=str,
)
def test_a_malformed_fact_is_refused_with_the_name_of_the_field(
    changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(MalformedEvent, match=named):
        Fact.from_detail("Tag Moved", MOVED.to_detail() | changes)


# The schemas


@pytest.mark.parametrize("name", EVENTS)
def test_a_schema_is_one_of_its_draft_and_knows_its_name(name: str) -> None:
    schema = event_schema(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:ecr-steward:events:{name.lower().replace(' ', '-')}:1"
    assert schema["title"] == name
    jsonschema.Draft202012Validator.check_schema(schema)


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for child in node.values():
            yield from objects(child)


@pytest.mark.parametrize("name", EVENTS)
def test_every_field_is_described_and_no_other_is_let_through(name: str) -> None:
    for node in objects(event_schema(name)):
        assert node["additionalProperties"] is False
        for field, said in node["properties"].items():
            assert said["description"].endswith("."), field


def _without(path: str) -> Callable[[dict[str, Any]], None]:
    def change(detail: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            detail = detail[parent]
        del detail[last]

    return change


@pytest.mark.parametrize("fact", EVERY_KIND, ids=lambda fact: str(fact.kind))
def test_a_schema_needs_every_common_field(fact: Fact) -> None:
    common = [
        "id", "schema", "registry", "region", "repository", "tag", "digest", "mode", "rule",
        "rules", "reason", "cause", "time", "cause.id", "cause.type", "cause.facts",
    ]  # fmt: skip
    for path in common:
        detail = fact.to_detail()
        _without(path)(detail)
        assert list(faults(fact.detail_type, detail)), path


@pytest.mark.parametrize(
    ("fact", "changes"),
    [
        (MOVED, {"extra": 1}),
        (MOVED, {"id": MOVED.id.upper()}),
        (MOVED, {"schema": "2"}),
        (MOVED, {"registry": "12345"}),
        (MOVED, {"region": "Ireland"}),
        (MOVED, {"repository": "Base/Redis"}),
        (MOVED, {"repository": ""}),
        (MOVED, {"tag": None}),
        (MOVED, {"tag": "-1"}),
        (MOVED, {"digest": None}),
        (MOVED, {"digest": "sha256:abc"}),
        (MOVED, {"mode": "off"}),
        (MOVED, {"rule": "base/*"}),
        (MOVED, {"rules": "unknown"}),
        (MOVED, {"reason": ""}),
        (MOVED, {"cause": {"id": "a", "type": "b", "facts": 0}}),
        (MOVED, {"time": "2026-11-23 02:24"}),
        (MOVED, {"time": "2026-13-23T02:24:06Z"}),
        (MOVED, {"from_tags": ["1.4", "1.4"]}),
        (MOVED, {"to": None}),
        (RESTORED, {"from": None}),
        (RESTORED, {"to": None}),
        (REMOVED, {"digest": NEW}),
        (REMOVED, {"to": NEW}),
        (REMOVED, {"from": None}),
        (REMOVED, {"to_tags": ["1.4.2"]}),
        (HELD, {"to": None}),
        (GIVEN_UP, {"repository": "r" * 257}),
        (SWEPT, {"repository": "base/redis"}),
        (SWEPT, {"totals": {"repositories": 1}}),
        (SWEPT, {"totals": {"repositories": 1, "missing": -1}}),
        (SWEPT, {"totals": {"repositories": 1, "missing": 0, "eaten": 1}}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else value.kind,
)
def test_a_schema_is_exact(fact: Fact, changes: dict[str, Any]) -> None:
    assert list(faults(fact.detail_type, fact.to_detail() | changes))


@pytest.mark.parametrize(
    "name", ["base/redis", "a", "ab", "a__b", "a___b", "a--b", "a/b/c", "/a", "a/", "A", "a" * 257]
)
def test_the_schema_and_the_command_line_agree_on_what_a_repository_is(name: str) -> None:
    accepted = not list(faults("Tag Moved", MOVED.to_detail() | {"repository": name}))
    assert accepted == is_repository(name)


@pytest.mark.parametrize("tag", ["1.4.2", "_x", ".x", "-x", "a b", "a" * 128, "a" * 129, ""])
def test_the_schema_and_the_grammar_agree_on_what_a_tag_is(tag: str) -> None:
    accepted = not list(faults("Tag Moved", MOVED.to_detail() | {"tag": tag}))
    assert accepted == grammar.is_tag(tag)


def test_the_sample_events_of_the_notifier_fit_their_schemas() -> None:
    seen = set()
    for path in FILES.glob("notify_batch_*.json"):
        for record in json.loads(path.read_text())["Records"]:
            try:
                event = json.loads(record["body"])
            except ValueError:
                assert "poison" in path.stem
                continue
            if "detail" in event and event.get("detail-type") in EVENTS:
                assert not list(faults(event["detail-type"], event["detail"])), path.name
                seen.add(event["detail-type"])
    assert "Tag Moved" in seen


@pytest.mark.parametrize("mode", [Mode.AUDIT, Mode.ENFORCE])
def test_what_the_steward_really_says_fits_the_schemas(mode: Mode) -> None:
    world = World(mode=mode)
    for tag, name in [
        ("1.4.1", "old"), ("nightly", "stray"), ("latest", "mine"), ("1.4.2", "new"),
        ("1.4.2", "newer"), ("latest", "mine"),
    ]:  # fmt: skip
        world.push(tag, name=name)
        world.settle()
    world.sweep()
    told = world.told()
    wanted = {FactKind.MOVE, FactKind.REJECT, FactKind.OVERWRITE, FactKind.SWEPT}
    assert {fact.kind for fact in told} >= wanted
    for fact in told:
        assert not list(faults(fact.detail_type, fact.to_detail()))


@pytest.mark.parametrize("mode", [Mode.AUDIT, Mode.ENFORCE])
def test_what_the_steward_says_of_restored_removed_and_gone_tags_fits_the_schemas(
    mode: Mode,
) -> None:
    strict = VERSIONS["tags"] | {"overwritten": "restore", "unknown": "remove"}
    world = World(ruleset({**VERSIONS, "tags": strict}), mode, allow_removal=True)
    for tag, name in [("1.4.2", "mine"), ("nightly", "mine"), ("1.4.2", "yours")]:
        world.push(tag, name=name)
        world.settle()
    for digest in set(world.tags().values()):
        world.delete(digest=digest)
        world.settle()
    told = world.told()
    assert {fact.kind for fact in told} >= {FactKind.OVERWRITE, FactKind.RESTORE, FactKind.REMOVE}
    assert {bool(fact.before_tags) for fact in told if fact.kind is FactKind.REMOVE} == {
        True,
        False,
    }
    for fact in told:
        assert not list(faults(fact.detail_type, fact.to_detail()))


# The command line


def test_the_schema_command_prints_the_rules_schema_and_each_events() -> None:
    printed = CliRunner().invoke(main, ["schema"])
    assert json.loads(printed.output) == rules_schema()
    for name in EVENTS:
        for spelling in (name, name.lower().replace(" ", "."), name.lower().replace(" ", "-")):
            printed = CliRunner().invoke(main, ["schema", spelling])
            assert printed.exit_code == 0
            assert json.loads(printed.output) == event_schema(name)


def test_the_schema_command_refuses_an_event_it_does_not_know_and_names_those_there_are() -> None:
    printed = CliRunner().invoke(main, ["schema", "tag.eaten"])
    assert printed.exit_code == 2
    for name in EVENTS:
        assert name in printed.output


def test_there_is_no_schema_of_an_unknown_event() -> None:
    with pytest.raises(KeyError, match="Tag Eaten"):
        event_schema("Tag Eaten")


# Times


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 11, 23, 2, 24, tzinfo=UTC), "2026-11-23T02:24:00Z"),
        (datetime(2026, 11, 23, 2, 24, 0, 1500, tzinfo=UTC), "2026-11-23T02:24:00.001Z"),
        (datetime(2026, 11, 23, 2, 24, 0, 999, tzinfo=UTC), "2026-11-23T02:24:00Z"),
        (
            datetime(2026, 11, 23, 3, 24, tzinfo=timezone(timedelta(hours=1))),
            "2026-11-23T02:24:00Z",
        ),
    ],
)
def test_a_time_is_written_in_utc_with_milliseconds_only_where_there_are_any(
    time: datetime, text: str
) -> None:
    assert iso(time) == text
    assert parse_time(text) == time.replace(microsecond=time.microsecond // 1000 * 1000)


def test_a_value_that_is_too_large_is_told_by_its_size_and_hash() -> None:
    large, other = {"text": "x" * 160_000}, {"text": "y" * 160_000}
    found = Difference("lifecycle", "differs", "", "correct", large, other)
    assert found.before["bytes"] == len(json.dumps(large))
    assert found.before["sha256"] != found.after["sha256"]
    assert Difference.from_document(found.to_document()) == found


@pytest.mark.parametrize(("result", "missing"), [("FAILED", True), ("SUCCESS", False)])
def test_a_copy_that_did_not_come_is_a_hint_of_its_image(result: str, missing: bool) -> None:
    hint = Hint.missing_copy(pushed(result=result))
    assert hint == (Hint.from_ecr(pushed()) if missing else None)


@pytest.mark.parametrize("plan", [None, "0123456789ab"])
def test_a_hint_keeps_its_plan_on_its_way_through_the_queue(plan: str | None) -> None:
    hint = Hint.from_ecr(pushed())
    assert hint is not None
    narrowed = replace(hint, plan=plan)
    assert Hint.from_message(narrowed.to_message()) == narrowed
    assert ("plan" in json.loads(narrowed.to_message())) is (plan is not None)


@pytest.mark.parametrize(
    ("letters", "kept"), [(LARGEST_VALUE - 2, True), (LARGEST_VALUE - 1, False)]
)
def test_a_value_of_the_largest_size_is_kept(letters: int, kept: bool) -> None:
    value = "x" * letters  # as JSON it has two quotes more
    assert (Difference("policy", "differs", "", "correct", value).before == value) is kept


def test_a_difference_is_told_in_lines_of_before_and_after() -> None:
    found = Difference("policy", "differs", "", "correct", {"a": "ü"}, {"a": "b"})
    assert found.lines() == ["@@ -1,3 +1,3 @@", " {", '-  "a": "ü"', '+  "a": "b"', " }"]
    assert Difference("policy", "missing", "", "correct", None, 5).lines() == [
        "@@ -0,0 +1 @@",
        "+5",
    ]


def test_two_differences_are_one_whatever_the_order_of_their_keys() -> None:
    one, same, other = (
        Difference("policy", "differs", "", "correct", value)
        for value in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 2, "b": 1})
    )
    assert one.key == same.key != other.key
    large = {"a": "x" * LARGEST_VALUE, "b": 1}
    turned = dict(reversed(large.items()))
    assert (
        Difference("policy", "differs", "", "correct", large).key
        == Difference("policy", "differs", "", "correct", turned).key
    )


@pytest.mark.parametrize("kind", FactKind)
def test_workloads_tell_facts_about_what_runs_apart(kind: FactKind) -> None:
    one, other = (replace(MOVED, kind=kind, workloads=(each,)) for each in ("ecs:a", "ecs:b"))
    assert (one.id != other.id) is (kind in RUNNING)


def test_a_fact_counts_as_one_of_so_many() -> None:
    assert MOVED.counted(1) is MOVED
    assert MOVED.counted(3) == replace(MOVED, of=3)


@pytest.mark.parametrize(
    ("cut", "compared"),
    [((), True), (("totals",), True), (("before",), False), (("after",), False)],
)
def test_a_difference_that_was_cut_is_not_told_in_lines(
    cut: tuple[str, ...], compared: bool
) -> None:
    difference = Difference("policy", "differs", "", "correct", 1, 2)
    fact = replace(MOVED, kind=FactKind.DRIFT, difference=difference, cut=cut)
    assert fact.is_compared is compared
    assert fact.to_detail()["difference"] == (difference.lines() if compared else [])


def test_a_fact_of_an_event_says_what_the_event_does_not() -> None:
    detail = MOVED.to_detail()
    del detail["cause"]["facts"]
    assert Fact.from_detail("Tag Moved", detail) == MOVED
    cut = {**detail, "cut": ["difference", "before"]}
    assert Fact.from_detail("Tag Moved", cut) == replace(MOVED, cut=("before",), whole=MOVED.id)


@pytest.mark.parametrize(
    ("text", "most", "clip"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("", 3, ""), ("ab", 1, "…")]
)
def test_a_text_that_is_too_long_ends_with_an_ellipsis(text: str, most: int, clip: str) -> None:
    assert clipped(text, most) == clip


def test_a_reason_has_two_thousand_characters_at_most() -> None:
    long, longest = (replace(MOVED, reason="x" * letters) for letters in (2001, 2000))
    assert long.to_detail()["reason"] == f"{'x' * 1999}…"
    assert longest.to_detail()["reason"] == longest.reason


def test_a_fact_is_of_now_or_of_the_time_that_is_given() -> None:
    now = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
    maker = FactMaker("123456789012", "eu-west-1", lambda: now)
    made = maker.fact(FactKind.SWEPT, PUSH, "Done.", mode="audit")
    then = maker.fact(FactKind.SWEPT, PUSH, "Done.", mode="audit", at=now - timedelta(days=1))
    assert (made.time, then.time) == ("2026-11-23T02:24:00Z", "2026-11-22T02:24:00Z")
    assert (made.rules, made.of, made.again) == ("unknown", 1, 0)
