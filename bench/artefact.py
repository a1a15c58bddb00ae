"""The layers as `sam build` ships them, with a runtime that has boto3, for one interpreter."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HANDLERS = tuple(sorted(each.parent.name for each in ROOT.glob("functions/*/app.py")))
"""The functions, by the name of their folder."""

RUNTIME = "3.13"
"""The Python of the functions, as in template.yaml."""

_SDK = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
_PROBE = Path(__file__).with_name("probe.py")

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "measured",
    "AWS_SECRET_ACCESS_KEY": "measured",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ENDPOINT_URL": "",
    "AWS_ENDPOINT_URL_ECR": "",
    "AWS_LAMBDA_FUNCTION_NAME": "measured",
    "BUS_NAME": "ecr-steward",
    "FAILURE_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/failed",
    "CHAT_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:chat",
    "RETRY_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/retries",
    "EXTERNAL_ID": "123456789012/ecr-steward",
    "GRACE_DAYS": "7",
    "HISTORY_TABLE": "history",
    "MAX_RECEIVES": "100",
    "MAX_TRIES": "5",
    "MESSAGES_PER_MINUTE": "10",
    "NOTIFY_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/notify",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_SERVICE_NAME": "measured",
    "ACCOUNT": "123456789012",
    "ACCOUNTS": "",
    "ALLOW_LOCAL_HTTP": "false",
    "ALLOW_TAG_REMOVAL": "false",
    "ALLOW_EXPIRY": "false",
    "SETTINGS_MODE": "audit",
    "SETTINGS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/policy.fifo",
    "SETTINGS_ROLE_ARN": "arn:aws:iam::123456789012:role/enforce-settings",
    "REPOSITORY_PATTERN": "*",
    "RETAG_ROLE_ARN": "arn:aws:iam::123456789012:role/retag",
    "RETAIN_ROLE_ARN": "arn:aws:iam::123456789012:role/retain-images",
    "RETENTION_DAYS": "1",
    "RETENTION_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/retention.fifo",
    "RETAG_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/retag.fifo",
    "SOURCES": "ecs,lambda",
    "STEWARD_MODE": "enforce",
    "SWEEP_HOURS": "6",
    "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:topic",
    "WORKLOADS_ROLE": "arn:aws:iam::ACCOUNT:role/ecr-steward-workloads",
}


class BuildFailed(Exception):
    """A layer could not be built; the message has what make said."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What one fresh process found: seconds and bytes, the modules with their files, and the
    files for which no valid bytecode was there. `collects` says whether unused memory is
    collected after it."""

    seconds: float
    memory: int
    modules: Mapping[str, str | None]
    compiled: tuple[str, ...]
    collects: bool


@dataclass(frozen=True, slots=True)
class Artefact:
    """A built tree: the folders that a function has on its path after its own, and `python`."""

    python: str
    layers: tuple[Path, ...]
    runtime: Path

    def bare(self) -> Probed:
        """`import boto3; boto3.client("ecr")` in a fresh process."""
        return self._probe("boto3", [self.runtime])

    def start(self, handler: str) -> Probed:
        """The import of one function as Lambda initialises it, in a fresh process."""
        return self._probe("app", [ROOT / "functions" / handler, *self.layers, self.runtime])

    def without_bytecode(self, into: Path, *, runtime: bool) -> Artefact:
        """A copy whose layers, and `runtime` too if wanted, have no `.pyc`."""
        layers = tuple(_copy(layer, into / f"layer{i}") for i, layer in enumerate(self.layers))
        bare = _copy(self.runtime, into / "runtime") if runtime else self.runtime
        return Artefact(self.python, layers, bare)

    def _probe(self, what: str, path: Iterable[Path]) -> Probed:
        # -S, -P: nothing of this machine's on the path; -B: nothing written beside the sources.
        done = subprocess.run(
            [self.python, "-S", "-P", "-B", str(_PROBE), what],
            env={**_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(map(str, path))},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BuildFailed(f"{what} does not start: {done.stderr.strip()}")
        found = json.loads(done.stdout)
        return Probed(**{**found, "compiled": tuple(found["compiled"])})


def build(into: Path) -> Artefact:
    """Build both layers by their Makefiles, for the runtime's Python or, where there is none, for
    the Python that runs this. Raises BuildFailed."""
    python, version = interpreter()
    variables = {"BYTECODE_PYTHON": python, "PYTHON": sys.executable}
    if version != RUNTIME:
        variables["RUNTIME"] = version
    uv = ROOT / ".venv" / "uv" / "bin" / "uv"
    if uv.exists():
        variables["UV"] = str(uv)
    layers = (
        _make("steward", "StewardLayer", into, variables),
        _make("rules", "RulesLayer", into, variables),
    )
    return Artefact(python, layers, _runtime(into / "runtime", python))


def interpreter() -> tuple[str, str]:
    """The Python that measures, and its version: the functions' own if this machine has it."""
    for candidate in _candidates():
        found = _ask(candidate)
        if found is not None and found[1] == RUNTIME:
            return found
    own = _ask(getattr(sys, "_base_executable", sys.executable))
    return own or (sys.executable, f"{sys.version_info[0]}.{sys.version_info[1]}")


def _candidates() -> Iterator[str]:
    yield f"python{RUNTIME}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{RUNTIME}.*/bin/python"), reverse=True))


def _ask(candidate: str) -> tuple[str, str] | None:
    code = "import sys; print(sys.executable); print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    executable, version = done.stdout.split("\n")[:2]
    return executable, version


def _make(folder: str, layer: str, into: Path, variables: Mapping[str, str]) -> Path:
    scratch = into / f"{folder}-source"
    target = into / layer
    shutil.copytree(ROOT / "layers" / folder, scratch, ignore=shutil.ignore_patterns("__pycache__"))
    given = [f"{name}={value}" for name, value in variables.items()]
    done = subprocess.run(
        ["make", "-C", str(scratch), f"build-{layer}", f"ARTIFACTS_DIR={target}", *given],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildFailed(f"{layer} could not be built: {(done.stderr or done.stdout).strip()}")
    shutil.rmtree(scratch)
    return target / "python"


def _runtime(into: Path, python: str) -> Path:
    """boto3 and what it needs, compiled: what the Lambda runtime brings."""
    into.mkdir(parents=True)
    for name in _SDK:
        spec: Any = importlib.util.find_spec(name)
        source = Path(spec.origin)
        if source.name == "__init__.py":
            _copy(source.parent, into / name)
        else:
            shutil.copy(source, into / source.name)
    subprocess.run(
        [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(into)],
        check=True,
    )
    return into


def _copy(tree: Path, into: Path) -> Path:
    return Path(shutil.copytree(tree, into, ignore=shutil.ignore_patterns("__pycache__")))
