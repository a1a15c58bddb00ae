"""What the functions call of AWS is what the layer has the SDK's data of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import botocore.session
from botocore import xform_name

from ecr_steward.start.operations import OPERATIONS

ROOT = Path(__file__).resolve().parents[3]
SOURCES = (ROOT / "functions", ROOT / "layers" / "steward" / "src")

NAMED_BY = {"Read", "EcrRequest", "_pages", "call"}
"""What takes an operation by its name in AWS's own spelling."""

OTHERWISE = {"create_connection", "disable", "enable", "list_tags"}
"""Names that are operations of these services too, and mean something else in the code."""


def test_every_operation_that_the_code_names_is_shipped_and_no_other() -> None:
    spelled = {name for path in _sources() for name in _spelled(path)} - OTHERWISE
    whole = botocore.session.get_session()
    for service, shipped in OPERATIONS.items():
        known = whole.get_service_model(service).operation_names
        named = {each for each in known if each in spelled or xform_name(each) in spelled}
        elsewhere = {each for other in OPERATIONS.values() if other != shipped for each in other}
        assert set(shipped) <= named, service
        assert named - set(shipped) <= elsewhere, service


def _sources() -> Iterator[Path]:
    for folder in SOURCES:
        yield from sorted(folder.rglob("*.py"))


def _spelled(path: Path) -> Iterator[str]:
    """Attributes and texts, as clients have operations, and what is named as AWS names it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.islower():
            yield node.value
        if isinstance(node, ast.Call) and _called(node) in NAMED_BY:
            yield from filter(None, map(_text, node.args))


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
