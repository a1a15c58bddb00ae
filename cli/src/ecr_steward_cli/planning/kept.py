"""What an interrupted run has read, for the next one to go on from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from ecr_steward.words.reading import iso, parse_time
from ecr_steward_cli.planning.outlook import RepositoryOutlook
from ecr_steward_cli.planning.read import Keeping

AGE = timedelta(hours=1)
"""How long what was read counts: a registry goes on while nobody looks."""


class Kept(Keeping):
    """Keeps each repository as it is read, in a file that only its owner can read, until all are.

    `key` tells apart what must not be mixed: account, Region, endpoint, rules, stack.
    """

    def __init__(self, folder: Path, key: Iterable[str], clock: Callable[[], datetime]) -> None:
        name = hashlib.sha256("\n".join(key).encode()).hexdigest()[:24]
        self._file = folder / f"{name}.jsonl"
        self._clock = clock

    def found(self) -> list[RepositoryOutlook]:
        return list({each.name: each for each in self._read()}.values())

    def keep(self, outlook: RepositoryOutlook) -> None:
        line = {"at": iso(self._clock()), "name": outlook.name, "found": outlook.to_document()}
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file.touch(mode=0o600)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line, separators=(',', ':'))}\n")

    def done(self) -> None:
        self._file.unlink(missing_ok=True)

    def _read(self) -> Iterator[RepositoryOutlook]:
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except OSError:
            return
        oldest = self._clock() - AGE
        for text in lines:
            try:
                line = json.loads(text)
                if parse_time(line["at"]) >= oldest:
                    yield RepositoryOutlook.from_document(line["name"], line["found"])
            except (ValueError, KeyError, TypeError):
                continue  # a line that was cut off when the run ended


def folder() -> Path:
    """Where this user's caches are."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ecr-steward", "plan")
