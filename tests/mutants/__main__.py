"""`python -m tests.mutants`: a seeded sample of mutants, and which of them no test notices."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.mutants import page
from tests.mutants.mutate import Site, function, mutant, sites

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

    def __str__(self) -> str:
        made = mutant(self.source(), self.site)
        return f"{self.name}:{made.line}: `{made.before}` -> `{made.after}`".replace("|", r"\|")


@dataclass(slots=True)
class Reach:
    """How long each test takes, and by function and by file the tests that call something of it."""

    seconds: dict[str, float] = field(default_factory=dict)
    tests: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, recorded: Mapping[str, tuple[float, Sequence[str]]]) -> Reach:
        made = cls()
        for test, (seconds, functions) in recorded.items():
            made.seconds[test] = seconds
            for each in {*functions, *(each.partition(":")[0] for each in functions)}:
                made.tests.setdefault(each, set()).add(test)
        return made

    def of_place(self, place: MutantPlace) -> list[str]:
        """The tests that can notice a mutant, the quickest first: those that call its function, or
        where it is in none something of its file."""
        inside = function(place.source(), place.site)
        key = place.name if inside is None else f"{place.name}:{inside}"
        return sorted(self.tests.get(key, ()), key=lambda test: (self.seconds[test], test))


def places(rooms: Sequence[str]) -> Iterator[MutantPlace]:
    """Every mutant of some rooms."""
    for room in rooms:
        for file in sorted((ROOMS[room] / room).rglob("*.py")):
            for site in sites(file.read_text(encoding="utf-8")):
                yield MutantPlace(room, file, site)


def survives(place: MutantPlace, folder: Path, reach: Reach) -> bool:
    """Whether all tests pass with the mutant in a copy of the code in `folder`."""
    package = ROOMS[place.room]
    there = folder / package.name / place.file.relative_to(package)
    there.write_text(mutant(place.source(), place.site).text, encoding="utf-8")
    try:
        return all(_passes(folder, some, reach) for some in _portions(place, reach) if some)
    finally:
        shutil.copyfile(place.file, there)


def _portions(place: MutantPlace, reach: Reach) -> tuple[list[str], ...]:
    """The tests in the order in which a mutant is shown to them: those of its room first."""
    tests = reach.of_place(place)
    near = [test for test in tests if test.startswith(f"tests/unit/{place.room}/")]
    return near[:_FIRST], near[_FIRST:], [test for test in tests if test not in {*near}]


def _passes(folder: Path, tests: Sequence[str], reach: Reach) -> bool:
    chosen = folder / "chosen.json"
    chosen.write_text(json.dumps(tests), encoding="utf-8")
    files = sorted({test.partition("::")[0] for test in tests})
    limit = 60 + _PATIENCE * sum(reach.seconds[test] for test in tests)
    try:
        return _pytest(folder, "-x", f"--chosen={chosen}", *files, limit=limit).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _pytest(
    folder: Path, *options: str, limit: float | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    env = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    return subprocess.run(
        [*command, "-p", "tests.mutants.reach", *options],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=limit,
    )


_FAILED = 1
"""How pytest ends where tests failed and nothing else went wrong."""


def _recorded(folder: Path, tests: Sequence[str], file: Path) -> Reach:
    """What each of the tests calls, as `file` has it from before, or recorded there now."""
    if not file.exists():
        apart = (f"--ignore={each}" for each in _APART)
        ran = _pytest(folder, f"--reached={file}", *apart, *tests)
        if ran.returncode not in (0, _FAILED):
            sys.exit(f"The tests do not run:\n{ran.stdout[-2000:]}")
    return Reach.of(json.loads(file.read_text(encoding="utf-8")))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=500, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rooms", nargs="+", choices=ROOMS, default=list(ROOMS))
    parser.add_argument("--tests", nargs="+", default=TESTS, help="what mutants are shown to")
    parser.add_argument("--reached", type=Path, help="what tests call: kept here for another run")
    return parser.parse_args()


def main() -> None:
    options = _options()
    every = list(places(options.rooms))
    random = Random(options.seed)  # noqa: S311
    sample = random.sample(every, min(options.sample, len(every)))
    tried: dict[MutantPlace, bool] = {}
    print(f"{len(sample)} of {len(every)} mutants", flush=True)
    # A shell has what it starts in the background ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        for n, (place, lives) in enumerate(_lived(sample, options), start=1):
            tried[place] = lives
            print(f"{n}/{len(sample)} {'ALIVE' if lives else 'killed'} {place}", flush=True)
    page.write(_tried(room, every, tried) for room in options.rooms)
    killed = len(tried) - sum(tried.values())
    print(f"{killed} of {len(tried)} killed")
    sys.exit(killed < 0.95 * len(tried))


def _lived(
    sample: Iterable[MutantPlace], options: argparse.Namespace
) -> Iterator[tuple[MutantPlace, bool]]:
    """Each mutant, and whether it lives."""
    with tempfile.TemporaryDirectory(prefix="ecr-steward-mutants-") as name:
        folder = Path(name)
        for package in (LIBRARY, COMMAND_LINE):
            shutil.copytree(package, folder / package.name)
        file = (options.reached or folder / "reached.json").absolute()
        reach = _recorded(folder, options.tests, file)
        print(f"{len(reach.seconds)} tests notice", flush=True)
        for place in sample:
            yield place, survives(place, folder, reach)


def _tried(
    room: str, every: Iterable[MutantPlace], tried: Mapping[MutantPlace, bool]
) -> page.Tried:
    inside = {place: lives for place, lives in tried.items() if place.room == room}
    alive = tuple(str(place) for place, lives in inside.items() if lives)
    return page.Tried(room, sum(each.room == room for each in every), len(inside), alive)


if __name__ == "__main__":
    main()
