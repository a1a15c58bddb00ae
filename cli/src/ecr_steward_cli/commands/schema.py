"""`ecr-steward schema`."""

from __future__ import annotations

import json
import re

import click

from ecr_steward_cli.rules_file.load import schema as rules_schema
from ecr_steward_cli.schemas import EVENTS, event_schema
from ecr_steward_cli.terminal.text import say


def _event(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    words = re.sub(r"[ ._-]+", " ", value).strip().title()
    if words not in EVENTS:
        raise click.BadParameter(
            f"`{value}` is not an event of the steward; there are {', '.join(EVENTS)}."
        )
    return words


@click.command()
@click.argument("event", required=False, callback=_event)
def schema(event: str | None) -> None:
    """Print a JSON Schema: of the rules file, for editors, or of the `detail` of EVENT.

    EVENT is one of the steward's events, such as `Tag Moved` or tag.moved.

    \b
    Examples:
      ecr-steward schema > rules.schema.json
      ecr-steward schema tag.moved
    """
    document = rules_schema() if event is None else event_schema(event)
    say(json.dumps(document, indent=2))
