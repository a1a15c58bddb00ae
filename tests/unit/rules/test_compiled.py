from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ecr_steward.rules import compiled
from ecr_steward.rules.model import RulesError, Ruleset, fingerprint

DOCUMENT = {"version": 1, "rules": [{"repositories": ["base/*"], "tags": {"unique": ["semver"]}}]}


def refusal(path: Path) -> str:
    with pytest.raises(RulesError) as caught:
        compiled.read(path)
    assert str(path) in caught.value.sentence
    return caught.value.sentence


def test_what_was_compiled_reads_back_as_the_same_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(compiled.dumps(DOCUMENT))
    assert compiled.read(path) == Ruleset.from_document(DOCUMENT)
    assert compiled.read(str(path)).fingerprint == fingerprint(DOCUMENT)


def test_the_text_does_not_depend_on_the_order_of_keys() -> None:
    turned = {"rules": DOCUMENT["rules"], "version": 1}
    assert compiled.dumps(turned) == compiled.dumps(DOCUMENT)
    assert json.loads(compiled.dumps(DOCUMENT)) == {
        "document": DOCUMENT,
        "fingerprint": fingerprint(DOCUMENT),
    }


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    sentence = refusal(tmp_path / "rules.json")
    assert "cannot be read: No such file or directory" in sentence
    assert "`ecr-steward compile RULES --output FILE`" in sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ("version: 1", "is not JSON"),
        ("\udcff", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "holds no rules"),
        ("{}", "holds no rules"),
        ('{"document": []}', "holds no rules"),
        ('{"document": {"version": 1, "rules": []}}', "was changed"),
        ('{"document": {"version": 1, "rules": []}, "fingerprint": "0123456789ab"}', "was changed"),
    ],
)
def test_a_file_that_compile_did_not_make_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rules.json"
    path.write_text(text, errors="surrogateescape")
    assert said in refusal(path)


def test_a_file_that_was_changed_afterwards_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(compiled.dumps(DOCUMENT).replace("base/*", "*"))
    assert "was changed after it was made" in refusal(path)


@pytest.mark.parametrize("rules", [7, ["redis"], [{"repositories": ["a"], "tags": {}}]])
def test_rules_that_mean_nothing_are_refused_whatever_their_fingerprint(
    tmp_path: Path, rules: object
) -> None:
    path = tmp_path / "rules.json"
    path.write_text(compiled.dumps({"version": 1, "rules": rules}))
    assert refusal(path)


def test_the_environment_that_is_given_names_the_file() -> None:
    assert compiled.find({"STEWARD_RULES": "/some/rules.json"}) == Path("/some/rules.json")


def test_the_layer_names_the_file_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "steward_rules").mkdir()
    (tmp_path / "steward_rules" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    expected = tmp_path / "steward_rules" / "rules.json"
    assert compiled.find() == expected
    assert compiled.find({"STEWARD_RULES": ""}) == expected


def test_without_either_the_way_out_is_named() -> None:
    with pytest.raises(RulesError, match="STEWARD_RULES"):
        compiled.find({})


def test_a_module_is_no_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "steward_rules.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RulesError, match="STEWARD_RULES"):
        compiled.find()


def test_the_text_is_one_that_people_can_compare_by_lines() -> None:
    assert compiled.dumps({"version": 1}).splitlines()[:3] == [
        "{",
        ' "document": {',
        '  "version": 1',
    ]


def test_reading_compiled_rules_needs_neither_yaml_nor_the_schema() -> None:
    script = "import sys, ecr_steward.rules.compiled; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    modules = set(loaded.stdout.split())
    assert "ecr_steward.rules.model" in modules
    assert not modules & {"ruamel.yaml", "jsonschema", "click", "boto3"}
