"""Holding a stable tag, releasing it, and putting it back on an earlier image."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import click
import pytest
from botocore.exceptions import ClientError

from ecr_steward.history.expiries import Expiries
from ecr_steward.history.holds import Hold
from ecr_steward.rules import Ruleset
from ecr_steward.words.expiry_tags import ExpiryTag
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward_cli.commands.hold import hold, release
from ecr_steward_cli.commands.rollback import rollback
from ecr_steward_cli.in_memory.retagger import retagger
from tests.support.facts import faults
from tests.support.world import REPOSITORY, VERSIONS, image, manifest
from tests.unit.cli.stack_fakes import ADA, Deployed, denied, fact, rules_layer

RULES: dict[str, Any] = {"version": 1, "rules": [VERSIONS, {"repositories": ["apps/*"]}]}
LATEST = f"{REPOSITORY}:latest"


@pytest.fixture
def deployed() -> Deployed:
    """A stack that has moved 1.4, 1 and latest from 1.4.1 to 1.4.2."""
    made = Deployed()
    made.layer = rules_layer("3a92dae3b84f", RULES)
    made.ecr.create_repository(repositoryName=REPOSITORY)
    for version in ("1.4.1", "1.4.2"):
        push(made, version)
        look(made, version, version)
        made.now += timedelta(minutes=1)
    return made


def push(deployed: Deployed, tag: str, name: str | None = None) -> None:
    deployed.ecr.put_image(
        repositoryName=REPOSITORY, imageManifest=manifest(name or tag), imageTag=tag
    )


def look(deployed: Deployed, tag: str, name: str) -> None:
    """What the writer makes of a push."""
    cause = fact().cause
    hint = Hint(REPOSITORY, Action.PUSH, tag, image(name), cause, deployed.now)
    rules = Ruleset.from_document(RULES)
    writer = retagger(deployed.ecr, lambda: deployed.now, rules, history=deployed.history)
    writer.visit(REPOSITORY, [hint])


def tags(deployed: Deployed) -> dict[str, str]:
    return deployed.ecr.tags(REPOSITORY)


def holds(deployed: Deployed) -> list[tuple[str, Hold]]:
    return deployed.history.holds.all()


# hold


def test_a_day_is_held_to_its_end(deployed: Deployed) -> None:
    deployed.run(hold, LATEST, "--until", "2026-12-24")
    assert [f"{each.until}" for _, each in holds(deployed)] == ["2026-12-24 23:59:59+00:00"]


def test_a_held_tag_stays_and_says_who_holds_it(deployed: Deployed) -> None:
    result = deployed.run(hold, LATEST, "--reason", "the  cache\nis cold")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"{LATEST} stays on 1.4.2, 1.4, 1 ({image('1.4.2')[:19]}) until it is released. "
        f"`ecr-steward release {LATEST}` ends it and lets the tag catch up.\n"
    )
    assert holds(deployed) == [
        (REPOSITORY, Hold("latest", deployed.now, None, ADA, "the cache is cold"))
    ]
    push(deployed, "1.4.3")
    look(deployed, "1.4.3", "1.4.3")
    assert tags(deployed)["latest"] == image("1.4.2")
    assert tags(deployed)["1.4"] == image("1.4.3")


def test_a_hold_has_an_expiry_tag_taken_off_at_once(deployed: Deployed) -> None:
    deployed.run(hold, LATEST)
    assert deployed.sqs.sent == []
    put = {image("1.4.2"): ExpiryTag("steward-expire-20261123-000000000000", deployed.now)}
    Expiries(deployed.table).keep_tags(REPOSITORY, put, {})
    deployed.run(hold, LATEST, "--replace")
    (sent,) = deployed.sqs.sent
    hint = Hint.from_message(sent["MessageBody"])
    assert (hint.action, hint.tag, hint.digest) == (Action.NEED, "latest", image("1.4.2"))


@pytest.mark.parametrize(
    ("until", "after"),
    [
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
        ("2026-11-23T03:26:00Z", timedelta(hours=1)),
        ("2026-11-23T04:26:00+01:00", timedelta(hours=1)),
    ],
)
def test_a_hold_can_end_by_itself(deployed: Deployed, until: str, after: timedelta) -> None:
    result = deployed.run(hold, LATEST, "--until", until)
    assert result.exit_code == 0
    ((_, held),) = holds(deployed)
    assert held.until == deployed.now + after


def test_a_second_hold_names_the_first_and_asks_for_replace(deployed: Deployed) -> None:
    deployed.run(hold, LATEST, "--reason", "\x1b[2Jgone")
    second = deployed.run(hold, LATEST, "--until", "2h")
    assert (second.exit_code, second.stdout) == (2, "")
    assert second.stderr == (
        f"{LATEST} is held already, by {ADA} since 2026-11-23T02:26:00Z, until it is released: "
        "\\u001b[2Jgone. To hold it in its place add --replace.\n"
    )
    deployed.run(hold, LATEST, "--until", "2h", "--replace")
    assert [each.until for _, each in holds(deployed)] == [deployed.now + timedelta(hours=2)]


@pytest.mark.parametrize("command", [hold, rollback])
@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("redis:latest", "No rule of stack `ecr-steward` says anything about the tags of redis,"),
        ("apps/shop:main", "No rule of stack `ecr-steward` says anything about the tags of apps/"),
        ("base/other:latest", "There is no repository `base/other` in this registry"),
        ("base/redis:1.4.2", "`1.4.2` is a unique tag, which never moves: name a stable tag."),
        ("base/redis:main", "`main` follows nothing in the rule; only your pipeline moves it."),
        ("base/redis:nightly", "`nightly` is not a stable tag in the rule, so the steward"),
        ("base/redis:buildcache-1", "`buildcache-1` is ignored by the rule, so the steward never"),
        ("base/redis:latest-20261123T022400Z-5f0c54e865c9", "is not a stable tag in the rule"),
    ],
)
def test_what_the_steward_never_moves_cannot_be_held_or_put_back(
    deployed: Deployed, command: click.Command, subject: str, said: str
) -> None:
    result = deployed.run(command, subject)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert holds(deployed) == []


def test_a_tag_that_no_image_has_cannot_be_held(deployed: Deployed) -> None:
    result = deployed.run(hold, "base/redis:2")
    assert result.exit_code == 2
    assert result.stderr == "No image of base/redis has the tag 2.\n"


@pytest.mark.parametrize("command", [hold, rollback])
@pytest.mark.parametrize(
    ("until", "said"),
    [
        (
            "yesterday",
            "--until: `yesterday` is no ISO 8601 time. Write 2h, 3d, a day",
        ),
        (
            "2026-11-24T02:00",
            "--until: `2026-11-24T02:00` has n",
        ),
        ("2026-11-23T02:00:00Z", "`2026-11-23T02:00:00Z` for --until is not after now, 2026-11-2"),
        ("0h", "`0h` for --until is not after now"),
        ("99999h", "--until: `99999h` is no ISO 8601 time"),
    ],
)
def test_a_time_that_is_none_or_past_is_refused(
    deployed: Deployed, command: click.Command, until: str, said: str
) -> None:
    result = deployed.run(command, LATEST, "--until", until)
    assert result.exit_code == 2
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1
    assert holds(deployed) == []


@pytest.mark.parametrize("command", [hold, rollback])
def test_a_reason_that_is_too_long_is_refused(deployed: Deployed, command: click.Command) -> None:
    result = deployed.run(command, LATEST, "--reason", "so " * 200)
    assert result.exit_code == 2
    assert "--reason" in result.stderr
    assert "599 characters, at most 500 are allowed." in result.stderr
    assert holds(deployed) == []


def test_rules_that_cannot_be_read_are_said(deployed: Deployed) -> None:
    deployed.layer = b"no archive"
    result = deployed.run(hold, LATEST)
    assert result.exit_code == 2
    assert result.stderr.startswith("The stack's rules are not known: The rules layer arn:aws:lam")
    deployed.layer = rules_layer("0", {"version": 9})
    result = deployed.run(hold, LATEST)
    assert result.exit_code == 2
    assert result.stderr.startswith("The rules of stack `ecr-steward` are of another version")


# release


def test_a_released_tag_is_looked_at_and_catches_up(deployed: Deployed) -> None:
    deployed.run(hold, LATEST)
    push(deployed, "1.4.3")
    look(deployed, "1.4.3", "1.4.3")
    deployed.now += timedelta(minutes=5)
    result = deployed.run(release, LATEST)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"{LATEST} is released (it was held by {ADA} since 2026-11-23T02:26:00Z, until it is "
        "released); the writer checks it now.\n"
    )
    assert holds(deployed) == []
    (message,) = deployed.sqs.sent
    assert message["QueueUrl"] == "https://sqs.example/123456789012/RetagQueue"
    assert message["MessageGroupId"] == REPOSITORY
    hint = Hint.from_message(message["MessageBody"])
    assert (hint.tag, hint.cause.type, hint.cause.by) == ("latest", "Release", ADA)
    rules = Ruleset.from_document(RULES)
    writer = retagger(deployed.ecr, lambda: deployed.now, rules, history=deployed.history)
    writer.visit(REPOSITORY, [hint])
    assert tags(deployed)["latest"] == image("1.4.3")
    told = list(deployed.history.facts(REPOSITORY))[-1]
    assert (told.kind, told.tag, told.cause) == (FactKind.MOVE, "latest", hint.cause)


def test_where_nothing_moves_the_release_says_so(deployed: Deployed) -> None:
    deployed.run(hold, LATEST)
    deployed.cloudformation.outputs["Mode"] = "audit"
    result = deployed.run(release, LATEST)
    assert result.exit_code == 0
    assert result.stdout.endswith("Stack `ecr-steward` has Mode=audit, which moves no tag.\n")


def test_a_release_that_cannot_tell_the_writer_leaves_it_to_the_sweep(deployed: Deployed) -> None:
    deployed.run(hold, LATEST)
    deployed.refusals["send_message"] = denied("SendMessage")
    result = deployed.run(release, LATEST)
    assert result.exit_code == 1
    assert result.stderr.startswith(
        f"{LATEST} is released, but the writer could not be notified: "
        "You are not allowed to call SendMessage: "
    )
    assert result.stderr.endswith("The next sweep lets the tag catch up.\n")
    assert holds(deployed) == []


def test_a_tag_that_nobody_holds_is_said(deployed: Deployed) -> None:
    result = deployed.run(release, LATEST)
    assert result.exit_code == 1
    assert result.stderr == f"{LATEST} is not held: `ecr-steward status` lists the holds.\n"
    assert deployed.sqs.sent == []


# rollback


def told(deployed: Deployed) -> list[Any]:
    return [each for each in deployed.history.facts(REPOSITORY) if each.cause.type == "Rollback"]


def test_by_default_it_goes_to_the_image_that_the_tag_was_on_before(deployed: Deployed) -> None:
    result = deployed.run(rollback, LATEST, "--until", "2h", "--reason", "it leaks")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"{LATEST} is on 1.4.1 ({image('1.4.1')[:19]}) and stays there until "
        f"2026-11-23T04:26:00Z. `ecr-steward release {LATEST}` ends it and lets the tag catch "
        "up.\n"
    )
    assert tags(deployed)["latest"] == image("1.4.1")
    assert tags(deployed)["1.4"] == image("1.4.2")
    (moved,) = told(deployed)
    assert (moved.kind, moved.before, moved.digest) == (
        FactKind.MOVE,
        image("1.4.2"),
        image("1.4.1"),
    )
    assert (moved.rule, moved.rules, moved.of) == ("0: base/*", Ruleset.from_document(RULES)
                                                   .fingerprint, 1)  # fmt: skip
    assert moved.reason == (
        f"`latest` was rolled back from 1.4.2, 1.4, 1 ({image('1.4.2')[:19]}) to 1.4.1 "
        f"({image('1.4.1')[:19]}), and is held by {ADA} since 2026-11-23T02:26:00Z, until "
        "2026-11-23T04:26:00Z: it leaks."
    )
    look(deployed, "latest", "1.4.1")
    assert tags(deployed)["latest"] == image("1.4.1"), "its own event does not undo it"


def test_the_hold_comes_first(deployed: Deployed) -> None:
    def before(operation: str, _: Any) -> None:
        if operation == "PutImage":
            assert [each.tag for _, each in holds(deployed)] == ["latest"]

    deployed.ecr.before = before
    assert deployed.run(rollback, LATEST).exit_code == 0


def test_a_second_rollback_goes_on_from_where_the_first_one_led(deployed: Deployed) -> None:
    push(deployed, "1.4.3")
    look(deployed, "1.4.3", "1.4.3")
    for version in ("1.4.2", "1.4.1"):
        deployed.now += timedelta(minutes=1)
        assert deployed.run(rollback, LATEST).exit_code == 0
        assert tags(deployed)["latest"] == image(version)
    result = deployed.run(rollback, LATEST)
    assert result.exit_code == 2
    assert result.stderr == (
        f"The history does not know where {LATEST} was before: name the image with --to.\n"
    )


def test_what_somebody_else_moved_goes_back_to_where_the_steward_had_it(
    deployed: Deployed,
) -> None:
    push(deployed, "latest", "stray")
    assert deployed.run(rollback, LATEST).exit_code == 0
    assert tags(deployed)["latest"] == image("1.4.2")


@pytest.mark.parametrize("to", ["1.4.1", image("1.4.1")])
def test_an_image_can_be_named_by_digest_or_unique_tag(deployed: Deployed, to: str) -> None:
    assert deployed.run(rollback, "base/redis:1.4", "--to", to).exit_code == 0
    assert tags(deployed)["1.4"] == image("1.4.1")


def test_where_the_tag_is_already_it_is_only_held(deployed: Deployed) -> None:
    deployed.ecr.calls.clear()
    assert deployed.run(rollback, LATEST, "--to", "1.4.2").exit_code == 0
    assert "PutImage" not in deployed.ecr.calls
    assert len(holds(deployed)) == 1
    assert told(deployed) == []


def test_an_image_that_would_lose_its_last_tag_is_pinned_first(deployed: Deployed) -> None:
    push(deployed, "latest", "stray")
    assert deployed.run(rollback, LATEST, "--to", "1.4.1").exit_code == 0
    pins = [tag for tag, digest in tags(deployed).items() if digest == image("stray")]
    assert pins == [f"latest-20261123T022600Z-{image('stray')[7:19]}"]
    assert [(each.kind, each.tag, each.of) for each in told(deployed)] == [
        (FactKind.PIN, pins[0], 2),
        (FactKind.MOVE, "latest", 2),
    ]


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("1.4.9", "No image of base/redis has the tag 1.4.9.\n"),
        ("1", "`1` is neither a digest nor a unique tag of base/redis: --to takes one of these"),
        (image("gone"), f"The image {image('gone')} is not in base/redis (any more): name anothe"),
    ],
)
def test_an_image_that_is_not_there_is_refused_and_nothing_is_held(
    deployed: Deployed, to: str, said: str
) -> None:
    result = deployed.run(rollback, LATEST, "--to", to)
    assert result.exit_code == 2
    assert result.stderr.startswith(said)
    assert holds(deployed) == []


def test_an_image_before_that_is_gone_is_refused_and_nothing_is_held(deployed: Deployed) -> None:
    deployed.ecr.batch_delete_image(
        repositoryName=REPOSITORY, imageIds=[{"imageDigest": image("1.4.1")}]
    )
    result = deployed.run(rollback, LATEST)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"The image {image('1.4.1')} is not in base/redis (any more)")
    assert holds(deployed) == []


def test_an_archived_image_is_refused_and_nothing_is_held(deployed: Deployed) -> None:
    deployed.ecr.archive(REPOSITORY, image("1.4.1"))
    result = deployed.run(rollback, LATEST)
    assert result.exit_code == 2
    assert "ImageInaccessible" in result.stderr
    assert holds(deployed) == []


def test_a_right_that_is_missing_leaves_the_tag_held_where_it_is_and_says_so(
    deployed: Deployed,
) -> None:
    def refuse(operation: str, _: Any) -> None:
        if operation == "PutImage":
            raise ClientError(
                {"Error": {"Code": "AccessDeniedException", "Message": "no."}}, operation
            )

    deployed.ecr.before = refuse
    result = deployed.run(rollback, LATEST)
    assert result.exit_code == 1
    assert result.stderr == (
        f"ECR refused PutImage: AccessDeniedException: no. {LATEST} was not moved; it is held "
        f"where it is: `ecr-steward release {LATEST}` ends that.\n"
    )
    assert len(holds(deployed)) == 1


def test_a_writer_that_had_begun_before_the_hold_is_outlasted(deployed: Deployed) -> None:
    deployed.at(1, lambda: push(deployed, "latest", "1.4.2"))
    assert deployed.run(rollback, LATEST).exit_code == 0
    assert tags(deployed)["latest"] == image("1.4.1")


def test_somebody_who_keeps_moving_it_is_said(deployed: Deployed) -> None:
    for second in (1, 3, 5):
        deployed.at(second, lambda: push(deployed, "latest", "1.4.2"))
    result = deployed.run(rollback, LATEST)
    assert result.exit_code == 1
    assert result.stderr == (
        f"{LATEST} is held, but somebody else moves it: find out who pushes it.\n"
    )


def test_what_audit_would_have_moved_is_no_move(deployed: Deployed) -> None:
    deployed.history.record(
        fact(tag="latest", digest=image("1.4.3"), before=image("1.4.2"), mode="audit",
             time=deployed.now)
    )  # fmt: skip
    assert deployed.run(rollback, LATEST).exit_code == 0
    assert tags(deployed)["latest"] == image("1.4.1")


def test_every_fact_of_a_rollback_fits_its_schema(deployed: Deployed) -> None:
    push(deployed, "latest", "stray")
    deployed.run(rollback, LATEST)
    for each in told(deployed):
        detail = json.loads(json.dumps(each.to_detail()))
        assert list(faults(each.detail_type, detail)) == []
