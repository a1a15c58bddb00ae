from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from local import processes
from local.cloud import LocalCloud
from local.processes import CloudError
from local.push import tags_table
from local.up import help_text

STATE = {
    "gateway_port": 4566,
    "ecr_port": 5000,
    "ministack": {"pid": 1, "mark": "long ago"},
    "ecr": {"pid": 1, "mark": "long ago"},
}


@pytest.fixture
def cloud(tmp_path: Path) -> LocalCloud:
    return LocalCloud(tmp_path)


def test_where_nothing_runs_there_is_nothing_to_attach_to_or_to_stop(cloud: LocalCloud) -> None:
    assert cloud.attach() is False
    assert cloud.stop() is False


def test_a_cloud_that_is_gone_is_not_attached_to_and_its_state_is_cleared(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    (tmp_path / "state.json").write_text(json.dumps(STATE))

    assert cloud.attach() is False
    assert cloud.stop() is False
    assert list(tmp_path.iterdir()) == []


def test_a_cloud_that_was_killed_while_starting_is_stopped(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    begun = processes.start(["sleep", "60"], {"PATH": "/usr/bin:/bin"}, tmp_path / "log")
    state = {**STATE, "ministack": {"pid": begun.pid, "mark": begun.mark}}
    del state["ecr"]
    (tmp_path / "state.json").write_text(json.dumps(state))

    assert cloud.attach() is False
    assert cloud.stop() is True
    assert not begun.alive()


def test_whoever_asks_a_cloud_that_does_not_run_is_told_how_to_start_it(cloud: LocalCloud) -> None:
    with pytest.raises(CloudError, match="make up"):
        _ = cloud.ecr_url


class Elsewhere(LocalCloud):
    """A cloud that says where it would be, without servers."""

    url = "http://127.0.0.1:4566"
    registry = "127.0.0.1:5000"


class Running(Elsewhere):
    """A cloud that runs, as far as its folder says."""

    started = False

    def attach(self) -> bool:
        return True

    def _start_once(self) -> None:
        self.started = True


def test_a_cloud_whose_owner_was_killed_makes_room_for_the_next(tmp_path: Path) -> None:
    owner = {"pid": 1, "mark": "long ago"}
    (tmp_path / "state.json").write_text(json.dumps({**STATE, "owner": owner}))
    cloud = Running(tmp_path)
    cloud.start()
    assert cloud.started


def test_a_cloud_whose_owner_needs_it_is_left(tmp_path: Path) -> None:
    owner = asdict(processes.myself())
    (tmp_path / "state.json").write_text(json.dumps({**STATE, "owner": owner}))
    with pytest.raises(CloudError, match=f"Process {os.getpid()} has a local cloud in"):
        Running(tmp_path).start()


def test_a_cloud_that_outlives_who_started_it_is_left(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps(STATE))
    with pytest.raises(CloudError, match="A local cloud is already running in"):
        Running(tmp_path).start()


class Waiting(Elsewhere):
    """A cloud in which a message waits for hours."""

    def waiting(self) -> dict[str, int]:
        return {"RetryQueue-B": 1}


def test_it_comes_to_rest_without_the_queues_that_nobody_waits_for(tmp_path: Path) -> None:
    cloud = Waiting(tmp_path)

    assert cloud.settle(but=["http://localhost:4566/1/RetryQueue-B"]) >= 0
    with pytest.raises(CloudError, match="RetryQueue-B"):
        cloud.settle(timeout=0)


def counts(submitted: int, sent: int, failed: int = 0) -> dict[str, int]:
    return {"events_submitted": submitted, "events_sent": sent, "events_failed": failed}


@pytest.mark.parametrize(
    ("before", "after", "waits"),
    [
        (counts(3, 2, 1), counts(3, 2, 1), {}),
        (counts(3, 2), counts(3, 3), {"ECR events": 1}),  # it arrived while ministack was asked
        (counts(3, 3), counts(4, 4), {"ECR events": 1}),  # a function made it meanwhile
    ],
    ids=["all delivered", "under way before", "made since"],
)
def test_an_event_that_was_under_way_while_the_cloud_was_asked_keeps_it_from_rest(
    before: dict[str, int],
    after: dict[str, int],
    waits: dict[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([before, {"waiting": {}}, after])
    monkeypatch.setattr("local.cloud._get", lambda url, method="GET": next(answers))
    assert Elsewhere(tmp_path).waiting() == waits


def test_its_environment_leads_nowhere_else(tmp_path: Path) -> None:
    environment = Elsewhere(tmp_path).environment()

    assert environment["AWS_ENDPOINT_URL"] == environment["AWS_ENDPOINT_URL_STS"]
    assert environment["AWS_ENDPOINT_URL_ECR"] == "http://127.0.0.1:5000"
    assert environment["AWS_ACCESS_KEY_ID"] == "123456789012"
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"]


@pytest.mark.parametrize("client", ["docker", "podman", "skopeo"])
def test_the_help_names_the_real_port_for_every_client(tmp_path: Path, client: str) -> None:
    shown = help_text(Elsewhere(tmp_path))

    assert f"{client} login" in shown
    assert "--password-stdin 127.0.0.1:5000" in shown
    assert "127.0.0.1:5000/base/redis:1.4.2" in shown


def test_the_table_of_tags_says_what_is_new_moved_and_gone() -> None:
    old, new = "sha256:" + "a" * 64, "sha256:" + "b" * 64

    table = tags_table("r", {"1": old, "2": old, "3": old}, {"1": old, "2": new, "4": new})

    tags, images, changes = ([str(cell) for cell in column.cells] for column in table.columns)
    assert tags == ["1", "2", "3", "4"]
    assert images == [old[:19], new[:19], old[:19], new[:19]]
    assert changes == ["", f"[yellow]was {old[:19]}[/]", "[red]gone[/]", "[green]new[/]"]
