"""Where the registry's images are copied to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ecr_steward.settings.kinds import Around, EcrRequest, Read
from ecr_steward.settings.registry_kinds.kind import Governs, RegistryKind
from ecr_steward.settings.state import (
    BaselineError,
    Path,
    Problem,
    SettingAction,
    SettingChange,
    check_known,
)

MOST_RULES = 25
MOST_DESTINATIONS = 25
MOST_FILTERS = 100
"""ECR User Guide: Private image replication, considerations."""

_PREFIX = re.compile(
    r"(?=.{2,256}\Z)(?:[a-z0-9]+(?:[._-][a-z0-9]*)*/)*[a-z0-9]*(?:[._-][a-z0-9]*)*"
)
_REGION = re.compile(r"[a-z]{2,6}(?:-[a-z]+)+-[0-9]+")
"""ECR API: RepositoryFilter, ReplicationDestination."""

SCHEMA: Mapping[str, Any] = {
    "title": "Replication",
    "description": (
        "Where images are copied to: `rules` as AWS writes them, each with its destinations and "
        "prefixes of repositories. With an empty list nothing is copied."
    ),
    "type": "object",
    "additionalProperties": False,
    "required": ["rules"],
    "properties": {
        "rules": {
            "title": "Replication rules",
            "description": "The rules as AWS writes them.",
            "type": "array",
            "items": {"type": "object"},
            "examples": [
                [{"destinations": [{"region": "eu-west-1", "registryId": "111122223333"}]}]
            ],
        }
    },
    "examples": [
        {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": "111122223333"}]}]}
    ],
}


class Replication(RegistryKind[Mapping[str, Any], Mapping[str, Any]]):
    name = "replication"
    schema = SCHEMA
    read = Read("DescribeRegistry", alone=True)
    printed = "replicationConfiguration"
    unset: Mapping[str, Any] = {"rules": []}

    def wish(self, stated: Any, governs: Governs) -> Mapping[str, Any]:
        rules = stated["rules"]
        if len(rules) > MOST_RULES:
            raise BaselineError(
                f"ECR takes {MOST_RULES} rules; these are {len(rules)}.", ("rules",)
            )
        places = {str(each) for i, rule in enumerate(rules) for each in _rule(rule, ("rules", i))}
        if len(places) > MOST_DESTINATIONS:
            said = f"ECR copies to {MOST_DESTINATIONS} places at most; these are {len(places)}."
            raise BaselineError(said, ("rules",))
        return {"rules": rules}

    def from_answer(self, answer: Any) -> Mapping[str, Any]:
        found = {"rules": answer["rules"]} if answer else self.unset
        _meaning(found)  # whatever has none is nothing that ECR says
        return found

    def drift(
        self, wish: Mapping[str, Any], found: Mapping[str, Any], around: Around
    ) -> Iterator[SettingChange]:
        if _meaning(wish) != _meaning(found):
            reason = "The registry's replication is not what the rules have."
            yield SettingChange(
                self.name, Problem.DIFFERENT, self.name, SettingAction.CORRECT,
                dict(found), dict(wish), reason,
            )  # fmt: skip

    def requests(
        self, found: Mapping[str, Any], changes: Sequence[SettingChange]
    ) -> Iterator[EcrRequest]:
        after = {"replicationConfiguration": changes[0].after}
        yield EcrRequest("PutReplicationConfiguration", after)


def _meaning(configuration: Mapping[str, Any]) -> Any:
    return frozenset(
        (
            frozenset((d["region"], d["registryId"]) for d in rule["destinations"]),
            frozenset(f["filter"] for f in rule.get("repositoryFilters") or ()),
            bool((rule.get("deleteReplication") or {}).get("enabled")),
        )
        for rule in configuration["rules"]
    )


def _rule(rule: Mapping[str, Any], path: Path) -> Iterator[tuple[str, str]]:
    """Where a rule copies to; raises BaselineError for what ECR would not take."""
    check_known(rule, ("destinations", "repositoryFilters", "deleteReplication"), path)
    destinations = rule.get("destinations")
    if not isinstance(destinations, list) or not destinations:
        raise BaselineError("A rule needs `destinations`, a list with at least one.", path)
    for i, each in enumerate(destinations):
        yield _destination(each, (*path, "destinations", i))
    if "repositoryFilters" in rule:
        _check_filters(rule["repositoryFilters"], (*path, "repositoryFilters"))
    deletes = rule.get("deleteReplication", {"enabled": False})
    if deletes not in ({"enabled": True}, {"enabled": False}):
        raise BaselineError(
            "`deleteReplication` must be {enabled: true} or {enabled: false}.",
            (*path, "deleteReplication"),
        )


def _destination(value: Any, path: Path) -> tuple[str, str]:
    region = value.get("region") if isinstance(value, Mapping) else None
    account = value.get("registryId") if isinstance(value, Mapping) else None
    if not isinstance(region, str) or not _REGION.fullmatch(region):
        raise BaselineError(f"`{region}` is no Region; write {{region: eu-west-1, …}}.", path)
    if not isinstance(account, str) or not re.fullmatch("[0-9]{12}", account):
        hint = "; put it in quotes" if isinstance(account, int) else ""
        raise BaselineError(f"`{account}` is no `registryId` of 12 digits{hint}.", path)
    check_known(value, ("region", "registryId"), path)
    return region, account


def _check_filters(filters: Any, path: Path) -> None:
    if not isinstance(filters, list) or not 1 <= len(filters) <= MOST_FILTERS:
        raise BaselineError(
            f"`repositoryFilters` must be a list of 1 to {MOST_FILTERS}; leave it out for all "
            "repositories.",
            path,
        )
    for i, each in enumerate(filters):
        _check_filter(each, (*path, i))


def _check_filter(value: Any, path: Path) -> None:
    found = value if isinstance(value, Mapping) else {}
    prefix, rest = found.get("filter"), {key: found[key] for key in found if key != "filter"}
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix) or rest != _BY_PREFIX:
        raise BaselineError(
            "A filter is {filter: PREFIX, filterType: PREFIX_MATCH}, PREFIX being the beginning of "
            "a repository's name, of two characters or more and without `*`.",
            path,
        )


_BY_PREFIX = {"filterType": "PREFIX_MATCH"}
