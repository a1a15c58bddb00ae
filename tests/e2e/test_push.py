"""A push, deployed: the stable tags move, byte for byte, and one message tells it."""

from __future__ import annotations

import pytest

from local.images import Media
from tests.e2e.deployed import Deployed, by_tag

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

ONE, MANY = ("amd64",), ("amd64", "arm64")
FORMS = {
    "oci-image": (ONE, Media.OCI),
    "docker-image": (ONE, Media.DOCKER),
    "oci-index": (MANY, Media.OCI),
    "docker-list": (MANY, Media.DOCKER),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_pushed_version_takes_its_stable_tags_with_it(stack: Deployed, form: str) -> None:
    arch, media = FORMS[form]
    repository = f"base/push-{form}"
    image = stack.push(f"{repository}:1.4.2", arch=arch, media=media)
    stack.rest()
    assert stack.tags(repository) == dict.fromkeys(["1.4.2", "1.4", "1", "latest"], image.digest)
    assert stack.manifests(repository, "1.4.2", "1.4", "1", "latest") == {
        (image.manifest, image.media_type)
    }
    assert stack.writes() == 3


@pytest.mark.parametrize("form", FORMS)
def test_a_push_over_the_registry_protocol_moves_the_tags_as_well(
    stack: Deployed, form: str
) -> None:
    arch, media = FORMS[form]
    repository = f"base/client-{form}"
    image = stack.push(f"{repository}:1.4.2", arch=arch, media=media, layers=True)
    stack.rest()
    assert stack.tags(repository) == dict.fromkeys(["1.4.2", "1.4", "1", "latest"], image.digest)


def test_what_one_push_moved_is_told_in_one_message(stack: Deployed) -> None:
    repository = "base/told"
    old = stack.push(f"{repository}:1.4.1")
    stack.rest()
    new = stack.push(f"{repository}:1.4.2")
    stack.rest()
    first, second = stack.messages(repository)
    assert first.subject == f"[ECR Steward] {repository}: 1, 1.4, latest put on 1.4.1"
    assert second.subject == (
        f"[ECR Steward] {repository}: 1, 1.4, latest moved from 1.4.1 to 1.4.2"
    )
    for part in ("1, 1.4, latest", old.digest[:19], new.digest[:19], "goes to 1.4.2"):
        assert part in second.body
    moved = by_tag([fact for fact in stack.facts(repository) if fact.digest == new.digest], "move")
    assert {tag: fact.before for tag, fact in moved.items()} == dict.fromkeys(
        ["1.4", "1", "latest"], old.digest
    )
    assert len({fact.cause.id for fact in moved.values()}) == 1
