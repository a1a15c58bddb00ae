"""Completion, as the shells themselves do it with the scripts that they get."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecr_steward_cli.main import COMMANDS, main

_ASK = {
    "bash": """
source ./script
read -ra COMP_WORDS <<< "$LINE"; [[ $LINE == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
compopt() { COMPREPLY=(by the shell "$2"); }
_ecr_steward_completion ecr-steward
printf '%s\\n' "${COMPREPLY[@]}"
""",
    "fish": 'source ./script; complete -C "$LINE"',
}
"""What to run in a shell for what it would complete LINE to; zsh tells only people."""


def script(shell: str) -> str:
    made = CliRunner().invoke(
        main, prog_name="ecr-steward", env={"_ECR_STEWARD_COMPLETE": f"{shell}_source"}
    )
    assert made.exit_code == 0
    return made.stdout


def completed(shell: str, line: str, folder: Path) -> list[str]:
    """What the shell makes of a line, in a folder; skips where the shell is not installed."""
    if shutil.which(shell) is None:
        pytest.skip(f"left out: there is no {shell} here")
    (folder / "script").write_text(script(shell))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "LINE": line, "HOME": str(folder)}
    ran = subprocess.run(
        [shell, "-c", _ASK[shell]],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert ran.stderr == ""
    return ran.stdout.splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_reads_its_script(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"left out: there is no {shell} here")
    (tmp_path / "script").write_text(script(shell))
    ran = subprocess.run([shell, "-n", tmp_path / "script"], capture_output=True, check=True)
    assert ran.stderr == b""


def test_bash_completes_commands_options_and_files(tmp_path: Path) -> None:
    assert completed("bash", "ecr-steward ", tmp_path) == sorted(COMMANDS)
    assert completed("bash", "ecr-steward plan --re", tmp_path) == ["--repository", "--region"]
    for line in ("ecr-steward check ", "ecr-steward plan --rules ", "ecr-steward init --out "):
        assert completed("bash", line, tmp_path) == ["by", "the", "shell", "default"]


def test_fish_completes_with_whole_lines_of_help(tmp_path: Path) -> None:
    assert completed("fish", "ecr-steward retent", tmp_path) == [
        f"retention\t{COMMANDS['retention'][1]}"
    ]
    (tmp_path / "rules, ours.yaml").touch()
    assert completed("fish", "ecr-steward check ru", tmp_path) == ["rules, ours.yaml"]
