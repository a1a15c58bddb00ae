"""What of images AWS does not document, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from ecr_steward.ecr import Manifest, Refused, Unavailable
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward_cli.in_memory.images import MemoryEcr
from tests.support.world import MEDIA_TYPE, REPOSITORY, image, manifest


class Reluctant:
    """An ECR client that does not take a filter on the state of images where `refuses` says so."""

    def __init__(self, refuses: Callable[[dict[str, Any]], Exception | None]) -> None:
        self._ecr = MemoryEcr()
        self._refuses = refuses
        self._ecr.create_repository(repositoryName=REPOSITORY)
        for tag in ("1.4.2", "1.4"):
            self._ecr.put_image(
                repositoryName=REPOSITORY, imageManifest=manifest("a"), imageTag=tag
            )
        self.asked: list[dict[str, Any]] = []

    def describe_images(self, **asked: Any) -> Any:
        return self._ask(self._ecr.describe_images, asked)

    def list_images(self, **asked: Any) -> Any:
        return self._ask(self._ecr.list_images, asked)

    def _ask(self, method: Callable[..., Any], asked: dict[str, Any]) -> Any:
        self.asked.append(asked)
        error = self._refuses(asked) if "imageStatus" in asked.get("filter", {}) else None
        if error is not None:
            raise error
        return method(**asked)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeImages")


def registry(client: object) -> EcrRegistry:
    return EcrRegistry(cast(Any, client))


def test_a_filter_that_ecr_takes_with_no_ids_is_left_out_there_alone() -> None:
    client = Reluctant(
        lambda asked: refusal("InvalidParameterException") if "imageIds" in asked else None
    )
    ecr = registry(client)
    for _ in range(2):
        assert ecr.describe(REPOSITORY, [image("a")])[image("a")].tags == ("1.4.2", "1.4")
    assert [("filter" in asked) for asked in client.asked] == [True, False, False]
    assert len(list(ecr.describe_all(REPOSITORY))) == 1
    assert client.asked[-1]["filter"] == {"imageStatus": "ANY"}


def test_an_sdk_older_than_archived_images_does_without_them() -> None:
    client = Reluctant(lambda asked: ParamValidationError(report="Unknown parameter imageStatus"))
    ecr = registry(client)
    assert [found.digest for found in ecr.describe_all(REPOSITORY)] == [image("a")]
    assert sorted(tag for tag, _ in ecr.list_tags(REPOSITORY)) == ["1.4", "1.4.2"]
    assert client.asked[-1]["filter"] == {"tagStatus": "TAGGED"}


def test_what_is_refused_for_another_reason_is_refused() -> None:
    client = Reluctant(lambda asked: refusal("KmsException"))
    with pytest.raises(Refused, match="KmsException"):
        registry(client).describe(REPOSITORY, [image("a")])


class Split(MemoryEcr):
    """Answers with an entry for each tag, as the sample of the API's reference does."""

    def describe_images(self, **asked: Any) -> Any:
        answer = super().describe_images(**asked)
        answer["imageDetails"] = [
            {**each, "imageTags": [tag]}
            for each in answer["imageDetails"]
            for tag in each["imageTags"]
        ]
        return answer


def test_two_entries_of_one_image_are_one_image_with_the_tags_of_both() -> None:
    ecr = Split()
    ecr.create_repository(repositoryName=REPOSITORY)
    for tag in ("1.4.2", "1.4"):
        ecr.put_image(repositoryName=REPOSITORY, imageManifest=manifest("a"), imageTag=tag)
    assert registry(ecr).describe(REPOSITORY, [image("a")])[image("a")].tags == ("1.4.2", "1.4")


@pytest.mark.parametrize(("retries", "told"), [(0, 0), (2, 1)])
def test_a_put_that_ecr_took_at_a_second_try_only_was_pushed_back(retries: int, told: int) -> None:
    memory = MemoryEcr()
    memory.create_repository(repositoryName=REPOSITORY)

    def put_image(**asked: Any) -> Any:
        return {**memory.put_image(**asked), "ResponseMetadata": {"RetryAttempts": retries}}

    assert _pushed_back(put_image) == told


@pytest.mark.parametrize(("code", "told"), [("ThrottlingException", 1), ("Other", 0)])
def test_a_put_that_is_throttled_was_pushed_back_and_one_that_is_refused_was_not(
    code: str, told: int
) -> None:
    def put_image(**asked: Any) -> Any:
        raise refusal(code)

    assert _pushed_back(put_image) == told


def _pushed_back(put_image: Callable[..., Any]) -> int:
    """How often ECR is said to push back while a tag is put."""
    said: list[None] = []
    client = cast(Any, SimpleNamespace(put_image=put_image))
    ecr = EcrRegistry(client, partial(said.append, None))
    with suppress(Refused, Unavailable):
        ecr.put(REPOSITORY, Manifest(image("a"), manifest("a"), MEDIA_TYPE), "1")
    return len(said)
