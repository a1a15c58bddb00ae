"""Files beside the rules file: their content is the rules', and their faults are named by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecr_steward_cli.rules_file.document import RulesFault
from ecr_steward_cli.rules_file.load import Loaded, inspect

PULL = {
    "Sid": "Pull",
    "Effect": "Allow",
    "Principal": {"AWS": "111122223333"},
    "Action": "ecr:BatchGetImage",
}
RULES = """\
version: 1
rules:
  - repositories: ["base/*"]
    repository:
      policy:
        file: policies/pull.json
        others: keep
      lifecycle:
        file: lifecycle.yaml
"""
LIFECYCLE = """\
rules:
  - rulePriority: 1
    selection: {tagStatus: untagged, countType: imageCountMoreThan, countNumber: 1}
    action: {type: expire}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "lifecycle.yaml").write_text(LIFECYCLE)
    write(tmp_path, {"Version": "2012-10-17", "Statement": [PULL]})
    return tmp_path


def write(folder: Path, policy: Any) -> None:
    text = policy if isinstance(policy, str) else json.dumps(policy, indent="\t")
    (folder / "policies/pull.json").write_text(text)


def loaded(folder: Path) -> Loaded:
    return inspect(folder / "rules.yaml")


def faults(folder: Path) -> list[str]:
    with pytest.raises(RulesFault) as caught:
        loaded(folder)
    return [each.replace(f"{folder}/", "") for each in str(caught.value).splitlines()]


def test_the_content_of_files_is_in_the_rules_and_in_what_functions_get(folder: Path) -> None:
    found = loaded(folder)
    repository = found.document["rules"][0]["repository"]
    assert repository["policy"] == {"others": "keep", "statements": [PULL]}
    assert repository["lifecycle"]["rules"][0]["rulePriority"] == 1
    baseline = found.ruleset.rules[0].baseline
    assert baseline.wishes["policy"].statements == (PULL,)


@pytest.mark.parametrize("content", [[PULL], {"Statement": PULL}])
def test_a_list_of_statements_or_one_alone_is_a_policy_too(folder: Path, content: Any) -> None:
    before = loaded(folder)
    write(folder, content)
    assert loaded(folder).document == before.document


def test_the_fingerprint_changes_with_the_content_and_not_with_its_spelling(folder: Path) -> None:
    before = loaded(folder).ruleset.fingerprint
    write(folder, json.dumps({"Statement": [PULL]}))
    assert loaded(folder).ruleset.fingerprint == before
    write(folder, [{**PULL, "Action": "ecr:PutImage"}])
    assert loaded(folder).ruleset.fingerprint != before


def test_a_fault_in_a_file_names_that_file_and_its_line(folder: Path) -> None:
    write(folder, [PULL, {**PULL, "Sid": "Other", "Resource": "x"}])
    (at,) = faults(folder)
    assert at.startswith("policies/pull.json:17: `Resource` can only be `*` in a repository policy")
    write(folder, {"Statement": {**PULL, "Effect": "allow"}})
    assert faults(folder) == ["policies/pull.json:4: `Effect` must be Allow or Deny."]


