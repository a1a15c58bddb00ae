from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile

import pytest

from local.images import BuiltImage, Media, build


def sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("media", list(Media))
def test_every_digest_and_size_is_that_of_the_bytes_it_names(media: Media) -> None:
    image = build("1.4.2", media=media)
    manifest = json.loads(image.manifest)

    assert image.digest == sha256(image.manifest.encode())
    for descriptor in [manifest["config"], *manifest["layers"]]:
        content = image.blobs[descriptor["digest"]]
        assert descriptor["digest"] == sha256(content)
        assert descriptor["size"] == len(content)


def test_the_configuration_names_the_unpacked_layer() -> None:
    image = build("1.4.2")
    manifest = json.loads(image.manifest)
    layer = image.blobs[manifest["layers"][0]["digest"]]
    config = json.loads(image.blobs[manifest["config"]["digest"]])

    assert config["rootfs"]["diff_ids"] == [sha256(gzip.decompress(layer))]
    with tarfile.open(fileobj=io.BytesIO(layer), mode="r:gz") as tar:
        assert tar.getnames() == ["etc/image"]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_digest() -> None:
    assert build("1.4.2") == build("1.4.2")
    assert build("1.4.2").digest != build("1.4.3").digest


def test_both_families_of_media_types_differ_in_digest_and_share_the_layer() -> None:
    oci, docker = build("1", media=Media.OCI), build("1", media=Media.DOCKER)

    assert oci.digest != docker.digest
    assert oci.blobs == docker.blobs
    assert oci.media_type == "application/vnd.oci.image.manifest.v1+json"
    assert docker.media_type == "application/vnd.docker.distribution.manifest.v2+json"


@pytest.mark.parametrize(
    ("media", "index_type"),
    [
        (Media.OCI, "application/vnd.oci.image.index.v1+json"),
        (Media.DOCKER, "application/vnd.docker.distribution.manifest.list.v2+json"),
    ],
)
def test_several_processors_make_an_index_over_one_image_each(
    media: Media, index_type: str
) -> None:
    index = build("1.4.2", ("amd64", "arm64"), media)
    listed = json.loads(index.manifest)["manifests"]

    assert index.media_type == index_type
    assert [one["digest"] for one in listed] == [child.digest for child in index.children]
    assert [one["size"] for one in listed] == [len(child.manifest) for child in index.children]
    assert [one["platform"]["architecture"] for one in listed] == ["amd64", "arm64"]
    assert len({child.digest for child in index.children}) == 2


def test_an_image_for_no_processor_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one processor"):
        build("1", ())


def test_an_image_is_its_manifest_to_the_byte() -> None:
    assert BuiltImage("{}", "x").digest != BuiltImage("{ }", "x").digest
