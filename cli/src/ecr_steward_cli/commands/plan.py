"""`ecr-steward plan`: what the deployed code would do with live registries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import IO

import click

from ecr_steward_cli.errors import NeedsAttention, Refusal
from ecr_steward_cli.planning import text
from ecr_steward_cli.planning.accounts import Planner, logins, logins_of
from ecr_steward_cli.planning.comment import LEAST, MOST, comment
from ecr_steward_cli.planning.outlook import Outlooks
from ecr_steward_cli.planning.progress import shown
from ecr_steward_cli.rules_file.load import RulesFault, load
from ecr_steward_cli.stack import Login, Outside, pass_outside


@click.command()
@click.option("--rules", "rules_file", required=True, type=click.Path(), help="The rules file.")
@click.option(
    "--repository", "glob", metavar="GLOB", default="*", help="Only repositories that this matches."
)
@click.option("--profile", "profiles", metavar="NAME", multiple=True, help="An AWS profile.")
@click.option("--region", "regions", metavar="REGION", multiple=True, help="An AWS Region.")
@click.option(
    "--accounts", metavar="FILE", type=click.Path(), help="Roles to assume, instead of profiles."
)
@click.option(
    "--stack",
    "stack_name",
    metavar="NAME",
    envvar="ECR_STEWARD_STACK",
    show_envvar=True,
    help="The stack whose history is used; without it one named ecr-steward, if there is one.",
)
@click.option("--fresh", is_flag=True, help="Do not go on from what an interrupted run has read.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--markdown", is_flag=True, help="Print a comment for a pull request.")
@click.option(
    "--max-chars",
    "most",
    metavar="N",
    type=click.IntRange(min=LEAST),
    default=MOST,
    show_default=True,
    help="How long the comment may be.",
)
@click.option(
    "--html",
    "html_file",
    metavar="FILE",
    type=click.File("w", encoding="utf-8", lazy=True, atomic=True),
    help="Write one page to open in a browser, too.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.File("w", encoding="utf-8", lazy=True, atomic=True),
    help="Keep the plan, too, as --json prints it; never from what an interrupted run has read.",
)
@pass_outside
def plan(
    outside: Outside, rules_file: str, glob: str, profiles: tuple[str, ...],
    regions: tuple[str, ...], accounts: str | None, stack_name: str | None, fresh: bool,
    as_json: bool, markdown: bool, most: int, html_file: IO[str] | None, out: IO[str] | None,
) -> None:  # fmt: skip
    """Show what the rules would do with a live registry; nothing is changed.

    It reads with your own credentials and needs no stack; where there is one, its history is used.
    Every rule acts as in mode: enforce. --profile and --region can be given several times, each
    profile in each Region. The exit code is 1 if anything would change or could not be read.

    Example: ecr-steward plan --rules rules.yaml --repository 'base/*'
    """
    if as_json and markdown:
        raise Refusal("Give --json or --markdown, not both.")
    try:
        rules = load(rules_file)
    except RulesFault as fault:
        raise Refusal.rules(fault) from fault
    planner = Planner(rules, outside, stack_name, fresh=fresh or out is not None)
    found = _planned(planner, _logins(accounts, profiles, regions), glob)
    _keep(found, out, html_file)
    _print(found, most if markdown else None, as_json=as_json)
    if found.attention:
        raise NeedsAttention


def _logins(accounts: str | None, profiles: Sequence[str], regions: Sequence[str]) -> list[Login]:
    if accounts is None:
        return logins(profiles, regions)
    if profiles:
        raise Refusal("Give --accounts or --profile, not both.")
    return logins_of(accounts, regions)


def _keep(found: Outlooks, out: IO[str] | None, html_file: IO[str] | None) -> None:
    if out is not None:
        out.write(json.dumps(found.to_document()))
    if html_file is not None:
        from ecr_steward_cli.planning.page import page  # only here, for jinja takes its time

        html_file.write(page(found))


def _print(found: Outlooks, most: int | None, *, as_json: bool) -> None:
    """As JSON, as a comment of at most so many characters, or as text."""
    if as_json:
        click.echo(json.dumps(found.to_document()))
    elif most is not None:
        click.echo(comment(found, most), nl=False)
    else:
        for line in text.lines(found):
            click.echo(line)


def _planned(planner: Planner, wanted: Sequence[Login], glob: str) -> Outlooks:
    with shown() as progress:
        try:
            return planner.plan(wanted, glob, progress)
        except KeyboardInterrupt:
            raise NeedsAttention(
                f"Interrupted. {progress.read:,} repositories were read; run the same command "
                "within an hour to go on from there."
            ) from None
