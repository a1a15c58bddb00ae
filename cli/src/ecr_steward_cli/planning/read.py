"""Reads a live registry, and lets the deployed code decide about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecr_steward.ecr import Denied, RegistryError, Unavailable
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.settings import SettingsHistory
from ecr_steward.history.table import Table
from ecr_steward.history.tags import History
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.words.causes import Cause
from ecr_steward.words.globs import glob_regex
from ecr_steward.words.hints import REGISTRY, Action, Hint
from ecr_steward.writers.settings import Enforcer
from ecr_steward.writers.tags import Retagger
from ecr_steward_cli.planning.known import ReadOnlyTable
from ecr_steward_cli.planning.outlook import RegistryOutlook, RepositoryOutlook, Unread
from ecr_steward_cli.planning.pace import Pace, PacedClient

AT_ONCE = 16
"""Most calls of ECR that run at once in one registry."""


@dataclass(frozen=True, slots=True)
class RegistryPlace:
    """The registry that is read, with the client of ECR that reaches it.

    `table` is the history of the stack that looks after it, None where there is none.
    """

    account: str
    region: str
    ecr: Any
    table: Table | None = None


class Keeping:
    """What a run does with each repository it has read: nothing. See `Kept` for one that keeps."""

    def found(self) -> Iterable[RepositoryOutlook]:
        """What an earlier run read."""
        return ()

    def keep(self, outlook: RepositoryOutlook) -> None:
        """A repository was read."""

    def done(self) -> None:
        """All were read."""


class Progressing:
    """Whom a run tells how far it is: nobody."""

    def expect(self, repositories: int) -> None:
        """So many are to be read."""

    def advance(self) -> None:
        """One more was read, or could not be."""


class RegistryReader:
    """Reads one registry after another; `clock` gives the time (UTC) that decisions go by."""

    def __init__(
        self,
        rules: Ruleset,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        at_once: int = AT_ONCE,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._sleep = sleep
        self._at_once = at_once

    def read(
        self, place: RegistryPlace, glob: str, keeping: Keeping, progress: Progressing
    ) -> RegistryOutlook:
        """What would happen to the repositories that `glob` matches; what cannot be read is a line.

        KeyboardInterrupt ends it; what was read until then is with `keeping`.
        """
        client: Any = PacedClient(place.ecr, Pace(self._at_once, self._sleep))
        try:
            wanted = glob_regex((glob,))
            names = [each for each in EcrRegistry(client).repositories() if wanted.fullmatch(each)]
        except RegistryError as error:
            return _unreadable(place, "the list of repositories", error)
        unread, prefixes = _prefixes(client)
        eye = _Eye(self._rules, place, client, prefixes, self._clock)
        names += [REGISTRY] if glob == "*" and self._rules.registry else []
        kept = {each.name: each for each in keeping.found() if each.name in set(names)}
        progress.expect(len(names) - len(kept))
        left = [name for name in names if name not in kept]
        found = list(kept.values())
        for outcome in _side_by_side(eye.look, left, self._at_once):
            progress.advance()
            if isinstance(outcome, Unread):
                unread.append(outcome)
            else:
                keeping.keep(outcome)
                found.append(outcome)
        keeping.done()
        return RegistryOutlook(
            account=place.account,
            region=place.region,
            repositories=tuple(sorted(found, key=lambda each: each.name)),
            unread=tuple(sorted(unread, key=lambda each: each.what)),
            resumed=len(kept),
        )


class _Eye:
    """Looks at one repository at a time, as the two writers do."""

    def __init__(
        self,
        rules: Ruleset,
        place: RegistryPlace,
        client: Any,
        prefixes: Sequence[str],
        clock: Callable[[], datetime],
    ) -> None:
        table = ReadOnlyTable(place.table, prefixes)
        self._rules = rules
        self._clock = clock
        self._retagger = Retagger(
            rules=rules,
            cap=Mode.ENFORCE,
            registry=EcrRegistry(client),
            history=History(table),
            clock=clock,
            account=place.account,
            region=place.region,
            allow_removal=True,
        )
        self._enforcer = Enforcer(
            rules=rules,
            cap=Mode.ENFORCE,
            registry=EcrSettings(client),
            history=SettingsHistory(table),
            clock=clock,
            account=place.account,
            region=place.region,
            tagger="",
        )

    def look(self, name: str) -> RepositoryOutlook | Unread:
        try:
            return self._looked(name)
        except RegistryError as error:
            what = "the registry's own settings" if name == REGISTRY else name
            return Unread(what, why(error))

    def _looked(self, name: str) -> RepositoryOutlook:
        if name == REGISTRY:
            settings = self._enforcer.foresee(REGISTRY)
            return RepositoryOutlook.decided(REGISTRY, "registry", "enforce", (), (), settings)
        rule = self._rules.rule_for(name)
        if rule is None:
            return RepositoryOutlook(name, None)
        cause = Cause(f"plan/{name}", "Plan")
        foreseen = self._retagger.foresee(
            Hint(name, Action.SWEEP, None, None, cause, self._clock())
        )
        settings = self._enforcer.foresee(name)
        return RepositoryOutlook.decided(
            name, rule.label(), rule.mode.value, foreseen.images, foreseen.changes, settings
        )


def why(error: RegistryError) -> str:
    """Why something could not be read, in a sentence."""
    if isinstance(error, Denied):
        return f"You are not allowed to call {error.operation}: {error.message.rstrip('.')}."
    if isinstance(error, Unavailable):
        return f"{error.operation} did not succeed ({error.code}), and later tries neither."
    return f"{error.operation} was refused: {error.code}: {error.message.rstrip('.')}."


def _unreadable(place: RegistryPlace, what: str, error: RegistryError) -> RegistryOutlook:
    return RegistryOutlook(place.account, place.region, unread=(Unread(what, why(error)),))


def _prefixes(client: Any) -> tuple[list[Unread], tuple[str, ...]]:
    """The pull-through caches, and a line where they cannot be read."""
    try:
        return [], EcrRegistry(client).pull_through_prefixes()
    except RegistryError as error:
        return [Unread("which repositories pull-through caches own", why(error))], ()


def _side_by_side(
    look: Callable[[str], RepositoryOutlook | Unread], names: Sequence[str], at_once: int
) -> Iterator[RepositoryOutlook | Unread]:
    """What `look` says of each name, as it comes; nothing more is begun once somebody stops."""
    pool = ThreadPoolExecutor(at_once)
    try:
        futures: list[Future[RepositoryOutlook | Unread]] = [
            pool.submit(look, name) for name in names
        ]
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
