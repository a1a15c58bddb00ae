"""What docs/permissions.md says of each right: which act is not done without it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.rights.iam import Demand
from tests.rights.stage import Right
from tests.support.pages import code
from tests.support.tables import DocsTable, Rows
from tests.template import support
from tests.template.support import listed

PAGE = "docs/permissions.md"
JUDGED = ("Action", "Statements", "Asked for on", "Not done without it")
DOCUMENTED = ("Action", "Statements", "Not done without it", "By AWS's document alone")


@dataclass(frozen=True, slots=True)
class Needed:
    """The act that is not done without a right, and what was refused then."""

    act: str
    demand: Demand


def granted() -> list[Right]:
    """Every right of the roles of the stack that has all of them, in the template's order."""
    return [
        Right(role, each["Sid"], action)
        for role, each in support.stack(**support.EVERYTHING).statements()
        for action in listed(each["Action"])
    ]


def write(found: Mapping[Right, Needed]) -> None:
    """Write the two tables: of what a call asks for, and of what AWS asks for beside one."""
    DocsTable(PAGE, JUDGED, lambda: _judged(found)).write()
    DocsTable(PAGE, DOCUMENTED, lambda: _documented(found)).write()


def shown() -> set[Right]:
    """The rights that the page has."""
    rows = [row for head in (JUDGED, DOCUMENTED) for row in DocsTable(PAGE, head, list).shown()]
    return {
        Right(role, sid, action.strip("`"))
        for action, statements, *_ in rows
        for role, sid in re.findall(r"`(\w+)\.(\w+)`", statements)
    }


def _judged(found: Mapping[Right, Needed]) -> Rows:
    rows: dict[tuple[str, str, str], list[Right]] = {}
    for right, needed in found.items():
        if not needed.demand.document:
            key = (right.action, _on(right, needed.demand), needed.act)
            rows.setdefault(key, []).append(right)
    return [
        [code(action), _statements(rights), code(on), act]
        for (action, on, act), rights in sorted(rows.items())
    ]


def _documented(found: Mapping[Right, Needed]) -> Rows:
    return [
        [code(right.action), _statements([right]), needed.act, needed.demand.document]
        for right, needed in sorted(found.items(), key=lambda each: each[0].action)
        if needed.demand.document
    ]


def _statements(rights: list[Right]) -> str:
    return ", ".join(code(f"{each.role}.{each.sid}") for each in rights)


def _on(right: Right, demand: Demand) -> str:
    """The resource without partition, Region and account, and without what each run or each role
    has of its own."""
    resource = re.sub("/stream/[0-9].*", "/stream/…", demand.resource.split(":", 5)[-1])
    if right.sid in _OF_EACH:
        resource = resource.replace(right.role.removesuffix("Role"), "…", 1)
    return resource


_OF_EACH = ("WriteOwnLogs", "KeepFailures")
"""Statements that many roles have, each about something of its own."""
