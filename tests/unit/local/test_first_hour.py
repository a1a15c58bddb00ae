"""What a new user does with the local cloud: interrupts it, mistypes, and wants to see it work."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.cloud import ROOT, whole
from local.processes import CloudError
from local.push import fault_of, reason_in
from local.started import IDLE, check_started
from local.up import up
from tests.support.world import ruleset
from tests.template import support


def test_what_an_interrupted_build_left_in_the_cache_is_thrown_away(tmp_path: Path) -> None:
    cache = tmp_path / "build-cache" / "default"
    with contextlib.suppress(KeyboardInterrupt), whole(cache):
        (cache / "layer").mkdir(parents=True)
        raise KeyboardInterrupt
    assert (cache / "layer").exists()
    with whole(cache):
        assert not cache.exists()
        (cache / "layer").mkdir(parents=True)
    with whole(cache):
        assert (cache / "layer").exists()


def test_rules_typed_for_make_do_not_reach_the_make_that_sam_runs() -> None:
    typed = ["make", "RULES=own.yaml", "--eval", "shown: ; @env", "shown"]
    done = subprocess.run(typed, cwd=ROOT, capture_output=True, text=True, check=True)
    flags = [line for line in done.stdout.splitlines() if line.startswith("MAKEFLAGS=")]
    assert len(flags) == 1
    assert "own.yaml" not in flags[0]


class LeftBehind:
    """A cloud that runs, as a killed `make up` leaves it; it cannot be built again."""

    def __init__(self, *, whole: bool) -> None:
        self.is_whole = whole
        self.done: list[str] = []

    def attach(self) -> bool:
        return True

    def stop(self) -> bool:
        self.done.append("stop")
        return True

    def start(self) -> None:
        self.done.append("start")

    def sam_build(self, **_: object) -> None:
        raise CloudError("no disk")


def test_a_cloud_that_was_killed_while_it_came_up_is_begun_anew() -> None:
    cloud: Any = LeftBehind(whole=False)
    with pytest.raises(CloudError, match="no disk"):
        up(cloud)
    assert cloud.done == ["stop", "start", "stop"]


def test_a_cloud_that_came_up_is_left_as_it_is() -> None:
    cloud: Any = LeftBehind(whole=True)
    assert not up(cloud)
    assert cloud.done == []


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("base/redis", "base/redis names no tag"),
        ("Base/redis:1", "`Base/redis` cannot be a repository's name"),
        ("b\u00e4se/redis:1", "`b\u00e4se/redis` cannot be a repository's name"),
        ("127.0.0.1:5000/base/redis:1", "127.0.0.1:5000/base/redis:1 names a host"),
        ("docker.io/redis:1", "docker.io/redis:1 names a host"),
        ("a:1", "`a` cannot be a repository's name"),
        ("base/redis:-1", "`-1` cannot be a tag"),
        ("base/redis:1:2", "`1:2` cannot be a tag"),
        ("\x1b[2J:1", "`\\u001b[2J` cannot be"),
        ("", "`` cannot be a repository's name"),
    ],
)
def test_a_mistyped_reference_is_one_sentence(reference: str, said: str) -> None:
    fault = fault_of(reference)
    assert fault.startswith(said)
    assert fault.endswith("write REPOSITORY:TAG, such as base/redis:1.4.2.")


@pytest.mark.parametrize("reference", ["base/redis:1.4.2", "redis:latest", "base/my.app:1"])
def test_a_good_reference_has_no_fault(reference: str) -> None:
    assert fault_of(reference) == ""


@pytest.mark.parametrize(
    ("repository", "tag", "said"),
    [
        ("base/redis", "1.4.2", "rule 0: base/* is in audit, so it only reports"),
        ("base/redis", "9f3c2ab", "`9f3c2ab` is neither a unique nor a stable tag here"),
        ("acting/redis", "1.4.2", "`ecr-steward why acting/redis:TAG` says why"),
        ("apps/shop", "1.4.2", "no rule matches apps/shop"),
    ],
)
def test_a_push_that_moves_nothing_says_why(repository: str, tag: str, said: str) -> None:
    tags = {"unique": ["semver"], "stable": [{"tag": "latest", "follows": "highest"}]}
    acting = {"repositories": ["acting/*"], "mode": "enforce", "tags": tags}
    rules = ruleset({"repositories": ["base/*"], "mode": "audit", "tags": tags}, acting)
    assert reason_in(rules, repository, tag).startswith(said)


class Functions:
    """Functions, one of which fails as said."""

    def __init__(self, failing: str, kind: str) -> None:
        self.failing, self.kind = failing, kind
        self.invoked: list[str] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        self.invoked.append(FunctionName)
        said: dict[str, Any] = {"errorMessage": "no module", "errorType": self.kind}
        if FunctionName == self.failing:
            payload = io.BytesIO(json.dumps(said).encode())
            return {"FunctionError": "Unhandled", "Payload": payload}
        return {"Payload": io.BytesIO(b"{}")}


def test_every_function_of_the_template_is_seen_to_start() -> None:
    functions = Functions("none", "")
    check_started(functions, str.lower)
    resources = support.stack().resources
    named = {n for n, each in resources.items() if each["Type"] == "AWS::Lambda::Function"}
    assert set(IDLE) == named
    assert set(functions.invoked) == {name.lower() for name in named}


def test_a_function_that_cannot_start_is_named_with_the_way_out() -> None:
    functions = Functions("RetagFunction", "ImportModuleError")
    with pytest.raises(CloudError, match="RetagFunction: ImportModuleError: no module"):
        check_started(functions, str)
