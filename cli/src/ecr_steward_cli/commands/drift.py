"""`ecr-steward drift`: what the deployed code would say of a repository's settings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

from ecr_steward.rules import Mode, Ruleset
from ecr_steward.settings.drift import drift as drift_of
from ecr_steward.settings.kinds import Around
from ecr_steward.settings.registry import registry_drift
from ecr_steward.settings.state import SettingAction, SettingChange, SettingsError
from ecr_steward_cli.given.files import text_of
from ecr_steward_cli.given.names import is_repository
from ecr_steward_cli.given.settings import GivenSettings, registry, repositories
from ecr_steward_cli.given.strict_json import decoder
from ecr_steward_cli.rules_file.load import RulesFault, load
from ecr_steward_cli.terminal.completion import files
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.markdown import table
from ecr_steward_cli.terminal.text import printable, say


def _account(_: click.Context, __: click.Parameter, value: str | None) -> str:
    if value is not None and not re.fullmatch("[0-9]{12}", value):
        raise click.BadParameter(f"`{value}` is not an account id, which has 12 digits.")
    return value or ""


@click.command()
@click.option("--rules", "rules_file", required=True, type=click.Path(), help="The rules file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--as-configured", is_flag=True, help="Only report where a rule is in audit mode.")
@click.option(
    "--account",
    metavar="ID",
    callback=_account,
    help="The registry's account, which policies may always name; without it, no account counts as "
    "the registry's own.",
)
@click.option(
    "--role",
    "roles",
    metavar="ARN",
    multiple=True,
    help="A role that sets policies or moves tags, and must not be locked out; without it any role "
    "of the account that nothing names.",
)
@click.option("--cache", is_flag=True, help="The repository is a pull-through cache.")
@click.option("--registry", "own", is_flag=True, help="SETTINGS are the registry's own.")
@click.argument("settings", shell_complete=files)
def drift(
    rules_file: str, as_json: bool, as_configured: bool, account: str, roles: tuple[str, ...],
    cache: bool, own: bool, settings: str,
) -> None:  # fmt: skip
    """Compare SETTINGS (JSON in a file, or - for standard input) with the rules, without AWS.

    SETTINGS is one object or several, each with a repository's name under `repository` and what it
    has under `policy`, `lifecycle`, `mutability`, `scan_on_push`, `encryption` and
    `resource_tags`; what is absent or null is not set. Objects and values may be what the AWS CLI
    prints. `running` lists images that run: image URIs, tags, or {"digest": …, "tags": […]}. Every
    rule acts as in mode: enforce. The exit code is 1 if anything differs.

    \b
    Examples:
      ecr-steward drift --rules rules.yaml settings.json
      aws ecr describe-repositories | ecr-steward drift --rules rules.yaml -
      aws ecr get-registry-policy |
        ecr-steward drift --registry --rules rules.yaml -
    """
    try:
        rules = load(rules_file)
    except RulesFault as fault:
        raise Refusal(str(fault)) from fault
    name, documents = settings, _parsed(settings)
    try:
        if own:
            found = [_of_registry(rules, documents, account, roles)]
        else:
            found = [
                _of_repository(rules, each, given, account, roles, cache=cache)
                for each, given in _repositories(documents).items()
            ]
        found = [_as_configured(each) for each in found] if as_configured else found
        say(_as_json(found) if as_json else _as_text(found))
    except SettingsError as error:
        raise Refusal(f"{name}: {printable(str(error))}") from error
    except RecursionError:  # where JSON can be read that is too deep to be written
        raise Refusal(f"{name}: {_TOO_DEEP}") from None
    if any(each.changes for each in found):
        raise NeedsAttention


@dataclass(frozen=True, slots=True)
class _Found:
    """What differs at one repository, or at the registry, whose name is empty.

    `mode` is that of the rule; `quiet` says why nothing was looked at.
    """

    name: str
    changes: tuple[SettingChange, ...] = ()
    mode: Mode = Mode.ENFORCE
    quiet: str = ""


def _of_repository(
    rules: Ruleset,
    name: str,
    given: GivenSettings,
    account: str,
    roles: Sequence[str],
    *,
    cache: bool,
) -> _Found:
    rule = rules.rule_for(name)
    if rule is None:
        return _Found(name, quiet="no rule matches; the repository is left alone.")
    if cache and not rule.names(name):
        return _Found(
            name, quiet="no rule names this pull-through cache; the steward leaves it alone."
        )
    around = Around(
        rule.tags, account, setters=roles, taggers=roles, cache=cache,
        registry_scans=rules.registry_scans, named=given.running,
    )  # fmt: skip
    # A rule for expiry tags that is there shows that the stack lets images expire, or did.
    found = drift_of(rule.baseline_where_images_expire, given.settings, around)
    if not found and not rule.has_settings:
        quiet = "its rule says nothing about settings; the steward leaves them alone."
        return _Found(name, quiet=quiet)
    return _Found(name, found, rule.mode)


def _of_registry(
    rules: Ruleset, documents: Sequence[Any], account: str, roles: Sequence[str]
) -> _Found:
    around = Around(account=account, setters=roles, taggers=roles)
    return _Found("", registry_drift(rules.registry_baseline, registry(documents), around))


def _as_configured(found: _Found) -> _Found:
    """What differs as the rule's own mode has it: audit only reports."""
    if found.mode is Mode.ENFORCE:
        return found
    changes = tuple(replace(each, action=SettingAction.REPORT) for each in found.changes)
    return replace(found, changes=changes)


