"""Which events the rules and filters let through, by the files in events/."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ecr_steward.history.dynamo import write
from ecr_steward.history.tags import History
from ecr_steward.messages.ledger import Ledger, Window
from ecr_steward.words.calls import OF_REPOSITORIES, Call
from ecr_steward.words.calls import OF_THE_REGISTRY as OF_THE_REGISTRYS_OWN
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.hints import REGISTRY, Hint
from ecr_steward.words.reading import parse_time
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.template import support
from tests.template.patterns import matches
from tests.template.support import EVENTS, Stack

ACCEPTED = {
    "ecr_push_version",
    "ecr_push_version_docker",
    "ecr_push_version_documented_shape",
    "ecr_push_version_older",
    "ecr_push_version_prerelease",
    "ecr_push_version_replayed",
    "ecr_push_index",
    "ecr_push_index_docker",
    "ecr_push_stable_echo",
    "ecr_push_commit",
    "ecr_push_stable_by_pipeline",
    "ecr_push_off_scheme",
    "ecr_push_ignored",
    "ecr_push_referrer_tag",
    "ecr_push_unmatched_repository",
    "ecr_push_long_repository",
    "ecr_delete_version",
    "ecr_delete_untagged",
    "ecr_delete_absent_tag",
}
REFUSED = {
    "ecr_push_untagged_child",
    "ecr_push_absent_tag",
    "ecr_push_failed_result",
    "ecr_push_malformed",
    "ecr_push_other_account",
    "ecr_push_other_region",
    "ecr_archive_version",
    "ecr_scan_complete",
}
CALLS_ACCEPTED = {
    "call_set_repository_policy",
    "call_set_repository_policy_replayed",
    "call_delete_repository_policy",
    "call_put_lifecycle_policy",
    "call_delete_lifecycle_policy",
    "call_put_image_tag_mutability",
    "call_put_image_scanning_configuration",
    "call_tag_resource",
    "call_untag_resource",
    "call_create_repository",
    "call_create_repository_by_replication",
    "call_create_repository_by_cache",
    "call_delete_repository",
    "call_put_registry_scanning",
    "call_delete_creation_template",
    "call_by_the_steward",
    "call_unmatched_repository",
    "call_no_baseline",
}
CALLS_REFUSED = {
    "call_failed",
    "call_put_image",
    "call_without_repository",
    "call_other_account",
    "call_other_region",
}
OF_THE_REGISTRY = {"call_put_registry_scanning", "call_delete_creation_template"}


def event(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return content


def passes(stack: Stack, name: str) -> bool:
    return matches(stack.of("AWS::Events::Rule")["ImagePushRule"]["EventPattern"], event(name))


@pytest.mark.parametrize("name", sorted(ACCEPTED))
def test_the_image_rule_accepts(audit: Stack, name: str) -> None:
    assert passes(audit, name)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_the_image_rule_refuses(audit: Stack, name: str) -> None:
    assert not passes(audit, name)


def test_every_ecr_event_file_is_accepted_or_refused() -> None:
    assert {path.stem for path in EVENTS.glob("ecr_*.json")} == ACCEPTED | REFUSED


def test_the_image_rule_listens_to_the_repositories_of_the_stack_only() -> None:
    base = support.stack(RepositoryPattern="base/*")
    assert passes(base, "ecr_push_version")
    assert passes(base, "ecr_delete_untagged")
    assert not passes(base, "ecr_push_commit")


def test_the_image_rule_listens_to_the_replay_source_it_is_given() -> None:
    other = support.stack(ReplaySource="team.replay")
    assert passes(other, "ecr_push_version")
    assert not passes(other, "ecr_push_version_replayed")


@pytest.mark.parametrize(
    ("name", "passed"),
    [("deleted_version", True), ("deleted_image", True), ("deleted_failed", False),
     ("call_put_image", False), ("call_delete_repository", False), ("ecr_delete_version", False)],
)  # fmt: skip
def test_the_rule_of_deletions_takes_what_was_deleted(
    audit: Stack, name: str, passed: bool
) -> None:
    rule = audit.of("AWS::Events::Rule")["ImageDeletedRule"]
    assert matches(rule["EventPattern"], event(name)) is passed
    other = support.stack(RepositoryPattern="apps/*").of("AWS::Events::Rule")["ImageDeletedRule"]
    assert not matches(other["EventPattern"], event(name))


def test_the_image_rule_stays_on_in_every_mode(any_stack: Stack) -> None:
    rule = any_stack.of("AWS::Events::Rule")["ImagePushRule"]
    assert rule.get("State", "ENABLED") == "ENABLED"


@pytest.mark.parametrize("name", sorted(ACCEPTED))
def test_the_library_understands_what_the_image_rule_accepts(name: str) -> None:
    hint = Hint.from_ecr(event(name))
    assert hint is not None
    assert hint.repository == event(name)["detail"]["repository-name"]


def _called(stack: Stack, name: str) -> bool:
    return matches(stack.of("AWS::Events::Rule")["ApiCallRule"]["EventPattern"], event(name))


@pytest.mark.parametrize("name", sorted(CALLS_ACCEPTED))
def test_the_call_rule_accepts_and_the_library_understands(audit: Stack, name: str) -> None:
    assert _called(audit, name)
    call = Call.from_cloudtrail(event(name))
    assert call is not None
    assert not call.failed
    assert (call.repository == REGISTRY) is (name in OF_THE_REGISTRY)


@pytest.mark.parametrize("name", sorted(CALLS_REFUSED))
def test_the_call_rule_refuses(audit: Stack, name: str) -> None:
    assert not _called(audit, name)


def test_every_call_file_is_accepted_or_refused() -> None:
    assert {path.stem for path in EVENTS.glob("call_*.json")} == CALLS_ACCEPTED | CALLS_REFUSED


def test_every_call_that_the_library_knows_is_in_the_rule_and_no_other(audit: Stack) -> None:
    detail = audit.of("AWS::Events::Rule")["ApiCallRule"]["EventPattern"]["detail"]
    named = {name for each in detail["$or"] for name in each["eventName"]}
    assert named == OF_REPOSITORIES | OF_THE_REGISTRYS_OWN


def test_the_call_rule_listens_to_the_repositories_of_the_stack_only() -> None:
    apps = support.stack(RepositoryPattern="apps/*")
    passed = {name for name in CALLS_ACCEPTED if _called(apps, name)}
    assert passed == {"call_no_baseline"} | OF_THE_REGISTRY
    cache = event("call_create_repository_by_cache")
    assert cache["detail"]["requestParameters"] is None


def test_a_pattern_fits_into_a_rule(any_stack: Stack) -> None:
    # EventBridge User Guide, quotas: 2,048 characters.
    for rule in any_stack.of("AWS::Events::Rule").values():
        assert len(json.dumps(rule["EventPattern"])) < 2048


def _letters() -> list[dict[str, Any]]:
    return [
        json.loads(record["body"])
        for name in ("notify_batch_moved", "notify_batch_two_causes")
        for record in event(name)["Records"]
    ]


def test_the_stewards_rule_takes_all_its_events_and_no_others(audit: Stack) -> None:
    rule = audit.of("AWS::Events::Rule")["StewardEventsRule"]
    assert rule["EventBusName"] == "${StewardBus}"
    assert all(matches(rule["EventPattern"], letter) for letter in _letters())
    assert not matches(rule["EventPattern"], event("ecr_push_version"))


def _streamed(stack: Stack, record: dict[str, Any]) -> bool:
    mapping = stack.of("AWS::Lambda::EventSourceMapping")["PublishFunctionHistoryEventSource"]
    filters = mapping["FilterCriteria"]["Filters"]
    return any(matches(json.loads(each["Pattern"]), record) for each in filters)


def test_the_stream_gives_the_publisher_every_fact(audit: Stack) -> None:
    records = event("stream_history_facts")["Records"]
    assert records
    assert all(_streamed(audit, record) for record in records)


def test_the_stream_keeps_the_stewards_own_notes_from_the_publisher(audit: Stack) -> None:
    records = event("stream_history_notes")["Records"]
    assert records
    assert not any(_streamed(audit, record) for record in records)


def test_the_stream_lets_through_what_the_history_tells_and_nothing_else_it_writes(
    audit: Stack,
) -> None:
    letter = _letters()[0]
    fact = Fact.from_detail(letter["detail-type"], letter["detail"])
    rejected = Fact.from_detail("Tag Rejected", {**letter["detail"], "tag": "my-test"})
    failed = Fact.from_detail("Steward Failed", letter["detail"])
    window = Window.at("platform", timedelta(hours=1), parse_time(fact.time))
    written: list[dict[str, Any]] = []
    table = MemoryTable()
    history = History(table)

    history.announce(fact.repository, [fact])
    history.close(fact.repository, [fact])
    history.findings.say([rejected])
    now = parse_time(fact.time)
    ledger = Ledger(table)
    ledger.arrive([fact], now)
    ledger.refuse("platform", fact.cause.id, failed, now)
    ledger.hold(window, fact.cause.id, [fact], now)
    history.sweeps.remember_seen(fact.repository, now)
    places = (f"repo#{fact.repository}", f"told#{fact.cause.id}", window.key, "channel#platform")
    for pk in places:
        written += [write(item) for item in table.query(pk)]

    through = [
        item
        for item in written
        if _streamed(audit, {"eventName": "INSERT", "dynamodb": {"Keys": item, "NewImage": item}})
    ]
    assert sorted(json.loads(item["body"]["S"])["detail-type"] for item in through) == [
        "Steward Failed",
        "Tag Moved",
        "Tag Rejected",
    ]
    assert len(written) > len(through)


def test_sample_facts_are_facts_of_this_library() -> None:
    for letter in _letters():
        fact = Fact.from_detail(letter["detail-type"], letter["detail"])
        assert fact.kind in (FactKind.MOVE, FactKind.REJECT)
        assert isinstance(fact.cause, Cause)
        assert letter["detail"] == fact.to_detail()


def test_sample_messages_are_hints_of_this_library_but_for_the_poison() -> None:
    for path in sorted([*EVENTS.glob("retag_*.json"), *EVENTS.glob("enforce_*.json")]):
        for record in event(path.stem)["Records"]:
            if record["body"].startswith('{"repository":"'):
                assert Hint.from_message(record["body"]).to_message() == record["body"]
            else:
                assert path.stem in ("retag_batch_with_poison", "enforce_batch_with_poison")


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_a_sample_is_named_after_its_source_and_names_no_other_account(path: Path) -> None:
    sources = {"ecr", "call", "deleted", "task", "function", "retag", "enforce", "schedule", "hand"}
    sources |= {"stream", "notify", "retain"}
    assert path.stem.partition("_")[0] in sources
    text = path.read_text(encoding="utf-8")
    assert json.loads(text)
    if not path.stem.endswith("_other_account"):
        assert "210987654321" not in text


# The matcher itself, by the examples of the EventBridge User Guide.
@pytest.mark.parametrize(
    ("pattern", "document", "expected"),
    [
        ({"a": ["x"]}, {"a": "x"}, True),
        ({"a": ["x"]}, {"a": ["y", "x"]}, True),
        ({"a": ["x"]}, {}, False),
        ({"a": ["1"]}, {"a": 1}, False),
        ({"a": {"b": ["x"]}}, {"a": {"b": "x", "c": "y"}}, True),
        ({"a": {"b": ["x"]}}, {"a": "x"}, False),
        ({"a": [{"prefix": "x-"}]}, {"a": "x-1"}, True),
        ({"a": [{"suffix": ".sig"}]}, {"a": "x.sig"}, True),
        ({"a": [{"anything-but": [""]}]}, {"a": ""}, False),
        ({"a": [{"anything-but": [""]}]}, {"a": "x"}, True),
        ({"a": [{"anything-but": [""]}]}, {}, False),
        ({"a": [{"anything-but": {"prefix": "x"}}]}, {"a": "xy"}, False),
        ({"a": [{"wildcard": "base/*"}]}, {"a": "base/x/y"}, True),
        ({"a": [{"wildcard": "base/*"}]}, {"a": "apps/base/x"}, False),
        ({"a": [{"exists": False}]}, {}, True),
        ({"a": [{"exists": True}]}, {}, False),
        ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": "y"}, True),
        ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": "y"}, False),
        ({"c": ["z"], "$or": [{"a": ["x"]}]}, {"a": "x"}, False),
    ],
)
def test_patterns_match_as_in_eventbridge(
    pattern: dict[str, Any], document: dict[str, Any], expected: bool
) -> None:
    assert matches(pattern, document) is expected


def test_an_operator_that_is_not_known_is_no_match_by_mistake() -> None:
    with pytest.raises(NotImplementedError, match="cidr"):
        matches({"a": [{"cidr": "10.0.0.0/8"}]}, {"a": "10.0.0.1"})


RUNNING_RULES = {
    "TaskChangeRule": {
        "task_started",
        "task_started_without_digest",
        "task_started_elsewhere",
        "task_stopped",
        "task_stopped_run_once",
    },
    "FunctionCodeRule": {"function_updated", "function_created", "function_updated_zip"},
    "WorkloadTaskRule": {"task_started_other_account"},
}


@pytest.mark.parametrize("rule", RUNNING_RULES)
def test_each_rule_of_what_runs_takes_its_own_events_only(rule: str) -> None:
    stack = support.stack(RunningSources="ecs,lambda", WorkloadAccounts="210987654321")
    pattern = stack.of("AWS::Events::Rule")[rule]["EventPattern"]
    samples = [*EVENTS.glob("task_*.json"), *EVENTS.glob("function_*.json")]
    taken = {path.stem for path in samples if matches(pattern, event(path.stem))}
    assert taken == RUNNING_RULES[rule]


def test_what_runs_is_not_listened_to_until_a_source_is_named(audit: Stack) -> None:
    rules = audit.of("AWS::Events::Rule")
    assert {rules[name]["State"] for name in ("TaskChangeRule", "FunctionCodeRule")} == {"DISABLED"}
    assert "WorkloadTaskRule" not in rules
