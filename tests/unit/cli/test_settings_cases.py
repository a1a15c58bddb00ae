"""Settings as people have them, and what `check` and `drift` must say of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from ecr_steward_cli.main import main

CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(
    Path(__file__).parents[2].joinpath("settings_cases.yaml").read_text("utf-8")
)
ACCOUNT = "111122223333"


def named(kind: str) -> list[Any]:
    found = [each for each in CASES if kind in each]
    return [pytest.param(each, id=each["name"]) for each in found]


@pytest.mark.parametrize("case", named("check"))
def test_what_cannot_be_meant_is_refused(case: dict[str, Any], tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(case["rules"], "utf-8")
    result = CliRunner().invoke(main, ["check", str(rules)])
    assert result.exit_code == 2
    assert re.search(rf"rules\.yaml:[0-9]+: .*({case['says']})", result.stderr, re.IGNORECASE)


@pytest.mark.parametrize("case", named("changes"))
def test_what_differs_is_found_and_nothing_else(case: dict[str, Any], tmp_path: Path) -> None:
    rule = {
        "repositories": ["team/*"],
        "mode": "enforce",
        "repository": case["settings"],
        **({"tags": case["tags"]} if "tags" in case else {}),
    }
    rules = tmp_path / "rules.yaml"
    rules.write_text(json.dumps({"version": 1, "rules": [rule]}), "utf-8")
    actual = json.dumps({"repository": "team/a", **case["actual"]})
    command = ["drift", "--rules", str(rules), "--account", ACCOUNT, "--json", "-"]
    result = CliRunner().invoke(main, command, input=actual)
    assert result.exit_code == (1 if case["changes"] else 0), result.output
    changes = json.loads(result.stdout)["changes"]
    found = [f"{c['setting']} {c['problem']} {c['action']} {c['subject']}" for c in changes]
    assert [w for w in case["changes"] if not any(f.startswith(w) for f in found)] == []
    assert [f for f in found if not any(f.startswith(w) for w in case["changes"])] == []
