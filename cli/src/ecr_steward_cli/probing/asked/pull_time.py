"""Which reads count as a pull: asked the day after, for ECR notes pulls within a day."""

from __future__ import annotations

from ecr_steward_cli.probing.assumption import Assumption, Ground

_READ = ("pulled", "described")


def prepare(ground: Ground) -> None:
    """Read one image by BatchGetImage, and another one by DescribeImages alone."""
    for tag in _READ:
        ground.push("OCI", tag, tag)
    ground.ecr.batch_get_image(repositoryName=ground.repository, imageIds=[{"imageTag": "pulled"}])
    ground.digest_of("described")


def _has_pull_time(tag: str, ground: Ground) -> str:
    (found,) = ground.ecr.describe_images(
        repositoryName=ground.repository, imageIds=[{"imageTag": tag}]
    )["imageDetails"]
    return "a pull" if found.get("lastRecordedPullTime") else "no pull"


ASSUMPTIONS = (
    Assumption(
        "BatchGetImage, a day later", "a pull", lambda g: _has_pull_time("pulled", g), "later"
    ),
    Assumption(
        "DescribeImages, a day later",
        "no pull",
        lambda g: _has_pull_time("described", g),
        "later",
    ),
)
