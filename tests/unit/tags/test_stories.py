"""Stories of pushes as teams really make them, and where the tags must be at the end."""

from __future__ import annotations

import functools
import itertools
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ecr_steward.rules.model import Ruleset
from ecr_steward.words.facts import FactKind
from ecr_steward_cli.in_memory.simulation import Push, Simulation, SimulationResult
from ecr_steward_cli.rules_file.load import loads

REPOSITORY = "team/app"
STORIES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(
    (Path(__file__).parent / "stories.yaml").read_text("utf-8")
)
MOST_PERMUTED = 4
"""Most pushes of which every order is played; of more there are ORDERS."""
ORDERS = 12


def digest(name: str) -> str:
    return f"sha256:{name * 64}"


def line(written: str) -> dict[str, str]:
    if written.startswith("-@"):
        return {"action": "DELETE", "digest": digest(written[2:])}
    if written.startswith("-"):
        return {"action": "DELETE", "tag": written[1:]}
    tag, _, name = written.rpartition("@")
    return {"tag": tag, "digest": digest(name)}


@functools.cache
def rules(name: str) -> Ruleset:
    story = next(each for each in STORIES if each["name"] == name)
    rule = {"repositories": ["team/*"], "mode": "enforce", "tags": story["tags"]}
    rule |= {"repository": story["settings"]} if "settings" in story else {}
    return loads(json.dumps({"version": 1, "rules": [rule]}), name)


def play(story: dict[str, Any], pushes: list[str]) -> SimulationResult:
    simulation = Simulation(rules(story["name"]))
    lines = (json.dumps({"repository": REPOSITORY, **line(each)}) for each in pushes)
    return simulation.run(Push.parse(number, text) for number, text in enumerate(lines, 1))


def orders(story: dict[str, Any]) -> Iterator[list[str]]:
    """The story as it is; where the order does not matter in others too, and with repetitions."""
    pushes = story["pushes"]
    yield pushes
    if not story.get("any_order"):
        return
    drawn = random.Random(story["name"])  # noqa: S311
    every: Iterable[Sequence[str]] = itertools.permutations(pushes)
    if len(pushes) > MOST_PERMUTED:
        every = (drawn.sample(pushes, len(pushes)) for _ in range(ORDERS))
    for order in every:
        yield list(order)
    for _ in range(ORDERS):
        yield drawn.sample(pushes * 2, len(pushes) * 2)


def ids(story: dict[str, Any]) -> str:
    return str(story["name"])


@pytest.mark.parametrize("story", STORIES, ids=ids)
def test_a_story_ends_right_in_every_order_that_it_allows(story: dict[str, Any]) -> None:
    for pushes in orders(story):
        tags = play(story, pushes).tags[REPOSITORY]
        ended = {tag: tags.get(tag) for tag in map(str, story["end"])}
        wanted = {str(t): digest(name) if name else None for t, name in story["end"].items()}
        assert ended == wanted, pushes


@pytest.mark.parametrize("story", [each for each in STORIES if "told" in each], ids=ids)
def test_a_story_tells_what_somebody_must_know(story: dict[str, Any]) -> None:
    told = {(each.fact.tag, each.line) for each in play(story, story["pushes"]).told}
    assert {(each["tag"], each["push"]) for each in story["told"]} <= told


@pytest.mark.parametrize("story", [each for each in STORIES if each.get("quiet")], ids=ids)
def test_a_quiet_story_rejects_and_overwrites_nothing(story: dict[str, Any]) -> None:
    kinds = {each.fact.kind for each in play(story, story["pushes"]).told}
    assert kinds.isdisjoint({FactKind.REJECT, FactKind.OVERWRITE})


def test_every_story_has_a_name_of_its_own() -> None:
    assert len({each["name"] for each in STORIES}) == len(STORIES) > 60
