"""A plan that was kept in a file, as `sweep --plan` reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ecr_steward.history.planned import Planned
from ecr_steward.history.settings import key_of
from ecr_steward.settings.state import SettingAction
from ecr_steward.tags.plan import WRITES, change_key
from ecr_steward.words.facts import Difference
from ecr_steward.words.hints import REGISTRY
from ecr_steward.words.reading import parse_time
from ecr_steward_cli.given.strict_json import decoder
from ecr_steward_cli.live.state import LookDigits
from ecr_steward_cli.schemas import plan_schema
from ecr_steward_cli.terminal.text import printable

if TYPE_CHECKING:
    from jsonschema import ValidationError

VERSION = 1
"""The form of what `plan --out` keeps: another one is refused."""

_MOST_FAULTS = 20


class KeptPlanFault(ValueError):
    """What is wrong with the file of a plan: a line for each fault."""


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """One change that the plan has somebody make: its key, and what it is in words."""

    key: str
    words: str


@dataclass(frozen=True, slots=True)
class KeptRepository:
    """What a plan saw of a repository, and what it wants changed there."""

    state: LookDigits
    tags: tuple[PlannedWrite, ...] = ()
    settings: tuple[PlannedWrite, ...] = ()

    @property
    def writes(self) -> tuple[PlannedWrite, ...]:
        return (*self.tags, *self.settings)

    def planned(self) -> Planned:
        """As history keeps it."""
        return Planned(
            tuple(each.key for each in self.tags), tuple(each.key for each in self.settings)
        )


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A kept plan: when its look began, the fingerprint of its rules, and by account and Region
    each repository that it has changes of, by name; `*` is the registry itself."""

    at: datetime
    rules: str
    registries: Mapping[tuple[str, str], Mapping[str, KeptRepository]]


def kept_plan(text: str, name: str) -> KeptPlan:
    """Read what `plan --out` wrote; `name` is what faults call the file. Raises KeptPlanFault."""
    try:
        document = decoder(KeptPlanFault).decode(text)
    except (ValueError, RecursionError) as error:
        raise KeptPlanFault(f"{name}: This is no plan that `plan --out` kept: {error}") from error
    faults = list(dict.fromkeys(_faults(document, name)))
    if faults:
        more = len(faults) - _MOST_FAULTS
        rest = [f"{name}: … and {more:,} more faults."] if more > 0 else []
        raise KeptPlanFault("\n".join([*faults[:_MOST_FAULTS], *rest]))
    return KeptPlan(
        at=parse_time(document["at"]),
        rules=document["rules"],
        registries={
            (account, region): {name: each for name, each in _repositories(registry) if each.writes}
            for account, regions in document["accounts"].items()
            for region, registry in regions.items()
        },
    )


def _faults(document: Any, name: str) -> Iterator[str]:
    import jsonschema  # only here: it takes its time

    checker = jsonschema.FormatChecker(())
    checker.checks("date-time", raises=ValueError)(_is_time)
    validator = jsonschema.Draft202012Validator(plan_schema(), format_checker=checker)
    for error in validator.iter_errors(document):
        yield f"{name}: {printable(_sentence(error))}"


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and parse_time(value) is not None


def _sentence(error: ValidationError) -> str:
    where = _where(error.absolute_path)
    schema: Any = error.schema
    if error.validator == "required" and isinstance(error.instance, Mapping):
        missing = [f"`{key}`" for key in schema["required"] if key not in error.instance]
        return f"{where or 'The plan'} has no {', '.join(missing)}."
    return f"{where or 'The plan'} must be {schema['description']}."


def _where(path: Iterable[str | int]) -> str:
    parts = (f"[{each}]" if isinstance(each, int) else f".{each}" for each in path)
    return "".join(parts).removeprefix(".")


def _repositories(registry: Mapping[str, Any]) -> Iterator[tuple[str, KeptRepository]]:
    """What is kept of a registry: of itself, and of each repository, by its name."""
    itself = registry["registry"]
    yield REGISTRY, _kept(itself["state"], (), itself["changes"])
    for name, each in registry["repositories"].items():
        yield name, _kept(each["state"], each["changes"], each["settings"]["changes"])


def _kept(
    state: Mapping[str, str], tags: Iterable[Mapping[str, Any]], settings: Iterable[Any]
) -> KeptRepository:
    return KeptRepository(
        LookDigits(state["tags"], state["settings"]),
        tuple(map(_tag, filter(_is_write, tags))),
        tuple(map(_setting, filter(_is_correction, settings))),
    )


def _is_write(change: Mapping[str, Any]) -> bool:
    return change["kind"] in WRITES and not change.get("found", False)


def _tag(change: Mapping[str, Any]) -> PlannedWrite:
    kind, tag = change["kind"], change["tag"]
    key = change_key(kind, tag, change["from"], change["to"])
    return PlannedWrite(key, f"{kind} `{tag}`: {change['reason']}")


def _is_correction(change: Mapping[str, Any]) -> bool:
    return bool(change["action"] == SettingAction.CORRECT)


def _setting(change: Mapping[str, Any]) -> PlannedWrite:
    found = Difference(
        setting=change["setting"],
        problem=change["problem"],
        subject=change["subject"],
        action=change["action"],
        before=change["before"],
        after=change["after"],
    )
    words = f"correct {found.setting}, {found.problem}: {change['reason']}"
    return PlannedWrite(key_of(found), words)
