"""What is done with the rights of the door and of the writer of tags."""

from __future__ import annotations

import json
from unittest import mock

from ecr_steward.start import writer
from ecr_steward.words.hints import Action
from tests.handlers.functions import event
from tests.rights.acts import REPOSITORY, Acts, depth, history, hold, put, send
from tests.rights.roles.batches import Batches
from tests.rights.stage import Stage
from tests.support.world import image

ACTS = Acts()
DOOR, WRITER = "CheckTagsRole", "RetagRole"


@ACTS.by(DOOR, "a push hands its repository to the writer")
def _hand_over(stage: Stage) -> None:
    stage.invoke("CheckTagsFunction", event("ecr_push_version"))
    assert depth(stage, "RetagQueue") == 1


def visit(stage: Stage, action: Action, tag: str | None = None, name: str | None = None) -> None:
    """The writer's visit for one hint, which is done with it."""
    send(stage, "RetagQueue", REPOSITORY, action, tag, name)
    stage.poll("RetagQueue", "RetagFunction")
    assert depth(stage, "RetagQueue") == 0


@ACTS.by(WRITER, "a push of 1.4.2 moves `1.4` and `latest`")
def _move(stage: Stage) -> None:
    hold(stage, REPOSITORY, "1.4.1", "1.4.2")
    visit(stage, Action.PUSH, "1.4.2", "1.4.2")
    tags = stage.ecr.tags(REPOSITORY)
    assert tags["1.4"] == tags["latest"] == image("1.4.2")


@ACTS.by(WRITER, "a sweep moves a tag whose push nobody told")
def _sweep(stage: Stage) -> None:
    hold(stage, REPOSITORY, "1.4.2")
    visit(stage, Action.SWEEP)
    assert stage.ecr.tags(REPOSITORY)["latest"] == image("1.4.2")


@ACTS.by(WRITER, "an unknown tag is taken off its image")
def _remove(stage: Stage) -> None:
    hold(stage, REPOSITORY, "1.4.2")
    put(stage, REPOSITORY, "nightly", "1.4.2")
    visit(stage, Action.PUSH, "nightly", "1.4.2")
    assert "nightly" not in stage.ecr.tags(REPOSITORY)


@ACTS.by(WRITER, "a unique tag whose image is gone is judged by when its repository was made")
def _made_anew(stage: Stage) -> None:
    hold(stage, REPOSITORY, "1.4.2")
    visit(stage, Action.PUSH, "1.4.2", "1.4.2")
    gone = [{"imageDigest": image("1.4.2")}]
    stage.ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=gone)
    put(stage, REPOSITORY, "1.4.2", "another")
    visit(stage, Action.PUSH, "1.4.2", "another")
    assert stage.ecr.tags(REPOSITORY)["1.4"] == image("another")


@ACTS.by(WRITER, "who keeps moving `latest` away is named where it is held")
def _contest(stage: Stage) -> None:
    call = {
        "userIdentity": {"arn": "arn:aws:iam::123456789012:user/mallory"},
        "requestParameters": {"repositoryName": REPOSITORY, "imageTag": "latest"},
        "responseElements": {"image": {"imageId": {"imageDigest": image("1.3.9")}}},
    }
    stage.answers["LookupEvents"] = lambda asked: {
        "Events": [{"CloudTrailEvent": json.dumps(call)}]
    }
    hold(stage, REPOSITORY, "1.3.9", "1.4.2")
    visit(stage, Action.PUSH, "1.4.2", "1.4.2")
    for _ in range(3):
        put(stage, REPOSITORY, "latest", "1.3.9")
        visit(stage, Action.PUSH, "latest", "1.3.9")
    (held,) = [hold for _, hold in history(stage).holds.all(REPOSITORY)]
    assert "mallory" in held.reason


@ACTS.by(WRITER, "what there is no time for is sent again")
def _send_again(stage: Stage) -> None:
    for name in (REPOSITORY, "base/nginx"):
        hold(stage, name, "1.4.2")
        send(stage, "RetagQueue", name, Action.PUSH, "1.4.2", "1.4.2")
    with mock.patch.object(writer, "BEGIN_WITHIN", 0):
        reply = stage.poll("RetagQueue", "RetagFunction")
    assert reply == {"batchItemFailures": []}
    assert depth(stage, "RetagQueue") == 1


def _pushed(stage: Stage) -> None:
    hold(stage, REPOSITORY, "1.4.2")
    send(stage, "RetagQueue", REPOSITORY, Action.PUSH, "1.4.2", "1.4.2")


Batches("RetagQueue", "RetagFunction", REPOSITORY, _pushed).play(ACTS, WRITER)
