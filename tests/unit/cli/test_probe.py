"""A probe asks each fact of an account, says what it found, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ecr_steward_cli.commands.probe import probe
from ecr_steward_cli.probing.assumption import Made
from ecr_steward_cli.probing.table import ASSUMPTIONS, GROUPS
from tests.unit.cli.probe_fakes import ACCOUNT, ProbedAccount, refuse
from tests.unit.cli.stack_fakes import denied, refusal

ALL = "events,iam,template,archive,function"


@pytest.fixture
def account() -> ProbedAccount:
    return ProbedAccount()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "probe.json"


def run(account: ProbedAccount, out: Path, *arguments: str, yes: bool = True) -> Result:
    given = [*arguments, "--out", str(out), *(["--yes"] if yes else [])]
    return CliRunner().invoke(probe, given, obj=account.outside())


def answers(out: Path) -> dict[str, dict[str, Any]]:
    return {each["fact"]: each for each in json.loads(out.read_text())["facts"]}


def test_an_account_as_expected_exits_0_and_nothing_is_left(
    account: ProbedAccount, out: Path
) -> None:
    result = run(account, out, "--with", ALL)
    assert {name: each["found"] for name, each in answers(out).items()} == {
        each.name: each.expected for each in ASSUMPTIONS if each.group != "later"
    }
    assert result.exit_code == 0
    assert account.left() == []


def test_by_default_ecr_alone_is_asked(account: ProbedAccount, out: Path) -> None:
    run(account, out)
    assert answers(out).keys() == {each.name for each in ASSUMPTIONS if each.group == "ecr"}
    assert (account.iam.roles, account.sqs.names) == ({}, set())


def test_before_anything_is_made_it_is_said_and_asked_for(
    account: ProbedAccount, out: Path
) -> None:
    result = run(account, out, "--with", "iam", yes=False)
    assert result.exit_code == 1
    for group in GROUPS[:3:2]:
        assert group.said() in result.stderr
    assert sum(account.ecr.calls.values()) == 0


def _without_ids(original: Any, **asked: Any) -> Any:
    if "filter" in asked:
        return {"imageDetails": []}
    return original(**asked)


def _one_answer(original: Any, **asked: Any) -> Any:
    answer = original(**asked)
    return {"images": answer["images"][-1:], "failures": answer["failures"]}


def _other_text(original: Any, **asked: Any) -> Any:
    answer = original(**asked)
    return answer | {"images": [each | {"imageManifest": "{}"} for each in answer["images"]]}


def _takes_image(original: Any, **asked: Any) -> Any:
    """The image goes with any of its tags."""
    tags = original.__self__.tags(asked["repositoryName"])
    digests = [{"imageDigest": tags[each["imageTag"]]} for each in asked["imageIds"]]
    return original(repositoryName=asked["repositoryName"], imageIds=digests)


def _takes_anything(original: Any, **asked: Any) -> Any:
    return {}


def _accessible(original: Any, **asked: Any) -> Any:
    return {"images": [{}], "failures": []}


OTHERWISE: dict[str, tuple[str, Callable[..., Any], str]] = {
    "DescribeImages with ids and a filter": ("describe_images", _without_ids, "0 images"),
    "BatchGetImage for two tags of one image": (
        "batch_get_image",
        _one_answer,
        "answers for two-b",
    ),
    **{
        f"PutImage by digest: {sort}": (
            "batch_get_image",
            _other_text,
            "BatchGetImage gives another text of the manifest",
        )
        for sort in ("OCI", "Docker", "OCI index", "Docker list")
    },
    "BatchDeleteImage by one of two tags": (
        "batch_delete_image",
        _takes_image,
        "the image is gone",
    ),
    "DescribeImages of an absent tag": (
        "describe_images",
        refuse("InvalidParameterException"),
        "InvalidParameterException",
    ),
    "No such repository": ("describe_images", refuse("Gone"), "Gone"),
    "No lifecycle policy": ("get_lifecycle_policy", _takes_anything, "not refused"),
    "A policy with an unknown principal": (
        "set_repository_policy",
        _takes_anything,
        "not refused",
    ),
    "A creation template with a trailing slash": (
        "create_repository_creation_template",
        _takes_anything,
        "not refused",
    ),
    "PutImage of an immutable tag elsewhere": (
        "put_image_tag_mutability",
        _takes_anything,
        "not refused",
    ),
    "BatchGetImage of an absent tag": ("batch_get_image", _accessible, "no failure"),
    "An archived image": (
        "batch_get_image",
        _accessible,
        "ARCHIVED with filter ANY; an image from BatchGetImage",
    ),
}


@pytest.mark.parametrize("fact", OTHERWISE)
def test_an_account_that_behaves_otherwise_is_told(
    account: ProbedAccount, out: Path, fact: str
) -> None:
    method, behaviour, found = OTHERWISE[fact]
    account.tampered[method] = behaviour
    result = run(account, out, "--with", "template,archive")
    assert answers(out)[fact]["found"] == found
    assert result.exit_code == 1
    assert "Something is not as expected" in result.stderr


@pytest.mark.parametrize(
    "fact", ["PutImage of what is there already", "PutImage with a wrong digest"]
)
def test_another_code_of_a_refusal_is_told(account: ProbedAccount, out: Path, fact: str) -> None:
    def other_code(original: Any, **asked: Any) -> Any:
        try:
            return original(**asked)
        except Exception:
            raise refusal("OtherException", "PutImage") from None

    account.tampered["put_image"] = other_code
    run(account, out)
    assert answers(out)[fact]["found"] == "OtherException"


def test_events_that_do_not_come_are_told(account: ProbedAccount, out: Path) -> None:
    account.sends_events = False
    run(account, out, "--with", "events", "--patience", "60")
    found = {name: each["found"] for name, each in answers(out).items() if "event of" in name}
    assert set(found.values()) == {"no event in 60 seconds"}
    assert len(found) == 4


def test_how_late_an_event_is_and_what_is_in_it_is_noted(account: ProbedAccount, out: Path) -> None:
    run(account, out, "--with", "events")
    note = answers(out)["The event of a push"]["note"]
    assert note.startswith("0 s, ")
    assert "image-tag" in note


def test_a_policy_that_keeps_the_name_of_a_deleted_role_is_told(
    account: ProbedAccount, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account.ecr, "forget_principal", lambda arn, unique_id: None)
    run(account, out, "--with", "iam", "--patience", "10")
    found = answers(out)["A policy whose principal was deleted"]["found"]
    assert found == "still its ARN; not refused when set again"


def test_an_archived_image_that_a_tag_does_not_bring_back_is_told(
    account: ProbedAccount, out: Path
) -> None:
    def keeps(original: Any, **asked: Any) -> Any:
        return {} if asked.get("imageTag") == "back" else original(**asked)

    account.tampered["put_image"] = keeps
    run(account, out, "--with", "archive")
    assert answers(out)["An archived image that gets a tag"]["found"] == "ARCHIVED"


def test_an_sdk_that_lacks_something_is_told(account: ProbedAccount, out: Path) -> None:
    account.functions.lacks = ["imageStatus"]
    run(account, out, "--with", "function")
    assert answers(out)["The SDK of the runtime"]["found"] == "boto3 1.40.0 lacks imageStatus"


def test_what_may_not_be_asked_costs_only_itself(account: ProbedAccount, out: Path) -> None:
    def refused(original: Any, **asked: Any) -> Any:
        raise denied("PutImageTagMutability")

    account.tampered["put_image_tag_mutability"] = refused
    result = run(account, out)
    fact = answers(out)["PutImage of an immutable tag elsewhere"]
    assert fact["found"] is None
    assert fact["not_asked"].startswith("You are not allowed to call PutImageTagMutability")
    assert result.exit_code == 0


def test_no_account_can_be_read_in_what_is_written(account: ProbedAccount, out: Path) -> None:
    def refused(original: Any, **asked: Any) -> Any:
        raise refusal("AccessDenied", "GetLifecyclePolicy", f"arn:aws:iam::{ACCOUNT}:user/ada")

    account.tampered["get_lifecycle_policy"] = refused
    result = run(account, out)
    assert "arn:aws:iam::ACCOUNT:user/ada" in out.read_text()
    assert ACCOUNT not in out.read_text() + result.stdout


@pytest.mark.parametrize(
    "method", ["create_repository", "put_image", "batch_get_image", "set_repository_policy"]
)
def test_an_interrupt_deletes_what_was_made_and_nothing_else(
    account: ProbedAccount, out: Path, method: str
) -> None:
    def interrupted(original: Any, **asked: Any) -> Any:
        original(**asked)
        raise KeyboardInterrupt

    account.ecr.create_repository(repositoryName="ecr-steward-probe-of-somebody")
    account.tampered[method] = interrupted
    result = run(account, out, "--with", "iam,function")
    assert account.left() == ["ecr-steward-probe-of-somebody"]
    assert result.exit_code == 1


def test_what_cannot_be_deleted_is_named(account: ProbedAccount, out: Path) -> None:
    account.tampered["delete_repository"] = refuse("AccessDeniedException")
    result = run(account, out)
    assert "Repository ecr-steward-probe-" in result.stderr
    assert "could not be deleted" in result.stderr


def test_what_aws_refused_to_make_is_not_deleted() -> None:
    made = Made()
    deleted: list[str] = []
    with pytest.raises(Exception, match="exists"):  # noqa: SIM117
        with made.making("Repository of somebody", lambda: deleted.append("it")):
            raise refusal("RepositoryAlreadyExistsException", "CreateRepository", "exists")
    assert (made.take_away(), deleted) == ([], [])


def test_a_second_interrupt_names_what_is_left() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    made = Made([("Queue a", lambda: None), ("Rule b", interrupted)])
    assert made.take_away() == [
        "Queue a was not deleted: delete it by hand.",
        "Rule b was not deleted: delete it by hand.",
    ]


def _noted(tag: str) -> Callable[..., Any]:
    """ECR that notes a pull of one image."""

    def describe(original: Any, **asked: Any) -> Any:
        answer = original(**asked)
        for each in answer["imageDetails"]:
            if tag in each.get("imageTags", ()):
                each["lastRecordedPullTime"] = "yesterday"
        return answer

    return describe


@pytest.mark.parametrize(("pulled", "code"), [("pulled", 0), ("described", 1)])
def test_a_day_later_it_is_asked_what_counted_as_a_pull(
    account: ProbedAccount, out: Path, pulled: str, code: int
) -> None:
    run(account, out, "--with", "later")
    assert len(account.left()) == 1
    account.now += timedelta(days=1)
    account.tampered["describe_images"] = _noted(pulled)
    assert run(account, out, "--later").exit_code == code
    assert account.left() == []
    assert len(answers(out)) == 2


def test_later_is_a_day_later_and_what_is_left_is_not_forgotten(
    account: ProbedAccount, out: Path
) -> None:
    assert run(account, out, "--later").exit_code == 2
    run(account, out, "--with", "later")
    assert "come back after 2026-11-29T02:00:00Z" in run(account, out, "--later").stderr
    assert "ask it first" in run(account, out).stderr
    assert len(account.left()) == 1
