"""`python -m tests.mutants`: a seeded sample of mutants, and which of them no test notices."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.mutants.mutate import Site, mutant, sites

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "layers/steward/src/ecr_steward"

NEAR: dict[str, tuple[str, ...]] = {
    "tags": ("tests/unit/tags", "tests/unit/writers"),
    "settings": ("tests/unit/settings", "tests/unit/writers", "tests/unit/cli/test_drift.py"),
    "images": ("tests/unit/images",),
    "words": ("tests/unit/words", "tests/unit/tags", "tests/unit/messages"),
    "writers": ("tests/unit/writers",),
}
"""The pure rooms and the writers, and the tests that notice a change there most quickly."""

FAR = ("tests/unit", "tests/handlers", "tests/property")
"""What a mutant that is still alive is shown to."""

_SECONDS = 300
"""How long tests may take with a mutant: one that never ends is noticed, too."""


@dataclass(frozen=True, slots=True)
class MutantPlace:
    """A place in a file of a room where the code can be changed."""

    room: str
    file: Path
    site: Site

    def source(self) -> str:
        return self.file.read_text(encoding="utf-8")

    def __str__(self) -> str:
        made = mutant(self.source(), self.site)
        name = self.file.relative_to(LIBRARY)
        return f"{name}:{made.line}: `{made.before}` -> `{made.after}`"


def places(rooms: Sequence[str]) -> Iterator[MutantPlace]:
    """Every mutant of some rooms."""
    for room in rooms:
        for file in sorted((LIBRARY / room).rglob("*.py")):
            for site in sites(file.read_text(encoding="utf-8")):
                yield MutantPlace(room, file, site)


def survives(place: MutantPlace, folder: Path, tests: Sequence[str]) -> bool:
    """Whether tests pass with the mutant in a copy of the library in `folder`."""
    there = folder / LIBRARY.name / place.file.relative_to(LIBRARY)
    there.write_text(mutant(place.source(), place.site).text, encoding="utf-8")
    try:
        return _passes(folder, tests)
    finally:
        shutil.copyfile(place.file, there)


def _passes(folder: Path, tests: Sequence[str]) -> bool:
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    env = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    try:
        ran = subprocess.run(
            [*command, *tests], cwd=ROOT, env=env, capture_output=True, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return False
    return ran.returncode == 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=500, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rooms", nargs="+", choices=NEAR, default=list(NEAR))
    return parser.parse_args()


def main() -> None:
    options = _options()
    every = list(places(options.rooms))
    random = Random(options.seed)  # noqa: S311
    sample = random.sample(every, min(options.sample, len(every)))
    alive: list[MutantPlace] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ecr-steward-mutants-") as name:
        folder = Path(name)
        print(f"{len(sample)} of {len(every)} mutants", flush=True)
        shutil.copytree(LIBRARY, folder / LIBRARY.name)
        if not all(_passes(folder, NEAR[room]) for room in options.rooms):
            sys.exit("The tests fail without a mutant: mend them first.")
        for n, place in enumerate(sample, start=1):
            lives = survives(place, folder, NEAR[place.room]) and survives(place, folder, FAR)
            alive += [place] if lives else []
            print(f"{n}/{len(sample)} {'ALIVE' if lives else 'killed'} {place}", flush=True)
    killed = len(sample) - len(alive)
    print(
        f"{killed} of {len(sample)} killed ({killed / len(sample):.0%}) of {len(every)} mutants, "
        f"in {time.monotonic() - began:.0f} s; alive:"
    )
    for place in alive:
        print(f"  {place}")
    sys.exit(killed < 0.95 * len(sample))


if __name__ == "__main__":
    main()