def test_a_warning_about_a_file_names_that_file_and_its_line(folder: Path) -> None:
    write(folder, {"Statement": [{**PULL, "Action": ["ecr:PutImage", "s3:GetObject"]}]})
    (warning,) = loaded(folder).warnings
    assert warning.file == f"{folder}/policies/pull.json"
    assert warning.line == 9
    assert warning.sentence.startswith("`s3:GetObject` is no action of ECR's")


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("", "policies/pull.json:1: The file is empty; it needs `Statement`."),
        ('{"Statement": [', "policies/pull.json:1: A bracket is not closed"),
        ('{"Statement": [],\n "Statement": []}', "policies/pull.json:2: `Statement` is here twice"),
        ("1.5", "policies/pull.json:1: `1.5` must be a string; put it in quotes"),
        ("7", "policies/pull.json:1: The file must be a mapping with `Statement`; it is `7`."),
        ("{}", "policies/pull.json:1: The file must be a mapping with `Statement`;"),
        ('{"Statement": [],\n "Note": 1}', ("policies/pull.json:2: `Note` has no place here; there "
         "are `Version`, `Id`, `Statement`.")),
        ('{"Statement": "x"}', "policies/pull.json:1: A statement must be a mapping"),
        ('{"Statement": [],\n "Version": "2012"}',
         "policies/pull.json:2: `Version` must be 2012-10-17; it is `2012`."),
        ('{"Version": "2008-10-17", "Statement": {"Sid": "${aws:username}"}}',
         "policies/pull.json:1: Under `Version` 2008-10-17 a variable is a mere text"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_policy_is_refused(folder: Path, policy: str, said: str) -> None:
    write(folder, policy)
    assert faults(folder)[0].startswith(said)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("absent.json", "rules.yaml:6: `absent.json`: There is no such file."),
        ("policies", "rules.yaml:6: `policies`: This is a directory; name a file."),
        ("/etc/hosts", "rules.yaml:6: `/etc/hosts` must be beside the rules file, or in a folder"),
        ("../x.json", "rules.yaml:6: `../x.json` must be beside the rules file, or in a folder"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_where_the_rules_name_it(
    folder: Path, name: str, said: str
) -> None:
    (folder / "rules.yaml").write_text(RULES.replace("policies/pull.json", name))
    assert faults(folder)[0].startswith(said)


def test_a_file_that_is_no_text_is_told_with_its_own_line(folder: Path) -> None:
    (folder / "policies/pull.json").write_bytes('{"Statement":\n["\u00e9"]}'.encode("latin-1"))
    said = "The file is not UTF-8 text from here on; save it as UTF-8."
    assert faults(folder) == [f"policies/pull.json:2: {said}"]


def test_a_policy_of_the_old_version_without_variables_means_the_same(folder: Path) -> None:
    before = loaded(folder)
    write(folder, {"Version": "2008-10-17", "Statement": [PULL]})
    assert loaded(folder).document == before.document


def test_a_file_and_its_content_together_are_a_fault(folder: Path) -> None:
    text = RULES.replace("others: keep", "statements: []").replace(
        "file: lifecycle.yaml", "file: lifecycle.yaml\n        rules: []"
    )
    (folder / "rules.yaml").write_text(text)
    assert faults(folder) == [
        "rules.yaml:6: `policy` has both `file` and `statements`; keep one of them.",
        "rules.yaml:9: `lifecycle` has both `file` and `rules`; keep one of them.",
    ]


def test_the_registrys_policy_may_be_a_file_as_in_a_rule(folder: Path) -> None:
    own = {**PULL, "Resource": "*"}
    (folder / "registry.json").write_text(json.dumps({"Statement": [own]}))
    registry = "registry: {policy: {file: registry.json, others: keep}}\n"
    (folder / "rules.yaml").write_text(RULES + registry)
    wishes = loaded(folder).ruleset.registry_baseline.wishes
    assert wishes["policy"].statements == (own,)
    (folder / "registry.json").write_text(json.dumps({"Statement": [PULL]}))
    (fault,) = faults(folder)
    assert fault.startswith(
        "registry.json:1: A statement of the registry's policy needs `Resource`"
    )


def test_a_file_may_be_used_by_several_rules(folder: Path) -> None:
    second = RULES.partition("rules:\n")[2].replace("base/*", "apps/*")
    (folder / "rules.yaml").write_text(RULES + second)
    first, other = loaded(folder).ruleset.rules
    assert first.baseline == other.baseline
    write(folder, [{**PULL, "Sid": ""}])
    said = "policies/pull.json:2: A statement needs a `Sid`"
    assert all(each.startswith(said) for each in faults(folder))
