"""What a function loads when it starts, from the layers as `sam build` ships them."""

from __future__ import annotations

import inspect
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.session import Session

from bench.artefact import HANDLERS, ROOT, Artefact, Probed, build
from bench.starts import MOST_MEMORY, MOST_MODULES, added, unwanted
from ecr_steward.messages import sending
from ecr_steward.messages.send import references
from ecr_steward.start import clients
from ecr_steward.start.operations import OPERATIONS

each_handler = pytest.mark.parametrize("handler", HANDLERS)
_UNCHECKED_HASH = 1
"""The flags of a `.pyc` that holds a hash of its source and is never checked (PEP 552)."""

MOST_BYTES = 20_000_000
"""Unpacked; the whole SDK alone would be 31 MB (AWS takes 250 MB of a function's layers)."""

RELIED_ON = (
    ("ecr", "DescribeImagesFilter", "imageStatus"),
    ("ecr", "ListImagesFilter", "imageStatus"),
    ("ecr", "ImageStatusFilter", "ANY"),
    ("ecr", "ImageDetail", "imageStatus"),
    ("ecr", "PutImageTagMutabilityRequest", "imageTagMutabilityExclusionFilters"),
    ("ecr", "RCTAppliedFor", "CREATE_ON_PUSH"),
    ("ecr", "LifecyclePolicyRuleAction", "type"),
    ("ecs", "ServiceRevision", "containerImages"),
    ("ecs", "Service", "currentServiceRevisions"),
    ("inspector2", "CoverageFilterCriteria", "ecrImageInUseCount"),
)
"""Members and values that older SDKs do not know: (service, shape, member)."""


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
        "notify", "publish", "retag", "retain_images", "sweep",
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
def test_a_start_takes_less_memory_than_bare_boto3(
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


@each_handler
def test_what_a_start_allocates_later_is_collected(handler: str, starts: dict[str, Probed]) -> None:
    assert starts[handler].collects


@each_handler
def test_a_start_takes_the_sdk_of_the_layer_not_of_the_runtime(
    handler: str, artefact: Artefact, starts: dict[str, Probed]
) -> None:
    own = artefact.layers[0] / "botocore" / "__init__.py"
    assert starts[handler].modules["botocore"] == str(own)
    assert f"__version__ = '{botocore.__version__}'" in own.read_text(encoding="utf-8")


def test_the_layer_has_the_sdk_s_data_of_what_is_called_and_no_more(artefact: Artefact) -> None:
    data = artefact.layers[0] / "botocore" / "data"
    assert {each.name for each in data.iterdir() if each.is_dir()} == set(OPERATIONS)
    for service, operations in OPERATIONS.items():
        assert set(_shipped(artefact, service).operation_names) == set(operations)
    size = sum(each.stat().st_size for each in artefact.layers[0].rglob("*") if each.is_file())
    assert size < MOST_BYTES


@pytest.mark.parametrize("service", sorted(OPERATIONS))
def test_the_shipped_model_of_a_service_says_what_the_whole_one_says(
    service: str, artefact: Artefact
) -> None:
    shipped, whole = _shipped(artefact, service), Session().get_service_model(service)
    assert shipped.metadata == whole.metadata
    for name in shipped.operation_names:
        ours, theirs = shipped.operation_model(name), whole.operation_model(name)
        assert _members(ours.input_shape) == _members(theirs.input_shape)
        assert _members(ours.output_shape) == _members(theirs.output_shape)
        assert ours.http == theirs.http


@pytest.mark.parametrize(("service", "shape", "member"), RELIED_ON)
def test_the_shipped_sdk_knows_the_youngest_members_that_the_code_relies_on(
    service: str, shape: str, member: str, artefact: Artefact
) -> None:
    found: Any = _shipped(artefact, service).shape_for(shape)
    assert member in (found.enum if found.type_name == "string" else found.members)


def _shipped(artefact: Artefact, service: str) -> ServiceModel:
    data = str(artefact.layers[0] / "botocore" / "data")
    loader = Loader(extra_search_paths=[data], include_default_search_paths=False)
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


def _members(shape: Any, inside: tuple[str, ...] = ()) -> Any:
    """A shape as nested names, a shape within itself by its name."""
    if shape is None or shape.name in inside:
        return shape and shape.name
    inside = (*inside, shape.name)
    if shape.type_name == "structure":
        return {name: _members(each, inside) for name, each in shape.members.items()}
    if shape.type_name == "list":
        return [_members(shape.member, inside)]
    if shape.type_name == "map":
        return (_members(shape.key, inside), _members(shape.value, inside))
    return (shape.type_name, tuple(getattr(shape, "enum", ())))


def test_without_bytecode_a_start_compiles_what_it_loads(
    artefact: Artefact, starts: dict[str, Probed], tmp_path: Path
) -> None:
    """So that an empty list of compiled files above means something."""
    bare = artefact.without_bytecode(tmp_path, runtime=False)
    shipped = {
        str(copy / source.relative_to(layer))
        for layer, copy in zip(artefact.layers, bare.layers, strict=True)
        for source in _of_the_layers(artefact, starts["retag"])
        if source.is_relative_to(layer)
    }
    assert len(shipped) > 100
    assert shipped <= set(bare.start("retag").compiled)


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
