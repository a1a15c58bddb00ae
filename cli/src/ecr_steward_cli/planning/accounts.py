"""Plans for several accounts and Regions in one run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ecr_steward.history.table import Table
from ecr_steward.rules import Ruleset
from ecr_steward.words.reading import iso
from ecr_steward_cli.errors import Refusal
from ecr_steward_cli.planning.kept import Kept, folder
from ecr_steward_cli.planning.outlook import Outlooks, RegistryOutlook, Unread
from ecr_steward_cli.planning.read import Keeping, Progressing, RegistryPlace, RegistryReader
from ecr_steward_cli.stack import DEFAULT, Clients, Login, Outside, sentence

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/\S+")


def logins(profiles: Sequence[str], regions: Sequence[str]) -> list[Login]:
    """Each profile in each Region, once."""
    every = [Login(one, two) for one in profiles or (None,) for two in regions or (None,)]
    return list(dict.fromkeys(every))


def logins_of(file: str, regions: Sequence[str]) -> list[Login]:
    """The roles that an accounts file names, each in its Regions, or in `regions`. Raises Refusal.

    The file is YAML: a list of `role` (an ARN), and if need be `external_id` and `regions`.
    """
    try:
        entries = YAML(typ="safe").load(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise Refusal(f"{file}: It cannot be read: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise Refusal(f"{file}: It must be a list: `- role: arn:aws:iam::123456789012:role/Read`.")
    return [
        each for number, entry in enumerate(entries) for each in _of(file, number, entry, regions)
    ]


def _of(file: str, number: int, entry: Any, regions: Sequence[str]) -> Iterator[Login]:
    where = f"{file}: entry {number + 1}"
    if not isinstance(entry, dict) or not entry.keys() <= {"role", "external_id", "regions"}:
        raise Refusal(f"{where}: It takes `role`, `external_id` and `regions`, and nothing else.")
    role, external = entry.get("role"), entry.get("external_id")
    if not isinstance(role, str) or _ROLE.fullmatch(role) is None:
        raise Refusal(f"{where}: `role` must be the ARN of a role; it is `{role}`.")
    own = entry.get("regions", list(regions))
    if not isinstance(own, list) or not all(isinstance(each, str) for each in own):
        raise Refusal(f"{where}: `regions` must be a list of Regions.")
    for region in own or (None,):
        yield Login(None, region, role, None if external is None else str(external))


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
            clients = self._outside.login(login)
            ecr = clients("ecr")
            account = str(clients("sts").get_caller_identity()["Account"])
            table = self._table(clients)
            place = RegistryPlace(account, ecr.meta.region_name, ecr, table)
            return self._reader.read(place, glob, self._keeping(place), progress)
        except (ClientError, BotoCoreError) as error:
            why = Unread(str(login), sentence(error))
            known = account or _account_of(login.role) or str(login)
            return RegistryOutlook(known, login.region or "", unread=(why,))

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


def _account_of(role: str | None) -> str | None:
    found = _ROLE.fullmatch(role or "")
    return None if found is None else found[1]
