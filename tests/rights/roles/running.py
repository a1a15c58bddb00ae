"""What is done with the rights of the sweep, of what knows what runs, and of the rounds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ecr_steward.history.expiries import Expiries
from ecr_steward.history.table import Item
from ecr_steward.settings import expiry_rule, lifecycle
from ecr_steward.sweep.slices import Slice
from ecr_steward.words.hints import Action
from ecr_steward.words.running import Running
from ecr_steward.workloads.looks import LookFailed
from tests.handlers.functions import event
from tests.rights.acts import (
    GOING,
    REPOSITORY,
    SETTINGS,
    Acts,
    depth,
    hold,
    kinds,
    put,
    running,
    send,
    table,
)
from tests.rights.roles.batches import Batches
from tests.rights.stage import Stage
from tests.support.retention_world import INDEX
from tests.support.world import MEDIA_TYPE, image, manifest
from tests.template.support import ACCOUNT

ACTS = Acts()
SWEEP, DOOR, LOOK, ROUNDS = "SweepRole", "CheckRunningRole", "LookRunningRole", "RetainImagesRole"
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


# ---------------------------------------------------------------------------- sweep
@ACTS.by(SWEEP, "the schedule sends repositories to the writers of tags and of settings")
def _sweep(stage: Stage) -> None:
    for name in (REPOSITORY, SETTINGS, GOING):
        hold(stage, name)
    stage.invoke("SweepFunction", event("hand_sweep_glob"))
    assert depth(stage, "RetagQueue") > 0
    assert depth(stage, "SettingsQueue") > 0


@ACTS.by(SWEEP, "a repository whose images may go is sent to be judged")
def _rounds(stage: Stage) -> None:
    hold(stage, GOING)
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    ticks = (midnight + timedelta(minutes=each) for each in range(0, 24 * 60, 5))
    turn = next(each for each in ticks if Slice.at(each, 24).holds(GOING))
    stage.invoke("SweepFunction", {"time": turn.isoformat()})
    assert depth(stage, "RetentionQueue") == 1


# ---------------------------------------------------------------------------- check_running
@ACTS.by(DOOR, "a task that starts is noted with its images")
def _started(stage: Stage) -> None:
    stage.invoke("CheckRunningFunction", event("task_started"))
    assert len(running(stage).all(REPOSITORY)) == 2


@ACTS.by(DOOR, "an image that runs and was deleted is told as lost")
def _lost(stage: Stage) -> None:
    hold(stage, REPOSITORY, "1.4.1")
    _runs(stage, REPOSITORY, "1.4.2")
    assert stage.invoke("CheckRunningFunction", event("deleted_image"))["answer"] == "LOST"
    assert kinds(stage, REPOSITORY) == ["lost"]


def _runs(stage: Stage, repository: str, name: str) -> None:
    record = Running(repository, image(name), "ecs", "ecs:prod/web", "", stage.now(), stage.now())
    running(stage).saw([record])


@ACTS.by(DOOR, "an image with an expiry tag from which a task starts is needed again")
def _needed(stage: Stage) -> None:
    table(stage).put_all([Item("expiring-tagged", REPOSITORY, 1)])
    stage.invoke("CheckRunningFunction", event("task_started"))
    assert depth(stage, "RetagQueue") > 0


# ---------------------------------------------------------------------------- look_running
def _workloads(stage: Stage) -> None:
    """A service, a task of no service, a function, and what Inspector covers."""
    arn = "arn:aws:ecs:eu-west-1:123456789012"

    def container(version: str) -> dict[str, str]:
        return {"image": f"{HOST}/{REPOSITORY}:{version}", "imageDigest": image(version)}

    def revision(name: str, version: str) -> dict[str, Any]:
        return {
            "serviceRevisionArn": name,
            "serviceArn": f"{arn}:service/prod/payments",
            "containerImages": [container(version)],
        }

    revisions = {"now": revision("now", "1.4.2"), "before": revision("before", "1.4.1")}
    task = {
        "clusterArn": f"{arn}:cluster/prod",
        "taskDefinitionArn": f"{arn}:task-definition/nightly:7",
        "group": "family:nightly", "lastStatus": "RUNNING", "containers": [container("1.3.9")],
    }  # fmt: skip
    resolved = f"{HOST}/{REPOSITORY}@{image('1.2.0')}"
    covered = f"arn:aws:ecr:eu-west-1:123456789012:repository/{REPOSITORY}/{image('1.1.0')}"
    answers: Mapping[str, Mapping[str, Any]] = {
        "ListClusters": {"clusterArns": [f"{arn}:cluster/prod"]},
        "ListServices": {"serviceArns": [f"{arn}:service/prod/payments"]},
        "ListTasks": {"taskArns": [f"{arn}:task/prod/1"]},
        "DescribeServices": {"services": [
            {"currentServiceRevisions": [{"arn": "now"}], "currentServiceDeployment": "deployment"}
        ]},
        "DescribeServiceDeployments": {"serviceDeployments": [
            {"targetServiceRevision": {"arn": "now"}, "sourceServiceRevisions": [{"arn": "before"}]}
        ]},
        "DescribeTasks": {"tasks": [task]},
        "ListFunctions": {"Functions": [
            {"FunctionName": "resize", "Version": "$LATEST", "PackageType": "Image"}
        ]},
        "GetFunction": {"Code": {"ResolvedImageUri": resolved}},
        "ListCoverage": {"coveredResources": [{"resourceId": covered, "accountId": ACCOUNT}]},
    }  # fmt: skip
    for name, answer in answers.items():
        stage.answers[name] = lambda asked, answer=answer: answer  # type: ignore[misc]
    stage.answers["DescribeServiceRevisions"] = lambda asked: {
        "serviceRevisions": [revisions[each] for each in asked["serviceRevisionArns"]]
    }


def look(stage: Stage) -> None:
    """The daily look; what it cannot see of one source costs no other."""
    _workloads(stage)
    with contextlib.suppress(LookFailed):
        stage.invoke("LookRunningFunction", event("schedule_look_running"))


def _seen(stage: Stage, source: str) -> set[str]:
    return {each.digest for each in running(stage).all(REPOSITORY) if each.source == source}


@ACTS.by(LOOK, "the services and tasks of ECS are noted with their images")
def _ecs(stage: Stage) -> None:
    look(stage)
    assert _seen(stage, "ecs") == {image(each) for each in ("1.4.2", "1.4.1", "1.3.9")}


@ACTS.by(LOOK, "a function of Lambda is noted with its image")
def _functions(stage: Stage) -> None:
    look(stage)
    assert _seen(stage, "lambda") == {image("1.2.0")}


@ACTS.by(LOOK, "an image that Inspector knows to be in use is noted")
def _inspector(stage: Stage) -> None:
    look(stage)
    assert _seen(stage, "inspector") == {image("1.1.0")}


@ACTS.by(LOOK, "what another account runs is noted")
def _elsewhere(stage: Stage) -> None:
    look(stage)
    assert _seen(stage, "210987654321")


@ACTS.by(LOOK, "an image that runs and is gone is told as lost")
def _gone(stage: Stage) -> None:
    hold(stage, REPOSITORY, "1.4.1", "1.3.9", "1.2.0", "1.1.0")
    look(stage)
    assert kinds(stage, REPOSITORY).count("lost") == 1


@ACTS.by(LOOK, "images that go may get their expiry tags")
def _may_go(stage: Stage) -> None:
    table(stage).put_all([Item("expiring-due", GOING, 1)])
    look(stage)
    assert depth(stage, "RetagQueue") == 1


# ---------------------------------------------------------------------------- retain_images
def judge(stage: Stage) -> None:
    """A round over the images of a repository, which is done with it."""
    hold(stage, GOING, "1.4.1", "1.4.2")
    stage.late = timedelta(days=2)
    text = lifecycle.dumps(expiry_rule.merged(None, None) or {})
    stage.ecr.put_lifecycle_policy(repositoryName=GOING, lifecyclePolicyText=text)
    for source in ("ecs", "lambda", "inspector", "210987654321"):
        running(stage).looked(source, [], stage.now())
    for role in ("RetainImagesRole", "RetagRole"):
        stage.ecr.register_pull_time_update_exclusion(principalArn=stage.arn(role))
    again(stage)


def again(stage: Stage) -> None:
    send(stage, "RetentionQueue", GOING, Action.RETAIN)
    stage.poll("RetentionQueue", "RetainImagesFunction", most=1)
    assert depth(stage, "RetentionQueue") == 0


@ACTS.by(ROUNDS, "an image that nothing keeps is announced, and may get its expiry tag")
def _announced(stage: Stage) -> None:
    judge(stage)
    assert kinds(stage, GOING) == ["expiring"]
    assert Expiries(table(stage)).due() == {GOING: 1}


@ACTS.by(ROUNDS, "images that no tag names are known since when")
def _untagged(stage: Stage) -> None:
    hold(stage, GOING)
    for name in ("one", "two"):
        stage.ecr.put_image(repositoryName=GOING, imageManifest=manifest(name))
    again(stage)
    assert Expiries(table(stage)).untagged(GOING).keys() == {image("one"), image("two")}


@ACTS.by(ROUNDS, "an image that no tag names and that is gone is forgotten")
def _forgotten(stage: Stage) -> None:
    hold(stage, GOING)
    expiries = Expiries(table(stage))
    expiries.note_untagged(GOING, {image("one"): stage.now()}, ())
    again(stage)
    assert expiries.untagged(GOING) == {}


@ACTS.by(ROUNDS, "the images of an index are read from its manifest")
def _index(stage: Stage) -> None:
    hold(stage, GOING)
    stage.ecr.put_image(repositoryName=GOING, imageManifest=manifest("child"))
    child = {"mediaType": MEDIA_TYPE, "size": 2, "digest": image("child")}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}
    stage.ecr.put_image(repositoryName=GOING, imageManifest=json.dumps(index), imageTag="1.4.2")
    again(stage)


@ACTS.by(ROUNDS, "an expiry tag that somebody else put is taken off")
def _forged(stage: Stage) -> None:
    hold(stage, GOING, "1.4.2")
    put(stage, GOING, f"steward-expire-20260101-{image('1.4.2')[7:19]}", "1.4.2")
    again(stage)
    assert depth(stage, "RetagQueue") == 1


def _round(stage: Stage) -> None:
    hold(stage, GOING)
    send(stage, "RetentionQueue", GOING, Action.RETAIN)


Batches("RetentionQueue", "RetainImagesFunction", GOING, _round, most=1).play(ACTS, ROUNDS)
