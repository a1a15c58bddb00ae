"""`ecr-steward plan`: what would change in live registries, and that nothing does."""

from __future__ import annotations

import io
import json
import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ProfileNotFound
from click.testing import CliRunner, Result
from rich.console import Console

from ecr_steward.history.holds import Hold
from ecr_steward.history.running import RunningImages
from ecr_steward.history.tags import History
from ecr_steward.words.running import Running
from ecr_steward_cli.commands.plan import plan, progress
from ecr_steward_cli.deployed.stack import Outside
from ecr_steward_cli.in_memory.settings import MemorySettings
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.settings_world import ANYONE, OURS, policy
from tests.support.world import image, manifest
from tests.unit.cli.stack_fakes import denied, refusal

NOW = datetime(2026, 11, 28, tzinfo=UTC)
RULES = """\
version: 1
rules:
  - repositories: ["base/*"]
    tags:
      unique: [semver]
      stable: [{tag: "{major}.{minor}", follows: highest}, {tag: latest, follows: highest}]
      unknown: remove
    repository:
      policy: {others: keep, accounts: ["111122223333"], public: remove}
      scan_on_push: true
    images: {keep: [{highest: 1}], others: report}
"""


class Registries:
    """AWS as a plan sees it: a registry for each profile and Region, and perhaps a stack."""

    def __init__(self) -> None:
        self.ecr = MemorySettings(clock=lambda: NOW - timedelta(days=40))
        self.table: MemoryTable | None = None
        self.parameters: dict[str, str] = {}
        self.denied: set[str | None] = set()
        self.asked: list[tuple[str | None, str | None]] = []

    def push(self, repository: str, tag: str, name: str) -> None:
        self.ecr.put_image(repositoryName=repository, imageManifest=manifest(name), imageTag=tag)

    def run(self, rules: Path, *options: str) -> Result:
        outside = Outside(
            client=self._clients(None, None),
            now=lambda: NOW,
            sleep=lambda seconds: None,
            open_table=lambda client, name: self.table or MemoryTable(),
            elsewhere=self._clients,
        )
        return CliRunner().invoke(plan, ["--rules", str(rules), *options], obj=outside)

    def _clients(self, profile: str | None, region: str | None) -> Callable[[str], Any]:
        self.asked.append((profile, region))

        def client(service: str) -> Any:
            if profile in self.denied:
                raise ProfileNotFound(profile=str(profile))
            return {"ecr": self._ecr(region), "sts": _Sts(profile),
                    "cloudformation": _Stacks(self.table, self.parameters),
                    "dynamodb": None}[service]  # fmt: skip

        return client

    def _ecr(self, region: str | None) -> MemorySettings:
        meta = SimpleNamespace(region_name=region or "eu-west-1", endpoint_url="https://ecr")
        self.ecr.meta = meta  # type: ignore[attr-defined]
        return self.ecr


class _Sts:
    def __init__(self, profile: str | None) -> None:
        self._account = "123456789012" if profile is None else "111122223333"

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": self._account}


class _Stacks:
    meta = SimpleNamespace(region_name="eu-west-1")

    def __init__(self, table: MemoryTable | None, parameters: dict[str, str]) -> None:
        self._is_there = table is not None
        self._parameters = parameters

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if not self._is_there:
            raise refusal("ValidationError", "DescribeStacks")
        output = {"OutputKey": "HistoryTableName", "OutputValue": "history"}
        stack = {"StackStatus": "CREATE_COMPLETE", "CreationTime": NOW, "Outputs": [output]}
        given = [{"ParameterKey": k, "ParameterValue": v} for k, v in self._parameters.items()]
        return {"Stacks": [{**stack, "Parameters": given}]}


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)
    return file


