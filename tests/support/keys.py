"""The keys of the rules file as its reference lists them, made from the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecr_steward_cli.rules_file.load import schema
from tests.support.pages import code


def keys() -> Iterator[list[str]]:
    """Every key: its path, its values, its default, its meaning."""
    yield from _keys(schema(), "", set())


def _keys(holder: Mapping[str, Any], path: str, listed: set[str]) -> Iterator[list[str]]:
    """What has a name of its own in the schema is listed where it is met first."""
    for name, found in holder.get("properties", {}).items():
        each = _resolved(found)
        default = "required" if name in holder.get("required", ()) else _default(each)
        yield [code(f"{path}{name}"), _values(each), default, each["description"]]
        yield from _keys(each, f"{path}{name}.", listed)
        for held, at in (("items", "[]"), ("additionalProperties", ".NAME")):
            within = each.get(held) or {}
            if within.get("$ref") not in listed:
                yield from _keys(_resolved(within), f"{path}{name}{at}.", listed)
            listed |= {within["$ref"]} if "$ref" in within else set()


def _resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in node:
        return node
    found: Mapping[str, Any] = schema()["$defs"][node["$ref"].rpartition("/")[2]]
    return found


def _default(node: Mapping[str, Any]) -> str:
    return code(node["default"]) if "default" in node else "none"


def _values(node: Mapping[str, Any], *, many: bool = False) -> str:
    if "const" in node:
        return code(node["const"])
    if "enum" in node:
        return ", ".join(map(code, node["enum"]))
    if "anyOf" in node:
        return " or ".join(code(each["title"]) for each in node["anyOf"])
    types = node["type"] if isinstance(node["type"], list) else [node["type"]]
    return " or ".join(_of_type(each, node, many=many) for each in types)


_WORDS = {"object": "mapping", "string": "string", "integer": "number"}


def _of_type(name: str, node: Mapping[str, Any], *, many: bool) -> str:
    if name == "array":
        items = _resolved(node.get("items", {}))
        return f"list of {_values(items, many=True)}" if items else code([])
    if name == "boolean":
        return "`true` or `false`"
    if name == "null":
        return code(None)
    return f"{_WORDS[name]}s" if many else _WORDS[name]
