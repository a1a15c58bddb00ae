"""The command line as two wheels, without the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.pages import ROOT

RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from ecr_steward_cli.main import run; run()"
RULES = 'version: 1\nrules:\n  - repositories: ["*"]\n    tags: {unique: [semver]}\n'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which both wheels are unpacked."""
    made = tmp_path_factory.mktemp("site")
    for package in ("layers/steward", "cli"):
        copy = tmp_path_factory.mktemp("source") / "package"
        shutil.copytree(ROOT / package, copy, ignore=shutil.ignore_patterns("__pycache__"))
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(copy / "out")]
        subprocess.run(build, cwd=copy, check=True, capture_output=True)
        (wheel,) = (copy / "out").glob("*.whl")
        zipfile.ZipFile(wheel).extractall(made)
    return made


def steward(site: Path, folder: Path, *arguments: str, text: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(site), *arguments],
        cwd=folder, input=text, capture_output=True, text=True, check=False,
        env={**os.environ, "ECR_STEWARD_TRACEBACK": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_that_need_no_aws_work_from_the_wheels(site: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    assert steward(site, tmp_path, "check", "rules.yaml").startswith("rules.yaml: 1 rule")
    push = '{"repository": "base/redis", "tag": "1.4.2"}\n'
    played = steward(site, tmp_path, "simulate", "--rules", "rules.yaml", "-", text=push)
    assert "1 event," in played
    assert "unique: [semver]" in steward(site, tmp_path, "init", "-", text="a/b:1.0.0\n")
    assert '"$schema"' in steward(site, tmp_path, "schema", "tag.moved")


def test_the_wheels_have_all_that_the_code_reads(site: Path) -> None:
    for package in ("layers/steward", "cli"):
        source = ROOT / package / "src"
        files = [f for f in source.rglob("*") if f.is_file() and "__pycache__" not in f.parts]
        assert [f for f in files if not (site / f.relative_to(source)).is_file()] == []
