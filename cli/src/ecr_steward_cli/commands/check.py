"""`ecr-steward check`."""

from __future__ import annotations

import click

from ecr_steward_cli.given.names import place_of
from ecr_steward_cli.rules_file.explain import explain
from ecr_steward_cli.rules_file.load import Loaded, RulesFault, inspect
from ecr_steward_cli.terminal.completion import files
from ecr_steward_cli.terminal.errors import Refusal
from ecr_steward_cli.terminal.text import say


def loaded_from(rules: str) -> Loaded:
    """The rules file `rules`; raises Refusal with its faults."""
    try:
        return inspect(rules)
    except RulesFault as fault:
        raise Refusal(str(fault)) from fault


def checked(rules: str) -> Loaded:
    """The rules file `rules`, its warnings said on stderr; raises Refusal with its faults."""
    loaded = loaded_from(rules)
    for each in loaded.warnings:
        say(f"{each.file or rules}:{each.line}: warning: {each.sentence}", err=True)
    return loaded


def _repository(
    _: click.Context, __: click.Parameter, value: str | None
) -> tuple[str, str | None] | None:
    if value is None:
        return None
    try:
        return place_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.argument("rules", shell_complete=files)
@click.option(
    "--explain",
    "subject",
    metavar="REPOSITORY[:TAG]",
    callback=_repository,
    help="Show which rule applies to this repository and what it means; what a push of TAG does.",
)
def check(rules: str, subject: tuple[str, str | None] | None) -> None:
    """Check the rules file RULES.

    Every fault is a line RULES:LINE: sentence on stderr, and the exit code is then 2.

    \b
    Examples:
      ecr-steward check rules.yaml
      ecr-steward check rules.yaml --explain base/redis:1.4.2-alpine
    """
    loaded = checked(rules)
    count = len(loaded.ruleset.rules)
    said = f"{count} rule" if count == 1 else f"{count} rules"
    say(f"{rules}: {said}, fingerprint {loaded.ruleset.fingerprint}")
    if subject is not None:
        say(explain(loaded, *subject))
