"""docs/pull-requests.md shows a story and settings; the shipped rules judge both."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from ecr_steward.settings.baseline import Settings
from ecr_steward.settings.drift import drift
from ecr_steward.settings.kinds import Around
from ecr_steward_cli.main import main
from ecr_steward_cli.rules_file.load import load
from tests.support.pages import ROOT, blocks, read

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
