"""Plan, switch to enforce, `sweep --plan`: the command line, the real functions, a table."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.tags import History
from ecr_steward.rules import compiled
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact
from ecr_steward.words.hints import Action, Hint
from ecr_steward_cli.commands.plan import plan
from ecr_steward_cli.commands.sweep import sweep
from ecr_steward_cli.deployed.stack import Outside, Stack
from ecr_steward_cli.rules_file import load
from tests.handlers.functions import QUEUE, SETTINGS_QUEUE, TABLE, Aws, Function
from tests.support.facts import returned, sqs_record
from tests.support.planned import DONE, made, wanted
from tests.support.settings_world import ANYONE, OURS, policy
from tests.support.world import image, manifest
from tests.unit.cli.stack_fakes import Deployed, rules_layer

RULES = """\
version: 1
registry: {scanning: {type: BASIC, rules: [{frequency: SCAN_ON_PUSH, filters: ["*"]}]}}
rules:
  - repositories: ["base/*"]
    mode: enforce
    tags:
      unique: [semver]
      stable: [{tag: "{major}.{minor}", follows: highest}, {tag: latest, follows: highest}]
      unknown: remove
      overwritten: restore
    repository:
      policy: {others: keep, accounts: ["111122223333"], public: remove}
      resource_tags: {owner: platform}
"""

Start = Callable[[str, Stack], Function]
REPOSITORIES = ("base/app", "base/redis")
NOW = datetime(2026, 11, 28, tzinfo=UTC)


class Live(Deployed):
    """A stack of real functions, which work through its queues while a command waits."""

    def __init__(self, aws: Aws, start: Start, folder: Path) -> None:
        super().__init__()
        self.aws, self.folder = aws, folder
        self._start = start
        self.layer = rules_layer("", load.inspect(folder / "rules.yaml").document)
        self.functions.invoke = self._invoke  # type: ignore[method-assign]
        self.outside = Outside(
            client=self._client,
            now=lambda: datetime.now(UTC),
            sleep=lambda seconds: self.work(),
            download=lambda url: self.layer,
            open_table=lambda client, name: DynamoTable(aws.dynamodb, TABLE),
        )

    def deploy(self, mode: str) -> None:
        self.cloudformation.outputs |= {"Mode": mode, "SettingsMode": mode}

    def push(self, repository: str, **tags: str) -> None:
        """Put tags (`v1_4_2` is `1.4.2`) on images, by name, and tell nobody."""
        for tag, name in tags.items():
            self.aws.ecr.put_image(
                repositoryName=repository,
                imageManifest=manifest(name),
                imageTag=tag.removeprefix("v").replace("_", "."),
            )

    def work(self) -> None:
        """The writers take all that waits, a batch for each queue."""
        while sent := self.aws.sqs.sent:
            self.aws.sqs.sent = []
            for name, queue in (("retag", QUEUE), ("enforce_settings", SETTINGS_QUEUE)):
                bodies = [each["MessageBody"] for each in sent if each["QueueUrl"] == queue]
                records = [sqs_record(body, f"m{n}") for n, body in enumerate(bodies)]
                assert returned(self._start(name, self.stack()).invoke({"Records": records})) == []

    def planned(self) -> dict[str, Any]:
        """What `plan --out` keeps of the registry."""
        self.run(plan, "--rules", str(self.folder / "rules.yaml"), "--out", str(self.file))
        document = json.loads(self.file.read_text())
        found: dict[str, Any] = document["accounts"]["123456789012"]["eu-west-1"]
        return found

    @property
    def file(self) -> Path:
        return self.folder / "plan.json"

    def facts(self) -> list[Fact]:
        """What was done for good, in all repositories and in the registry itself."""
        past = History(DynamoTable(self.aws.dynamodb, TABLE))
        every = [fact for name in ("", *REPOSITORIES) for fact in past.facts(name)]
        return [fact for fact in every if fact.mode == "enforce" and fact.kind in DONE]

    def _client(self, service: str) -> Any:
        return self.aws.ecr if service == "ecr" else super()._client(service)

    def _invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        reply = self._start(FunctionName, self.stack()).invoke(json.loads(Payload))
        return {"Payload": io.BytesIO(json.dumps(reply).encode())}


@pytest.fixture
def live(
    aws: Aws, start: Callable[[str], Function], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Live:
    """A stack in audit that has seen two repositories, in which much was changed since."""
    (tmp_path / "rules.yaml").write_text(RULES)
    document = load.inspect(tmp_path / "rules.yaml").document
    (tmp_path / compiled.FILE).write_text(compiled.dumps(document))
    meta = SimpleNamespace(region_name="eu-west-1", endpoint_url="https://ecr")
    monkeypatch.setattr(aws.ecr, "meta", meta, raising=False)

    def deployed(name: str, stack: Stack) -> Function:
        function = start(name)
        for variable, output in (("STEWARD_MODE", "Mode"), ("SETTINGS_MODE", "SettingsMode")):
            monkeypatch.setenv(variable, stack.output(output))
        monkeypatch.setenv("ALLOW_TAG_REMOVAL", "true")
        monkeypatch.setenv("STEWARD_RULES", str(tmp_path / compiled.FILE))
        return function

    found = Live(aws, deployed, tmp_path)
    found.deploy("audit")
    for repository in REPOSITORIES:
        aws.hold(repository)
        found.push(repository, v1_4_1="old", v1_4="old", latest="old")
    found.run(sweep)
    for repository in REPOSITORIES:
        found.push(repository, v1_4_2="new", v1_4_1="newcomer", wip="new")
        aws.ecr.set_repository_policy(repositoryName=repository, policyText=policy(OURS, ANYONE))
    return found


def test_what_was_planned_is_what_a_sweep_makes_once_the_stack_enforces(live: Live) -> None:
    region = live.planned()
    live.deploy("enforce")
    played = live.run(sweep, "--plan", str(live.file))
    assert made(live.facts()) == wanted(region)
    kinds = Counter(fact.kind.value for fact in live.facts())
    assert kinds == {"restore": 2, "move": 4, "remove": 2, "pin": 2, "correct": 5}
    assert "Of the plan, 15 of 15 changes were made." in played.stdout
    assert (played.exit_code, played.stderr) == (0, "")


def test_what_is_not_in_the_plan_is_left_and_a_push_meanwhile_is_done_whole(live: Live) -> None:
    region = live.planned()
    live.push("base/redis", v1_4_3="newest")
    live.push("base/app", stray="new")
    pushed = Hint("base/redis", Action.PUSH, "1.4.3", image("newest"), Cause("e1", "Push"), NOW)
    live.aws.sqs.send_message(QueueUrl=QUEUE, MessageBody=pushed.to_message())
    live.deploy("enforce")
    played = live.run(sweep, "--plan", str(live.file))
    assert live.aws.ecr.tags("base/redis")["1.4"] == image("newest")
    assert live.aws.ecr.tags("base/app")["stray"] == image("new")
    pushes = [fact for fact in live.facts() if fact.cause.type == "Push"]
    assert {fact.tag for fact in pushes if fact.kind == "move"} == {"1.4", "latest"}
    swept = [fact for fact in live.facts() if fact.cause.type == "Sweep"]
    assert set(made(swept)) == set(wanted(region)) - {
        each for each in wanted(region) if "'base/redis', 'move'" in each
    }
    assert "base/redis has changed since: its tags.\n" in played.stdout
    assert "base/app has changed since: its tags.\n" in played.stdout
    assert played.exit_code == 1
    left = played.stderr.splitlines()
    assert [line.split("`")[1] for line in left[1:]] == ["1.4", "latest"]
