"""Asking assumptions one after the other, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ecr_steward_cli.deployed.stack import sentence
from ecr_steward_cli.probing.assumption import DENIED, Assumption, Ground, code_of

_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")


@dataclass(frozen=True, slots=True)
class Asked:
    """What AWS did; `found` is None where it was not asked, and `why` says why."""

    assumption: Assumption
    found: str | None
    why: str = ""
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.found == self.assumption.expected

    @property
    def differs(self) -> bool:
        return self.found is not None and not self.holds

    def row(self) -> tuple[str, str, str]:
        found = f"not asked: {self.why}" if self.found is None else self.found
        shown = ("as expected" if self.holds else found) + (f" ({self.note})" if self.note else "")
        return self.assumption.name, self.assumption.expected, anonymous(shown)

    def document(self) -> dict[str, Any]:
        name, expected, _ = self.row()
        found = None if self.found is None else anonymous(self.found)
        why = anonymous(self.why) or None
        note = anonymous(self.note) or None
        return {
            "fact": name,
            "expected": expected,
            "found": found,
            "not_asked": why,
            "note": note,
        }


def ask(ground: Ground, assumptions: Iterable[Assumption]) -> Iterator[Asked]:
    """Ask each; what may not be asked, or cannot be, costs only itself."""
    for each in assumptions:
        yield _answer(ground, each)


def _answer(ground: Ground, assumption: Assumption) -> Asked:
    try:
        ground.notes.clear()
        return Asked(assumption, assumption.ask(ground), note="; ".join(ground.notes))
    except ClientError as error:
        if code_of(error) in DENIED:
            return Asked(assumption, None, sentence(error))
        return Asked(assumption, f"{error.operation_name}: {code_of(error)}")
    except BotoCoreError as error:
        return Asked(assumption, None, sentence(error))
    except (LookupError, TypeError, ValueError) as error:
        return Asked(assumption, f"an answer of another shape: {error!r}")


def chosen(assumptions: Sequence[Assumption], groups: Sequence[str]) -> list[Assumption]:
    """The assumptions of some groups."""
    return [each for each in assumptions if each.group in groups]


def anonymous(text: str) -> str:
    """A text in which no account can be read."""
    return _ACCOUNT.sub("ACCOUNT", text)
