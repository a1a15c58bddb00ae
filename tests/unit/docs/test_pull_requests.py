"""docs/pull-requests.md shows a story and settings; the shipped rules judge both."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from ruamel.yaml import YAML

from ecr_steward.settings.baseline import Settings
from ecr_steward.settings.drift import drift
from ecr_steward.settings.kinds import Around
from ecr_steward_cli.main import main
from ecr_steward_cli.rules_file.load import load
from tests.support.pages import ROOT, blocks, read

YAML_OF = YAML(typ="safe").load
PAGE = read("docs/pull-requests.md")
RULES = ROOT / "layers/rules/rules.yaml"


def test_the_story_that_is_shown_moves_tags_and_leaves_latest(tmp_path: Path) -> None:
    (story,) = blocks(PAGE, "json", '{"repository": ')
    (tmp_path / "story.jsonl").write_text(story, encoding="utf-8")
    arguments = ["simulate", "--rules", str(RULES), str(tmp_path / "story.jsonl")]
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 0, shown.output
    assert "`latest` stays on 2.0.0" in shown.output


def test_the_settings_that_are_shown_differ_from_the_rules_that_are_shipped() -> None:
    (example,) = blocks(PAGE, "json", '{\n  "repository"')
    document = json.loads(example)
    rule = load(RULES).rule_for(document["repository"])
    assert rule is not None
    found = drift(rule.baseline, Settings.from_document(document), Around(rule.tags))
    assert {each.setting for each in found} == {"policy"}


def _github() -> dict[str, Any]:
    (text,) = blocks(PAGE, "yaml", "name: rules")
    found: dict[str, Any] = YAML_OF(text)
    return found


def _gitlab() -> dict[str, Any]:
    (text,) = blocks(PAGE, "yaml", "check:")
    found: dict[str, Any] = YAML_OF(text)
    return found


def test_the_workflow_for_github_is_pinned_and_has_few_rights() -> None:
    workflow = _github()
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    assert [each for each in used if re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", each) is None] == []
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["plan"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert "permissions" not in workflow["jobs"]["check"]
    assert "pull_request_target" not in workflow["on"]
    # What somebody else writes must not become a part of a script.
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_fork_gets_a_role() -> None:
    jobs = _github()["jobs"]
    with_role = [name for name, job in jobs.items() if "configure-aws" in str(job["steps"])]
    assert with_role == ["plan"]
    assert jobs["plan"]["if"] == (
        "github.event.pull_request.head.repo.full_name == github.repository"
    )
    (rule,) = _gitlab()["plan"]["rules"]
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_PATH == $CI_PROJECT_PATH" in rule["if"]
    assert "id_tokens" not in _gitlab()["check"]


def test_both_workflows_check_simulate_and_plan() -> None:
    for workflow in (_github(), _gitlab()):
        run = set(re.findall(r"ecr-steward ([a-z]+)", str(workflow)))
        assert run == {"check", "simulate", "plan"}
