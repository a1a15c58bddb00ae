"""What comes from people, from AWS and from files is text: every command shows it as escapes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ecr_steward.history.holds import Hold
from ecr_steward.history.running import RunningImages
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.running import Running
from ecr_steward_cli.main import COMMANDS, main
from tests.support.world import VERSIONS, image, manifest
from tests.unit.cli.stack_fakes import NOW, RETAG, Deployed, fact, refusal, rules_layer

NAME = "base/redis"
EVIL = "\x1b[2J\x07\r\u202eevil\u200b\x9b31m :fire:"
SHOWN = "\\u001b[2J"
SETTINGS = {"resource_tags": {"owner": "ada"}}
RULES = json.dumps({"version": 1, "rules": [{**VERSIONS, "repository": SETTINGS}]})
DIGEST = image("1.4.2")


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """A stack whose history, holds and workloads hold what others wrote there."""
    monkeypatch.chdir(tmp_path)
    Path("rules.yaml").write_text(RULES)
    made = Deployed()
    made.layer = rules_layer("3a92dae3b84f", json.loads(RULES))
    made.ecr.create_repository(repositoryName=NAME)
    for tag in ("1.4.2", "1.4"):
        made.ecr.put_image(repositoryName=NAME, imageManifest=manifest("1.4.2"), imageTag=tag)
    cause = Cause(EVIL, EVIL, EVIL)
    made.history.record(
        fact(FactKind.MOVE, NOW, tag="1.4", digest=DIGEST, reason=EVIL, cause=cause, rule=EVIL)
    )
    made.history.holds.put(NAME, Hold("1.4", NOW, None, EVIL, EVIL))
    made.history.holds.put(NAME, Hold("1", NOW, None, "ECR Steward", EVIL, automatic=True))
    uri = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/{NAME}:1.4"
    running = Running(NAME, DIGEST, "ecs", EVIL, uri, NOW, NOW)
    RunningImages(made.table, timedelta(days=7)).looked("ecs", [running], NOW)
    return made


def written(content: str) -> str:
    Path("given").write_text(content, encoding="utf-8")
    return "given"


def image_line(**given: Any) -> str:
    return written(json.dumps({"repository": NAME, "digest": DIGEST, **given}))


def settings(**given: Any) -> str:
    return written(json.dumps({"repository": NAME, **given}))


def denied(method: str) -> Callable[[Deployed], None]:
    return lambda deployed: deployed.refusals.update({method: refusal(EVIL, "Ask", EVIL)})


def nothing(_: Deployed) -> None:
    return


def failed(deployed: Deployed) -> None:
    deployed.sqs.hold("NotifyFailureQueue", {"retry": {"channel": EVIL}})


def answers(**reply: Any) -> Callable[[Deployed], None]:
    return lambda deployed: deployed.functions.reply.update(reply)


def breaks(deployed: Deployed) -> None:
    deployed.functions.reply, deployed.functions.error = {"errorMessage": EVIL}, EVIL


def paused(deployed: Deployed) -> None:
    deployed.functions.states[RETAG] = EVIL


MOVES = ["--rules", "rules.yaml"]
TYPED: list[tuple[str, Callable[[], list[str]], Callable[[Deployed], None]]] = [
    ("history", lambda: [NAME, "--verbose"], nothing),
    ("history", lambda: [f"{NAME}:1.4", "--at", "2026-11-24"], nothing),
    ("history", lambda: [EVIL], nothing),
    ("why", lambda: [f"{NAME}:1.4"], nothing),
    ("status", list, nothing),
    ("status", list, paused),
    ("status", list, denied("RetagQueue")),
    ("status", lambda: ["--stack", EVIL], nothing),
    ("running", list, nothing),
    ("running", lambda: ["import", "--source", "eks", written(json.dumps([EVIL]))], nothing),
    ("redrive", list, failed),
    ("redrive", lambda: [EVIL], nothing),
    ("hold", lambda: [f"{NAME}:1.4", "--reason", EVIL], nothing),
    ("release", lambda: [f"{NAME}:1.4"], nothing),
    ("rollback", lambda: [f"{NAME}:1.4", "--to", EVIL], nothing),
    ("wait", lambda: [f"{NAME}:1.4", "--for", EVIL], nothing),
    ("pause", list, denied("update_event_source_mapping")),
    ("resume", list, denied("get_event_source_mapping")),
    ("notify-test", lambda: ["ops"], answers(channel="ops", sent=True, answer=EVIL)),
    ("notify-test", lambda: ["ops"], answers(known=[EVIL])),
    ("sweep", list, breaks),
    ("init", lambda: [written(EVIL)], nothing),
    ("check", lambda: [written(json.dumps({"version": 1, EVIL: 1}))], nothing),
    ("check", lambda: ["rules.yaml", "--explain", EVIL], nothing),
    ("compile", lambda: [EVIL, "--output", "out"], nothing),
    ("schema", lambda: [EVIL], nothing),
    ("probe", lambda: ["--with", EVIL], nothing),
    ("plan", lambda: [*MOVES, "--region", EVIL], nothing),
    ("simulate", lambda: [*MOVES, image_line(tag=EVIL)], nothing),
    ("simulate", lambda: [*MOVES, "--why", EVIL, image_line(tag="1")], nothing),
    ("drift", lambda: [*MOVES, settings(resource_tags={"owner": EVIL})], nothing),
    ("drift", lambda: [*MOVES, settings(**{EVIL: 1})], nothing),
    ("retention", lambda: [*MOVES, image_line(tags=[EVIL])], nothing),
    ("retention", lambda: [*MOVES, "--at", EVIL, image_line()], nothing),
]


def test_every_command_is_tried() -> None:
    assert {command for command, _, _ in TYPED} == set(COMMANDS)


@pytest.mark.parametrize(("command", "arguments", "happens"), TYPED)
def test_what_others_wrote_reaches_nobodys_terminal(
    deployed: Deployed,
    command: str,
    arguments: Callable[[], list[str]],
    happens: Callable[[Deployed], None],
) -> None:
    happens(deployed)
    typed = [command, *arguments()]
    result = CliRunner().invoke(main, typed, obj=deployed.outside, prog_name="ecr-steward")
    assert isinstance(result.exception, SystemExit | None)
    assert SHOWN in result.output
    assert [each for each in result.output if not each.isprintable() and each != "\n"] == []
