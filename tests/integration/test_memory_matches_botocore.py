"""The registry in memory against botocore's model of ECR, and beside moto."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator
from moto import mock_aws

from ecr_steward_cli.in_memory import grammar, images, manifests, operations, refusals, repositories
from ecr_steward_cli.in_memory.images import DOCKER_MANIFEST, OCI_MANIFEST, MemoryEcr
from ecr_steward_cli.in_memory.settings import MemorySettings
from tests.unit.in_memory.memory_images import ABSENT, ACCEPTED, digest, image, index

METHODS = {
    "BatchDeleteImage": "batch_delete_image",
    "BatchGetImage": "batch_get_image",
    "CreateRepository": "create_repository",
    "DeleteRepository": "delete_repository",
    "DescribeImages": "describe_images",
    "DescribePullThroughCacheRules": "describe_pull_through_cache_rules",
    "DescribeRepositories": "describe_repositories",
    "ListImages": "list_images",
    "PutImage": "put_image",
    "PutImageTagMutability": "put_image_tag_mutability",
    "UpdateImageStorageClass": "update_image_storage_class",
}
OF_IMAGES = (grammar, images, manifests, operations, refusals, repositories)
COMMON_ERRORS = {
    "AccessDeniedException",
    "InvalidParameterException",
    "RepositoryNotFoundException",
    "ServerException",
    "ThrottlingException",
}
SCALARS: dict[str, type] = {
    "boolean": bool,
    "integer": int,
    "long": int,
    "string": str,
    "timestamp": datetime,
}


@pytest.fixture(scope="module")
def ecr_model() -> ServiceModel:
    return botocore.session.Session().get_service_model("ecr")


def faults(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Where `value` is not what botocore's parser would return for `shape`."""
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            if name in shape.members:
                yield from faults(shape.members[name], member, f"{path}.{name}")
            else:
                yield f"{path}.{name} does not exist"
    elif isinstance(shape, ListShape):
        for number, member in enumerate(value):
            yield from faults(shape.member, member, f"{path}[{number}]")
    else:
        yield from scalar_faults(shape, value, path)


def scalar_faults(shape: Shape, value: Any, path: str) -> Iterator[str]:
    enum = shape.metadata.get("enum")
    if not isinstance(value, SCALARS[shape.type_name]):
        yield f"{path} is no {shape.type_name}: {value!r}"
    elif isinstance(value, datetime) and value.tzinfo is None:
        yield f"{path} has no time zone"
    elif enum and value not in enum:
        yield f"{path} is none of {enum}: {value!r}"


def there(shape: StructureShape | None) -> StructureShape:
    assert shape is not None
    return shape


