"""`ecr-steward compile`."""

from __future__ import annotations

from pathlib import Path

import click

from ecr_steward.rules import compiled
from ecr_steward_cli.commands.check import checked
from ecr_steward_cli.terminal.completion import files
from ecr_steward_cli.terminal.errors import Refusal
from ecr_steward_cli.terminal.text import say


@click.command(name="compile")
@click.argument("rules", shell_complete=files)
@click.option(
    "--output",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="The JSON file to write; its folder is created if needed.",
)
def compile_(rules: str, output: Path) -> None:
    """Check the rules file RULES as `check` does and write FILE, which the functions read.

    \b
    Example:
      ecr-steward compile rules.yaml --output build/rules.json
    """
    loaded = checked(rules)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.exists() and output.samefile(rules):
            raise Refusal(f"{output}: this is the rules file itself; name another file.")
        output.write_text(compiled.dumps(loaded.document), encoding="utf-8")
    except OSError as error:
        raise Refusal(f"{output}: the file cannot be written: {error.strerror}.") from error
    say(f"{output}: fingerprint {loaded.ruleset.fingerprint}")
