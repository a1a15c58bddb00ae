"""What a function loads when it starts, from the layers as `sam build` ships them."""

from __future__ import annotations

import inspect
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.artefact import HANDLERS, ROOT, Artefact, Probed, build
from bench.starts import MOST_MEMORY, MOST_MODULES, added, unwanted
from ecr_steward.messages import sending
from ecr_steward.messages.send import references
from ecr_steward.start import clients

each_handler = pytest.mark.parametrize("handler", HANDLERS)
_UNCHECKED_HASH = 1
"""The flags of a `.pyc` that holds a hash of its source and is never checked (PEP 552)."""


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return build(tmp_path_factory.mktemp("artefact"))


@pytest.fixture(scope="module")
def bare(artefact: Artefact) -> Probed:
    return artefact.bare()


@pytest.fixture(scope="module")
def starts(artefact: Artefact) -> dict[str, Probed]:
    return {handler: artefact.start(handler) for handler in HANDLERS}


def test_every_function_is_measured() -> None:
    assert HANDLERS == (
        "check_running", "check_settings", "check_tags", "enforce_settings", "look_running",
        "notify", "publish", "retag", "sweep",
    )  # fmt: skip


@each_handler
def test_a_start_loads_few_modules_more_than_bare_boto3(
    handler: str, starts: dict[str, Probed], bare: Probed
) -> None:
    assert len(added(starts[handler], bare)) <= MOST_MODULES


@each_handler
def test_a_start_loads_nothing_heavy(handler: str, starts: dict[str, Probed]) -> None:
    assert "aws_lambda_powertools.logging" in starts[handler].modules
    assert unwanted(starts[handler]) == set()


@each_handler
def test_a_start_takes_hardly_more_memory_than_bare_boto3(
    handler: str, starts: dict[str, Probed], bare: Probed
) -> None:
    assert starts[handler].memory <= MOST_MEMORY * bare.memory


@each_handler
def test_a_start_compiles_nothing_but_the_function_itself(
    handler: str, starts: dict[str, Probed]
) -> None:
    assert starts[handler].compiled == (str(ROOT / "functions" / handler / "app.py"),)


@each_handler
def test_what_a_start_loads_of_the_layers_comes_from_bytecode_that_is_never_checked(
    handler: str, artefact: Artefact, starts: dict[str, Probed]
) -> None:
    shipped = list(_of_the_layers(artefact, starts[handler]))
    assert any("ecr_steward" in source.parts for source in shipped)
    for source in shipped:
        found = list((source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"))
        assert len(found) == 1, source
        assert int.from_bytes(found[0].read_bytes()[4:8], "little") == _UNCHECKED_HASH, source


def test_without_bytecode_a_start_compiles_what_it_loads(
    artefact: Artefact, starts: dict[str, Probed], tmp_path: Path
) -> None:
    """So that an empty list of compiled files above means something."""
    start = artefact.without_bytecode(tmp_path, runtime=False).start("retag")
    shipped = list(_of_the_layers(artefact, starts["retag"]))
    assert len(start.compiled) == len(shipped) + 1


def test_every_client_that_the_functions_ask_for_can_be_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some are made only where something fails, which no start shows."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    sources = [inspect.getsource(references), inspect.getsource(sending)]
    sources += [path.read_text(encoding="utf-8") for path in ROOT.glob("functions/*/app.py")]
    asked = set(re.findall(r'\b_?(?:quick_)?client\("(\w+)"\)', "".join(sources)))
    assert {"ecr", "sns", "ssm", "secretsmanager"} <= asked
    for service in asked:
        assert clients.client.__wrapped__(service).meta.service_model.service_name == service


def test_the_measuring_python_reads_the_bytecode_it_is_given(artefact: Artefact) -> None:
    tag = subprocess.run(
        [artefact.python, "-c", "import sys; print(sys.implementation.cache_tag)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    cached = artefact.layers[0] / "ecr_steward" / "__pycache__" / f"__init__.{tag}.pyc"
    assert cached.exists()


def _of_the_layers(artefact: Artefact, start: Probed) -> Iterator[Path]:
    for file in start.modules.values():
        if file is not None and any(Path(file).is_relative_to(each) for each in artefact.layers):
            yield Path(file)
