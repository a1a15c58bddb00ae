"""The look at what runs: source after source, so that one that fails costs no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from ecr_steward.words.running import ECS, INSPECTOR, LAMBDA, Running
from ecr_steward.words.tasks import OwnRegistry
from ecr_steward.workloads.ecs import EcsWorkloads
from ecr_steward.workloads.functions import LambdaWorkloads
from ecr_steward.workloads.inspector import InspectorWorkloads

if TYPE_CHECKING:
    from ecr_steward.history.running import RunningImages

log = logging.getLogger(__name__)

Look = Callable[[datetime], Iterable[Running]]


class LookFailed(Exception):
    """Not every source could be looked at; the sentence says which, and the log why."""


def looks_of(
    sources: Collection[str],
    registry: OwnRegistry,
    client: Callable[[str], Any],
    client_of: Callable[[str, str], Any],
) -> dict[str, Look]:
    """A look for each of `sources` that the steward can look at, and for each other account.

    `client` gives the client of a service here, `client_of` that of a service in another account.
    Another account is one source, and looked at for ECS and Lambda as `sources` have them: where
    they have neither it is not looked at, and so not known.
    """
    looks: dict[str, Look] = {}
    for source in (ECS, LAMBDA):
        if source in sources:
            looks[source] = _look(source, client(source), registry.account, registry)
    if INSPECTOR in sources:
        looks[INSPECTOR] = InspectorWorkloads(client("inspector2"), registry).look
    asked = [source for source in (ECS, LAMBDA) if source in sources]
    for account in registry.accounts if asked else ():
        looks[account] = _elsewhere(account, asked, registry, client_of)
    return looks


def _look(source: str, client: Any, account: str, registry: OwnRegistry) -> Look:
    workloads = EcsWorkloads if source == ECS else LambdaWorkloads
    return workloads(client, account, registry).look


def _elsewhere(
    account: str,
    asked: Collection[str],
    registry: OwnRegistry,
    client_of: Callable[[str, str], Any],
) -> Look:
    def look(now: datetime) -> Iterable[Running]:
        clients = {source: client_of(account, source) for source in asked}
        return chain(*(_look(source, clients[source], account, registry)(now) for source in asked))

    return look


def look_at(
    looks: Mapping[str, Look], images: RunningImages, clock: Callable[[], datetime]
) -> dict[str, int]:
    """Look at each source and note what runs; returns how many workloads each has.

    Nothing is noted of a source that was not seen whole, for what is missing counts as ended.
    Raises LookFailed at the end.
    """
    found: dict[str, int] = {}
    for source, look in looks.items():
        began = clock()
        try:
            records = list(look(began))
        except (ClientError, BotoCoreError) as error:
            log.error("%s could not be looked at: %s", source, error)
            continue
        images.looked(source, records, began)
        found[source] = len(records)
    failed = [source for source in looks if source not in found]
    if failed:
        raise LookFailed(f"What runs is not known of {', '.join(failed)}: the log says why.")
    return found
