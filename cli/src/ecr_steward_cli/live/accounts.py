"""The file of accounts that one plan is about, and the roles that it assumes there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ecr_steward_cli.deployed.answers import take_aws_alone

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/[^\s]+")
_KEYS = frozenset({"role", "external_id", "regions"})
_SESSION = "ecr-steward-plan"


class AccountsFault(ValueError):
    """What is wrong with an accounts file; the sentence names the file and the entry."""


@dataclass(frozen=True, slots=True)
class AccountRole:
    """A role to assume, and the Region that is looked at with it; None is the usual one."""

    arn: str
    region: str | None
    external_id: str | None = None

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    def clients(self, sts: Any) -> Callable[[str], Any]:
        """The clients that the role has, assumed with this client of STS; raises ClientError."""
        external = {} if self.external_id is None else {"ExternalId": self.external_id}
        answer = sts.assume_role(RoleArn=self.arn, RoleSessionName=_SESSION, **external)
        given = answer["Credentials"]
        session: Any = boto3.session.Session(
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            region_name=self.region or sts.meta.region_name,
        )
        take_aws_alone(session)
        config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard"})
        return lambda service: session.client(service, config=config)


def roles_in(file: str, regions: Sequence[str]) -> list[AccountRole]:
    """The roles that a file names, each in its `regions`, or in those given. Raises AccountsFault.

    The file is YAML: a list of entries with `role` (an ARN), and if need be `external_id` and
    `regions`.
    """
    try:
        entries = YAML(typ="safe").load(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        said = " ".join(str(error).split())
        raise AccountsFault(f"{file}: It cannot be read: {said}.") from error
    if not isinstance(entries, list) or not entries:
        example = "`- role: arn:aws:iam::123456789012:role/Read`"
        raise AccountsFault(f"{file}: It must be a list, for example {example}.")
    found = [
        each
        for number, entry in enumerate(entries, start=1)
        for each in _roles(f"{file}: Entry {number}", entry, regions)
    ]
    return list(dict.fromkeys(found))


def _roles(where: str, entry: Any, regions: Sequence[str]) -> Iterator[AccountRole]:
    if not isinstance(entry, dict) or not entry.keys() <= _KEYS:
        raise AccountsFault(f"{where} takes {', '.join(sorted(_KEYS))}, and nothing else.")
    role, external = entry.get("role"), entry.get("external_id")
    if not isinstance(role, str) or _ROLE.fullmatch(role) is None:
        raise AccountsFault(f"{where}: `role` must be the ARN of a role; it is `{role}`.")
    if external is not None and not isinstance(external, str):
        raise AccountsFault(f"{where}: `external_id` must be a string.")
    own = entry.get("regions", list(regions))
    if not isinstance(own, list) or not all(isinstance(each, str) for each in own):
        raise AccountsFault(f"{where}: `regions` must be a list of Regions.")
    for region in own or (None,):
        yield AccountRole(role, region, external)
