"""`make rights` finds out what is needed and what is not; it plays all acts, this a few."""

from __future__ import annotations

import pytest

from tests.rights.acts import Act
from tests.rights.iam import Demand, grants, matches
from tests.rights.play import play
from tests.rights.roles import ACTS
from tests.rights.stage import Right

# Powertools warns where a function fails before it has counted anything.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

PUSH = next(act for act in ACTS if act.does == "a push hands its repository to the writer")
HAND_OVER = Right("CheckTagsRole", "HandOver", "sqs:SendMessage")


def test_an_act_is_done_with_all_rights_and_uses_those_it_needs() -> None:
    played = play(PUSH)
    assert played.failure == ""
    assert {*played.used} == {HAND_OVER}


def test_an_act_is_not_done_without_the_right_it_needs() -> None:
    played = play(PUSH, without=HAND_OVER)
    assert "CheckTagsRole is not authorized to perform: sqs:SendMessage" in played.failure


def test_an_act_is_done_without_a_right_of_another_statement() -> None:
    kept = Right("CheckTagsRole", "KeepFailures", "sqs:SendMessage")
    assert play(PUSH, without=kept).failure == ""


def test_what_is_outside_the_stacks_repositories_is_refused() -> None:
    def sneak(stage: object) -> None:
        stage.as_role("RetagRole").client("ecr").list_images(repositoryName="apps/shop")  # type: ignore[attr-defined]

    (refused,) = play(Act("RetagRole", "sneak", sneak)).refused
    assert refused.resource.endswith(":repository/apps/shop")


STATEMENT = {
    "Effect": "Allow",
    "Action": ["events:PutEvents"],
    "Resource": "arn:aws:events:*:123456789012:event-bus/steward-?",
    "Condition": {"ForAllValues:StringEquals": {"events:source": "ecr-steward"}},
}
BUS = "arn:aws:events:eu-west-1:123456789012:event-bus/steward-1"


@pytest.mark.parametrize(
    ("demand", "granted"),
    [
        (Demand("events:PutEvents", BUS, {"events:source": ("ecr-steward",)}), True),
        (Demand("events:PutEvents", BUS), True),  # ForAllValues holds for none, too
        (Demand("events:PutEvents", BUS, {"events:source": ("ecr-steward", "other")}), False),
        (Demand("events:PutEvents", f"{BUS}2", {"events:source": ("ecr-steward",)}), False),
        (Demand("events:PutRule", BUS, {"events:source": ("ecr-steward",)}), False),
    ],
)
def test_a_statement_grants_by_action_resource_and_condition(demand: Demand, granted: bool) -> None:
    assert grants(STATEMENT, demand) is granted


def test_a_condition_of_one_value_does_not_hold_where_there_is_none() -> None:
    statement = {**STATEMENT, "Condition": {"StringEquals": {"iam:AWSServiceName": "ecr"}}}
    assert not grants(statement, Demand("events:PutEvents", BUS))
    assert grants(statement, Demand("events:PutEvents", BUS, {"iam:AWSServiceName": ("ecr",)}))


def test_an_operator_that_is_not_known_grants_nothing_by_mistake() -> None:
    statement = {**STATEMENT, "Condition": {"ArnLike": {"aws:SourceArn": "*"}}}
    with pytest.raises(ValueError, match="ArnLike"):
        grants(statement, Demand("events:PutEvents", BUS))


def test_only_a_star_matches_a_star() -> None:
    assert matches("*", "*")
    assert not matches("arn:aws:ecr:*", "*")
