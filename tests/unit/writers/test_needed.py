"""Which images what runs needs, and by which tags a lifecycle policy is held against them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ecr_steward.ecr import RepositoryGone
from ecr_steward.history.expiries import Expiries
from ecr_steward.history.running import RunningImages
from ecr_steward.settings.lifecycle import TaggedRunning
from ecr_steward.words.running import Running
from ecr_steward.writers.needed import NeededImages
from ecr_steward_cli.in_memory.images import MemoryEcr
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.world import (
    BEGINNING,
    REPOSITORY,
    digest_of,
    image,
    index_manifest,
    manifest,
)

GRACE = timedelta(days=7)
INDEX = digest_of(index_manifest("amd", "arm"))
WEB = ("ecs:prod/web",)


@pytest.fixture
def ecr() -> MemoryEcr:
    made = MemoryEcr(clock=lambda: BEGINNING)
    made.create_repository(repositoryName=REPOSITORY)
    return made


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


@pytest.fixture
def needed(ecr: MemoryEcr, table: MemoryTable) -> NeededImages:
    return NeededImages(table, GRACE, lambda: ecr, lambda: BEGINNING)


def push(ecr: MemoryEcr, text: str, tag: str | None = None) -> None:
    named = {} if tag is None else {"imageTag": tag}
    ecr.put_image(repositoryName=REPOSITORY, imageManifest=text, **named)


def push_index(ecr: MemoryEcr, tag: str | None) -> None:
    for each in ("amd", "arm"):
        push(ecr, manifest(each))
    push(ecr, index_manifest("amd", "arm"), tag)


def runs(table: MemoryTable, digest: str) -> None:
    web = Running(REPOSITORY, digest, "ecs", *WEB, "", BEGINNING, BEGINNING)
    RunningImages(table, GRACE).saw([web])


def read(table: MemoryTable) -> None:
    """A round has read what the index lists."""
    Expiries(table).note_children(REPOSITORY, {INDEX: [image("amd"), image("arm")]}, [])


def tagged(needed: NeededImages) -> list[TaggedRunning]:
    return needed.tagged(REPOSITORY, needed.workloads(REPOSITORY))


def test_an_image_that_runs_has_its_tags_and_what_runs_it(
    ecr: MemoryEcr, table: MemoryTable, needed: NeededImages
) -> None:
    for tag in ("1.4.2", "1.4"):
        push(ecr, manifest("a"), tag)
    push(ecr, manifest("b"), "1.4.3")
    runs(table, image("a"))
    (found,) = tagged(needed)
    assert (found.name, {*found.tags}, found.workloads) == (image("a"), {"1.4.2", "1.4"}, WEB)
    assert ecr.calls["DescribeImages"] == 1


def test_of_a_child_that_runs_its_index_counts(
    ecr: MemoryEcr, table: MemoryTable, needed: NeededImages
) -> None:
    push_index(ecr, "1.4.2")
    read(table)
    runs(table, image("amd"))
    assert needed.workloads(REPOSITORY) == {image("amd"): [*WEB], INDEX: [*WEB]}
    assert tagged(needed) == [TaggedRunning(INDEX, ("1.4.2",), WEB)]


def test_an_index_of_an_index_counts_too(table: MemoryTable, needed: NeededImages) -> None:
    Expiries(table).note_children(REPOSITORY, {"outer": [INDEX]}, [])
    read(table)
    for each in ("amd", "arm"):
        runs(table, image(each))
    assert needed.workloads(REPOSITORY).keys() == {image("amd"), image("arm"), INDEX, "outer"}
    assert needed.workloads(REPOSITORY)["outer"] == [*WEB]


def test_a_child_that_has_a_tag_counts_too(
    ecr: MemoryEcr, table: MemoryTable, needed: NeededImages
) -> None:
    push_index(ecr, "1.4.2")
    push(ecr, manifest("amd"), "1.4.2-amd64")
    read(table)
    runs(table, image("amd"))
    assert {each.tags for each in tagged(needed)} == {("1.4.2",), ("1.4.2-amd64",)}


def test_an_untagged_image_may_be_the_child_of_any_index_that_no_round_has_read(
    ecr: MemoryEcr, table: MemoryTable, needed: NeededImages
) -> None:
    push_index(ecr, "1.4.2")
    runs(table, image("amd"))
    alone = TaggedRunning(image("amd"), (), WEB)
    assert tagged(needed) == [alone, TaggedRunning(INDEX, ("1.4.2",), WEB, perhaps=True)]
    read(table)
    assert tagged(needed) == [TaggedRunning(INDEX, ("1.4.2",), WEB)]


def test_an_untagged_image_that_no_index_lists_is_alone(
    ecr: MemoryEcr, table: MemoryTable, needed: NeededImages
) -> None:
    push_index(ecr, "1.4.2")
    read(table)
    push(ecr, manifest("alone"))
    runs(table, image("alone"))
    assert tagged(needed) == [TaggedRunning(image("alone"), (), WEB)]


def test_an_untagged_index_that_runs_is_itself(
    ecr: MemoryEcr, table: MemoryTable, needed: NeededImages
) -> None:
    push_index(ecr, None)
    runs(table, INDEX)
    assert tagged(needed) == [TaggedRunning(INDEX, (), WEB)]


def test_an_image_that_is_gone_is_left_out_and_an_archived_one_is_told_apart(
    ecr: MemoryEcr, table: MemoryTable, needed: NeededImages
) -> None:
    push(ecr, manifest("a"), "1.4.2")
    ecr.update_image_storage_class(
        repositoryName=REPOSITORY,
        imageId={"imageDigest": image("a")},
        targetStorageClass="ARCHIVE",
    )
    for each in ("a", "gone"):
        runs(table, image(each))
    assert tagged(needed) == [TaggedRunning(image("a"), ("1.4.2",), WEB, archived=True)]


def test_a_repository_that_is_gone_is_none_of_ours(
    ecr: MemoryEcr, table: MemoryTable, needed: NeededImages
) -> None:
    runs(table, image("a"))
    ecr.delete_repository(repositoryName=REPOSITORY)
    with pytest.raises(RepositoryGone):
        tagged(needed)
