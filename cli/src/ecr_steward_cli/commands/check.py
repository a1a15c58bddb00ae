"""`ecr-steward check`."""

from __future__ import annotations

import click

from ecr_steward_cli.errors import Refusal
from ecr_steward_cli.rules_file.explain import explain, is_repository
from ecr_steward_cli.rules_file.load import Loaded, RulesFault, inspect


def loaded_from(rules: str) -> Loaded:
    """The rules file `rules`; raises Refusal with its faults."""
    try:
        return inspect(rules)
    except RulesFault as fault:
        raise Refusal.rules(fault) from fault


def checked(rules: str) -> Loaded:
    """The rules file `rules`, its warnings said on stderr; raises Refusal with its faults."""
    loaded = loaded_from(rules)
    for each in loaded.warnings:
        click.echo(f"{each.file or rules}:{each.line}: warning: {each.sentence}", err=True)
    return loaded


def _repository(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not is_repository(value):
        raise click.BadParameter(
            f"`{value}` cannot be a repository's name: 2 to 256 lowercase letters and digits, in "
            "parts joined by `/`, `.`, `_`, `__` or `-`."
        )
    return value


@click.command()
@click.argument("rules")
@click.option(
    "--explain",
    "repository",
    metavar="REPOSITORY",
    callback=_repository,
    help="Show which rule applies to this repository, and what it means.",
)
def check(rules: str, repository: str | None) -> None:
    """Check the rules file RULES.

    Every fault is a line RULES:LINE: sentence on stderr, and the exit code is then 2.
    """
    loaded = checked(rules)
    count = len(loaded.ruleset.rules)
    said = f"{count} rule" if count == 1 else f"{count} rules"
    click.echo(f"{rules}: {said}, fingerprint {loaded.ruleset.fingerprint}")
    if repository is not None:
        click.echo(explain(loaded, repository))
