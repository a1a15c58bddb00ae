"""`ecr-steward schema`."""

from __future__ import annotations

import json

import click

from ecr_steward.rules.load import schema as rules_schema


@click.command()
def schema() -> None:
    """Print the JSON Schema of the rules file, for editors."""
    click.echo(json.dumps(rules_schema(), indent=2))
