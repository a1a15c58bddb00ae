"""What docs/reliability.md says of mutants: a row for each room, and those that nothing notices."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/reliability.md"
BEGIN, END = (
    "<!-- make mutants writes what follows -->",
    "<!-- make mutants wrote what is above -->",
)
_HEAD = "| Room | Places | Tried | Killed |\n|---|---|---|---|\n"
_ROW = re.compile(r"^\| (\w+) \| ([0-9,]+) \| ([0-9,]+) \| [0-9,]+ \|$", re.MULTILINE)
_ALIVE = re.compile(r"^\| ((\w+)/.+) \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tried:
    """What was tried in a room: of how many mutants, how many, and those that live."""

    room: str
    places: int
    tried: int
    alive: tuple[str, ...]

    def row(self) -> str:
        killed = self.tried - len(self.alive)
        return f"| {self.room} | {self.places:,} | {self.tried:,} | {killed:,} |\n"


def write(rooms: Iterable[Tried]) -> None:
    """Write the rooms that were tried on the page; the others stay as they are."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    old, _, after = rest.partition(END)
    found = {each.room: each for each in (*read(old), *rooms)}
    PAGE.write_text(f"{before}{BEGIN}\n{shown(found.values())}{END}{after}", encoding="utf-8")


def read(text: str) -> list[Tried]:
    """The rooms that a page has."""
    alive = _ALIVE.findall(text)
    return [
        Tried(
            room, _number(places), _number(tried), tuple(each for each, of in alive if of == room)
        )
        for room, places, tried in _ROW.findall(text)
    ]


def _number(written: str) -> int:
    return int(written.replace(",", ""))


def shown(rooms: Iterable[Tried]) -> str:
    """The rooms as the page has them."""
    sorted_rooms = sorted(rooms, key=lambda each: each.room)
    tried = sum(each.tried for each in sorted_rooms)
    alive = [each for room in sorted_rooms for each in room.alive]
    rows = "".join(each.row() for each in sorted_rooms)
    share = f"{(tried - len(alive)) / tried:.1%}" if tried else "none"
    lived = "".join(f"| {each} |\n" for each in alive)
    said = f"\n{_HEAD}{rows}\n{tried - len(alive):,} of {tried:,} are noticed: {share}.\n\n"
    return said + (f"| Nothing notices |\n|---|\n{lived}\n" if alive else "")
