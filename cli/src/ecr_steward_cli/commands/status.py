"""`ecr-steward status`: how things stand, and what somebody has to look at."""

from __future__ import annotations

import json
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from ecr_steward.history.holds import Hold
from ecr_steward.words.reading import iso, parse_time
from ecr_steward_cli.commands.check import loaded_from
from ecr_steward_cli.deployed.stack import Outside, Stack, cell, console, pass_outside, stack_option
from ecr_steward_cli.deployed.status import Queue, Status, look, span
from ecr_steward_cli.terminal.completion import files
from ecr_steward_cli.terminal.errors import NeedsAttention
from ecr_steward_cli.terminal.text import say

_MODES = {
    "audit": "decides and reports, and changes nothing",
    "enforce": "decides, reports and acts",
    "off": "the writers and the sweep are stopped",
}


def document(status: Status) -> dict[str, Any]:
    """What `--json` prints."""
    sweep, last = status.sweep, status.sweep.last if status.sweep else None
    return {
        "stack": status.stack.name,
        "region": status.stack.region,
        "mode": status.mode,
        "settings_mode": status.settings_mode,
        "version": status.version,
        "rules": status.rules,
        "writers": status.writers,
        "sweep": {
            "hours": status.hours,
            "completed": last.time if last else None,
            "totals": dict(last.totals) if last else None,
            "parts_sent": sweep.part if sweep else None,
            "parts": sweep.parts if sweep else None,
        },
        "expiring": status.expiring,
        "holds": [_hold_document(*each) for each in status.holds],
        "queues": {queue.name: _counts(queue) for queue in status.queues},
        "attention": status.attention(),
        "channels_down": status.deaf,
        "channels_waiting": {name: len(since) for name, since in status.waiting.items()},
        "functions_failing": sorted(status.failing),
        "unknown": status.unknown,
    }


def _counts(queue: Queue) -> dict[str, int | None]:
    return {
        "waiting": queue.waiting,
        "in_flight": queue.in_flight,
        "delayed": queue.delayed,
        "oldest_seconds": None if queue.oldest is None else int(queue.oldest.total_seconds()),
    }


def _hold_document(repository: str, hold: Hold) -> dict[str, Any]:
    return {
        "repository": repository,
        "tag": hold.tag,
        "by": hold.by,
        "since": iso(hold.since),
        "until": None if hold.until is None else iso(hold.until),
        "reason": hold.reason or None,
        "automatic": hold.automatic,
    }


def show(status: Status, screen: Console) -> None:
    """Print the status for people."""
    screen.print(_facts(status))
    queues = Table(box=box.SIMPLE, pad_edge=False)
    queues.add_column("queue")
    for heading in ("waiting", "in flight", "delayed", "oldest"):
        queues.add_column(heading, justify="right")
    for queue in status.queues:
        wrong = "red" if queue.holds_failures and queue.messages else ""
        counts = map(str, (queue.waiting, queue.in_flight, queue.delayed))
        oldest = "" if queue.oldest is None else span(queue.oldest)
        queues.add_row(*(cell(each, wrong) for each in (queue.name, *counts, oldest)))
    screen.print(queues)
    for repository, hold in status.holds:
        if not hold.automatic:  # what the steward holds itself, somebody has to look at
            screen.print(cell(f"Held: {repository}:{hold.tag} {hold}"))
    for part, why in status.unknown.items():
        screen.print(cell(f"Not known: {part}. {why}", "yellow"))
    for each in status.attention():
        screen.print(cell(f"Attention: {each}", "red"))


def _facts(status: Status) -> Table:
    """What there is to say of the stack as a whole, a line each."""
    facts = Table.grid(padding=(0, 2))
    for name, said in (
        ("stack", f"{status.stack.name}, {status.stack.region}"),
        ("mode", f"{status.mode}: {_MODES.get(status.mode, 'unknown')}"),
        ("settings", _settings_words(status)),
        ("rules", _rules_words(status)),
        ("version", status.version or "not known"),
        ("writers", _writers_words(status.writers)),
        ("last sweep", _sweep_words(status)),
        ("expiring", _expiring_words(status.expiring)),
    ):
        if said:
            facts.add_row(cell(name, "bold"), cell(said))
    return facts


def _expiring_words(images: int) -> str:
    return f"{images:,} with an expiry tag" if images else ""


def _settings_words(status: Status) -> str:
    """What is done about settings: no more than `Mode` allows."""
    if "off" in (status.mode, status.settings_mode):
        return "off: the steward ignores them"
    mode = "audit" if "audit" in (status.mode, status.settings_mode) else status.settings_mode
    return f"{mode}: {_MODES.get(mode, 'unknown')}"


def _rules_words(status: Status) -> str:
    if status.rules is None:
        return "not known"
    return status.rules + (", as the last sweep had them" if status.rules_of_last_sweep else "")


def _writers_words(state: str | None) -> str:
    if state is None:
        return "not known"
    return {"Enabled": "running", "Disabled": "paused"}.get(state, state)


def _sweep_words(status: Status) -> str:
    if status.sweep is None:
        return "not known"
    if status.sweep.last is None:
        sent = f"{status.sweep.part or 0} of {status.sweep.parts}"
        return f"none is complete yet; {sent} parts of the first one are sent"
    last = status.sweep.last
    ago = span(status.now - parse_time(last.time))
    return f"{iso(parse_time(last.time))}, {ago} ago: {last.reason}"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--rules",
    "rules_file",
    metavar="FILE",
    shell_complete=files,
    help="Say whether the stack goes by it.",
)
@stack_option
@pass_outside
def status(outside: Outside, stack_name: str, as_json: bool, rules_file: str | None) -> None:
    """Show the state of the stack: mode, rules, writers, sweep, holds, queues.

    Exit code 1 if something needs attention.

    \b
    Examples:
      ecr-steward status
      ecr-steward status --rules rules.yaml --json
    """
    given = None if rules_file is None else loaded_from(rules_file).ruleset.fingerprint
    found = look(Stack.find(stack_name, outside))
    found.given = None if given is None else (rules_file or "", given)
    if as_json:
        say(json.dumps(document(found), indent=2))
    else:
        show(found, console())
    if found.attention():
        raise NeedsAttention()