@pytest.fixture
def registries() -> Registries:
    """One repository that is not as its rule has it, one that is, one of no rule."""
    found = Registries()
    for name in ("base/redis", "base/right", "other/app"):
        found.ecr.create_repository(
            repositoryName=name, imageScanningConfiguration={"scanOnPush": name != "base/redis"}
        )
    for tag, name in (("1.4.1", "a"), ("1.4", "a"), ("1.4.2", "b"), ("test", "b")):
        found.push("base/redis", tag, name)
    for tag in ("2.0.0", "2.0", "latest"):
        found.push("base/right", tag, "c")
    found.ecr.set_repository_policy(repositoryName="base/redis", policyText=policy(OURS, ANYONE))
    return found


def planned(registries: Registries, rules: Path, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(registries.run(rules, "--json", *options).stdout)
    return found


def test_a_plan_says_what_would_change_and_nothing_is_written(
    registries: Registries, rules: Path
) -> None:
    before = registries.ecr.calls.copy()
    region = planned(registries, rules)["accounts"]["123456789012"]["eu-west-1"]
    redis = region["repositories"]["base/redis"]
    assert [(each["kind"], each["tag"], each["to"]) for each in redis["changes"]] == [
        ("move", "1.4", image("b")), ("move", "latest", image("b")), ("remove", "test", None),
    ]  # fmt: skip
    assert redis["tags"] == {
        "1.4": image("b"), "1.4.1": image("a"), "1.4.2": image("b"), "latest": image("b"),
    }  # fmt: skip
    assert [(c["setting"], c["problem"], c["action"]) for c in redis["settings"]["changes"]] == [
        ("policy", "public", "correct"), ("scan_on_push", "different", "correct"),
    ]  # fmt: skip
    kept = {each["digest"]: each["by"] for each in redis["images"]}
    assert kept == {image("a"): "stable", image("b"): "highest"}
    assert region["without_rule"] == ["other/app"]
    assert not {
        name for name in registries.ecr.calls - before
        if not name.startswith(("Describe", "List", "Get", "BatchGet"))
    }  # fmt: skip


def test_what_is_right_already_is_quiet_and_ends_well(registries: Registries, rules: Path) -> None:
    played = registries.run(rules, "--repository", "base/right")
    assert played.output == "1 repository looked at: nothing would change.\n"
    assert played.exit_code == 0


def test_the_report_begins_with_counts_then_what_to_look_at_first(
    registries: Registries, rules: Path
) -> None:
    played = registries.run(rules)
    verdict, _, first, *rest = played.stdout.splitlines()
    assert verdict == (
        "2 repositories looked at, 1 more without a rule: 2 tags would move, 1 tag would be "
        "removed, 1 setting differs, 1 setting lets anyone in."
    )
    assert first == "Look at these first:"
    assert rest[0].startswith("  base/redis: remove")
    assert "policy public" in rest[1]
    assert played.exit_code == 1


def test_without_a_stack_there_is_no_history_and_with_one_its_holds_count(
    registries: Registries, rules: Path
) -> None:
    registries.table = MemoryTable()
    held = History(registries.table).holds
    held.put("base/redis", Hold("1.4", NOW, None, "ada"))
    region = planned(registries, rules)["accounts"]["123456789012"]["eu-west-1"]
    changes = region["repositories"]["base/redis"]["changes"]
    assert [each["kind"] for each in changes if each["tag"] == "1.4"] == ["held"]
    before = list(registries.table.query("repo#base/redis"))
    assert [item.sk for item in before] == ["hold#1.4"]


def test_what_the_stack_knows_to_run_stays(registries: Registries, rules: Path) -> None:
    registries.table = MemoryTable()
    registries.push("base/right", "1.0.0", "old")
    seen = Running("base/right", image("old"), "ecs", "ecs:prod/web", "", NOW, NOW)
    RunningImages(registries.table, timedelta(days=7)).saw([seen])
    region = planned(registries, rules)["accounts"]["123456789012"]["eu-west-1"]
    kept = {each["digest"]: each["by"] for each in region["repositories"]["base/right"]["images"]}
    assert kept[image("old")] == "running"
    registries.table = None
    region = planned(registries, rules)["accounts"]["123456789012"]["eu-west-1"]
    kept = {each["digest"]: each["by"] for each in region["repositories"]["base/right"]["images"]}
    assert kept[image("old")] in (None, "stable")


def test_what_the_stack_may_not_do_is_planned_as_it_will_be_and_said(
    registries: Registries, rules: Path
) -> None:
    rules.write_text(RULES.replace("others: report", "others: expire"))
    registries.table = MemoryTable()
    registries.parameters = {
        "Mode": "enforce", "SettingsMode": "audit", "AllowTagRemoval": "false",
        "AllowExpiry": "false",
    }  # fmt: skip
    played = registries.run(rules)
    assert "1 tag would be rejected" in played.stdout.splitlines()[0]
    assert played.stdout.endswith(
        "As things are:\n"
        "  1 of these repositories has a rule in audit: the steward only reports there, until it "
        "says enforce.\n"
        "  The stack has SettingsMode=audit: no setting is corrected.\n"
        "  The stack has AllowTagRemoval=false: unknown tags are reported, and stay.\n"
        "  The stack has AllowExpiry=false: images are announced, and do not expire.\n"
    )
    registries.parameters["Mode"] = "audit"
    assert registries.run(rules).stdout.endswith("has Mode=audit: nothing is changed.\n")


def test_the_stack_says_how_long_an_image_that_ran_stays(
    registries: Registries, rules: Path
) -> None:
    registries.table = MemoryTable()
    registries.push("base/right", "1.0.0", "old")
    ago = NOW - timedelta(days=20)
    seen = Running("base/right", image("old"), "ecs", "ecs:prod/web", "", ago, ago, ago)
    RunningImages(registries.table, timedelta(days=90)).saw([seen])

    def by(*options: str) -> str | None:
        region = planned(registries, rules, *options)["accounts"]["123456789012"]["eu-west-1"]
        images = region["repositories"]["base/right"]["images"]
        (found,) = (each["by"] for each in images if each["digest"] == image("old"))
        return found if found is None else str(found)

    registries.parameters = {"RunningGraceDays": "30"}
    assert by() == "ran"
    assert by("--grace-days", "7") != "ran"


def test_a_registry_that_cannot_be_reached_at_all_is_one_sentence(
    registries: Registries, rules: Path
) -> None:
    registries.denied.add("gone")
    one = registries.run(rules, "--profile", "gone", "--region", "eu-west-1")
    assert (one.exit_code, one.stdout) == (2, "")
    assert one.stderr == (
        "The config profile (gone) could not be found: `aws configure list-profiles` shows yours; "
        "name one, or unset AWS_PROFILE.\n"
    )
    both = registries.run(rules, "--profile", "gone", "--profile", "prod")
    assert both.exit_code == 1
    assert "Could not be read:\n  profile gone: The config profile" in both.stdout
    assert "unknown" not in both.stdout.replace("`unknown`", "")


def test_each_profile_and_region_is_looked_at_and_one_that_denies_is_a_line(
    registries: Registries, rules: Path
) -> None:
    registries.denied.add("gone")
    options = (
        "--profile",
        "prod",
        "--profile",
        "gone",
        "--region",
        "eu-west-1",
        "--region",
        "us-east-1",
    )
    found = planned(registries, rules, *options)
    assert set(found["accounts"]["111122223333"]) == {"eu-west-1", "us-east-1"}
    (line,) = found["accounts"]["unknown"]["us-east-1"]["unread"]
    assert line["what"] == "profile gone"
    assert "could not be found" in line["why"]
    assert found["totals"]["unread"] == 2


def test_each_account_and_region_has_totals_of_its_own(registries: Registries, rules: Path) -> None:
    found = planned(registries, rules, "--profile", "prod", "--region", "us-east-1")
    (regions,) = found["accounts"].values()
    assert regions["us-east-1"]["totals"] == found["totals"]
    registries.denied.add("gone")
    denied = planned(registries, rules, "--profile", "gone", "--profile", "gone")
    assert denied["accounts"]["unknown"]["unknown"]["totals"]["unread"] == 2


def test_a_repository_that_cannot_be_read_is_a_line(registries: Registries, rules: Path) -> None:
    def refuse(operation: str, asked: dict[str, Any]) -> None:
        if asked.get("repositoryName") == "base/redis":
            raise denied(operation)

    registries.ecr.before = refuse
    played = registries.run(rules)
    assert played.exit_code == 1
    assert "base/redis: DescribeImages: AccessDeniedException" in played.stdout
    assert "1 not read" in played.stdout


def test_a_comment_for_a_pull_request_begins_with_its_marker(
    registries: Registries, rules: Path
) -> None:
    assert registries.run(rules, "--markdown").stdout.startswith("<!-- ecr-steward plan -->\n")
    both = registries.run(rules, "--markdown", "--json")
    assert both.exit_code == 2
    assert "--json or --markdown" in both.stderr


def test_a_plan_is_kept_as_it_is_printed_and_as_a_page(
    registries: Registries, rules: Path, tmp_path: Path
) -> None:
    kept, page = tmp_path / "plan.json", tmp_path / "plan.html"
    played = registries.run(rules, "--json", "--out", str(kept), "--html", str(page))
    assert json.loads(kept.read_text()) == json.loads(played.stdout)
    assert "other/app" in page.read_text(encoding="utf-8")


def test_a_throttle_is_waited_out(registries: Registries, rules: Path) -> None:
    left = iter(range(3))

    def throttle(operation: str, asked: dict[str, Any]) -> None:
        if operation == "DescribeImages" and next(left, None) is not None:
            raise refusal("ThrottlingException", operation)

    registries.ecr.before = throttle
    assert planned(registries, rules)["totals"]["unread"] == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "must be a list"),
        ("- {role: admin}", "Entry 1: `role` must be the ARN of a role"),
        ("- {account: 1}", "Entry 1 takes external_id, regions, role"),
        (
            "- {role: 'arn:aws:iam::210987654321:role/Read', regions: x}",
            "must be a list of Regions",
        ),
        ("- [", "It cannot be read"),
    ],
)
def test_an_accounts_file_that_is_wrong_is_refused(
    registries: Registries, rules: Path, tmp_path: Path, text: str, why: str
) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(text)
    played = registries.run(rules, "--accounts", str(file))
    assert played.exit_code == 2
    assert why in played.stderr


