"""Tag immutability of the registry in memory, wildcard exclusions included."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward_cli.in_memory.images import MemoryEcr
from tests.unit.in_memory.memory_images import image, push, refused, registry


def frozen(mutability: str, *filters: str) -> MemoryEcr:
    """A registry whose repository `redis` has this setting."""
    ecr = registry()
    exclusions: dict[str, Any] = {
        "imageTagMutabilityExclusionFilters": [
            {"filterType": "WILDCARD", "filter": each} for each in filters
        ]
    }
    ecr.put_image_tag_mutability(
        repositoryName="redis",
        imageTagMutability=mutability,
        **(exclusions if filters else {}),
    )
    return ecr


def moves(ecr: MemoryEcr, tag: str) -> bool:
    """Whether `tag` can be put on a second image."""
    push(ecr, image(f"{tag} first"), tag)
    try:
        second = push(ecr, image(f"{tag} second"), tag)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ImageTagAlreadyExistsException":
            raise
        return False
    return ecr.tags("redis") == {tag: second}


def test_an_immutable_tag_does_not_move() -> None:
    """ECR API: PutImage, ImageTagAlreadyExistsException."""
    ecr = frozen("IMMUTABLE")
    old = push(ecr, image("old"), "8.0.1")
    with refused("PutImage", "ImageTagAlreadyExistsException") as caught:
        push(ecr, image("new"), "8.0.1")
    assert (
        "The image tag '8.0.1' already exists in the 'redis' repository and cannot be overwritten "
        "because the tag is immutable." in str(caught.value)
    )
    assert ecr.tags("redis") == {"8.0.1": old}


def test_an_immutable_tag_does_not_move_to_an_image_that_is_already_there() -> None:
    """ECR API: PutImage, ImageTagAlreadyExistsException."""
    ecr = frozen("IMMUTABLE")
    push(ecr, image("old"), "8.0")
    push(ecr, image("new"), "8.0.1")
    with refused("PutImage", "ImageTagAlreadyExistsException"):
        push(ecr, image("new"), "8.0")


def test_the_identical_image_already_exists_in_an_immutable_repository_too() -> None:
    """ECR API: PutImage, ImageAlreadyExistsException; aws/aws-sdk issue 750."""
    ecr = frozen("IMMUTABLE")
    push(ecr, image("8.0.1"), "8.0.1")
    with refused("PutImage", "ImageAlreadyExistsException"):
        push(ecr, image("8.0.1"), "8.0.1")


def test_a_new_tag_can_be_put_in_an_immutable_repository() -> None:
    """ECR User Guide: Preventing image tags from being overwritten."""
    ecr = frozen("IMMUTABLE")
    pushed = push(ecr, image("8.0.1"), "8.0.1")
    push(ecr, image("8.0.1"), "8.0")
    assert ecr.tags("redis") == {"8.0.1": pushed, "8.0": pushed}


def test_an_immutable_tag_can_be_deleted_and_pushed_again() -> None:
    """ECR API: BatchDeleteImage declares no error of immutability; containers-roadmap 878."""
    ecr = frozen("IMMUTABLE")
    push(ecr, image("old"), "8.0.1")
    ecr.batch_delete_image(repositoryName="redis", imageIds=[{"imageTag": "8.0.1"}])
    new = push(ecr, image("new"), "8.0.1")
    assert ecr.tags("redis") == {"8.0.1": new}


@pytest.mark.parametrize(
    ("filters", "tag", "excluded"),
    [
        (["latest"], "latest", True),
        (["latest"], "latest2", False),
        (["latest"], "my-latest", False),
        (["stable*"], "stable", True),
        (["stable*"], "stable-8", True),
        (["stable*"], "stabl", False),
        (["*-stable"], "8-stable", True),
        (["*-stable"], "8-stable2", False),
        (["v*-rc*"], "v8-rc1", True),
        (["v*-rc*"], "v8", False),
        (["8.0"], "8.0", True),
        (["8.0"], "8x0", False),
        (["1*"], "1.0.3", True),
        (["LATEST"], "latest", False),
        (["main", "latest"], "latest", True),
        (["a", "ab"], "ab", True),
    ],
)
def test_an_exclusion_is_a_wildcard_on_the_whole_tag(
    filters: list[str], tag: str, excluded: bool
) -> None:
    """ECR User Guide: Preventing image tags from being overwritten: `*`, all else literal."""
    assert moves(frozen("IMMUTABLE_WITH_EXCLUSION", *filters), tag) is excluded
    assert moves(frozen("MUTABLE_WITH_EXCLUSION", *filters), tag) is not excluded


def test_a_repository_made_mutable_again_lets_its_tags_move() -> None:
    """ECR API: PutImageTagMutability. The setting counts for the pushes after it."""
    ecr = frozen("IMMUTABLE")
    push(ecr, image("old"), "8.0.1")
    ecr.put_image_tag_mutability(repositoryName="redis", imageTagMutability="MUTABLE")
    new = push(ecr, image("new"), "8.0.1")
    assert ecr.tags("redis") == {"8.0.1": new}


def test_exclusions_are_forgotten_with_the_setting_they_came_with() -> None:
    """ECR API: PutImageTagMutability."""
    ecr = frozen("IMMUTABLE_WITH_EXCLUSION", "latest")
    ecr.put_image_tag_mutability(repositoryName="redis", imageTagMutability="IMMUTABLE")
    assert not moves(ecr, "latest")


@pytest.mark.parametrize(
    ("mutability", "filters"),
    [
        ("FROZEN", None),
        ("IMMUTABLE_WITH_EXCLUSION", None),
        ("MUTABLE_WITH_EXCLUSION", []),
        ("IMMUTABLE", ["latest"]),
        ("MUTABLE", ["latest"]),
        ("IMMUTABLE_WITH_EXCLUSION", ["a", "b", "c", "d", "e", "f"]),
        ("IMMUTABLE_WITH_EXCLUSION", ["*a*b*"]),
        ("IMMUTABLE_WITH_EXCLUSION", [""]),
        ("IMMUTABLE_WITH_EXCLUSION", ["a+b"]),
        ("IMMUTABLE_WITH_EXCLUSION", ["a/b"]),
        ("IMMUTABLE_WITH_EXCLUSION", ["x" * 129]),
    ],
)
def test_a_setting_ecr_would_not_take_is_invalid(
    mutability: str, filters: list[str] | None
) -> None:
    """ECR API: PutImageTagMutability, CreateRepository, ImageTagMutabilityExclusionFilter."""
    ecr = registry()
    exclusions: dict[str, Any] = (
        {}
        if filters is None
        else {
            "imageTagMutabilityExclusionFilters": [
                {"filterType": "WILDCARD", "filter": each} for each in filters
            ]
        }
    )
    with refused("PutImageTagMutability", "InvalidParameterException"):
        ecr.put_image_tag_mutability(
            repositoryName="redis", imageTagMutability=mutability, **exclusions
        )
    with refused("CreateRepository", "InvalidParameterException"):
        ecr.create_repository(repositoryName="new", imageTagMutability=mutability, **exclusions)
    assert moves(ecr, "latest")


def test_wildcard_is_the_only_type_of_filter() -> None:
    """ECR API: ImageTagMutabilityExclusionFilter, filterType."""
    ecr = registry()
    with refused("PutImageTagMutability", "InvalidParameterException"):
        ecr.put_image_tag_mutability(
            repositoryName="redis",
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=[{"filterType": "REGEX", "filter": "latest"}],
        )


def test_missing_filters_are_refused_in_ecrs_words() -> None:
    """The wording of ECR, as aws/aws-cdk pull request 35246 records it."""
    ecr = registry()
    with refused("PutImageTagMutability", "InvalidParameterException") as caught:
        ecr.put_image_tag_mutability(
            repositoryName="redis", imageTagMutability="IMMUTABLE_WITH_EXCLUSION"
        )
    assert caught.value.response["Error"]["Message"] == (
        "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: "
        "'ImageTagMutabilityExclusionFilters can't be null when imageTagMutability is set as "
        "IMMUTABLE_WITH_EXCLUSION'"
    )


def test_five_filters_of_two_wildcards_each_are_accepted_and_shown() -> None:
    """ECR API: PutImageTagMutability; hashicorp/terraform-provider-aws pull request 43642."""
    ecr = registry()
    filters = [{"filterType": "WILDCARD", "filter": f"*{name}*"} for name in "abcde"]
    answer = ecr.put_image_tag_mutability(
        repositoryName="redis",
        imageTagMutability="MUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=filters,
    )
    assert answer["imageTagMutability"] == "MUTABLE_WITH_EXCLUSION"
    assert answer["imageTagMutabilityExclusionFilters"] == filters
    [shown] = ecr.describe_repositories()["repositories"]
    assert shown["imageTagMutabilityExclusionFilters"] == filters
