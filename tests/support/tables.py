"""The tables of the documentation that say what code says; `python -m tests.support.tables` writes
them."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecr_steward.images.keepers import KEEPERS
from ecr_steward.words.facts import DETAIL_TYPES
from ecr_steward_cli.main import COMMANDS
from ecr_steward_cli.probing.table import GROUPS
from ecr_steward_cli.rules_file.load import schema
from ecr_steward_cli.schemas import event_schema
from tests.support import costs, messages
from tests.support.keys import keys
from tests.support.pages import DECISIONS, ROOT, code, read, row, tables
from tests.template import support

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class DocsTable:
    """A table with these headings, the `number`th of them on its page.

    `rows` makes its cells from the code, those at the beginning of each row; the others are written
    by hand and kept with the first cell of their row.
    """

    page: str
    headings: tuple[str, ...]
    rows: Callable[[], Rows]
    number: int = 0

    def __str__(self) -> str:
        return f"{self.page}: {self.headings[0]} {self.number}"

    def shown(self) -> list[list[str]]:
        """The rows as the page has them. Raises SystemExit where it has no such table."""
        found = tables(read(self.page), *self.headings)
        if len(found) <= self.number:
            head = row(*self.headings)
            raise SystemExit(f"{self.page} has no table {head}: give it these headings by hand.")
        return found[self.number]

    def wanted(self) -> list[list[str]]:
        """The rows as they should be; what has yet to be written by hand is empty."""
        by_hand = {cells[0]: cells for cells in self.shown()}
        empty = [""] * len(self.headings)
        return [
            [*cells, *by_hand.get(cells[0], empty)[len(cells) : len(self.headings)]]
            for cells in self.rows()
        ]

    def write(self) -> None:
        text = read(self.page)
        head = f"{row(*self.headings)}\n{'|---' * len(self.headings)}|\n"
        *before, after = text.split(head, self.number + 1)
        rest = re.sub(r"\A(?:\|.*\n)*", "", after)
        lines = "".join(f"{row(*cells)}\n" for cells in self.wanted())
        (ROOT / self.page).write_text(f"{head.join(before)}{head}{lines}{rest}", encoding="utf-8")


def _parts() -> tuple[DocsTable, ...]:
    """The keys of the rules file, a table for each part of it."""
    headings = ("Key", "Values", "Default", "Meaning")
    parts = (
        r"version|rules|rules\[\]\.(repositories|mode)",
        r"rules\[\]\.tags\b.*",
        r"rules\[\]\.repository\b.*",
        r"rules\[\]\.images\b.*",
        r"rules\[\]\.notify\b.*",
        r"(defaults|include)\b.*",
        r"registry\b.*",
        r"(channels|notify)\b.*",
    )
    return tuple(
        DocsTable("docs/rules.md", headings, lambda part=part: _keys(part), number)  # type: ignore[misc]
        for number, part in enumerate(parts)
    )


def _keys(part: str) -> Rows:
    return [cells for cells in keys() if re.fullmatch(part, cells[0].strip("`"))]


def _kinds() -> Rows:
    return [
        [code(kind["title"]), kind["description"], ", ".join(map(code, kind["examples"]))]
        for kind in schema()["$defs"]["kind"]["anyOf"]
    ]


def _keepers() -> Rows:
    return [[code(kind.name), kind.description, code(_written(kind.example))] for kind in KEEPERS]


def _written(entry: Mapping[str, Any]) -> str:
    """An entry as people write it in one line of YAML."""
    return re.sub(r'"(\w+)"', r"\1", json.dumps(dict(entry)))


def _events() -> Rows:
    return [
        [code(name), event_schema(name)["description"].partition(": ")[2]]
        for name in DETAIL_TYPES.values()
    ]


def _golden() -> Rows:
    return [
        [code(name.replace("_", ".")), *(_golden_link(form, name) for form in messages.FORMS)]
        for name in messages.EVENTS
    ]


def _golden_link(form: str, name: str) -> str:
    return f"[{form}](../{messages.file(form, name).relative_to(ROOT)})"


def _commands() -> Rows:
    return [[code(f"ecr-steward {name}"), said] for name, (_, said) in COMMANDS.items()]


def _probe_groups() -> Rows:
    return [[code(each.name), each.makes, each.needs, each.costs, each.leaves] for each in GROUPS]


def _alarms() -> Rows:
    alarms = support.stack().of("AWS::CloudWatch::Alarm")
    return [
        [code(name), _first_sentence(each["AlarmDescription"])] for name, each in alarms.items()
    ]


def _first_sentence(text: str) -> str:
    """What an alarm says; what to do comes after it, and at more length in the table."""
    return f"{text.partition('. ')[0].removesuffix('.')}."


def _failure_queues() -> Rows:
    queues = support.stack().of("AWS::SQS::Queue")
    return [[code(name)] for name in queues if "Failure" in name]


def _parameters() -> Rows:
    return [
        [code(name), code(each["Default"]), _allowed(each), " ".join(each["Description"].split())]
        for name, each in support.source()["Parameters"].items()
    ]


def _allowed(parameter: Mapping[str, Any]) -> str:
    return str(parameter["ConstraintDescription"]).removeprefix("must be ")


def _roles() -> Rows:
    granted: dict[str, dict[str, None]] = {}
    for role, statement in support.stack(**support.EVERYTHING).statements():
        granted.setdefault(role, {}).update(dict.fromkeys(support.listed(statement["Action"])))
    return [[code(role), ", ".join(map(code, actions))] for role, actions in granted.items()]


def _targets() -> Rows:
    helped = re.findall(r"^([a-z-]+):.*?## (.+)$", read("Makefile"), re.M)
    return [[code(f"make {name}"), said] for name, said in helped]


def _decisions() -> Rows:
    pages = {path.name: read(path).splitlines() for path in sorted(DECISIONS.glob("0*.md"))}
    return [[f"[{lines[0][2:]}]({file})", lines[2]] for file, lines in pages.items()]


TABLES = (
    *_parts(),
    DocsTable("docs/tags.md", ("Kind", "Tags", "Write it"), _kinds),
    DocsTable("docs/images.md", ("Keeper", "Keeps", "Such as"), _keepers),
    DocsTable("docs/messages.md", ("`detail-type`", "When"), _events),
    DocsTable(
        "docs/messages.md",
        ("Event", *messages.FORMS),
        _golden,
    ),
    DocsTable("docs/operate.md", ("Command", "What it does"), _commands),
    DocsTable(
        "docs/operate.md",
        ("`--with`", "It makes", "It needs", "It costs", "It leaves"),
        _probe_groups,
    ),
    DocsTable("docs/operate.md", ("Alarm", "It says", "What to do"), _alarms),
    DocsTable(
        "docs/operate.md", ("Failure queue", "A message is", "The way back"), _failure_queues
    ),
    DocsTable(
        "docs/permissions.md",
        ("Parameter", "Default", "Values", "What it does"),
        _parameters,
    ),
    DocsTable("docs/permissions.md", ("Role", "May", "Why"), _roles),
    DocsTable(
        "docs/questions.md",
        ("Part", "How it is counted", *(f"{size:,}" for size in costs.SIZES)),
        lambda: list(costs.rows()),
    ),
    DocsTable("CONTRIBUTING.md", ("Target", "What it does"), _targets),
    DocsTable("docs/decisions/README.md", ("Decision", "Date"), _decisions),
)


def main() -> None:
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    for each in TABLES:
        each.write()
    text = json.dumps(schema(), indent=2)
    (ROOT / "layers/rules/rules.schema.json").write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    main()