def test_an_interrupted_plan_is_gone_on_from(
    registries: Registries, rules: Path, tmp_path: Path
) -> None:
    for number in range(40):
        name = f"base/z-{number:02}"
        registries.ecr.create_repository(repositoryName=name)
        registries.push(name, "1.0.0", "z")
    whole = planned(registries, rules, "--fresh")

    def interrupt(operation: str, asked: dict[str, Any]) -> None:
        if operation == "DescribeImages" and asked["repositoryName"] == "base/z-30":
            raise KeyboardInterrupt

    registries.ecr.before = interrupt
    assert "goes on from there" in registries.run(rules).stderr
    (cache,) = (tmp_path / "cache" / "ecr-steward" / "plan").iterdir()
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    read = len(cache.read_text(encoding="utf-8").splitlines())
    registries.ecr.before = lambda operation, asked: None
    before = registries.ecr.calls["DescribeImages"]
    assert planned(registries, rules) == whole
    assert registries.ecr.calls["DescribeImages"] - before == 42 - read < 42
    assert not cache.exists()


def test_on_a_terminal_a_bar_says_how_far_how_fast_and_how_long_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    monkeypatch.setattr("ecr_steward_cli.commands.plan.Console", lambda **_: screen)
    with progress("123456789012 eu-west-1") as heard:
        for number in range(1, 1_001):
            heard(number, 2_000)
    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert re.search(r"1000/2000 repositories, [0-9,.]+.* \d+:\d\d left", shown)
    assert max(map(len, re.split(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n", shown))) <= 80
