"""`python -m tests.mutants`: a seeded sample of mutants, and which of them no test notices."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.mutants import page
from tests.mutants.inplace import NotInPlace, put_in_place
from tests.mutants.mutate import Site, function, mutant, sites
from tests.mutants.warm import Warm, forked, passes

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "layers/steward/src/ecr_steward"
COMMAND_LINE = ROOT / "cli/src/ecr_steward_cli"

ROOMS: dict[str, Path] = {
    **dict.fromkeys(("tags", "settings", "images", "rules", "words", "writers"), LIBRARY),
    "rules_file": COMMAND_LINE,
}
"""The pure rooms, the writers and what judges rules files, each with its package."""

TESTS = ("tests/unit", "tests/handlers", "tests/property")
_APART = ("tests/unit/local", "tests/unit/bench", "tests/unit/mutants")
"""What mutants are shown to, and what of it has nothing to do with them."""

_PATIENCE = 10
"""A mutant with which tests take so many times as long, and a minute, is noticed too."""

_FIRST = 25
"""So many of the quickest tests of the room come first: most mutants live no longer."""

_REST = 60.0
"""Seconds of tests of other rooms that a mutant is shown to, as they took when they were watched:
what thousands of quick ones do not notice, the slow ones hardly do."""

_AT_ONCE = len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class MutantPlace:
    """A place in a file of a room where the code can be changed."""

    room: str
    file: Path
    site: Site

    def source(self) -> str:
        return self.file.read_text(encoding="utf-8")

    @property
    def name(self) -> str:
        return str(self.file.relative_to(ROOMS[self.room]))

    @property
    def what(self) -> str:
        """What it changes, wherever that stands in its file."""
        return f"{self.name} {self.site.change}"

    @property
    def module(self) -> str:
        parts = self.file.relative_to(ROOMS[self.room].parent).with_suffix("").parts
        return ".".join(parts).removesuffix(".__init__")

    def __str__(self) -> str:
        made = mutant(self.source(), self.site)
        return f"{self.name}:{made.line}: `{made.before}` -> `{made.after}`".replace("|", r"\|")


@dataclass(slots=True)
class Reach:
    """How long each test takes, by function and by file the tests that call something of it, and
    the functions that were called when tests were collected."""

    seconds: dict[str, float] = field(default_factory=dict)
    tests: dict[str, set[str]] = field(default_factory=dict)
    collected: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, recorded: Mapping[str, Any]) -> Reach:
        made = cls(collected={*recorded["collected"]})
        for test, (seconds, functions) in recorded["tests"].items():
            made.seconds[test] = seconds
            for each in {*functions, *(each.partition(":")[0] for each in functions)}:
                made.tests.setdefault(each, set()).add(test)
        return made

    def of_place(self, place: MutantPlace) -> list[str]:
        """The tests that can notice a mutant, the quickest first: those that call its function, or
        where it is in none that was called something of its file."""
        inside = function(place.source(), place.site)
        of_function = self.tests.get(f"{place.name}:{inside}", ())
        tests = of_function or self.tests.get(place.name, ())
        return sorted(tests, key=lambda test: (self.seconds[test], test))

    def is_collected(self, place: MutantPlace) -> bool:
        """Whether its function was called when tests were collected, before it is a mutant."""
        return f"{place.name}:{function(place.source(), place.site)}" in self.collected


def places(rooms: Sequence[str]) -> Iterator[MutantPlace]:
    """Every mutant of some rooms."""
    for room in rooms:
        for file in sorted((ROOMS[room] / room).rglob("*.py")):
            for site in sites(file.read_text(encoding="utf-8")):
                yield MutantPlace(room, file, site)


def drawn(every: Iterable[MutantPlace], seed: int) -> list[MutantPlace]:
    """All in an order that the seed and what each changes decide: whatever else is written since,
    what was drawn once is drawn again."""
    return sorted(every, key=lambda each: hashlib.sha256(f"{seed} {each.what}".encode()).digest())


KILLED, ALIVE, APART = 1, 0, 3
"""How the fork ends that tries a mutant: APART is one that needs a process that starts with it."""


def tried_in_place(place: MutantPlace, items: Mapping[str, pytest.Item], reach: Reach) -> int:
    """Run the tests that reach a mutant with it in this process."""
    source = place.source()
    made = mutant(source, place.site)
    try:
        put_in_place(place.module, function(source, place.site), made.original, made.text)
    except NotInPlace:
        return APART
    tests = [items[each] for each in _in_order(place, reach) if each in items]
    return ALIVE if passes(tests) else KILLED


def survives(place: MutantPlace, folder: Path, reach: Reach) -> bool:
    """Whether all tests pass with the mutant in a copy of the code in `folder`, in processes that
    start with it."""
    package = ROOMS[place.room]
    there = folder / package.name / place.file.relative_to(package)
    there.write_text(mutant(place.source(), place.site).text, encoding="utf-8")
    try:
        return all(_passes(folder, some, reach) for some in _portions(place, reach) if some)
    finally:
        shutil.copyfile(place.file, there)


def _in_order(place: MutantPlace, reach: Reach) -> list[str]:
    """The tests in the order in which a mutant is shown to them: those of its room first."""
    tests = reach.of_place(place)
    near = [test for test in tests if test.startswith(f"tests/unit/{place.room}/")]
    rest = [test for test in tests if test not in {*near}]
    taken = itertools.accumulate(reach.seconds[test] for test in rest)
    return [*near, *(test for test, until in zip(rest, taken, strict=True) if until <= _REST)]


def _portions(place: MutantPlace, reach: Reach) -> tuple[list[str], list[str]]:
    tests = _in_order(place, reach)
    return tests[:_FIRST], tests[_FIRST:]


def _passes(folder: Path, tests: Sequence[str], reach: Reach) -> bool:
    chosen = folder / "chosen.json"
    chosen.write_text(json.dumps(tests), encoding="utf-8")
    files = sorted({test.partition("::")[0] for test in tests})
    env = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    try:
        ran = subprocess.run(
            [sys.executable, "-B", "-m", "pytest", *_QUIET, "-x", f"--chosen={chosen}", *files],
            cwd=ROOT,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60 + _limit(tests, reach),
        )
    except subprocess.TimeoutExpired:
        return False
    return ran.returncode == 0


def _limit(tests: Iterable[str], reach: Reach) -> float:
    return 60 + _PATIENCE * sum(reach.seconds[test] for test in tests)


_QUIET = ("-q", "-p", "no:cacheprovider", "-p", "tests.mutants.reach")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=500, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rooms", nargs="+", choices=ROOMS, default=list(ROOMS))
    parser.add_argument("--tests", nargs="+", default=TESTS, help="what mutants are shown to")
    parser.add_argument("--reached", type=Path, help="what tests call: kept here for another run")
    parser.add_argument(
        "--before", type=Path, help="what a run printed that did not come to its end"
    )
    options = parser.parse_args()
    options.reached = (options.reached or Path(tempfile.mkdtemp()) / "reached.json").absolute()
    return options


def main() -> None:
    options = _options()
    every = list(places(options.rooms))
    sample = drawn(every, options.seed)[: options.sample]
    tried = _tried_before(sample, options.before)
    print(f"{len(sample)} of {len(every)} mutants", flush=True)
    # A shell has what it starts in the background ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault("HYPOTHESIS_PROFILE", "mutants")
    warm = Warm(partial(_try_all, sample, options, tried))
    apart = [f"--ignore={each}" for each in _APART]
    recorder = [] if options.reached.exists() else [f"--reached={options.reached}"]
    try:
        pytest.main(["-s", *_QUIET, *recorder, *apart, *options.tests], plugins=[warm])
    finally:
        page.write(_tried(room, every, tried) for room in options.rooms)
    killed = len(tried) - sum(tried.values())
    print(f"{killed} of {len(tried)} killed")
    sys.exit(killed < 0.95 * len(tried))


def _try_all(
    sample: Sequence[MutantPlace],
    options: argparse.Namespace,
    tried: dict[MutantPlace, bool],
    items: Mapping[str, pytest.Item],
) -> None:
    """Try each mutant in a fork of this process, and then those that need one that starts with
    them; `tried` gets whether it lives, also of those that were tried before Ctrl-C."""
    reach = _recorded(items, options)
    print(f"{len(reach.seconds)} tests notice", flush=True)
    left: list[MutantPlace] = []
    sample = [each for each in sample if each not in tried]
    with contextlib.suppress(KeyboardInterrupt):
        things = ((each, _limit(reach.of_place(each), reach)) for each in sample)
        for place, code in forked(
            things, lambda each: tried_in_place(each, items, reach), _AT_ONCE
        ):
            if code in (ALIVE, KILLED, -signal.SIGKILL) and not (
                code == ALIVE and reach.is_collected(place)
            ):
                _note(tried, place, lives=code == ALIVE)
            else:
                left.append(place)
        print(f"{len(left)} need a process of their own", flush=True)
        with _copied() as folder:
            for place in left:
                _note(tried, place, lives=survives(place, folder, reach))


def _tried_before(sample: Sequence[MutantPlace], before: Path | None) -> dict[MutantPlace, bool]:
    """What an earlier run printed of these mutants."""
    said = re.findall(r"^\d+ (killed|ALIVE) (.+)$", before.read_text() if before else "", re.M)
    lives = {name: word == "ALIVE" for word, name in said}
    return {each: lives[str(each)] for each in sample if str(each) in lives}


def _note(tried: dict[MutantPlace, bool], place: MutantPlace, *, lives: bool) -> None:
    tried[place] = lives
    print(f"{len(tried)} {'ALIVE' if lives else 'killed'} {place}", flush=True)


def _recorded(items: Mapping[str, pytest.Item], options: argparse.Namespace) -> Reach:
    """What each of the tests calls, as a file has it from before, or recorded there now."""
    if not options.reached.exists():
        recorder: Any = next(iter(items.values())).config.pluginmanager.get_plugin("recorder")
        ((_, code),) = forked([(None, 3600)], lambda _: recorder.record([*items.values()]), 1)
        recorder.stop()
        if code:
            raise SystemExit("The tests do not run.")
    return Reach.of(json.loads(options.reached.read_text(encoding="utf-8")))


@contextlib.contextmanager
def _copied() -> Iterator[Path]:
    """A folder with a copy of the code."""
    with tempfile.TemporaryDirectory(prefix="ecr-steward-mutants-") as name:
        folder = Path(name)
        for package in (LIBRARY, COMMAND_LINE):
            shutil.copytree(package, folder / package.name)
        yield folder


def _tried(
    room: str, every: Iterable[MutantPlace], tried: Mapping[MutantPlace, bool]
) -> page.Tried:
    inside = {place: lives for place, lives in tried.items() if place.room == room}
    alive = tuple(str(place) for place, lives in inside.items() if lives)
    return page.Tried(room, sum(each.room == room for each in every), len(inside), alive)


if __name__ == "__main__":
    main()
