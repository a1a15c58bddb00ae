"""Least privilege, proven: each action of each statement of each role is taken away in turn.

`make rights` plays acts of the functions, as they are deployed, on an AWS of one process that asks
for rights: action, resource and condition. With all of them each act is done; without one that it
needs it is not; put back, it is again. What came of it is written into docs/permissions.md.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.rights import table
from tests.rights.acts import Act
from tests.rights.play import Played, play
from tests.rights.roles import ACTS
from tests.rights.stage import Right
from tests.rights.table import Needed

Acts = Mapping[Right, Sequence[Act]]


def main() -> int:
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    # A function that fails before it has counted anything says so.
    warnings.filterwarnings("ignore", "No application metrics to publish")
    with ProcessPoolExecutor() as pool:
        played = list(pool.map(_whole, range(len(ACTS))))
        faults = [f"{act}: {each.failure}" for act, each in zip(ACTS, played, strict=True)
                  if each.failure]  # fmt: skip
        acts = users(played)
        rights = table.granted()
        found = dict(
            zip(
                rights,
                pool.map(judge, rights, (acts.get(each, []) for each in rights)),
                strict=True,
            )
        )
    needless = [right for right, needed in found.items() if needed is None]
    for each in (*faults, *(f"{right} is needed by no act" for right in needless)):
        print(each)
    if faults or needless:
        return 1
    table.write({right: needed for right, needed in found.items() if needed is not None})
    print(f"{len(ACTS)} acts are done with all rights; each of the {len(rights)} is needed by one.")
    return 0


def _whole(number: int) -> Played:
    return play(ACTS[number])


def users(played: Sequence[Played]) -> dict[Right, list[int]]:
    """By right, the acts that used it, by their numbers: those that need fewest rights first."""
    found: dict[Right, list[int]] = {}
    for number in sorted(range(len(played)), key=lambda each: len(played[each].used)):
        for right in played[number].used:
            found.setdefault(right, []).append(number)
    return found


def judge(right: Right, acts: Sequence[int]) -> Needed | None:
    """The act that is not done without a right, and done again with it; None if there is none."""
    for number in acts:
        without = play(ACTS[number], right)
        if without.failure and without.refused:
            again = play(ACTS[number])
            if not again.failure:
                return Needed(ACTS[number].does, without.refused[0])
    return None


if __name__ == "__main__":
    raise SystemExit(main())
