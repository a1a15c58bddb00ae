"""PutImage with digest and media type moves a tag, and the image stays the same, byte for byte."""

from __future__ import annotations

from functools import partial

from ecr_steward_cli.probing.assumption import Assumption, Ground
from ecr_steward_cli.probing.images import BUILT

_EXPECTED = "the tag moves, the digest stays"


def _ask(sort: str, ground: Ground) -> str:
    tag = f"moved-{sort.replace(' ', '-')}"
    ground.push(sort, "old", tag)
    image = ground.push(sort, "new", f"{tag}-new")
    (found,) = ground.ecr.batch_get_image(
        repositoryName=ground.repository,
        imageIds=[{"imageDigest": image.digest}],
        acceptedMediaTypes=[BUILT[each]("any").media_type for each in BUILT],
    )["images"]
    if found["imageManifest"] != image.manifest:
        return "BatchGetImage gives another text of the manifest"
    ground.put(image, tag)
    return _EXPECTED if ground.digest_of(tag) == image.digest else "the tag is on another image"


ASSUMPTIONS = tuple(
    Assumption(f"PutImage by digest: {sort}", _EXPECTED, partial(_ask, sort)) for sort in BUILT
)
