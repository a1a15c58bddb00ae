"""What an archived image looks like, and that a tag put on it brings it back."""

from __future__ import annotations

from ecr_steward_cli.probing.assumption import Assumption, Ground

_SEEN = "ARCHIVED with filter ANY; ImageInaccessible from BatchGetImage"


def _archive(ground: Ground) -> str:
    image = ground.push("OCI", "archived", "archived")
    image_id = {"imageDigest": image.digest}
    ground.ecr.update_image_storage_class(
        repositoryName=ground.repository, imageId=image_id, targetStorageClass="ARCHIVE"
    )
    (found,) = ground.ecr.describe_images(
        repositoryName=ground.repository, imageIds=[image_id], filter={"imageStatus": "ANY"}
    )["imageDetails"]
    failures = ground.ecr.batch_get_image(repositoryName=ground.repository, imageIds=[image_id])[
        "failures"
    ]
    code = ", ".join(each["failureCode"] for each in failures) or "an image"
    return f"{found['imageStatus']} with filter ANY; {code} from BatchGetImage"


def _bring_back(ground: Ground) -> str:
    image = ground.push("OCI", "brought", "brought")
    image_id = {"imageDigest": image.digest}
    ground.ecr.update_image_storage_class(
        repositoryName=ground.repository, imageId=image_id, targetStorageClass="ARCHIVE"
    )
    ground.put(image, "back")
    (found,) = ground.ecr.describe_images(
        repositoryName=ground.repository, imageIds=[image_id], filter={"imageStatus": "ANY"}
    )["imageDetails"]
    return str(found["imageStatus"])


ASSUMPTIONS = (
    Assumption("An archived image", _SEEN, _archive, "archive"),
    Assumption("An archived image that gets a tag", "ACTIVE", _bring_back, "archive"),
)
