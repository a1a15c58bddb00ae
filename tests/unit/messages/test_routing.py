"""Channels and routes: what they are, which facts a route takes, and what holds where none is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.messages.channels.channel import Channel
from ecr_steward.messages.channels.reference import Reference, ReferenceFault, Store
from ecr_steward.messages.channels.sns import EMAIL
from ecr_steward.messages.channels.table import TYPES, channel_type, channel_types
from ecr_steward.messages.whom.routing import Route, Routing, usual
from ecr_steward.rules.model import RulesError, Ruleset
from ecr_steward.words.events import ATTENTION, EVENTS, WORDS, is_loud
from ecr_steward.words.facts import Fact, FactKind
from tests.support.facts import (
    CORRECTED,
    DRIFTED,
    EVERY_KIND,
    EXPIRING,
    HELD,
    MOVED,
    REJECTED,
    SWEPT,
)
from tests.support.messages import UNTAGGED

HOUR = timedelta(hours=1)
SLACK = {"type": "slack", "url": "ssm:/ecr-steward/slack"}
RULE = {"repositories": ["base/*"]}


def routing(**document: Any) -> Routing:
    return Routing(Ruleset.from_document({"version": 1, "rules": [RULE], **document}))


# References


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("ssm:/ecr-steward/slack", Reference(Store.SSM, "/ecr-steward/slack")),
        ("ssm:slack", Reference(Store.SSM, "slack")),
        ("secretsmanager:steward/hook", Reference(Store.SECRETS_MANAGER, "steward/hook")),
        ("secretsmanager:hook#url", Reference(Store.SECRETS_MANAGER, "hook", "url")),
    ],
)
def test_a_reference_is_read_and_written_alike(text: str, reference: Reference) -> None:
    assert Reference.parse(text) == reference
    assert str(reference) == text


@pytest.mark.parametrize(
    "text",
    ["", "ssm", "ssm:", "ssm:a b", "ssm:/a#k", "secretsmanager:a#", "arn:aws:ssm:x", "SSM:/a"],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ReferenceFault):
        Reference.parse(text)


@pytest.mark.parametrize("text", ["https://hooks.slack.com/services/T0/B0/XyZ", "whsec_c2VjcmV0"])
def test_what_may_be_a_secret_is_not_repeated(text: str) -> None:
    with pytest.raises(ReferenceFault, match="never the address or secret itself") as refused:
        Reference.parse(text)
    assert text not in str(refused.value)


@given(st.text(max_size=60))
def test_any_reference_is_written_as_it_was_read(text: str) -> None:
    for store in Store:
        try:
            reference = Reference.parse(f"{store}:{text}")
        except ReferenceFault:
            continue
        assert str(reference) == f"{store}:{text}"


# Channels


def test_every_type_has_a_file_of_its_name() -> None:
    assert [each.name for each in channel_types()] == list(TYPES)


def test_a_key_of_several_types_is_the_same_in_each() -> None:
    keys = [pair for each in channel_types() for pair in each.keys.items()]
    assert all(one is other for name, one in keys for known, other in keys if name == known)


def test_channels_are_read_as_they_are_written() -> None:
    hook = {"url": "ssm:/hook", "secret": "secretsmanager:hmac"}
    found = routing(
        channels={"platform": SLACK, "audit": {"type": "webhook", **hook}, "all": {"type": "sns"}}
    ).channels
    assert dict(found) == {
        "email": EMAIL,
        "platform": Channel("platform", channel_type("slack"), {"url": "ssm:/ecr-steward/slack"}),
        "audit": Channel("audit", channel_type("webhook"), hook),
        "all": Channel("all", channel_type("sns")),
    }


def test_a_channel_knows_all_that_must_be_read_for_it() -> None:
    values = {"url": "ssm:/hook", "secret": "secretsmanager:hmac"}
    found = Channel("audit", channel_type("webhook"), values).references()
    assert found == (Reference(Store.SSM, "/hook"), Reference(Store.SECRETS_MANAGER, "hmac"))


def test_email_is_always_there_and_can_be_another_topic() -> None:
    assert dict(routing().channels) == {"email": EMAIL}
    topic = "arn:aws:sns:eu-west-1:123456789012:team"
    other = routing(channels={"email": {"type": "sns", "topic": topic}})
    assert other.channels["email"].values["topic"] == topic


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"channels": {"x": {"type": "slack"}}}, ("channels", "x")),
        ({"channels": {"x": {"type": "slack", "url": "https://a"}}}, ("channels", "x", "url")),
        ({"channels": {"email": SLACK}}, ("channels", "email", "type")),
        ({"notify": [{"on": ["*"], "to": ["x"]}]}, ("notify", 0, "to", 0)),
        (
            {"rules": [RULE, {**RULE, "notify": [{"on": ["*"], "to": ["email", "x"]}]}]},
            ("rules", 1, "notify", 0, "to", 1),
        ),
    ],
)
def test_a_fault_has_a_path(document: dict[str, Any], path: tuple[str | int, ...]) -> None:
    found = routing(**document)
    with pytest.raises(RulesError) as refused:
        _ = (found.notify, found.own)
    assert refused.value.path == path


# What somebody should know at once


def test_loud_is_all_but_moves_pins_holds_and_harmless_settings() -> None:
    quiet = {fact.kind for fact in EVERY_KIND if not is_loud(fact)}
    deployed = {FactKind.ON_STABLE, FactKind.BEHIND}
    going = {FactKind.EXPIRING, FactKind.EXPIRY_SET, FactKind.EXPIRY_CLEARED}
    assert quiet == {FactKind.MOVE, FactKind.PIN, FactKind.HELD} | deployed | going
    assert is_loud(replace(EXPIRING, totals={"images": 0, "bytes": 0, "braked": 3}))
    assert not is_loud(UNTAGGED)
    assert not is_loud(replace(UNTAGGED, kind=FactKind.CORRECT))


@pytest.mark.parametrize(
    ("problem", "loud"),
    [
        ("public", True), ("foreign", True), ("locks_out", True), ("expires_stable", True),
        ("missing", False), ("different", False), ("extra", False), ("unchangeable", False),
    ],
)  # fmt: skip
def test_a_setting_is_loud_by_its_problem(problem: str, loud: bool) -> None:
    assert DRIFTED.difference is not None
    for fact in (DRIFTED, CORRECTED):
        told = replace(fact, difference=replace(DRIFTED.difference, problem=problem))
        assert is_loud(told) is loud


def test_a_tag_that_the_steward_holds_itself_is_loud_and_one_that_a_person_holds_is_not() -> None:
    assert is_loud(replace(HELD, contested=True))
    assert not is_loud(HELD)


def test_what_somebody_has_to_look_at_is_loud() -> None:
    assert all(is_loud(fact) for fact in EVERY_KIND if fact.kind in ATTENTION)


# Routes


@pytest.mark.parametrize("fact", EVERY_KIND, ids=lambda fact: str(fact.kind))
def test_a_route_takes_an_event_by_name_by_family_by_volume_and_by_star(fact: Fact) -> None:
    name = next(name for name, kind in EVENTS.items() if kind is fact.kind)
    volume = "loud" if is_loud(fact) else "quiet"
    for word in WORDS:
        taken = word in (name, name.partition(".")[0] + ".*", volume, "*")
        assert Route((word,), ("email",)).takes(fact) is taken


def test_a_route_takes_what_any_of_its_words_does() -> None:
    route = Route(("tag.moved", "steward.*"), ("email",))
    assert route.takes(MOVED)
    assert not route.takes(REJECTED)


def test_what_is_loud_is_told_at_once_and_the_rest_once_an_hour() -> None:
    at_once, hourly = routing().routes("base/redis")
    assert (at_once, hourly) == usual({"email": EMAIL})
    assert (at_once.takes(MOVED), hourly.takes(MOVED)) == (False, True)
    assert (at_once.takes(REJECTED), hourly.takes(REJECTED)) == (True, False)
    names = ("email", "platform")
    assert routing(channels={"platform": SLACK}).routes("base/redis") == (
        Route(("loud",), names),
        Route(("quiet",), names, HOUR),
    )


def test_the_routes_of_the_rule_go_before_those_of_the_file_and_these_before_the_usual_ones() -> (
    None
):
    file, own = [{"on": ["loud"], "to": ["email"]}], [{"on": ["*"], "to": [], "every": "15m"}]
    rules = [{"repositories": ["base/*"], "notify": own}, {"repositories": ["apps/*"]}]
    found = routing(rules=rules, notify=file)
    assert found.routes("base/redis") == (Route(("*",), (), timedelta(minutes=15)),)
    assert found.routes("apps/shop") == (Route(("loud",), ("email",)),)
    assert found.routes("") == found.routes("other") == found.routes("apps/shop")
    assert found.routes("")[0].takes(SWEPT)


def test_an_empty_list_of_routes_is_none() -> None:
    assert routing(rules=[{**RULE, "notify": []}], notify=[]).routes("base/redis") == usual(
        {"email": EMAIL}
    )


def test_rules_without_removal_keep_their_routes() -> None:
    found = routing(rules=[{**RULE, "notify": [{"on": ["*"], "to": ["email"]}]}])
    without = Routing(found.ruleset.without_removal())
    assert without.routes("base/a") == found.routes("base/a")
