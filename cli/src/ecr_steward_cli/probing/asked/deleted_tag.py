"""A deletion by one tag of several takes that tag alone, and DescribeImages shows it at once."""

from __future__ import annotations

from ecr_steward_cli.probing.assumption import Assumption, Ground

_EXPECTED = "the image keeps its other tag"


def _ask(ground: Ground) -> str:
    image = ground.push("OCI", "deleted", "deleted-a", "deleted-b")
    ground.ecr.batch_delete_image(
        repositoryName=ground.repository, imageIds=[{"imageTag": "deleted-a"}]
    )
    if ground.digest_of("deleted-b") != image.digest:
        return "the image is gone"
    return _EXPECTED if ground.digest_of("deleted-a") is None else "the tag is still there"


ASSUMPTION = Assumption("BatchDeleteImage by one of two tags", _EXPECTED, _ask)
