"""The codes with which ECR refuses what the steward may ask, by which it decides what to do."""

from __future__ import annotations

from ecr_steward_cli.probing.assumption import Assumption, Ground, refusal_of
from ecr_steward_cli.probing.images import BUILT


def _same_again(ground: Ground) -> str:
    image = ground.push("OCI", "again", "again")
    return refusal_of(lambda: ground.put(image, "again"))


def _immutable(ground: Ground) -> str:
    ground.push("OCI", "frozen", "frozen")
    other = ground.push("OCI", "other", "other")
    _set_mutability(ground, "IMMUTABLE")
    try:
        return refusal_of(lambda: ground.put(other, "frozen"))
    finally:
        _set_mutability(ground, "MUTABLE")


def _set_mutability(ground: Ground, mutability: str) -> None:
    ground.ecr.put_image_tag_mutability(
        repositoryName=ground.repository, imageTagMutability=mutability
    )


def _wrong_digest(ground: Ground) -> str:
    image = ground.push("OCI", "digest")
    return refusal_of(
        lambda: ground.ecr.put_image(
            repositoryName=ground.repository,
            imageManifest=image.manifest,
            imageManifestMediaType=image.media_type,
            imageTag="digest",
            imageDigest=BUILT["OCI"]("another").digest,
        )
    )


def _absent(ground: Ground) -> str:
    return refusal_of(
        lambda: ground.ecr.describe_images(
            repositoryName=ground.repository, imageIds=[{"imageTag": "absent"}]
        )
    )


def _absent_in_batch(ground: Ground) -> str:
    answer = ground.ecr.batch_get_image(
        repositoryName=ground.repository, imageIds=[{"imageTag": "absent"}]
    )
    return ", ".join(each["failureCode"] for each in answer["failures"]) or "no failure"


def _no_repository(ground: Ground) -> str:
    return refusal_of(
        lambda: ground.ecr.describe_images(repositoryName=f"{ground.repository}-absent")
    )


def _no_policy(ground: Ground) -> str:
    return refusal_of(lambda: ground.ecr.get_lifecycle_policy(repositoryName=ground.repository))


ASSUMPTIONS = (
    Assumption("PutImage of what is there already", "ImageAlreadyExistsException", _same_again),
    Assumption(
        "PutImage of an immutable tag elsewhere", "ImageTagAlreadyExistsException", _immutable
    ),
    Assumption("PutImage with a wrong digest", "ImageDigestDoesNotMatchException", _wrong_digest),
    Assumption("DescribeImages of an absent tag", "ImageNotFoundException", _absent),
    Assumption("BatchGetImage of an absent tag", "ImageNotFound", _absent_in_batch),
    Assumption("No such repository", "RepositoryNotFoundException", _no_repository),
    Assumption("No lifecycle policy", "LifecyclePolicyNotFoundException", _no_policy),
)
