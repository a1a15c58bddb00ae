"""`ecr-steward drift`: what the deployed code would say of a repository's settings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import IO, Any, NoReturn

import click

from ecr_steward.rules import Mode, Rule
from ecr_steward.settings.drift import drift as drift_of
from ecr_steward.settings.state import SettingAction, SettingChange, Settings, SettingsError
from ecr_steward_cli.errors import NeedsAttention, Refused
from ecr_steward_cli.markdown import table
from ecr_steward_cli.rules_file.document import printable
from ecr_steward_cli.rules_file.explain import is_repository
from ecr_steward_cli.rules_file.load import RulesFault, load


def _account(_: click.Context, __: click.Parameter, value: str | None) -> str:
    if value is not None and not re.fullmatch("[0-9]{12}", value):
        raise click.BadParameter(f"`{value}` is no account id: it has 12 digits.")
    return value or ""


@click.command()
@click.option("--rules", "rules_file", required=True, type=click.Path(), help="The rules file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--as-configured", is_flag=True, help="Let audit rules only report.")
@click.option(
    "--account",
    metavar="ID",
    callback=_account,
    help="The registry's account, which may always be named; without it no account is the "
    "registry's own.",
)
@click.option("--cache", is_flag=True, help="The repository is a pull-through cache.")
@click.argument("settings", type=click.File("r", encoding="utf-8"))
def drift(
    rules_file: str, as_json: bool, as_configured: bool, account: str, cache: bool,
    settings: IO[str],
) -> None:  # fmt: skip
    """Compare SETTINGS (a JSON file, or - for standard input) with the rules, without AWS.

    SETTINGS is an object with the repository's name under `repository` and what it has under
    `policy`, `lifecycle`, `mutability`, `scan_on_push`, `encryption` and `resource_tags`; what is
    absent or null is not set. Every rule acts as in mode: enforce. The exit code is 1 if anything
    differs.
    """
    try:
        rules = load(rules_file)
    except RulesFault as fault:
        raise Refused.rules(fault) from fault
    repository, actual = _read(settings)
    rule = rules.rule_for(repository)
    changes: Sequence[SettingChange] = ()
    if rule is not None and not (cache and not rule.names(repository)):
        try:
            changes = drift_of(
                rule.baseline, actual, scheme=rule.tags, account=account, cache=cache
            )
        except RecursionError:  # where JSON can be read that is too deep to be written
            raise Refused(f"{_name(settings)}: {_TOO_DEEP}") from None
        changes = _as_configured(rule, changes) if as_configured else changes
    if as_json:
        found = {"repository": repository, "changes": [each.to_document() for each in changes]}
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(_report(repository, rule, changes, cache=cache))
    if changes:
        raise NeedsAttention


def _as_configured(rule: Rule, changes: Iterable[SettingChange]) -> list[SettingChange]:
    """The changes as the rule's own mode has them: audit only reports."""
    if rule.mode is Mode.ENFORCE:
        return list(changes)
    return [replace(each, action=SettingAction.REPORT) for each in changes]


_TOO_DEEP = "The JSON is nested too deeply to be read."


def _name(file: IO[str]) -> str:
    return "-" if file.name == "<stdin>" else file.name


def _read(file: IO[str]) -> tuple[str, Settings]:
    name = _name(file)
    document = _parsed(file, name)
    repository = document.get("repository")
    if not isinstance(repository, str) or not is_repository(repository):
        raise Refused(f"{name}: `repository` must be the name of a repository.")
    try:
        return repository, Settings.from_document(document)
    except SettingsError as error:
        raise Refused(f"{name}: {printable(str(error))}") from error


def _parsed(file: IO[str], name: str) -> Mapping[str, Any]:
    try:
        document = json.loads(file.read(), object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise Refused(f"{name}:{error.lineno}: This is not JSON: {error.msg}.") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{name}: This is not UTF-8 text: {error}.") from error
    except RecursionError:
        raise Refused(f"{name}: {_TOO_DEEP}") from None
    except SettingsError as error:
        raise Refused(f"{name}: {printable(str(error))}") from error
    if not isinstance(document, dict):
        raise Refused(f"{name}: The settings must be one JSON object.")
    return document


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are there once: which of two counts, no two readers agree on."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise SettingsError(f"`{key}` is there twice in one object.")
        found[key] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise SettingsError(f"`{name}` is not JSON.")


def _report(
    repository: str, rule: Rule | None, changes: Sequence[SettingChange], *, cache: bool
) -> str:
    if rule is None:
        return f"{repository}: no rule matches; the repository is left alone."
    if cache and not rule.names(repository):
        return f"{repository}: no rule names it; a pull-through cache is left alone without."
    if not rule.repository:
        return f"{repository}: its rule says nothing about settings, so they are left alone."
    if not changes:
        return f"{repository}: nothing differs from what the rule says of its settings."
    headings = ("setting", "problem", "subject", "what happens", "why")
    return table(headings, map(_row, changes))


def _row(change: SettingChange) -> tuple[str, ...]:
    what = (change.setting, change.problem, change.subject, change.action, change.reason)
    return tuple(printable(str(each)) for each in what)
