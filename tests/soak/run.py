"""One soak from its beginning to its judgement."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from tests.soak.faults import Rates
from tests.soak.functions import deployed
from tests.soak.oracle import Divergence, judge
from tests.soak.people import People, told_apart
from tests.soak.rules import names
from tests.soak.world import SoakWorld

_HOUR = 3600.0


@dataclass(frozen=True)
class Played:
    """What came of a soak: `figures` are its counts, `lines` the time lines of what diverged."""

    seed: int
    figures: Counter[str]
    divergences: list[Divergence]
    lines: dict[str, list[str]]
    seconds: float

    def explain(self, most: int = 3) -> str:
        """Everything that diverges, each with the time line of its repository."""
        parts = [f"seed {self.seed}: {len(self.divergences)} divergences"]
        parts += [f"  {each}" for each in self.divergences]
        for repository in list(self.lines)[:most]:
            parts += ["", f"{repository or 'everywhere'}:", *self.lines[repository]]
        return "\n".join(parts)


def play(seed: int, pushes: int, repositories: int, rates: Rates) -> Played:
    """Play so many pushes; then faults stop, two sweeps run, and everything drains."""
    began = time.perf_counter()
    world = SoakWorld(rates, told_apart(seed, "faults"))
    with deployed(world):
        people = People(world, told_apart(seed, "people"), names(repositories), pushes)
        world.at(0.0, world.tick)
        while people.end is None:
            world.play(world.time + _HOUR)
        _end(world)
        divergences = judge(world, people)
    named = dict.fromkeys(each.repository for each in divergences)
    return Played(
        seed,
        _figures(world, people),
        divergences,
        {repository: world.log.of(repository) for repository in named},
        time.perf_counter() - began,
    )


def _end(world: SoakWorld) -> None:
    """What is under way comes to its end with faults, then without."""
    world.play(world.time + _HOUR)
    world.calm_down()
    world.play(world.time + _HOUR)
    world.release_holds()
    world.last_slice = world.time + 3 * _HOUR  # two whole sweeps, whenever the next one begins
    world.play()


def _figures(world: SoakWorld, people: People) -> Counter[str]:
    facts = [item for item in world.table.items() if item.sk.startswith(("fact#", "quiet#"))]
    dead = {name: len(queue.dead) for name, queue in world.queues.items()}
    return world.counts + Counter(
        {
            "pushes": people.pushed,
            "facts": len(facts),
            "letters": world.channels.letters,
            "calls": sum(world.faults.calls.values()),
            "failed": sum(
                n for what, n in world.faults.happened.items() if what not in ("slow", "killed")
            ),
            "lost events": len(world.lost),
            "dead letters": sum(dead.values()) - people.poison,
            "hours": int(world.time / _HOUR),
        }
    )
