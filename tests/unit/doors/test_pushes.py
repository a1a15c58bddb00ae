"""The door: what it makes of each event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ecr_steward.doors.pushes import PushAnswer, check, judge
from ecr_steward.tags.scheme import Verdict
from ecr_steward.words.causes import Cause
from ecr_steward.words.expiry_tags import BEGINNING
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import MalformedEvent
from tests.support.facts import NEW
from tests.support.world import VERSIONS, ruleset

FILES = Path(__file__).parents[3] / "events"
RULES = ruleset(
    VERSIONS,
    {
        "repositories": ["apps/*"],
        "tags": {"unique": ["sha"], "stable": [{"tag": "main"}], "unknown": "allow"},
    },
    {"repositories": ["bare/*"]},
)
PIN = f"latest-20261123T022400Z-{NEW[7:19]}"
OTHERS_PIN = "latest-20261123T022400Z-0123456789ab"
EXPIRY = f"steward-expire-20261123-{NEW[7:19]}"
REFERRER = f"sha256-{'0' * 64}.sig"

TABLE: list[tuple[Action, str, str | None, PushAnswer]] = [
    (Action.PUSH, "other/redis", "1.4.2", PushAnswer.NO_RULE),
    (Action.PUSH, "bare/redis", "1.4.2", PushAnswer.NO_TAGS),
    (Action.PUSH, "base/redis", "1.4.2", PushAnswer.LOOK),
    (Action.PUSH, "base/redis", "1.5.0-rc.1", PushAnswer.LOOK),
    (Action.PUSH, "base/redis", "1.4", PushAnswer.LOOK),
    (Action.PUSH, "base/redis", "latest", PushAnswer.LOOK),
    (Action.PUSH, "base/redis", "nightly", PushAnswer.LOOK),
    (Action.PUSH, "base/redis", "main", PushAnswer.PIPELINES),
    (Action.PUSH, "base/redis", "0", PushAnswer.PIPELINES),
    (Action.PUSH, "base/redis", "buildcache-amd64", PushAnswer.IGNORED),
    (Action.PUSH, "base/redis", REFERRER, PushAnswer.IGNORED),
    (Action.PUSH, "base/redis", PIN, PushAnswer.PIN),
    (Action.PUSH, "base/redis", f"{BEGINNING}20261123-{NEW[7:19]}", PushAnswer.EXPIRY),
    (Action.PUSH, "base/redis", OTHERS_PIN, PushAnswer.LOOK),
    (Action.PUSH, "base/redis", "latest-arm64", PushAnswer.PIPELINES),
    (Action.PUSH, "base/redis", EXPIRY, PushAnswer.EXPIRY),
    (Action.PUSH, "base/redis", None, PushAnswer.UNTAGGED),
    (Action.PUSH, "apps/shop", "9f3c2ab", PushAnswer.LOOK),
    (Action.PUSH, "apps/shop", "main", PushAnswer.PIPELINES),
    (Action.PUSH, "apps/shop", "nightly", PushAnswer.ALLOWED),
    (Action.DELETE, "other/redis", "1.4.2", PushAnswer.NO_RULE),
    (Action.DELETE, "bare/redis", None, PushAnswer.NO_TAGS),
    (Action.DELETE, "base/redis", "1.4.2", PushAnswer.LOOK),
    (Action.DELETE, "base/redis", "1.4", PushAnswer.LOOK),
    (Action.DELETE, "base/redis", None, PushAnswer.LOOK),
    (Action.DELETE, "base/redis", "1.5.0-rc.1", PushAnswer.LOOK),
    (Action.DELETE, "base/redis", "main", PushAnswer.HARMLESS),
    (Action.DELETE, "base/redis", "nightly", PushAnswer.HARMLESS),
    (Action.DELETE, "base/redis", "buildcache", PushAnswer.HARMLESS),
    (Action.DELETE, "base/redis", PIN, PushAnswer.HARMLESS),
    (Action.DELETE, "apps/shop", "9f3c2ab", PushAnswer.LOOK),
    (Action.SWEEP, "base/redis", None, PushAnswer.LOOK),
    (Action.SWEEP, "bare/redis", None, PushAnswer.NO_TAGS),
    (Action.SWEEP, "other/redis", None, PushAnswer.NO_RULE),
]


def hint(action: Action, repository: str, tag: str | None, digest: str | None = NEW) -> Hint:
    time = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
    return Hint(repository, action, tag, digest, Cause("event-1", "ECR Image Action"), time)


def event(action: str, tag: str | None = "1.4.2", result: str = "SUCCESS") -> dict[str, Any]:
    return {
        "id": "event-1",
        "detail-type": "ECR Image Action",
        "time": "2026-11-23T02:24:00Z",
        "detail": {
            "result": result,
            "action-type": action,
            "repository-name": "base/redis",
            "image-tag": tag,
            "image-digest": NEW,
        },
    }


@pytest.mark.parametrize(
    ("action", "repository", "tag", "answer"),
    TABLE,
    ids=[f"{action} {name}:{tag}" for action, name, tag, _ in TABLE],
)
def test_the_door_answers(
    action: Action, repository: str, tag: str | None, answer: PushAnswer
) -> None:
    assert judge(RULES, hint(action, repository, tag)) is answer


def test_the_table_has_every_answer_and_every_verdict() -> None:
    answers = {answer for *_, answer in TABLE}
    assert answers | {PushAnswer.NOTHING_DONE, PushAnswer.NOT_COPIED} == set(PushAnswer)
    scheme = RULES.rules[0].tags
    assert scheme is not None
    assert {scheme.judge(tag, NEW) for *_, tag, _ in TABLE if tag} == set(Verdict)


def test_a_delete_that_names_neither_tag_nor_digest_tells_nothing() -> None:
    assert judge(RULES, hint(Action.DELETE, "base/redis", None, None)) is PushAnswer.UNTAGGED


def test_what_there_is_to_look_at_is_sent_once() -> None:
    sent: list[Hint] = []
    got, answer = check(event("PUSH"), RULES, sent.append)
    assert answer is PushAnswer.LOOK
    assert sent == [got]


@pytest.mark.parametrize(
    "event",
    [
        event("PUSH", result="FAILED"),
        event("UPDATE_STORAGE_CLASS"),
        event("PUSH", tag=""),
        event("PUSH", tag="main"),
        event("DELETE", tag="main"),
    ],
)
def test_what_there_is_nothing_to_look_at_in_is_not_sent(event: dict[str, Any]) -> None:
    sent: list[Hint] = []
    _, answer = check(event, RULES, sent.append)
    assert answer is not PushAnswer.LOOK
    assert sent == []


def test_an_action_that_failed_has_no_hint() -> None:
    assert check(event("PUSH", result="FAILED"), RULES, lambda hint: None) == (
        None,
        PushAnswer.NOTHING_DONE,
    )


def test_a_malformed_event_is_an_error_and_sends_nothing() -> None:
    sent: list[Hint] = []
    broken = event("PUSH")
    del broken["detail"]["repository-name"]
    with pytest.raises(MalformedEvent, match="`repository-name`"):
        check(broken, RULES, sent.append)
    assert sent == []


def test_a_fault_of_the_queue_is_not_swallowed() -> None:
    def refuse(hint: Hint) -> None:
        raise ConnectionError("The queue is out of reach.")

    with pytest.raises(ConnectionError):
        check(event("PUSH"), RULES, refuse)


SAMPLES = {
    "ecr_push_version": PushAnswer.LOOK,
    "ecr_push_version_docker": PushAnswer.LOOK,
    "ecr_push_version_documented_shape": PushAnswer.LOOK,
    "ecr_push_version_older": PushAnswer.LOOK,
    "ecr_push_version_prerelease": PushAnswer.LOOK,
    "ecr_push_version_replayed": PushAnswer.LOOK,
    "ecr_push_index": PushAnswer.LOOK,
    "ecr_push_index_docker": PushAnswer.LOOK,
    "ecr_push_stable_echo": PushAnswer.LOOK,
    "ecr_push_off_scheme": PushAnswer.LOOK,
    "ecr_push_long_repository": PushAnswer.LOOK,
    "ecr_push_commit": PushAnswer.LOOK,
    "ecr_push_untagged_child": PushAnswer.UNTAGGED,
    "ecr_push_absent_tag": PushAnswer.UNTAGGED,
    "ecr_push_ignored": PushAnswer.IGNORED,
    "ecr_push_referrer_tag": PushAnswer.IGNORED,
    "ecr_push_stable_by_pipeline": PushAnswer.PIPELINES,
    "ecr_push_unmatched_repository": PushAnswer.NO_RULE,
    "ecr_push_failed_result": PushAnswer.NOTHING_DONE,
    "ecr_archive_version": PushAnswer.NOTHING_DONE,
    "ecr_scan_complete": PushAnswer.NOTHING_DONE,
    "ecr_replication_failed": PushAnswer.NOT_COPIED,
    "ecr_replicated": PushAnswer.NOTHING_DONE,
    "ecr_delete_version": PushAnswer.LOOK,
    "ecr_delete_untagged": PushAnswer.LOOK,
    "ecr_delete_absent_tag": PushAnswer.LOOK,
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_door_answers_to_the_sample_events(name: str) -> None:
    sample = json.loads((FILES / f"{name}.json").read_text())
    _, answer = check(sample, RULES, lambda hint: None)
    assert answer is SAMPLES[name]
