from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ecr_steward_cli.main import COMMANDS, main
from ecr_steward_cli.rules_file.load import load, schema
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal

GOOD = """\
version: 1
rules:
  - repositories: ["base/*"]
    mode: enforce
    tags:
      unique: [semver]
      stable: [{tag: latest, follows: highest}]
"""


def run(*args: str) -> Result:
    return CliRunner().invoke(main, args, prog_name="ecr-steward")


@pytest.fixture
def good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("rules.yaml").write_text(GOOD)
    return "rules.yaml"


def test_a_good_file_is_one_line_with_its_rules_and_fingerprint(good: str) -> None:
    result = run("check", good)
    assert result.exit_code == 0
    assert result.stdout == f"rules.yaml: 1 rule, fingerprint {load(good).fingerprint}\n"
    assert result.stderr == ""


def test_each_fault_is_a_line_on_stderr_under_the_name_that_the_caller_wrote(good: str) -> None:
    Path(good).write_text("version: 2\nrules:\n  - repositores: [a]\n    mode: on\n")
    result = run("check", f"./{good}")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert [line.split(" ")[0] for line in result.stderr.splitlines()] == [
        "./rules.yaml:1:", "./rules.yaml:3:", "./rules.yaml:4:",
    ]  # fmt: skip


@pytest.mark.parametrize("rules", ["none.yaml", "."])
def test_a_path_that_is_no_file_is_a_fault_of_no_line(good: str, rules: str) -> None:
    result = run("check", rules)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{rules}: Th")
    assert result.stderr.count("\n") == 1


def test_a_warning_goes_to_stderr_and_leaves_the_exit_code_at_zero(good: str) -> None:
    Path(good).write_text(GOOD + "  - repositories: [base/redis]\n")
    result = run("check", good)
    assert result.exit_code == 0
    assert result.stdout.startswith("rules.yaml: 2 rules, fingerprint ")
    assert result.stderr == (
        "rules.yaml:8: warning: This rule never wins: "
        "all that it names matches the rule on line 3 first.\n"
    )


def test_explain_says_which_rule_wins_and_what_it_means(good: str) -> None:
    result = run("check", good, "--explain", "base/redis")
    assert result.exit_code == 0
    assert "base/redis: the rule on line 3 wins (base/*)." in result.stdout
    assert "a push of 1.4.2 puts latest on its image" in result.stdout


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("base/redis:1.4.2", "A push of 1.4.2 puts latest on its image unless a higher release"),
        ("base/redis:1.4.2-slim", "A push of 1.4.2-slim moves nothing: `1.4.2-slim` is read as"),
        ("base/redis:latest", "A push of latest by hand does not last: `latest` follows the high"),
        ("apps/web:1.4.2", "A push of 1.4.2 moves nothing: no rule matches apps/web; it is left"),
        ("base/redis:odd", "A push of odd moves nothing: `odd` is neither a unique nor a stable"),
    ],
)
def test_explain_says_what_a_push_of_a_tag_does_or_why_nothing(
    good: str, name: str, last: str
) -> None:
    assert run("check", good, "--explain", name).stdout.splitlines()[-1].startswith(last)


def test_a_wrong_kind_and_a_bare_number_each_name_the_way_out(good: str) -> None:
    Path(good).write_text(GOOD.replace("[semver]", "[calver]").replace("}]", ", within: 8}]"))
    result = run("check", good)
    assert result.exit_code == 2
    assert result.stderr == (
        "rules.yaml:6: `calver` is not a kind of unique tag; did you mean "
        "`{version: {parts: N}}`? There are semver, sha, build, timestamp, "
        '{version: {parts: N}}, {pattern: "…"}.\n'
        'rules.yaml:7: `within` must be a string; put it in quotes: "8".\n'
    )


def test_what_the_stack_must_allow_is_said_on_stderr_and_in_the_explanation(good: str) -> None:
    Path(good).write_text(GOOD + "      unknown: remove\n")
    result = run("check", good, "--explain", "base/redis")
    assert result.exit_code == 0
    assert result.stderr.startswith("rules.yaml:8: warning: `unknown: remove` acts only where")
    assert "where the stack parameter AllowTagRemoval allows it" in result.stdout


def test_explain_shows_what_a_push_of_each_variant_moves(good: str) -> None:
    Path(good).write_text(GOOD + "      variants: [alpine]\n")
    result = run("check", good, "--explain", "base/redis")
    assert "a push of 1.4.2-alpine puts alpine on its image" in result.stdout


def test_explain_says_that_a_repository_without_a_rule_is_left_alone(good: str) -> None:
    result = run("check", good, "--explain", "redis")
    assert result.exit_code == 0
    assert "redis: no rule matches; the repository is left alone." in result.stdout


def test_explain_refuses_what_cannot_be_a_repository(good: str) -> None:
    result = run("check", good, "--explain", "base/*")
    assert result.exit_code == 2
    assert "`base/*` cannot be a repository's name" in result.stderr


def test_explain_of_a_faulty_file_is_its_faults_alone(good: str) -> None:
    Path(good).write_text("version: 2\nrules: []\n")
    result = run("check", good, "--explain", "redis")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == "rules.yaml:1: `version` must be 1; it is `2`.\n"


@pytest.mark.parametrize("args", [[], ["check"], ["chek", "x"], ["check", "--nope", "x"]])
def test_wrong_usage_is_exit_code_two(args: list[str]) -> None:
    assert run(*args).exit_code == 2


def test_the_schema_is_printed_as_it_is() -> None:
    result = run("schema")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == schema()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_under_its_own_name(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: ecr-steward {name} ")
    examples = re.findall("^ +(?:.* )?ecr-steward ([a-z-]+)", result.stdout, re.MULTILINE)
    assert re.search("^  Examples?:$", result.stdout, re.MULTILINE)
    assert name in examples
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_help_lists_every_command_with_its_line() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name, (_, line) in COMMANDS.items():
        assert name in result.stdout
        assert line in result.stdout


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").stdout == "ecr-steward 0.1.0\n"


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        (NeedsAttention("look here"), 1, "look here\n"),
        (NeedsAttention(), 1, ""),
        (Refusal("x:1: no."), 2, "x:1: no.\n"),
    ],
)
def test_a_command_ends_with_the_code_and_the_message_of_its_ending(
    ending: click.ClickException, code: int, said: str
) -> None:
    @click.command()
    def command() -> None:
        raise ending

    result = CliRunner().invoke(command)
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", said)


def test_checking_imports_no_aws_library_and_help_imports_no_command(good: str) -> None:
    for args, unwanted in [
        (f"'check', {good!r}", {"boto3", "botocore", "rich"}),
        ("'--help'", {"boto3", "botocore", "rich", "ruamel.yaml.main", "jsonschema"}),
    ]:
        script = (
            "import sys; from ecr_steward_cli.main import main\n"
            f"try: main([{args}])\n"
            "except SystemExit as end: assert not end.code\n"
            "print(*sys.modules)"
        )
        ran = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        assert not set(ran.stdout.split()) & unwanted


def test_the_command_line_runs_as_a_module_too(good: str) -> None:
    command = [sys.executable, "-m", "ecr_steward_cli.main", "check", good]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    assert ran.stdout.startswith("rules.yaml: 1 rule")


def test_the_shipped_rules_name_the_schema_that_ships_beside_them() -> None:
    shipped = Path(__file__).parents[3] / "layers" / "rules"
    first = (shipped / "rules.yaml").read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=rules.schema.json"
    said = json.loads((shipped / "rules.schema.json").read_text("utf-8"))
    assert said == schema(), "`make tables` writes it"
