"""Who is told of what: by rule, by event, by resource tag, at once or in a digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.messages.channels.sns import EMAIL
from ecr_steward.messages.whom.routes import Delivery, deliveries, routes_for, unknown_channels
from ecr_steward.messages.whom.routing import Routing
from ecr_steward.rules.model import Ruleset
from ecr_steward.words.events import WORDS
from ecr_steward.words.facts import Fact
from tests.support.facts import EVERY_KIND, FAILED, MOVED, OVERWRITTEN, PINNED, REJECTED, SWEPT
from tests.support.facts import story as moves

HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
CHANNELS = {
    name: {"type": "slack", "url": f"ssm:/ecr-steward/{name}"}
    for name in ("platform", "payments", "team_b")
}


def routing(own: list[dict[str, Any]] | None = None, **document: Any) -> Routing:
    """Rules of which the only one has the routes `own`."""
    rule: dict[str, Any] = {"repositories": ["base/*"], "notify": own or []}
    return Routing(
        Ruleset.from_document({"version": 1, "rules": [rule], "channels": CHANNELS, **document})
    )


def told(
    rules: Routing, facts: list[Fact], tags: Mapping[str, str] | None = None
) -> dict[tuple[str, timedelta | None], int]:
    """How many facts go where, and when."""
    found = deliveries(rules, facts, tags or {})
    return {(delivery.channel.name, delivery.every): len(delivery.facts) for delivery in found}


ONLY_PLATFORM = [{"on": ["loud"], "to": ["platform"]}]


def test_without_channels_everything_is_an_e_mail_at_once() -> None:
    rules = Routing(Ruleset.from_document({"version": 1, "rules": []}))
    assert deliveries(rules, [MOVED, REJECTED], {}) == [Delivery(EMAIL, None, (MOVED, REJECTED))]


def test_by_default_refusals_are_told_at_once_and_moves_once_an_hour() -> None:
    everybody = ("email", *CHANNELS)
    assert told(routing(), [REJECTED]) == {(name, None): 1 for name in everybody}
    assert told(routing(), moves("1", "1.4")) == {(name, HOUR): 2 for name in everybody}


def test_an_event_goes_to_the_channels_of_every_route_that_takes_it() -> None:
    rules = routing([*ONLY_PLATFORM, {"on": ["*"], "to": ["payments"], "every": "24h"}])
    assert told(rules, [REJECTED]) == {("platform", None): 1, ("payments", DAY): 1}
    assert told(rules, [MOVED]) == {("payments", DAY): 1}


@pytest.mark.parametrize(
    ("first", "second", "soonest"),
    [(None, "1h", None), ("24h", "1h", HOUR), ("1h", "24h", HOUR), ("24h", None, None)],
)
def test_where_several_routes_lead_to_a_channel_the_soonest_counts(
    first: str | None, second: str | None, soonest: timedelta | None
) -> None:
    routes = [
        {"on": [word], "to": ["platform"], **({"every": every} if every else {})}
        for word, every in (("tag.moved", first), ("quiet", second))
    ]
    assert routes_for(routing(routes), MOVED, {}) == {"platform": soonest}


def test_what_goes_at_once_takes_the_rest_of_its_story_along() -> None:
    rules = routing([*ONLY_PLATFORM, {"on": ["quiet"], "to": ["platform"], "every": "1h"}])
    assert told(rules, [OVERWRITTEN, PINNED]) == {("platform", None): 2}
    assert told(rules, [PINNED]) == {("platform", HOUR): 1}


def test_what_no_route_takes_goes_nowhere() -> None:
    assert told(routing(ONLY_PLATFORM), [MOVED, REJECTED]) == {("platform", None): 1}
    assert told(routing([{"on": ["*"], "to": []}]), [REJECTED]) == {}


def test_what_belongs_to_no_repository_goes_by_the_routes_of_the_file() -> None:
    routes = [{"on": ["sweep.completed", "steward.failed"], "to": ["payments"]}]
    rules = routing(ONLY_PLATFORM, notify=routes)
    assert told(rules, [SWEPT]) == {("payments", None): 1}
    assert told(rules, [replace(FAILED, repository="")]) == {("payments", None): 1}
    assert told(rules, [replace(FAILED, repository="gone")]) == {("payments", None): 1}
    assert told(rules, [FAILED]) == {("platform", None): 1}


# Resource tags


@pytest.mark.parametrize("value", ["payments", "payments team_b", "team_b/payments", "payments+"])
def test_a_resource_tag_adds_the_channels_it_names(value: str) -> None:
    found = told(routing(ONLY_PLATFORM), [REJECTED], {"steward:notify": value})
    named = [name for name in ("payments", "team_b") if name in value]
    assert found == {("platform", None): 1} | {(name, None): 1 for name in named}


def test_an_owner_adds_the_channel_that_is_called_like_it() -> None:
    rules = routing(ONLY_PLATFORM)
    assert told(rules, [MOVED], {"owner": "payments"}) == {("payments", HOUR): 1}
    assert told(rules, [MOVED], {"owner": "somebody else"}) == {}


def test_a_channel_is_told_once_however_often_it_is_named() -> None:
    tags = {"owner": "platform", "steward:notify": "platform platform"}
    assert told(routing(ONLY_PLATFORM), [REJECTED], tags) == {("platform", None): 1}


def test_a_name_that_is_no_channel_is_left_out_and_can_be_said() -> None:
    tags = {"steward:notify": "payment team_b", "owner": "nobody"}
    assert told(routing(ONLY_PLATFORM), [REJECTED], tags) == {
        ("platform", None): 1,
        ("team_b", None): 1,
    }
    assert unknown_channels(routing(), tags) == ("payment",)


routes = st.lists(
    st.fixed_dictionaries(
        {
            "on": st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True),
            "to": st.lists(st.sampled_from([*CHANNELS, "email"]), max_size=3, unique=True),
        },
        optional={"every": st.sampled_from(["15m", "1h", "24h"])},
    ),
    max_size=4,
)


@given(routes, st.lists(st.sampled_from(EVERY_KIND), min_size=1, max_size=6, unique_by=id))
def test_every_fact_reaches_each_of_its_channels_once(
    notify: list[dict[str, Any]], facts: list[Fact]
) -> None:
    rules = routing(notify, notify=notify)
    reached = [
        (delivery.channel.name, fact.id)
        for delivery in deliveries(rules, facts, {})
        for fact in delivery.facts
    ]
    due = [(name, fact.id) for fact in facts for name in routes_for(rules, fact, {})]
    assert sorted(reached) == sorted(due)
