"""The fast answer whether rules obey their schema is jsonschema's."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from ecr_steward_cli.rules_file.document import parse
from ecr_steward_cli.rules_file.load import _validator, schema
from ecr_steward_cli.rules_file.obeys import obeys
from tests.support.pages import ROOT

WIDE = """
version: 1
defaults: {mode: audit}
channels:
  ops: {type: slack, url: "ssm:/ops"}
notify: [{on: [loud], to: [ops], every: 1h}]
rules:
  - repositories: ["base/*", redis]
    mode: enforce
    tags:
      unique: [semver, sha, {version: {parts: [2, 4]}}, {pattern: "x-(?P<version>[0-9]+)"}]
      variants: [alpine, "slim-*"]
      revisions: ["r*"]
      stable:
        - {tag: "{major}.{minor}", follows: highest}
        - {tag: latest, follows: highest, within: "8", prereleases: [rc]}
        - {tag: nightly, follows: newest, of: ["main-*", {pattern: "a.*"}]}
      pin: "{tag}-{digest}"
      ignore: ["pr-*"]
      unknown: report
      overwritten: restore
    repository: {scan_on_push: true, policy: {public: remove, others: keep}}
"""
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 10**9, "", "x", "1", "a\n", "*", [], ["x"], ["x", "x"], [1, True],
    {}, {"x": 1}, {"version": {"parts": 3}}, {"pattern": "a", "version": 1}, "semver", 1.5,
)  # fmt: skip
SCHEMA, VALIDATOR = schema(), _validator()


def parts(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a document, as what holds it and its key there."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    return [place for key in keys for place in [(value, key), *parts(value[key])]]


def mutated(document: Any, chance: random.Random) -> Any:
    made = copy.deepcopy(document)
    for _ in range(chance.randrange(1, 3)):
        places = parts(made)
        held, key = chance.choice(places)
        if chance.random() < 0.2:
            del held[key]
        elif chance.random() < 0.2 and isinstance(held, dict):
            held[chance.choice(["odd", "tags", "version", "mode"])] = chance.choice(ODD)
        else:
            held[key] = copy.deepcopy(chance.choice(ODD))
    return made


@pytest.mark.parametrize("text", [WIDE, (ROOT / "layers/rules/rules.yaml").read_text("utf-8")])
def test_a_document_obeys_exactly_where_jsonschema_finds_nothing(text: str) -> None:
    document, chance = parse(text).data, random.Random(7)  # noqa: S311
    assert obeys(document, SCHEMA)
    answers = set()
    for _ in range(700):
        made = mutated(document, chance)
        right = next(VALIDATOR.iter_errors(made), None) is None
        assert obeys(made, SCHEMA) == right, made
        answers.add(right)
    assert answers == {True, False}


def test_what_is_not_understood_does_not_obey() -> None:
    assert not obeys({}, {"type": "object", "dependentRequired": {}})


COUNT = {"type": "integer", "minimum": 1, "maximum": 9}
ASKED: list[tuple[Any, list[Any], list[Any]]] = [
    ({"minimum": 1}, [1, 1.5, True, "0", None], [0, 0.5]),
    ({"maximum": 9}, [9, 0, True, "10"], [9.5, 10]),
    (COUNT, [1, 9], [0, 10, True, "1"]),
    ({"type": ["string", "null"]}, ["", None], [0, [], True]),
    ({"type": "boolean"}, [True, False], [0, None]),
    ({"maxLength": 2}, ["ab", ["abc"], 100], ["abc"]),
    ({"minItems": 1}, [["a"], "", {}], [[]]),
    ({"uniqueItems": True}, [[1, 2], [], "aa", [{"a": 1}, {"a": 2}]],
     [[1, 1], [{"a": 1, "b": 2}, {"b": 2, "a": 1}]]),
    ({"uniqueItems": False}, [[1, 1]], []),
    ({"pattern": "[a-c]+"}, ["abc", 7], ["abcd", ""]),
    ({"required": ["a"]}, [{"a": None}, [], "b"], [{}, {"b": 1}]),
    ({"const": 1}, [1], [True, 1.0, "1"]),
    ({"enum": ["a", 1]}, ["a", 1], [True, "b"]),
    ({"properties": {"a": COUNT}}, [{}, {"a": 1}, {"b": 0}, "x"], [{"a": 0}]),
    ({"properties": {"a": COUNT}, "additionalProperties": False}, [{}, {"a": 1}], [{"b": 1}]),
    ({"properties": {"a": True}, "additionalProperties": COUNT}, [{"a": 0}, {"b": 1}], [{"b": 0}]),
    ({"additionalProperties": COUNT}, [{}, {"b": 1}, 7], [{"b": 0}]),
    ({"items": COUNT}, [[], [1, 9], "x"], [[1, 0]]),
    ({"anyOf": [COUNT, {"type": "null"}]}, [1, None], [0, "x"]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "good", "bad"), ASKED)
def test_each_word_of_a_schema_asks_what_jsonschema_asks(
    asked: Any, good: list[Any], bad: list[Any]
) -> None:
    assert [each for each in good if not obeys(each, asked, asked)] == []
    assert [each for each in bad if obeys(each, asked, asked)] == []