class Watched:
    """A registry whose every call and answer is held against the model."""

    def __init__(self, model: ServiceModel, ecr: MemoryEcr) -> None:
        self._model = model
        self._ecr = ecr
        self.codes: dict[str, set[str]] = {}
        self.failure_codes: set[str] = set()

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer, after its check."""
        model = self._model.operation_model(operation)
        invalid = ParamValidator().validate(parameters, there(model.input_shape))
        assert not invalid.has_errors(), invalid.generate_report()
        answer: dict[str, Any] = getattr(self._ecr, METHODS[operation])(**parameters)
        body = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
        assert list(faults(there(model.output_shape), body, operation)) == []
        self.failure_codes |= {each["failureCode"] for each in body.get("failures", [])}
        return answer

    def fail(self, operation: str, **parameters: Any) -> None:
        """Note the code that refuses the call."""
        with pytest.raises(ClientError) as caught:
            self.ask(operation, **parameters)
        assert caught.value.operation_name == operation
        self.codes.setdefault(operation, set()).add(caught.value.response["Error"]["Code"])


def story(watched: Watched, ecr: MemoryEcr) -> None:
    """Every operation, with every answer and every error it knows."""
    exclusions = [{"filterType": "WILDCARD", "filter": "latest"}]
    redis: dict[str, Any] = {"repositoryName": "redis"}
    watched.ask(
        "CreateRepository",
        **redis,
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=exclusions,
    )
    watched.fail("CreateRepository", **redis)
    watched.fail("CreateRepository", repositoryName="No/Capitals")
    watched.fail("PutImageTagMutability", **redis, imageTagMutability="MUTABLE_WITH_EXCLUSION")
    put_images(watched, redis)
    read_images(watched, ecr, redis)
    describe_the_rest(watched, ecr)
    watched.ask("BatchDeleteImage", **redis, imageIds=[{"imageTag": "latest"}, {}])
    watched.fail("BatchDeleteImage", repositoryName="absent", imageIds=[{"imageTag": "1"}])
    watched.fail("DeleteRepository", **redis)
    watched.ask("DeleteRepository", **redis, force=True)
    watched.fail("DeleteRepository", **redis)


def put_images(watched: Watched, redis: dict[str, Any]) -> None:
    first = {**redis, "imageManifest": image("1")}
    watched.ask(
        "PutImage",
        **first,
        imageTag="1",
        imageDigest=digest(image("1")),
        imageManifestMediaType=OCI_MANIFEST,
    )
    watched.ask("PutImage", **first, imageTag="latest")
    watched.ask("PutImage", **redis, imageManifest=image("2"), imageTag="latest")
    watched.ask("PutImage", **redis, imageManifest=image("3"))
    watched.ask("PutImage", **redis, imageManifest=index(digest(image("3"))), imageTag="3")
    watched.fail("PutImage", **first, imageTag="1")
    watched.fail("PutImage", **redis, imageManifest=image("2"), imageTag="1")
    watched.fail("PutImage", **redis, imageManifest=image("2"), imageDigest=ABSENT)
    watched.fail("PutImage", **redis, imageManifest=index(ABSENT))
    watched.fail("PutImage", **redis, imageManifest="{}")
    watched.fail("PutImage", repositoryName="absent", imageManifest=image("1"))
    for number in range(999):
        watched.ask("PutImage", **first, imageTag=f"build-{number}")
    watched.fail("PutImage", **first, imageTag="build-999")


def read_images(watched: Watched, ecr: MemoryEcr, redis: dict[str, Any]) -> None:
    asked = [
        {"imageTag": "1"},
        {"imageDigest": digest(image("3"))},
        {"imageTag": "absent"},
        {"imageTag": "1", "imageDigest": ABSENT},
        {"imageDigest": "8.0.1"},
        {"imageTag": "not a tag"},
        {},
    ]
    watched.ask("BatchGetImage", **redis, imageIds=asked, acceptedMediaTypes=ACCEPTED)
    docker = [DOCKER_MANIFEST]
    watched.ask("BatchGetImage", **redis, imageIds=asked[:1], acceptedMediaTypes=docker)
    watched.fail("BatchGetImage", **redis, imageIds=asked[:1] * 101)
    watched.fail("BatchGetImage", repositoryName="absent", imageIds=asked[:1])
    ecr.archive("redis", digest(image("2")))
    watched.ask("BatchGetImage", **redis, imageIds=[{"imageTag": "latest"}])
    place = {**redis, "imageId": asked[0]}
    watched.ask("UpdateImageStorageClass", **place, targetStorageClass="STANDARD")
    watched.fail("UpdateImageStorageClass", **place, targetStorageClass="ATTIC")
    watched.ask("BatchDeleteImage", **redis, imageIds=[{"imageDigest": digest(image("3"))}])
    watched.ask("DescribeImages", **redis, filter={"imageStatus": "ANY"})
    watched.ask("PutImage", **redis, imageManifest=image("2"), imageTag="latest")
    assert "nextToken" in watched.ask("DescribeImages", **redis, maxResults=1)
    watched.ask("DescribeImages", **redis, imageIds=asked[:2])
    watched.fail("DescribeImages", **redis, imageIds=asked[:3])
    watched.fail("DescribeImages", **redis, imageIds=asked[:1], maxResults=1)
    watched.fail("DescribeImages", repositoryName="absent")
    assert "nextToken" in watched.ask("ListImages", **redis, filter={"tagStatus": "TAGGED"})
    watched.fail("ListImages", **redis, nextToken="token")
    watched.fail("ListImages", repositoryName="absent")


def describe_the_rest(watched: Watched, ecr: MemoryEcr) -> None:
    watched.ask("CreateRepository", repositoryName="valkey")
    watched.ask("DescribeRepositories", repositoryNames=["redis", "valkey"])
    assert "nextToken" in watched.ask("DescribeRepositories", maxResults=1)
    watched.fail("DescribeRepositories", repositoryNames=["absent"])
    watched.fail("DescribeRepositories", repositoryNames=["redis"], maxResults=1)
    watched.ask("PutImageTagMutability", repositoryName="valkey", imageTagMutability="IMMUTABLE")
    for prefix in ("quay", "docker-hub"):
        ecr.add_pull_through_cache_rule(prefix, f"{prefix}.example")
    assert "nextToken" in watched.ask("DescribePullThroughCacheRules", maxResults=1)
    watched.ask("DescribePullThroughCacheRules", ecrRepositoryPrefixes=["quay"])
    watched.fail("DescribePullThroughCacheRules", ecrRepositoryPrefixes=["absent"])
    watched.fail("DescribePullThroughCacheRules", nextToken="token")


def declared(model: OperationModel) -> set[str]:
    return {shape.name for shape in model.error_shapes}


@pytest.fixture(scope="module")
def watched(ecr_model: ServiceModel) -> Watched:
    """A registry after the story, in which no call and no answer left the model."""
    ecr = MemoryEcr()
    watched = Watched(ecr_model, ecr)
    story(watched, ecr)
    assert set(ecr.calls) == set(METHODS)
    return watched


def served() -> list[str]:
    """The operations that the registry in memory has, with its settings."""
    model = botocore.session.Session().get_service_model("ecr")
    return [name for name in model.operation_names if hasattr(MemorySettings, xform_name(name))]


@pytest.mark.parametrize("operation", served())
def test_every_parameter_is_one_of_the_operation(ecr_model: ServiceModel, operation: str) -> None:
    """ECR API, as botocore's service model has it: names, and which of them are required."""
    shape = there(ecr_model.operation_model(operation).input_shape)
    method: Callable[..., Any] = getattr(MemorySettings, xform_name(operation))
    parameters = dict(list(inspect.signature(method).parameters.items())[1:])
    required = {name for name, each in parameters.items() if each.default is each.empty}
    assert set(parameters) <= set(shape.members)
    assert required == set(shape.required_members)
    assert {each.kind for each in parameters.values()} <= {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("operation", METHODS)
def test_every_error_is_one_of_the_operation(
    ecr_model: ServiceModel, watched: Watched, operation: str
) -> None:
    """ECR API, as botocore's service model has it: the errors an operation declares."""
    allowed = declared(ecr_model.operation_model(operation)) | COMMON_ERRORS
    assert watched.codes[operation]
    assert watched.codes[operation] <= allowed


def test_the_story_meets_every_error_that_the_registry_can_raise(watched: Watched) -> None:
    """Otherwise the test above would not have looked at all of them."""
    sources = "".join(map(inspect.getsource, OF_IMAGES))
    raised = set(re.findall(r'"(\w+Exception)"', sources)) - {"TooManyTagsException"}
    assert set().union(*watched.codes.values()) == raised


def test_the_story_meets_every_failure_of_a_batch(watched: Watched) -> None:
    """ECR API: ImageFailure. The other codes are KMS's and those of upstream registries."""
    assert watched.failure_codes == {
        "ImageInaccessible",
        "ImageNotFound",
        "ImageReferencedByManifestList",
        "ImageTagDoesNotMatchDigest",
        "InvalidImageDigest",
        "InvalidImageTag",
        "MissingDigestAndTag",
    }


# Beside moto, with the digests given: moto computes another one than ECR


@pytest.fixture(scope="module")
def moto_client() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("ecr", region_name="eu-west-1")


@pytest.fixture
def moto_ecr(moto_client: Any) -> Iterator[Any]:
    yield moto_client
    moto_client.delete_repository(repositoryName="redis", force=True)


def push(ecr: Any, name: str, tag: str) -> str:
    pushed = digest(image(name))
    ecr.put_image(
        repositoryName="redis",
        imageManifest=image(name),
        imageManifestMediaType=OCI_MANIFEST,
        imageDigest=pushed,
        imageTag=tag,
    )
    return pushed


def both(moto_ecr: Any, **settings: Any) -> Mapping[str, Any]:
    clients = {"moto": moto_ecr, "memory": MemoryEcr()}
    for ecr in clients.values():
        ecr.create_repository(repositoryName="redis", **settings)
    return clients


def tags(ecr: Any) -> dict[str, str]:
    found = ecr.list_images(repositoryName="redis", filter={"tagStatus": "TAGGED"})
    return {each["imageTag"]: each["imageDigest"] for each in found["imageIds"]}


def error(action: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        action()
    return str(caught.value.response["Error"]["Code"])


def release(ecr: Any) -> dict[str, Any]:
    """Two releases whose stable tags move, a duplicate, a lost tag; what can be seen of them."""
    for version in ("8.0.1", "8.0.2"):
        for tag in (version, "8.0", "latest"):
            push(ecr, version, tag)
    push(ecr, "7.9.9", "7.9.9")
    push(ecr, "7.9.9", "7.9")
    duplicate = error(lambda: push(ecr, "8.0.2", "latest"))
    deleted = ecr.batch_delete_image(
        repositoryName="redis", imageIds=[{"imageTag": "7.9"}, {"imageTag": "absent"}]
    )
    read = ecr.batch_get_image(
        repositoryName="redis", imageIds=[{"imageTag": "8.0.2"}, {"imageTag": "absent"}]
    )
    return {
        "tags": tags(ecr),
        "duplicate": duplicate,
        "deleted": deleted["imageIds"],
        "not deleted": [each["failureCode"] for each in deleted["failures"]],
        "read": [each["imageManifest"] for each in read["images"]],
        "not read": [each["failureCode"] for each in read["failures"]],
        "created twice": error(lambda: ecr.create_repository(repositoryName="redis")),
        "deleted full": error(lambda: ecr.delete_repository(repositoryName="redis")),
        "absent": error(lambda: ecr.list_images(repositoryName="absent")),
    }


def test_a_release_ends_with_the_same_tags_as_in_moto(moto_ecr: Any) -> None:
    """Where moto is faithful to ECR, the two agree."""
    seen = {name: release(ecr) for name, ecr in both(moto_ecr).items()}
    assert seen["memory"] == seen["moto"]
    assert Counter(seen["memory"]["tags"].values()) == {
        digest(image("8.0.1")): 1,
        digest(image("8.0.2")): 3,
        digest(image("7.9.9")): 1,
    }


def test_moto_deletes_an_image_whose_last_tag_moves_and_ecr_does_not(moto_ecr: Any) -> None:
    """ECR User Guide: Retagging an image."""
    survivors = {}
    for name, ecr in both(moto_ecr).items():
        old = push(ecr, "old", "latest")
        push(ecr, "new", "latest")
        found = ecr.list_images(repositoryName="redis")["imageIds"]
        survivors[name] = {"imageDigest": old} in found
    assert survivors == {"moto": False, "memory": True}


def test_moto_names_another_error_for_an_immutable_tag(moto_ecr: Any) -> None:
    """ECR API: PutImage, ImageTagAlreadyExistsException."""
    codes = {}
    for name, ecr in both(moto_ecr, imageTagMutability="IMMUTABLE").items():
        push(ecr, "old", "8.0.1")
        codes[name] = error(lambda ecr=ecr: push(ecr, "new", "8.0.1"))  # type: ignore[misc]
    assert codes == {
        "moto": "ImageAlreadyExistsException",
        "memory": "ImageTagAlreadyExistsException",
    }


def test_moto_reads_an_exclusion_as_a_regular_expression(moto_ecr: Any) -> None:
    """ECR User Guide: Preventing image tags from being overwritten: `*` is a wildcard."""
    moved = {}
    filters = [{"filterType": "WILDCARD", "filter": "stable*"}]
    settings = {
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": filters,
    }
    for name, ecr in both(moto_ecr, **settings).items():
        push(ecr, "old", "stabl")
        try:
            moved[name] = push(ecr, "new", "stabl") != ""
        except ClientError:
            moved[name] = False
    assert moved == {"moto": True, "memory": False}


def test_moto_does_not_echo_the_tag_asked_for(moto_ecr: Any) -> None:
    """ECR API: BatchGetImage. `echo_tags=False` imitates moto."""
    clients = {**both(moto_ecr), "imitation": MemoryEcr(echo_tags=False)}
    clients["imitation"].create_repository(repositoryName="redis")
    echoed = {}
    for name, ecr in clients.items():
        push(ecr, "8.0.1", "8.0.1")
        push(ecr, "8.0.1", "8.0")
        asked = [{"imageTag": "8.0.1"}]
        [found] = ecr.batch_get_image(repositoryName="redis", imageIds=asked)["images"]
        echoed[name] = found["imageId"]["imageTag"]
    assert echoed == {"moto": "8.0", "memory": "8.0.1", "imitation": "8.0"}


def test_moto_takes_any_digest_and_ecr_only_the_manifests(moto_ecr: Any) -> None:
    """ECR API: PutImage, ImageDigestDoesNotMatchException."""
    clients = both(moto_ecr)
    wrong: dict[str, Any] = {
        "repositoryName": "redis",
        "imageManifest": image("8.0.1"),
        "imageDigest": ABSENT,
        "imageTag": "8.0.1",
    }
    clients["moto"].put_image(**wrong)
    assert tags(clients["moto"]) == {"8.0.1": ABSENT}
    code = error(lambda: clients["memory"].put_image(**wrong))
    assert code == "ImageDigestDoesNotMatchException"
