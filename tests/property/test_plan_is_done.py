"""What `ecr-steward plan` says is what the deployed steward then does, change by change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.words.facts import FactKind
from ecr_steward_cli.in_memory.table import MemoryTable
from ecr_steward_cli.live.look import LiveRegistry, Look
from tests.support.world import REPOSITORY, World

TAGS = [
    "1.0.0", "1.0.1", "v1.0.1", "1.1.0-rc.1", "1.1.0", "2.0.0", "1.0", "1", "latest", "main", "odd",
]  # fmt: skip
WRITTEN = (FactKind.MOVE, FactKind.PIN, FactKind.RESTORE, FactKind.REMOVE)
pushes = st.lists(
    st.tuples(st.sampled_from(TAGS), st.sampled_from("abcd")), min_size=1, max_size=12
)


@given(pushes)
def test_a_plan_before_the_first_sweep_is_what_the_sweep_does(
    story: Sequence[tuple[str, str]],
) -> None:
    world = World(allow_removal=True)
    for tag, name in story:
        world.push(tag, name)
    world.events.clear()
    registry = LiveRegistry(world.ecr, "123456789012", "eu-west-1", MemoryTable)
    rule = world.rules.rule_for(REPOSITORY)
    assert rule is not None
    look = Look(world.rules, registry, lambda: world.now, timedelta(days=7))
    plan = look.at(REPOSITORY, rule)
    world.sweep_at_once()
    done = [(f.kind, f.tag, f.digest) for f in world.history.facts(REPOSITORY) if f.kind in WRITTEN]
    planned = [(each.kind, each.tag, each.after) for each in plan.changes if each.writes]
    assert sorted(map(str, planned)) == sorted(map(str, done))
    assert plan.tags == dict(sorted(world.tags().items()))
