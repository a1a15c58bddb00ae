"""The recipes of the two layers, run as `sam build` runs them: in a copy, with ARTIFACTS_DIR."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import botocore
import pytest

from ecr_steward.rules.compiled import read
from tests.template.support import ROOT

STUB = f"""#!/bin/sh
# Stands for the installer: puts down one module and an SDK where the recipe asks for it.
while [ "$#" -gt 0 ]; do [ "$1" = --target ] && target="$2"; shift; done
mkdir -p "$target/bin" && printf 'VALUE = 1\\n' > "$target/third_party.py"
mkdir -p "$target/botocore" && cp -R "{Path(botocore.__file__).parent / "data"}" "$target/botocore/"
"""
SHIM = """#!/bin/sh
# A Python of another version that claims to be 3.13 by its name only.
echo "$0: no such version" >&2; exit 127
"""


def make(
    tmp_path: Path, layer: str, target: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    scratch = tmp_path / "scratch"
    shutil.copytree(
        ROOT / "layers" / layer, scratch, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__")
    )
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        ["make", target],
        cwd=scratch,
        env={**inherited, "ARTIFACTS_DIR": str(tmp_path / "artefact"), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def executable(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def rules(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return make(tmp_path, "rules", "build-RulesLayer", PYTHON=sys.executable, **variables)


def test_the_rules_are_compiled_into_a_package(tmp_path: Path) -> None:
    built = rules(tmp_path)
    assert built.returncode == 0, built.stderr
    package = tmp_path / "artefact" / "python" / "steward_rules"
    assert sorted(path.name for path in package.iterdir()) == ["__init__.py", "rules.json"]
    ruleset = read(package / "rules.json")
    assert ruleset.rule_for("base/redis") is not None
    assert ruleset.rule_for("apps/shop") is not None
    assert ruleset.rule_for("sandbox/notes") is None


def test_a_team_builds_with_its_own_rules(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "version: 1\nrules:\n  - repositories: [team/*]\n    tags: {unique: [semver]}\n",
        encoding="utf-8",
    )
    built = rules(tmp_path, RULES=str(own))
    assert built.returncode == 0, built.stderr
    ruleset = read(tmp_path / "artefact" / "python" / "steward_rules" / "rules.json")
    assert ruleset.rule_for("team/x") is not None
    assert ruleset.rule_for("base/redis") is None


def test_wrong_rules_stop_the_build_with_file_line_and_sentence(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        "version: 1\nrules:\n  - repositories: [team/*]\n    tags:\n      unique: [semverr]\n",
        encoding="utf-8",
    )
    built = rules(tmp_path, RULES=str(wrong))
    assert built.returncode != 0
    assert f"{wrong}:5: " in built.stderr
    assert "semverr" in built.stderr
    assert not (tmp_path / "artefact" / "python" / "steward_rules" / "rules.json").exists()


def test_rules_that_are_not_there_stop_the_build(tmp_path: Path) -> None:
    built = rules(tmp_path, RULES=str(tmp_path / "none.yaml"))
    assert built.returncode != 0
    assert str(tmp_path / "none.yaml") in built.stderr


def test_a_relative_path_is_refused_because_the_build_runs_elsewhere(tmp_path: Path) -> None:
    built = rules(tmp_path, RULES="../own.yaml")
    assert built.returncode != 0
    assert "RULES=../own.yaml must be an absolute path" in built.stderr


def test_a_python_without_the_command_line_is_named(tmp_path: Path) -> None:
    bare = executable(
        tmp_path / "bare" / "python3", f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n'
    )
    built = make(tmp_path, "rules", "build-RulesLayer", PYTHON=bare)
    assert built.returncode != 0
    assert f"{bare} does not have ecr-steward" in built.stderr


@pytest.fixture
def uv(tmp_path: Path) -> str:
    return executable(tmp_path / "uv" / "uv", STUB)


@pytest.fixture
def no_runtime(tmp_path: Path) -> str:
    """A PATH whose python3.13 is a shim that fails, as version managers leave it."""
    executable(tmp_path / "shims" / "python3.13", SHIM)
    executable(tmp_path / "shims" / "pyenv", SHIM)
    return f"{tmp_path / 'shims'}:/usr/bin:/bin"


def steward(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return make(tmp_path, "steward", "build-StewardLayer", **variables)


def test_the_layer_has_the_library_without_the_command_line(
    tmp_path: Path, uv: str, no_runtime: str
) -> None:
    built = steward(tmp_path, UV=uv, PATH=no_runtime)
    assert built.returncode == 0, built.stderr
    site = tmp_path / "artefact" / "python"
    assert (site / "third_party.py").is_file()
    assert (site / "ecr_steward" / "rules" / "model.py").is_file()
    assert not (site / "ecr_steward_cli").exists()
    assert not (site / "bin").exists()


def test_an_sdk_without_what_is_called_stops_the_build(tmp_path: Path, no_runtime: str) -> None:
    lacking = 'rm -r "$target/botocore/data/inspector2"\n'
    built = steward(
        tmp_path, UV=executable(tmp_path / "uv" / "uv", STUB + lacking), PATH=no_runtime
    )
    assert built.returncode != 0
    assert "The SDK that was installed has no data of inspector2." in built.stderr


def test_the_layer_is_built_without_bytecode_where_no_interpreter_fits(
    tmp_path: Path, uv: str, no_runtime: str
) -> None:
    built = steward(tmp_path, UV=uv, PATH=no_runtime)
    assert built.returncode == 0
    assert "no Python 3.13 here, built without bytecode" in built.stderr
    assert list((tmp_path / "artefact").rglob("*.pyc")) == []


def test_an_interpreter_that_does_not_fit_is_refused(
    tmp_path: Path, uv: str, no_runtime: str
) -> None:
    wrong = executable(tmp_path / "python3.12", "#!/bin/sh\necho 3.12\n")
    built = steward(tmp_path, UV=uv, PATH=no_runtime, BYTECODE_PYTHON=wrong)
    assert built.returncode != 0
    assert f"BYTECODE_PYTHON={wrong} is not a Python 3.13 that runs" in built.stderr


def test_bytecode_is_valid_whatever_the_times_of_the_files(
    tmp_path: Path, uv: str, no_runtime: str
) -> None:
    # Stands for the runtime's interpreter: says 3.13 and compiles with the one that runs the tests.
    runtime = executable(
        tmp_path / "runtime" / "python3.13",
        f'#!/bin/sh\n[ "$1" = -c ] && {{ echo 3.13; exit; }}\nexec "{sys.executable}" "$@"\n',
    )
    built = steward(tmp_path, UV=uv, PATH=no_runtime, BYTECODE_PYTHON=runtime)
    assert built.returncode == 0, built.stderr
    site = tmp_path / "artefact" / "python"
    compiled = sorted(site.rglob("*.pyc"))
    assert len(compiled) == len(list(site.rglob("*.py")))
    # PEP 552: flags 1, a hash that is not checked against the source.
    assert {int.from_bytes(path.read_bytes()[4:8], "little") for path in compiled} == {1}
    assert b"/opt/python/third_party.py" in next(site.glob("__pycache__/third_party*")).read_bytes()


def test_native_code_is_refused_because_the_layer_serves_both_architectures(
    tmp_path: Path, no_runtime: str
) -> None:
    native = executable(tmp_path / "uv" / "uv", STUB + 'touch "$target/fast.so"\n')
    built = steward(tmp_path, UV=native, PATH=no_runtime)
    assert built.returncode != 0
    assert "fast.so is native code" in built.stderr


def test_without_an_installer_the_build_says_what_is_missing(
    tmp_path: Path, no_runtime: str
) -> None:
    bare = executable(tmp_path / "bare" / "python3", "#!/bin/sh\nexit 1\n")
    built = steward(tmp_path, UV="", PYTHON=bare, PATH=no_runtime)
    assert built.returncode != 0
    assert "The layer needs an installer: name uv in UV, or a Python that has pip" in built.stderr
