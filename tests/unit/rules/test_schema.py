from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from ecr_steward.rules.load import schema
from ecr_steward.rules.model import Ruleset
from ecr_steward.tags.kinds import KINDS

FULL: dict[str, Any] = {
    "version": 1,
    "rules": [
        {
            "repositories": ["base/*", "redis"],
            "mode": "enforce",
            "tags": {
                "unique": ["semver", "sha"],
                "stable": [{"tag": "{major}", "follows": "highest"}, {"tag": "main"}],
                "pin": None,
                "ignore": ["pr-*"],
                "unknown": "allow",
                "overwritten": "report",
            },
            "repository": {},
            "notify": [],
        },
        {"repositories": ["*"]},
    ],
    "channels": {},
}


def properties(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each key that the schema describes, with what it says of the key, references followed."""
    if isinstance(node, dict):
        for name, said in node.get("properties", {}).items():
            target = said.get("$ref", "").rpartition("/")[2]
            yield f"{path}.{name}", {**said, **schema()["$defs"].get(target, {})}
        for key, child in node.items():
            yield from properties(child, f"{path}.{key}")


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield node
        for child in node.values():
            yield from objects(child)


def test_the_schema_is_a_schema_of_its_draft_and_has_an_id() -> None:
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema()["$id"] == "urn:ecr-steward:rules:1"
    jsonschema.Draft202012Validator.check_schema(schema())


def test_everything_that_the_format_has_is_accepted_by_the_schema_and_by_the_model() -> None:
    jsonschema.validate(FULL, schema())
    assert len(Ruleset.from_document(FULL).rules) == 2


def test_no_object_takes_keys_that_it_does_not_describe() -> None:
    found = list(objects(schema()))
    assert len(found) == 6
    assert all(each["additionalProperties"] is False for each in found)


def test_every_key_has_a_title_a_description_and_examples_for_editors() -> None:
    found = dict(properties(schema()))
    assert len(found) == 16
    for path, said in found.items():
        assert {"title", "description", "examples"} <= set(said), path


def test_every_key_that_may_be_left_out_says_what_then_holds() -> None:
    optional = ["mode", "repository", "notify", "stable", "pin", "ignore", "unknown", "overwritten"]
    found = {path.rpartition(".")[2]: said for path, said in properties(schema())}
    defaults = {name: found[name]["default"] for name in optional}
    assert defaults == {
        "mode": "audit", "repository": {}, "notify": [], "stable": [], "pin": None, "ignore": [],
        "unknown": "report", "overwritten": "report",
    }  # fmt: skip


def test_every_example_and_default_fits_its_own_key() -> None:
    for path, said in properties(schema()):
        validator = jsonschema.Draft202012Validator({**said, "$defs": schema()["$defs"]})
        values = [*said["examples"], *([said["default"]] if "default" in said else [])]
        for value in values:
            assert validator.is_valid(value), (path, value)


def test_the_kinds_of_unique_tag_are_those_that_can_be_read() -> None:
    assert schema()["$defs"]["tags"]["properties"]["unique"]["items"]["enum"] == list(KINDS)


@pytest.mark.parametrize("glob", ["*", "base/*", "a.b_c-d/e", "*-dev", "0/x"])
def test_a_glob_of_repositories_has_the_characters_of_repository_names(glob: str) -> None:
    document = {"version": 1, "rules": [{"repositories": [glob]}]}
    jsonschema.validate(document, schema())


@pytest.mark.parametrize("glob", ["", "Base", "/a", "a b", "a:b", "-a", "a" * 257])
def test_a_glob_that_matches_no_repository_is_no_glob(glob: str) -> None:
    document = {"version": 1, "rules": [{"repositories": [glob]}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema())
