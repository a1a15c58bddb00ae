"""The settings of repositories, asked of the registry in memory through the adapter."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.ecr import Denied, Refused, RepositoryGone, Unavailable
from ecr_steward.ecr.settings import PROPAGATION, EcrSettings
from ecr_steward.settings.kinds import DESCRIBED, KINDS, EcrRequest
from ecr_steward.settings.kinds.encryption import Encrypted
from ecr_steward.settings.kinds.immutability import Mutability
from ecr_steward.settings.registry_kinds import REGISTRY_KINDS
from ecr_steward.settings.registry_kinds.scanning import Scanning
from ecr_steward_cli.in_memory.documents import PreviewImage, taken
from ecr_steward_cli.in_memory.settings import MemorySettings
from tests.support.having import of_registry, put, shown
from tests.support.settings_world import OURS, UNTAGGED_GO
from tests.support.world import manifest

REPOSITORY = "base/redis"
DOCUMENT = {"Version": "2012-10-17", "Statement": [OURS]}
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Asked:
    """The adapter over a registry in memory with one repository; `slept` are its waits."""

    def __init__(self) -> None:
        self.ecr = MemorySettings(clock=lambda: NOW)
        self.ecr.create_repository(repositoryName=REPOSITORY)
        self.slept: list[float] = []
        self.registry = EcrSettings(self.ecr.client, self.slept.append)


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_a_new_repository_is_described_as_ecr_makes_it(asked: Asked) -> None:
    assert shown(asked.registry, REPOSITORY) == {kind.name: kind.unset for kind in KINDS}
    assert asked.registry.describe(REPOSITORY).created == NOW
    assert asked.registry.preview(REPOSITORY) is None


def test_each_setting_is_read_as_it_was_set(asked: Asked) -> None:
    registry = asked.registry
    arn = registry.describe(REPOSITORY).arn
    filters = {"imageTagMutabilityExclusionFilters": ["latest", "dev-*"]}
    given = {
        "policy": DOCUMENT,
        "lifecycle": UNTAGGED_GO,
        "immutability": {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", **filters},
        "scan_on_push": True,
    }
    for setting, each in given.items():
        put(registry, REPOSITORY, setting, each)
    for tags in ({"owner": "platform"}, {"cost": "7"}):
        put(registry, REPOSITORY, "resource_tags", tags, arn)
    found = shown(registry, REPOSITORY)
    assert found == {
        **given,
        "immutability": Mutability("IMMUTABLE_WITH_EXCLUSION", ("latest", "dev-*")),
        "encryption": Encrypted(),
        "resource_tags": {"owner": "platform", "cost": "7"},
    }
    put(registry, REPOSITORY, "immutability", "MUTABLE")
    assert shown(registry, REPOSITORY)["immutability"] == Mutability()


def test_what_is_taken_away_twice_is_away(asked: Asked) -> None:
    put(asked.registry, REPOSITORY, "policy", DOCUMENT)
    for _ in range(2):
        put(asked.registry, REPOSITORY, "policy", None)
        put(asked.registry, REPOSITORY, "lifecycle", None)
    assert shown(asked.registry, REPOSITORY)["policy"] is None


def test_a_repository_that_is_gone_is_told_apart(asked: Asked) -> None:
    registry = asked.registry
    arn = registry.describe(REPOSITORY).arn
    asked.ecr.delete_repository(repositoryName=REPOSITORY)
    reads = [kind.read for kind in KINDS if kind.read != DESCRIBED]
    asks: list[Callable[[], object]] = [
        *(partial(registry.read, each, REPOSITORY, arn) for each in reads),
        lambda: registry.describe(REPOSITORY),
        lambda: registry.preview(REPOSITORY),
        lambda: put(registry, REPOSITORY, "policy", DOCUMENT),
        lambda: put(registry, REPOSITORY, "policy", None),
        lambda: put(registry, REPOSITORY, "scan_on_push", True),
    ]
    for ask in asks:
        with pytest.raises(RepositoryGone):
            ask()


def test_a_policy_that_names_nobody_known_is_tried_again_and_then_explained(asked: Asked) -> None:
    asked.ecr.strangers.add("111122223333")
    with pytest.raises(Refused, match="ECR does not say which; mostly a principal"):
        put(asked.registry, REPOSITORY, "policy", DOCUMENT)
    assert asked.slept == list(PROPAGATION)
    assert asked.ecr.calls["SetRepositoryPolicy"] == 3


def test_a_policy_that_locks_everybody_out_is_refused_without_force(asked: Asked) -> None:
    deny = {"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "ecr:*"}
    with pytest.raises(Refused, match="ECR says no more; mostly a principal does not exist"):
        put(asked.registry, REPOSITORY, "policy", {"Version": "2012-10-17", "Statement": [deny]})
    assert shown(asked.registry, REPOSITORY)["policy"] is None


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDeniedException", 400, Denied),
        ("ThrottlingException", 400, Unavailable),
        ("ServerException", 500, Unavailable),
        ("InvalidParameterException", 400, Refused),
        ("TooManyTagsException", 400, Refused),
    ],
)
def test_what_goes_wrong_is_told_in_our_words(
    asked: Asked, code: str, status: int, kind: type[Exception]
) -> None:
    def refuse(operation: str, given: Any) -> None:
        answer: Any = {
            "Error": {"Code": code, "Message": "no"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        raise ClientError(answer, operation)

    asked.ecr.before = refuse
    for ask in (
        lambda: shown(asked.registry, REPOSITORY),
        lambda: put(asked.registry, REPOSITORY, "policy", DOCUMENT),
        lambda: put(asked.registry, REPOSITORY, "policy", None),
        lambda: of_registry(asked.registry),
    ):
        with pytest.raises(kind):
            ask()
    assert asked.slept == []


def test_a_preview_runs_and_names_every_tagged_image_over_all_pages(asked: Asked) -> None:
    for number in range(250):
        name = f"1.0.{number}"
        asked.ecr.put_image(repositoryName=REPOSITORY, imageManifest=manifest(name), imageTag=name)
    asked.ecr.put_image(repositoryName=REPOSITORY, imageManifest=manifest("untagged"))
    rule = {
        "rulePriority": 7,
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
        "action": {"type": "expire"},
    }
    document = {"rules": [rule]}
    asked.ecr.preview_polls = 1
    asked.registry.start_preview(REPOSITORY, document)
    asked.registry.start_preview(REPOSITORY, UNTAGGED_GO)  # one runs already: that one goes on
    running = asked.registry.preview(REPOSITORY)
    assert running is not None
    assert (running.done, running.document) == (False, document)
    found = asked.registry.preview(REPOSITORY)
    assert found is not None
    assert (found.done, found.images) == (True, 250)
    assert {each.priority for each in found.tagged} == {7}
    assert len(found.tagged) == len({tag for each in found.tagged for tag in each.tags}) >= 249


def test_the_registrys_own_settings_are_read_as_they_were_set(asked: Asked) -> None:
    registry = asked.registry
    assert of_registry(registry) == {kind.name: kind.unset for kind in REGISTRY_KINDS}
    wanted = Scanning("BASIC", {"SCAN_ON_PUSH": frozenset({"*"})})
    registry.send(EcrRequest("PutRegistryScanningConfiguration", wanted.to_request()))
    text = json.dumps(DOCUMENT)
    registry.send(EcrRequest("PutRegistryPolicy", {"policyText": text}))
    replication = {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": "1"}]}]}
    registry.send(
        EcrRequest("PutReplicationConfiguration", {"replicationConfiguration": replication})
    )
    excluded = {"principalArn": "arn:aws:iam::123456789012:role/x"}
    for _ in range(2):
        registry.send(
            EcrRequest(
                "RegisterPullTimeUpdateExclusion", excluded, "ExclusionAlreadyExistsException"
            )
        )
    for number in range(101):
        template = {"prefix": f"team-{number:03}", "appliedFor": ["CREATE_ON_PUSH"]}
        registry.send(EcrRequest("CreateRepositoryCreationTemplate", template))
    other = {"appliedFor": ["REPLICATION"], "imageTagMutability": "IMMUTABLE"}
    registry.send(EcrRequest("UpdateRepositoryCreationTemplate", {"prefix": "team-007", **other}))
    found = of_registry(registry)
    templates = found.pop("creation_templates")
    assert found == {
        "scanning": wanted,
        "policy": DOCUMENT,
        "replication": replication,
        "pull_time_exclusions": {excluded["principalArn"]},
    }
    assert len(templates) == 101
    assert templates["team-007"].to_request()["imageTagMutability"] == "IMMUTABLE"
    registry.send(EcrRequest("DeleteRegistryPolicy", {}))
    assert of_registry(registry)["policy"] is None
    with pytest.raises(Refused, match="TemplateAlreadyExists"):
        registry.send(
            EcrRequest("CreateRepositoryCreationTemplate", {"prefix": "team-007", "appliedFor": []})
        )


# ---------------------------------------------------------------------------- what would expire
def images(*tags: str) -> list[PreviewImage]:
    """Images under one tag each, the first the oldest, one day apart."""
    return [
        PreviewImage(f"sha256:{tag}", (tag,) if tag else (), NOW - timedelta(days=len(tags) - i))
        for i, tag in enumerate(tags)
    ]


def selection(**more: Any) -> dict[str, Any]:
    return {"tagStatus": "tagged", "countType": "imageCountMoreThan", "countNumber": 0, **more}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([selection(tagPatternList=["1.*"])], ["1.0", "1.1"]),
        ([selection(tagPatternList=["1.*"], countNumber=1)], ["1.0"]),
        ([selection(tagPatternList=["1.*", "latest"])], []),  # all of them, on one image
        ([selection(tagPrefixList=["lat"])], ["latest"]),
        ([selection(tagPatternList=["*.1"])], ["1.1"]),
        ([selection(tagPatternList=["1*1*1"])], []),
        ([selection(tagStatus="untagged")], [""]),
        ([selection(tagStatus="any", countNumber=3)], ["1.0"]),
        ([selection(tagPatternList=["1.0"], countNumber=9), selection(tagStatus="any")],
         ["1.1", "", "latest"]),
        ([selection(tagPatternList=["*"], countType="sinceImagePushed", countNumber=2)],
         ["1.0", "1.1"]),
        ([selection(tagPatternList=["*"], countType="sinceImagePulled", countNumber=2)],
         ["1.0", "1.1"]),
        ([selection(tagPatternList=["*"], storageClass="archive",
                    countType="sinceImageTransitioned", countNumber=2)], []),
    ],
)  # fmt: skip
def test_a_preview_selects_as_the_user_guide_says(
    rules: list[dict[str, Any]], expected: list[str]
) -> None:
    document = [
        {"rulePriority": i + 1, "selection": each, "action": {"type": "expire"}}
        for i, each in enumerate(rules)
    ]
    found = taken(json.loads(json.dumps(document)), images("1.0", "1.1", "", "latest"), NOW)
    assert sorted(image.tags[0] if image.tags else "" for image, _ in found) == sorted(expected)


def test_the_trail_tells_who_called_and_what_failed() -> None:
    told: list[dict[str, Any]] = []
    ecr = MemorySettings(trail=told.append)
    ecr.create_repository(repositoryName=REPOSITORY)
    ecr.describe_repositories()
    with pytest.raises(ClientError):
        ecr.set_repository_policy(repositoryName=REPOSITORY, policyText="{}")
    assert [(each["detail"]["eventName"], each["detail"].get("errorCode")) for each in told] == [
        ("CreateRepository", None),
        ("SetRepositoryPolicy", "InvalidParameterException"),
    ]
    assert told[0]["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["type"] == "Role"
