"""Where images are copied to, and whether anybody knows what runs there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.running import RunningImages
from ecr_steward.settings import expiry_rule, lifecycle
from ecr_steward.writers.expiry_conditions import ExpiryConditions
from ecr_steward_cli.in_memory.settings import MemorySettings
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.settings_world import rules_for
from tests.support.world import BEGINNING, REPOSITORY

OWN, OTHER = "123456789012", "111122223333"
HERE, THERE = "eu-west-1", "eu-central-1"
RULES = rules_for({}, images={"others": "expire", "keep": [{"newest": 3}]})


def missing(destination: tuple[str, str], *sources: str, prefix: str = "base/") -> list[str]:
    """What is missing where all sources are known and images are copied to one place."""
    account, region = destination
    ecr, table = MemorySettings(), MemoryTable()
    ecr.create_repository(repositoryName=REPOSITORY)
    rule = RULES.rule_for(REPOSITORY)
    assert rule is not None
    merged: Any = expiry_rule.merged(None, rule.tags)
    ecr.put_lifecycle_policy(repositoryName=REPOSITORY, lifecyclePolicyText=lifecycle.dumps(merged))
    copies = {
        "destinations": [{"region": region, "registryId": account}],
        "repositoryFilters": [{"filter": prefix, "filterType": "PREFIX_MATCH"}],
    }
    ecr.put_replication_configuration(replicationConfiguration={"rules": [copies]})
    running = RunningImages(table, timedelta(days=7))
    for each in sources:
        running.looked(each, [], BEGINNING)
    conditions = ExpiryConditions(
        registry=EcrSettings(ecr.client),
        region=HERE,
        running=running,
        sources=sources,
        readers=(),
        clock=lambda: BEGINNING,
    )
    return conditions.missing(REPOSITORY, rule)


@pytest.mark.parametrize(
    ("destination", "sources"),
    [
        ((OTHER, HERE), [OTHER]),
        ((OTHER, HERE), [f"{OTHER}-{HERE}"]),
        ((OTHER, THERE), ["ecs", f"{OTHER}-{THERE}"]),
        ((OWN, THERE), ["ecs", f"{OWN}-{THERE}"]),
    ],
)
def test_a_destination_that_a_source_tells_of_is_known(
    destination: tuple[str, str], sources: list[str]
) -> None:
    assert missing(destination, *sources) == []


@pytest.mark.parametrize(
    ("destination", "sources"),
    [
        ((OTHER, HERE), ["ecs"]),
        ((OTHER, THERE), ["ecs", OTHER]),
        ((OTHER, THERE), [OTHER, f"{OTHER}-{HERE}", f"{OWN}-{THERE}"]),
        ((OWN, THERE), ["ecs", "lambda"]),
        ((OWN, THERE), [OWN]),
    ],
)
def test_a_destination_that_no_source_tells_of_keeps_every_image(
    destination: tuple[str, str], sources: list[str]
) -> None:
    account, region = destination
    (said,) = missing(destination, *sources)
    assert said == (
        f"the repository is replicated to {account} in {region}, and nobody knows what runs there: "
        f"name {account}-{region} in RunningSources, and import what does"
    )


def test_a_repository_that_is_not_copied_waits_for_no_destination() -> None:
    assert missing((OTHER, THERE), "ecs", prefix="other/") == []
