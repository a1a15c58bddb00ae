"""BatchGetImage answers for each tag that it was asked for, also where two are on one image."""

from __future__ import annotations

from ecr_steward_cli.probing.assumption import Assumption, Ground

_TAGS = ("two-a", "two-b")
_EXPECTED = "an answer for each tag, with that tag"


def _ask(ground: Ground) -> str:
    ground.push("OCI", "two", *_TAGS)
    images = ground.ecr.batch_get_image(
        repositoryName=ground.repository, imageIds=[{"imageTag": tag} for tag in _TAGS]
    )["images"]
    tags = sorted(str(each["imageId"].get("imageTag")) for each in images)
    return _EXPECTED if tags == sorted(_TAGS) else f"answers for {', '.join(tags)}"


ASSUMPTION = Assumption("BatchGetImage for two tags of one image", _EXPECTED, _ask)
