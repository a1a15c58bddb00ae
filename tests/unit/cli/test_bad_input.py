"""Bad input of every kind ends in one sentence and exit 2, whatever command gets it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecr_steward_cli.main import COMMANDS, main
from tests.unit.cli.stack_fakes import Deployed

RULES = """\
version: 1
rules:
  - repositories: ["base/*"]
    tags: {unique: [semver], stable: [{tag: latest, follows: highest}]}
"""
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ODD = (
    "", "-", ".", "..", "/", "no.yaml", "rules.yaml", "bytes", "push.jsonl", "base/redis",
    "base/redis:latest", "Base/Redis", "b\u00e4se/redis:1", "base/redis:1:2", "a", "*", "*:x",
    "\x1b[2J", "x" * 300, "--", "--json", "--at", "--last", "0", "-1", "1e9", "2026-13-01", "9999d",
    "0001-01-01", "0001-01-01T00:00:00+23:59", "sha256:1", "\udcff", "a\nb", "\0", "--rules",
    "--until", "--since", "--explain", "--for", "--to", "--timeout", "--why", "--output", "--stack",
    "--repository",
)  # fmt: skip
EACH = 60
"""Command lines for each command."""


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("rules.yaml").write_text(RULES)
    Path("bytes").write_bytes(bytes(range(256)))
    Path("tags").write_text("base/redis:1.4.2\n")
    Path("half").write_text('{"repository": "base/redis", "tag": "1.4.2"}\n{"tag": }\n')
    Path("push.jsonl").write_text('{"repository": "base/redis", "tag": "1.4.2"}\n')
    return tmp_path


def run(*arguments: str, deployed: Deployed | None = None, text: str = "") -> Result:
    obj = None if deployed is None else deployed.outside
    return CliRunner().invoke(main, arguments, input=text, obj=obj, prog_name="ecr-steward")


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_whatever_is_typed_ends_with_a_sentence(command: str) -> None:
    chance = random.Random(command)  # noqa: S311
    deployed = Deployed()
    if command == "notify-test":
        deployed.functions.reply = {"known": ["email"]}
    for _ in range(EACH):
        arguments = [chance.choice(ODD) for _ in range(chance.randrange(1, 5))]
        result = run(
            command, *arguments, deployed=deployed, text=chance.choice(("", RULES, "\0", "["))
        )
        said = result.stderr
        assert isinstance(result.exception, SystemExit | None), (arguments, result.exception)
        assert result.exit_code in (0, 1, 2), (arguments, said)
        assert "itself failed" not in said, (arguments, said)
        assert "\x1b" not in said, arguments
        if result.exit_code == 2:
            assert said.strip(), arguments
            assert result.stdout == "", arguments


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("simulat",), "ecr-steward: There is no command `simulat`. Did you mean `simulate`?"),
        (("frobnicate",), "ecr-steward: There is no command `frobnicate`. `ecr-steward --help`"),
        (("check", "no.yaml"), "no.yaml: There is no such file."),
        (("check", "bytes"), "bytes:2: The file is not UTF-8 text"),
        (("check", "rules.yaml", "--explain", "a"), "ecr-steward check: Invalid value for '--ex"),
        (("history", "B:1"), "ecr-steward history: Invalid value for 'REPOSITORY[:TAG]': `B` ca"),
        (
            ("hold", "base/a:-1"),
            "ecr-steward hold: Invalid value for 'REPOSITORY:TAG': `-1` cannot",
        ),
        (("simulate", "--rules", "rules.yaml", "no"), "no: There is no such file."),
        (("simulate", "--rules", "rules.yaml", "bytes"), "bytes:2: The file is not UTF-8 text"),
    ],
)
def test_one_sentence_says_what_is_wrong(typed: tuple[str, ...], said: str) -> None:
    result = run(*typed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("simulate --rules rules.yaml tags", "tags:1: This is not JSON: Expecting value. Write an"),
        ("simulate --rules rules.yaml half", "half:2: This is not JSON: Expecting value, at colu"),
        (f"check rules.yaml --explain {HOST}/base/redis", "names a registry: leave out everything"),
        ("history base/redis --last x", "'x' is not a valid whole number."),
        ("history base/redis --at 2026-11-31", "--at: `2026-11-31` is no time: day is out of"),
        ("running import --source eks no", "no: There is no such file."),
        ("retention --rules rules.yaml --at soon push.jsonl", "--at: `soon` is no ISO 8601 time."),
    ],
)
def test_the_sentence_names_what_is_wrong_and_the_way_out(typed: str, said: str) -> None:
    result = run(*typed.split())
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert said in result.stderr


def test_no_command_at_all_shows_which_there_are() -> None:
    result = run()
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: ecr-steward ")


def test_rules_are_read_from_standard_input_too() -> None:
    result = run("check", "-", text=RULES)
    assert (result.exit_code, result.stdout[:10]) == (0, "-: 1 rule,")


# Where only a process of its own shows it


def steward(
    *arguments: str, env: dict[str, str] | None = None, out: int = subprocess.PIPE
) -> tuple[int, str]:
    known = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1"}
    done = subprocess.run(
        [sys.executable, "-m", "ecr_steward_cli.main", *arguments],
        env={**known, **keys, "AWS_EC2_METADATA_DISABLED": "true", **(env or {})},
        stdout=out,
        stderr=subprocess.PIPE,
        check=False,
    )
    return done.returncode, done.stderr.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_sentence() -> None:
    with Path("/dev/full").open("wb") as full:
        code, said = steward("check", "rules.yaml", out=full.fileno())
    assert (code, said) == (2, "The output cannot be written: No space left on device.\n")


def test_an_output_without_arrows_gets_ascii() -> None:
    code = "from ecr_steward_cli.terminal.text import *; encode_all(); say('a \\u2192 b \\u00fc')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == b"a -> b \\u00fc\n"


def test_an_endpoint_that_is_no_url_is_one_sentence() -> None:
    code, said = steward("status", env={"AWS_ENDPOINT_URL": "nonsense"})
    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith("Invalid endpoint: nonsense: AWS_ENDPOINT_URL, or the endpoint in")