_TOO_DEEP = "The JSON is nested too deeply to be read."


def _repositories(documents: Sequence[Any]) -> Mapping[str, GivenSettings]:
    found = repositories(documents)
    for each in found:
        if not is_repository(each):
            raise SettingsError(f"`{each}` is no name of a repository.")
    return found


def _parsed(name: str) -> Sequence[Any]:
    """Every JSON document in a file: one, or several one after the other."""
    with text_of(name) as file:
        text = file.read()
    reader = decoder(SettingsError)
    found, at = [], 0
    try:
        while at < len(text.rstrip()):
            at += len(text[at:]) - len(text[at:].lstrip())
            document, at = reader.raw_decode(text, at)
            found.append(document)
    except json.JSONDecodeError as error:
        raise Refusal(f"{name}:{error.lineno}: This is not JSON: {error.msg}.") from error
    except RecursionError:
        raise Refusal(f"{name}: {_TOO_DEEP}") from None
    except (SettingsError, ValueError) as error:
        raise Refusal(f"{name}: {printable(str(error))}") from error
    if not found:
        raise Refusal(f"{name}:1: This is not JSON: it is empty.")
    return found


def _as_json(found: Sequence[_Found]) -> str:
    said = {
        each.name: {"changes": [change.to_document() for change in each.changes]} for each in found
    }
    document: dict[str, Any] = {"repositories": said}
    if list(said) == [""]:
        document = {"registry": said[""]}
    elif len(said) == 1:
        ((name, changes),) = said.items()
        document = {"repository": name, **changes}
    return json.dumps(document, indent=2)


def _as_text(found: Sequence[_Found]) -> str:
    heads = [f"{each.name}:\n" if each.changes and len(found) > 1 else "" for each in found]
    return "\n".join(f"{head}{_report(each)}" for head, each in zip(heads, found, strict=True))


def _report(found: _Found) -> str:
    name = found.name or "The registry"
    if found.quiet:
        return f"{name}: {found.quiet}"
    if not found.changes:
        return f"{name}: nothing differs from what the rules say of its settings."
    headings = ("setting", "problem", "subject", "what happens", "why")
    return table(headings, map(_row, found.changes))


def _row(change: SettingChange) -> tuple[str, ...]:
    what = (change.setting, change.problem, change.subject, change.action, change.reason)
    return tuple(printable(str(each)) for each in what)
