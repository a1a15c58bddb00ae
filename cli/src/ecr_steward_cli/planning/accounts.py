"""Plans for several accounts and Regions in one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ecr_steward.history.table import Table
from ecr_steward.rules import Ruleset
from ecr_steward.words.reading import iso
from ecr_steward_cli.planning.kept import Kept, folder
from ecr_steward_cli.planning.outlook import Outlooks, RegistryOutlook, Unread
from ecr_steward_cli.planning.read import Keeping, Progressing, RegistryPlace, RegistryReader
from ecr_steward_cli.stack import DEFAULT, Clients, Outside, sentence


@dataclass(frozen=True, slots=True)
class Login:
    """A profile in a Region; None is the usual one."""

    profile: str | None = None
    region: str | None = None

    def __str__(self) -> str:
        named = [f"profile {self.profile}"] if self.profile else []
        return ", ".join([*named, *([self.region] if self.region else [])]) or "your account"


def logins(profiles: Sequence[str], regions: Sequence[str]) -> list[Login]:
    """Each profile in each Region, once."""
    every = [Login(one, two) for one in profiles or (None,) for two in regions or (None,)]
    return list(dict.fromkeys(every))


class Planner:
    """Plans one registry after another; one that cannot be reached is a line of the outcome.

    `stack_name` is whose history is used; None for the usual name, where there is such a stack.
    With `fresh` nothing is taken from an interrupted run.
    """

    def __init__(
        self, rules: Ruleset, outside: Outside, stack_name: str | None, *, fresh: bool = False
    ) -> None:
        self._rules = rules
        self._outside = outside
        self._stack_name = stack_name
        self._fresh = fresh
        self._reader = RegistryReader(rules, outside.now, outside.sleep)

    def plan(self, wanted: Sequence[Login], glob: str, progress: Progressing) -> Outlooks:
        """What would happen in each of the registries."""
        at = iso(self._outside.now())
        registries = tuple(self._one(login, glob, progress) for login in wanted)
        return Outlooks(self._rules.fingerprint, at, registries)

    def _one(self, login: Login, glob: str, progress: Progressing) -> RegistryOutlook:
        account = ""
        try:
            clients = self._outside.login(login.profile, login.region)
            ecr = clients("ecr")
            account = str(clients("sts").get_caller_identity()["Account"])
            table = self._table(clients)
            place = RegistryPlace(account, ecr.meta.region_name, ecr, table)
            return self._reader.read(place, glob, self._keeping(place), progress)
        except (ClientError, BotoCoreError) as error:
            why = Unread(str(login), sentence(error))
            return RegistryOutlook(account or str(login), login.region or "", unread=(why,))

    def _keeping(self, place: RegistryPlace) -> Keeping:
        endpoint = str(place.ecr.meta.endpoint_url)
        stack = "" if place.table is None else self._stack_name or DEFAULT
        key = (place.account, place.region, endpoint, self._rules.fingerprint, stack)
        kept = Kept(folder(), key, self._outside.now)
        if self._fresh:
            kept.done()
        return kept

    def _table(self, clients: Clients) -> Table | None:
        """The history of the stack; without one that was named, what it says of that is raised."""
        name = self._stack_name or DEFAULT
        try:
            (found,) = clients("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ClientError:
            if self._stack_name is not None:
                raise
            return None
        outputs: dict[str, Any] = {
            each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())
        }
        if "HistoryTableName" not in outputs:
            return None
        return self._outside.open_table(clients("dynamodb"), outputs["HistoryTableName"])
