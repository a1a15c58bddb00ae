"""Show what runs, and import what else does."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ecr_steward.history.running import RunningImages
from ecr_steward.history.tags import Learned
from ecr_steward.words.facts import FactKind
from ecr_steward.words.running import Running
from ecr_steward_cli.commands.running import running
from tests.support.world import image, manifest
from tests.unit.cli.stack_fakes import NOW, Deployed, fact, rules_layer

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
NAME = "base/redis"
RULES = {
    "version": 1,
    "rules": [
        {
            "repositories": ["base/*"],
            "tags": {
                "unique": ["semver"],
                "stable": [{"tag": "{major}.{minor}", "follows": "highest"}],
            },
        }
    ],
}


def started(workload: str, version: str, tag: str) -> Running:
    written = f"{HOST}/{NAME}:{tag}"
    return Running(NAME, image(version), "ecs", f"ecs:prod/{workload}", written, NOW, NOW)


@pytest.fixture
def deployed() -> Deployed:
    """1.4 has moved on from 1.4.1, which payments was started from."""
    deployed = Deployed()
    deployed.layer = rules_layer("3a92dae3b84f", RULES)
    deployed.ecr.create_repository(repositoryName=NAME)
    for version, *others in (("1.4.1",), ("1.4.2", "1.4")):
        for tag in (version, *others):
            deployed.ecr.put_image(
                repositoryName=NAME, imageManifest=manifest(version), imageTag=tag
            )
    moved = fact(FactKind.MOVE, NOW, tag="1.4", before=image("1.4.1"), digest=image("1.4.2"))
    deployed.history.record(moved)
    images = known(deployed)
    images.looked(
        "ecs", [started("payments", "1.4.1", "1.4"), started("web", "1.4.2", "1.4.2")], NOW
    )
    images.looked("eks-prod", [], NOW)
    return deployed


def known(deployed: Deployed) -> RunningImages:
    return RunningImages(deployed.table, timedelta(days=7))


def shown(deployed: Deployed, *arguments: str) -> list[dict[str, Any]]:
    result = deployed.run(running, *arguments, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    assert document["known"]
    return list(document["workloads"])


def test_what_a_stable_tag_has_left_is_said_with_the_unique_tag_to_write(
    deployed: Deployed,
) -> None:
    payments, web = shown(deployed)
    assert (payments["tag"], payments["stable"], payments["behind"]) == ("1.4", True, True)
    assert (payments["unique"], payments["left"]) == ("1.4.1", "2026-11-23T02:24:00Z")
    assert (web["tag"], web["stable"], web["unique"]) == ("1.4.2", False, None)


def test_since_when_is_known_of_a_tag_that_a_pipeline_moved(deployed: Deployed) -> None:
    left = NOW + timedelta(hours=1)
    deployed.history.note(NAME, Learned(left={image("1.4.1"): ["1.4"]}, at=left))
    assert shown(deployed)[0]["left"] == "2026-11-23T03:24:00Z"


def test_people_read_it_as_a_table(deployed: Deployed) -> None:
    result = deployed.run(running)
    assert "ecs:prod/payments" in result.stdout
    assert "1.4 has left it 2026-11-23 02:24:00Z: deploy 1.4.1" in result.stdout


@pytest.mark.parametrize(
    ("asked", "workloads"),
    [
        (NAME, ["payments", "web"]),
        (f"{NAME}:1.4.1", ["payments"]),
        (f"{NAME}:1.4", ["payments", "web"]),
        (f"{NAME}@{image('1.4.2')}", ["web"]),
        ("base/nginx", []),
    ],
)
def test_an_image_is_asked_for_by_repository_tag_or_digest(
    deployed: Deployed, asked: str, workloads: list[str]
) -> None:
    assert [each["workload"].rpartition("/")[2] for each in shown(deployed, asked)] == workloads


def test_a_workload_is_asked_for_by_its_name(deployed: Deployed) -> None:
    assert [each["workload"] for each in shown(deployed, "--workload", "web")] == ["ecs:prod/web"]


def test_an_image_that_is_gone_is_still_said_to_run(deployed: Deployed) -> None:
    lost = Running(NAME, image("9.9.9"), "ecs", "ecs:prod/old", f"{HOST}/{NAME}:1.4", NOW, NOW)
    known(deployed).saw([lost])
    (old,) = [each for each in shown(deployed) if each["workload"] == "ecs:prod/old"]
    assert (old["unique"], old["behind"]) == (None, True)


def test_a_source_that_is_not_known_needs_attention(deployed: Deployed) -> None:
    deployed.now = NOW + timedelta(days=3)
    result = deployed.run(running, NAME)
    assert result.exit_code == 1
    assert "Not known now: ecs, so something else may run" in result.stderr


def test_without_a_source_nothing_is_known(deployed: Deployed) -> None:
    deployed.cloudformation.parameters["RunningSources"] = ""
    result = deployed.run(running)
    assert result.exit_code == 1
    assert "names no source in RunningSources" in result.stderr


@pytest.mark.parametrize("asked", ["Base", f"{NAME}:", f"{NAME}@sha256:1", f"{HOST}/{NAME}:1.4"])
def test_what_is_no_image_is_refused(deployed: Deployed, asked: str) -> None:
    assert deployed.run(running, asked).exit_code == 2


def test_an_import_replaces_what_the_source_last_said(deployed: Deployed, tmp_path: Path) -> None:
    file = tmp_path / "images.txt"
    for listed in (f"{HOST}/{NAME}:1.4.1\nquay.io/a/b:1\n", f"{HOST}/{NAME}@{image('1.4.2')}\n"):
        file.write_text(listed)
        result = deployed.run(running, "import", "--source", "eks-prod", str(file))
        assert result.exit_code == 0, result.output
        assert "eks-prod runs 1 image of this registry; " in result.stdout
        deployed.now += timedelta(hours=1)
    found = {each.digest: each.runs for each in known(deployed).all() if each.source == "eks-prod"}
    assert found == {image("1.4.1"): False, image("1.4.2"): True}


def test_an_import_named_after_a_registry_says_what_runs_from_its_copies(
    deployed: Deployed, tmp_path: Path
) -> None:
    copies = HOST.replace("eu-west-1", "eu-central-1")
    listed = [
        f"{copies}/{NAME}@{image('1.4.2')}",
        f"{copies}/{NAME}:1.4.1",
        f"{copies}/{NAME}@{image('elsewhere')}",
        f"{copies}/other@{image('1.4.2')}",
    ]
    file = tmp_path / "images.txt"
    file.write_text("\n".join(listed))
    source = f"{HOST[:12]}-eu-central-1"
    result = deployed.run(running, "import", "--source", source, str(file))
    assert f"{source} runs 2 images of this registry; 2 entries of other" in result.stdout
    digests = {each.digest for each in known(deployed).all() if each.source == source}
    assert digests == {image("1.4.1"), image("1.4.2")}
    deployed.run(running, "import", "--source", "eks-prod", str(file))
    assert not [each for each in known(deployed).all() if each.source == "eks-prod"]


def test_an_import_says_what_is_not_there_and_who_nobody_waits_for(
    deployed: Deployed, tmp_path: Path
) -> None:
    file = tmp_path / "images.txt"
    file.write_text(f"{HOST}/{NAME}:7.7.7")
    result = deployed.run(running, "import", "--source", "eks-prod", str(file))
    assert (result.exit_code, "7.7.7" in result.stderr) == (1, True)
    file.write_text(f"{HOST}/{NAME}:1.4.1")
    result = deployed.run(running, "import", "--source", "nomad", str(file))
    assert (result.exit_code, "does not name nomad" in result.stderr) == (1, True)


@pytest.mark.parametrize("source", ["ecs", "210987654321", "EKS", ""])
def test_an_import_has_a_name_of_its_own(deployed: Deployed, source: str, tmp_path: Path) -> None:
    file = tmp_path / "images.txt"
    file.write_text("")
    assert deployed.run(running, "import", "--source", source, str(file)).exit_code == 2


def test_a_list_that_cannot_be_read_changes_nothing(deployed: Deployed, tmp_path: Path) -> None:
    file = tmp_path / "images.txt"
    file.write_text(f"{HOST}/{NAME}:1.4.1\nwhat is this?\n")
    result = deployed.run(running, "import", "--source", "eks-prod", str(file))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{file}:2: ")
    assert {each.source for each in known(deployed).all()} == {"ecs"}
