"""What goes over the steward's bus: every fact of the history, once, in the form of its schema."""

from __future__ import annotations

from collections import Counter

import pytest

from ecr_steward.words.facts import SOURCE
from tests.e2e.deployed import Deployed

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def test_every_fact_of_the_history_goes_over_the_bus_once(stack: Deployed) -> None:
    repository = "base/bus"
    for reference, name in (
        ("1.4.1", "first"),
        ("1.4.2", "second"),
        ("my-test", "third"),
        ("1.4.1", "overwritten"),
        ("latest", "stray"),
    ):
        stack.push(f"{repository}:{reference}", name)
        stack.rest()
    run = stack.steward("sweep", repository)
    assert run.returncode == 0, run.stderr
    stack.rest()
    published = [e for e in stack.events() if e["detail"]["repository"] == repository]
    assert {event["source"] for event in published} == {SOURCE}
    assert {event["detail-type"] for event in published} == {
        "Tag Moved", "Tag Pinned", "Tag Rejected", "Tag Overwritten"
    }  # fmt: skip
    assert Counter(event["detail"]["id"] for event in published) == Counter(
        fact.id for fact in stack.facts(repository)
    )
    assert stack.faults() == []
