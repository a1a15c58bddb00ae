"""`ecr-steward check`."""

from __future__ import annotations

import click

from ecr_steward.words.grammar import is_tag
from ecr_steward_cli.rules_file.explain import explain, has_registry, is_repository
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
    repository, colon, tag = value.partition(":")
    if has_registry(repository):
        raise click.BadParameter(
            f"`{value}` names a registry: leave out everything before the repository."
        )
    if not is_repository(repository):
        raise click.BadParameter(
            f"`{repository}` cannot be a repository's name: 2 to 256 lowercase letters and digits, "
            "in parts joined by `/`, `.`, `_`, `__` or `-`."
        )
    if colon and not is_tag(tag):
        raise click.BadParameter(
            f"`{tag}` cannot be a tag: 1 to 128 letters, digits, `_`, `.` and `-`, not beginning "
            "with `.` or `-`."
        )
    return repository, tag if colon else None


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
