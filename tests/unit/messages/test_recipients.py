"""Who gets the facts of one cause: the routes decide; of a wrong channel the others hear."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import pytest

from ecr_steward.messages.whom.recipients import recipients
from ecr_steward.words.causes import CHANNEL, Cause
from ecr_steward.words.facts import Fact
from tests.support.facts import FAILED, MOVED, REJECTED
from tests.unit.messages.post import routing

BROKEN = replace(FAILED, repository="", cause=Cause("channel/audit/2026-11-23T02:24:00Z", CHANNEL))


def names(channels: list[str], facts: list[Fact], tags: Mapping[str, str]) -> set[str]:
    deliveries = recipients(routing(*channels), facts, lambda fact: tags)
    return {delivery.channel.name for delivery in deliveries}


def test_the_routes_decide() -> None:
    assert names(["platform", "audit"], [MOVED], {}) == {"platform", "audit"}
    assert names([], [MOVED], {}) == {"email"}


def test_that_a_channel_is_wrong_goes_to_the_others_that_are_routed() -> None:
    assert names(["platform", "audit", "team"], [BROKEN], {}) == {"platform", "team"}


def test_where_no_other_is_routed_it_goes_to_all_the_others() -> None:
    rules = routing("platform", "audit", notify=[{"on": ["*"], "to": ["audit"]}])
    found = recipients(rules, [BROKEN], lambda fact: {})
    assert {delivery.channel.name for delivery in found} == {"platform", "email"}
    assert {delivery.every for delivery in found} == {None}


def test_another_failure_goes_where_it_is_routed() -> None:
    assert names(["audit"], [FAILED], {}) == {"audit"}


def test_each_repository_has_its_own_tags() -> None:
    shop = replace(REJECTED, repository="apps/shop")
    rules = routing("platform", "audit", notify=[{"on": ["*"], "to": ["platform"]}])
    tags = {"apps/shop": {"steward:notify": "audit"}}
    found = recipients(rules, [MOVED, shop], lambda fact: tags.get(fact.repository, {}))
    told = [delivery.facts for delivery in found if delivery.channel.name == "audit"]
    assert told == [(shop,)]


def test_a_tag_that_names_no_channel_is_logged_and_stops_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        assert names(["platform"], [MOVED], {"steward:notify": "platfrom"}) == {"platform"}
    assert "base/redis names the channel platfrom, which does not exist" in caplog.text
