from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecr_steward.rules import compiled
from ecr_steward.tags.kinds import Unique
from ecr_steward.tags.versions import Version
from ecr_steward_cli.main import main
from ecr_steward_cli.rules_file.load import load

GOOD = 'version: 1\nrules:\n  - repositories: ["base/*"]\n    tags: {unique: [semver]}\n'

EVERYTHING = """\
version: 1
rules:
  - repositories: ["*"]
    tags:
      unique: [semver, {version: {parts: [2, 4]}}, {pattern: 'r(?P<version>[0-9]+)'}, sha, build]
      variants: ["slim-*"]
      variant_latest: "{tag}-{variant}"
      stable:
        - {tag: latest, follows: highest, within: ["8", "9.1"], not_within: "8.5"}
        - {tag: next, follows: highest, prereleases: true, within: "7"}
        - {tag: edge, follows: newest}
      pin: "{tag}-{pushed:%Y%m%d}-{digest}"
      unknown: remove
      overwritten: restore
"""


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["compile", *args])


@pytest.fixture(autouse=True)
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("rules.yaml").write_text(GOOD)
    return Path("rules.yaml")


def test_the_file_that_functions_read_is_written_with_its_folders() -> None:
    result = run("rules.yaml", "--output", "a/b/rules.json")
    assert result.exit_code == 0
    assert compiled.read("a/b/rules.json") == load("rules.yaml")
    assert result.stdout == f"a/b/rules.json: fingerprint {load('rules.yaml').fingerprint}\n"


def test_the_same_rules_are_the_same_bytes_whatever_the_comments_and_order(rules: Path) -> None:
    run("rules.yaml", "--output", "one.json")
    rules.write_text(
        "# x\nrules:\n- tags: {unique: [semver]}\n  repositories: [base/*]\nversion: 1\n"
    )
    run("rules.yaml", "--output", "two.json")
    assert Path("one.json").read_bytes() == Path("two.json").read_bytes()


def test_a_faulty_file_is_refused_and_nothing_is_written(rules: Path) -> None:
    rules.write_text("version: 1\nrules:\n  - repositories: []\n")
    result = run("./rules.yaml", "--output", "out/rules.json")
    assert result.exit_code == 2
    assert result.stderr == (
        "./rules.yaml:3: `repositories` is empty; name at least one repository or glob.\n"
    )
    assert not Path("out").exists()


def test_warnings_are_said_and_the_file_is_written(rules: Path) -> None:
    rules.write_text("version: 1\nrules: []\n")
    result = run("rules.yaml", "--output", "rules.json")
    assert result.exit_code == 0
    assert result.stderr.startswith("rules.yaml:2: warning: There is no rule")
    assert compiled.read("rules.json").rules == ()


def test_a_scheme_that_says_everything_reads_back_as_it_was_written(rules: Path) -> None:
    rules.write_text(EVERYTHING)
    result = run("rules.yaml", "--output", "rules.json")
    assert result.exit_code == 0
    read = compiled.read("rules.json")
    assert read == load("rules.yaml")
    scheme = read.rules[0].tags
    assert scheme is not None
    assert scheme.stable[0].within == ("8", "9.1")
    unique = Unique("8.4.2-slim-x", Version(("8", "4", "2")), "slim-x")
    assert [line.tag for line in scheme.lines(unique)] == [
        "latest-slim-x", "edge-slim-x",
    ]  # fmt: skip


def test_the_rules_file_itself_is_never_overwritten(rules: Path) -> None:
    result = run("rules.yaml", "--output", "./rules.yaml")
    assert result.exit_code == 2
    assert "this is the rules file itself" in result.stderr
    assert rules.read_text() == GOOD


@pytest.mark.parametrize("output", [".", "rules.yaml/rules.json"])
def test_a_place_that_cannot_be_written_is_one_sentence(output: str) -> None:
    result = run("rules.yaml", "--output", output)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{output.removeprefix('./')}: the file cannot be written: ")


def test_the_output_must_be_named() -> None:
    assert run("rules.yaml").exit_code == 2


def test_the_content_of_files_beside_the_rules_is_compiled_with_them() -> None:
    Path("lifecycle.json").write_text('{"rules": []}')
    Path("rules.yaml").write_text(
        f"{GOOD}    repository: {{lifecycle: {{file: lifecycle.json}}}}\n"
    )
    assert run("rules.yaml", "--output", "rules.json").exit_code == 0
    Path("lifecycle.json").unlink()
    (rule,) = compiled.read("rules.json").rules
    assert rule.repository == {"lifecycle": {"rules": []}}
    assert rule.baseline.reads == {"lifecycle"}
