"""What `ecr-steward plan` says is what the deployed steward then does, change by change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.history.planned import Planned
from ecr_steward.rules import Mode
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward_cli.in_memory.table import MemoryTable
from ecr_steward_cli.live.look import LiveRegistry, Look
from tests.support.world import REPOSITORY, VERSIONS, World, ruleset

TAGS = [
    "1.0.0", "1.0.1", "v1.0.1", "1.1.0-rc.1", "1.1.0", "2.0.0", "1.0", "1", "latest", "main", "odd",
]  # fmt: skip
WRITTEN = (FactKind.MOVE, FactKind.PIN, FactKind.RESTORE, FactKind.REMOVE)
STRICT = {"unknown": "remove", "overwritten": "restore"}
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


@given(pushes, st.data())
def test_a_sweep_narrowed_to_a_part_of_a_plan_is_never_wider_and_the_next_one_does_the_rest(
    story: Sequence[tuple[str, str]], data: st.DataObject
) -> None:
    world = World(ruleset({**VERSIONS, "tags": {**VERSIONS["tags"], **STRICT}}), allow_removal=True)
    for tag, name in story[: len(story) // 2]:
        world.push(tag, name)
    world.settle()
    for tag, name in story[len(story) // 2 :]:
        world.push(tag, name)
    world.events.clear()
    named = set(world.tags().values())
    world.set_mode(Mode.AUDIT)
    planned = [each for each in world.retagger.visit(REPOSITORY, [swept(world)]).changes
               if each.writes]  # fmt: skip
    world.set_mode(Mode.ENFORCE)
    part = data.draw(st.lists(st.sampled_from(planned), unique=True)) if planned else []
    keys = Planned(tuple(each.key for each in part))
    world.history.planned.keep("x", {REPOSITORY: keys}, world.rules.fingerprint, world.now)
    world.visit([swept(world, "x")])
    done = {(f.kind, f.tag, f.digest) for f in world.told() if f.cause.id.startswith("x/")}
    writes = {each for each in done if each[0] in WRITTEN}
    assert writes <= {(each.kind, each.tag, each.after) for each in part}
    assert named <= set(world.tags().values())
    world.visit([swept(world)])
    # Where a part is made first, an image can need no pin any more.
    rest = [each for each in planned if each.kind is not FactKind.PIN]
    tags = world.tags()
    assert [(each.tag, tags.get(each.tag)) for each in rest] == [(c.tag, c.after) for c in rest]


def swept(world: World, plan: str | None = None) -> Hint:
    cause = Cause(f"{plan}/{REPOSITORY}", "Sweep")
    return Hint(REPOSITORY, Action.SWEEP, None, None, cause, world.now, plan=plan)
