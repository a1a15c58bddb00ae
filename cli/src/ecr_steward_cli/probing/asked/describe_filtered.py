"""DescribeImages takes ids and a filter at once."""

from __future__ import annotations

from ecr_steward_cli.probing.assumption import Assumption, Ground

_EXPECTED = "the image asked for"


def _ask(ground: Ground) -> str:
    image = ground.push("OCI", "filtered", "filtered")
    found = ground.ecr.describe_images(
        repositoryName=ground.repository,
        imageIds=[{"imageDigest": image.digest}],
        filter={"imageStatus": "ANY"},
    )["imageDetails"]
    digests = [each["imageDigest"] for each in found]
    return _EXPECTED if digests == [image.digest] else f"{len(digests)} images"


ASSUMPTION = Assumption("DescribeImages with ids and a filter", _EXPECTED, _ask)
