"""Stable tags that people hold, release and put back, and those that somebody else keeps taking."""

from __future__ import annotations

import json

import pytest

from ecr_steward.words.facts import FactKind
from tests.e2e.deployed import Deployed, by_tag

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def test_a_held_tag_misses_a_push_and_catches_up_when_it_is_released(stack: Deployed) -> None:
    repository = "base/held"
    old = stack.push(f"{repository}:1.4.1")
    stack.rest()
    held = stack.steward("hold", f"{repository}:latest", "--until", "2h", "--reason", "it leaks")
    assert held.returncode == 0, held.stderr
    assert f"{repository}:latest stays on " in held.stdout
    new = stack.push(f"{repository}:1.4.2")
    stack.rest()
    tags = stack.tags(repository)
    assert (tags["latest"], tags["1.4"]) == (old.digest, new.digest)
    missed = by_tag(stack.facts(repository), FactKind.HELD)["latest"]
    assert ": it leaks) and does not go to 1.4.2." in missed.reason
    assert any("latest held" in each.subject for each in stack.messages(repository))
    found = json.loads(stack.steward("status", "--json").stdout)["holds"]
    assert [(each["repository"], each["tag"]) for each in found] == [(repository, "latest")]

    released = stack.steward("release", f"{repository}:latest")
    assert released.returncode == 0, released.stderr
    stack.rest()
    assert stack.tags(repository)["latest"] == new.digest
    moved = [fact for fact in stack.facts(repository) if fact.cause.type == "Release"]
    assert [(fact.kind, fact.tag) for fact in moved] == [(FactKind.MOVE, "latest")]


def test_a_tag_that_is_rolled_back_stays_there_until_it_is_released(stack: Deployed) -> None:
    repository = "base/rolled"
    old = stack.push(f"{repository}:1.4.1")
    stack.rest()
    new = stack.push(f"{repository}:1.4.2")
    stack.rest()
    back = stack.steward("rollback", f"{repository}:latest")
    assert back.returncode == 0, back.stderr
    stack.rest()
    tags = stack.tags(repository)
    assert (tags["latest"], tags["1"]) == (old.digest, new.digest)
    (told,) = (fact for fact in stack.facts(repository) if fact.cause.type == "Rollback")
    assert (told.before, told.digest) == (new.digest, old.digest)
    assert "Held: base/rolled:latest by " in stack.steward("history", repository).stdout
    assert stack.steward("release", f"{repository}:latest").returncode == 0
    stack.rest()
    assert stack.tags(repository)["latest"] == new.digest
    assert stack.faults() == []


def test_a_tag_that_is_taken_away_three_times_is_held_and_needs_a_look(stack: Deployed) -> None:
    repository = "base/quarrel"
    belongs = stack.push(f"{repository}:1.4.2").digest
    stack.rest()
    for number in range(1, 4):
        stray = stack.push(f"{repository}:latest", f"stray {number}").digest
        stack.rest()
        assert stack.tags(repository)["latest"] == (belongs if number < 3 else stray)
    held = by_tag(stack.facts(repository), FactKind.HELD)["latest"]
    assert "it was taken away three times within ten minutes" in held.reason
    status = stack.steward("status")
    assert status.returncode == 1
    assert f"`ecr-steward release {repository}:latest` ends that." in status.stdout
    assert stack.steward("release", f"{repository}:latest").returncode == 0
    stack.rest()
    assert stack.tags(repository)["latest"] == belongs
    assert stack.faults() == []
    assert stack.failures() == {}
