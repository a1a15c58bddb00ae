"""`ecr-steward drift`, as a person and as a program call it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ecr_steward.settings import expiry_rule
from ecr_steward_cli.main import main

OWN = "123456789012"
DIGEST = f"sha256:{'9' * 64}"
RULES = f"""
version: 1
rules:
  - repositories: ["base/*"]
    mode: audit
    tags: {{unique: [sha], stable: [{{tag: main}}]}}
    repository:
      policy: {{public: remove, others: keep}}
      immutability: scheme
      scan_on_push: true
      encryption: KMS
      resource_tags: {{owner: "{OWN}"}}
  - repositories: ["*-cache"]
    mode: enforce
    repository: {{immutability: IMMUTABLE}}
  - repositories: [plain]
"""
PULL = {
    "Sid": "AllowPull",
    "Effect": "Allow",
    "Principal": "*",
    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
}
RIGHT: dict[str, Any] = {
    "repository": "base/redis",
    "mutability": {
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "main"}],
    },
    "scan_on_push": True,
    "encryption": "KMS",
    "resource_tags": {"owner": OWN},
}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)
    return file


def run(rules: Path, settings: Any, *options: str) -> Result:
    text = settings if isinstance(settings, str) else json.dumps(settings)
    return CliRunner().invoke(main, ["drift", "--rules", str(rules), *options, "-"], input=text)


def changes(rules: Path, settings: Any, *options: str) -> list[dict[str, Any]]:
    result = run(rules, settings, "--json", *options)
    found = json.loads(result.stdout)
    assert found["repository"] == settings["repository"]
    assert result.exit_code == (1 if found["changes"] else 0)
    listed: list[dict[str, Any]] = found["changes"]
    return listed


def test_json_has_each_change_with_its_contracts_keys(rules: Path) -> None:
    settings = {**RIGHT, "policy": {"Version": "2012-10-17", "Statement": [PULL]}}
    assert changes(rules, settings) == [
        {
            "setting": "policy",
            "problem": "public",
            "subject": "AllowPull",
            "action": "correct",
            "before": PULL,
            "after": None,
            "reason": "The statement `AllowPull` lets anyone in: its principal `*` is anyone, "
            "with no condition.",
        }
    ]


def test_settings_as_they_should_be_end_with_nothing_and_zero(rules: Path) -> None:
    assert changes(rules, RIGHT) == []
    result = run(rules, RIGHT)
    assert result.exit_code == 0
    assert result.stdout == (
        "base/redis: nothing differs from what the rules say of its settings.\n"
    )


def test_a_rule_for_expiry_tags_goes_where_the_rule_says_nothing_of_images(rules: Path) -> None:
    there = {"rules": [{"rulePriority": 1, **expiry_rule.RULE}]}
    (change,) = changes(rules, {"repository": "plain", "lifecycle": there})
    assert (change["problem"], change["action"], change["after"]) == ("extra", "correct", None)


@pytest.mark.parametrize(
    ("repository", "options", "said"),
    [
        ("other", [], "no rule matches; the repository is left alone."),
        ("plain", [], "its rule says nothing about settings; the steward leaves them alone."),
        (
            "docker-cache",
            ["--cache"],
            "no rule names this pull-through cache; the steward leaves it alone.",
        ),
    ],
)
def test_what_no_rule_judges_is_not_called_right(
    rules: Path, repository: str, options: list[str], said: str
) -> None:
    result = run(rules, {"repository": repository}, *options)
    assert (result.exit_code, result.stdout) == (0, f"{repository}: {said}\n")


def test_what_is_absent_is_not_set(rules: Path) -> None:
    found = changes(rules, {"repository": "base/redis", "policy": None})
    assert [(each["setting"], each["problem"], each["action"]) for each in found] == [
        ("immutability", "different", "correct"),
        ("scan_on_push", "different", "correct"),
        ("encryption", "unchangeable", "report"),
        ("resource_tags", "missing", "correct"),
    ]


def test_an_audit_rule_only_reports_if_it_is_asked_for_as_configured(rules: Path) -> None:
    found = changes(rules, {"repository": "base/redis"}, "--as-configured")
    assert {each["action"] for each in found} == {"report"}
    cache = {"repository": "docker-cache"}
    assert [each["action"] for each in changes(rules, cache, "--as-configured")] == ["correct"]


def test_a_pull_through_cache_is_left_alone_unless_a_glob_names_it(rules: Path) -> None:
    assert len(changes(rules, {"repository": "docker-cache"})) == 1
    assert changes(rules, {"repository": "docker-cache"}, "--cache") == []
    settings = {"repository": "base/redis", "mutability": {"imageTagMutability": "IMMUTABLE"}}
    mutability = changes(rules, settings, "--cache")[0]
    assert mutability["after"]["imageTagMutability"] == "MUTABLE"


def test_the_account_may_always_be_named(rules: Path) -> None:
    own = {**PULL, "Principal": {"AWS": f"arn:aws:iam::{OWN}:root"}}
    settings = {**RIGHT, "policy": {"Statement": own}}
    assert [each["problem"] for each in changes(rules, settings)] == ["foreign"]
    assert changes(rules, settings, "--account", OWN) == []
    result = run(rules, settings, "--account", "1234")
    assert result.exit_code == 2
    assert "`1234` is not an account id" in result.stderr


def test_a_repository_that_no_rule_matches_or_speaks_of_is_left_alone(rules: Path) -> None:
    for name in ("other", "plain"):
        assert changes(rules, {"repository": name, "policy": {"Statement": [PULL]}}) == []
    result = run(rules, {"repository": "other"})
    assert result.stdout == "other: no rule matches; the repository is left alone.\n"


def test_without_json_it_is_a_table_in_markdown(rules: Path) -> None:
    odd = {**PULL, "Sid": "a|b"}
    result = run(rules, {**RIGHT, "policy": {"Statement": [odd]}})
    assert result.exit_code == 1
    head, line, row = result.stdout.splitlines()
    assert next(cell.strip() for cell in head.split(" | ")) == "| setting"
    assert set(line) == {"|", "-"}
    assert "| policy  | public  | a\\|b    | correct      | The statement `a\\|b` lets" in row


def test_a_file_is_read_as_well_as_standard_input(rules: Path, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(RIGHT))
    result = CliRunner().invoke(main, ["drift", "--rules", str(rules), "--json", str(file)])
    assert json.loads(result.stdout) == {"repository": "base/redis", "changes": []}
    file.write_text("{}")
    result = CliRunner().invoke(main, ["drift", "--rules", str(rules), str(file)])
    assert result.exit_code == 2
    assert result.stderr == f"{file}: `repository` must be the name of a repository.\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "-:1: This is not JSON: it is empty."),
        ('{"repository": "a",\n}', "-:2: This is not JSON: "),
        ("[]", "-: There is no repository in the settings."),
        ("7", "-: The settings must be JSON objects."),
        ('{"repository": "aa"} x', "-:1: This is not JSON: "),
        (
            '{"repository": "aa", "policy": {}} {"repository": "aa", "policy": {}}',
            "-: `policy` of `aa` is there twice.",
        ),
        ('{"repository": "Base"}', "-: `Base` is no name of a repository."),
        ('{"repository": 7}', "-: `repository` must be the name of a repository."),
        ('{"repository": "aa", "polcy": {}}', "-: `polcy` is no field; there are policy,"),
        ('{"repository": "aa", "scan_on_push": 1}', "-: `scan_on_push` must be true or false."),
        ('{"repository": "aa", "repository": "bb"}', "-: `repository` occurs twice"),
        ('{"repository": "aa", "policy": NaN}', "-: `NaN` is not JSON."),
        ('{"repository": "aa", "running": "1.4"}', "-: `running` must be a list of images."),
        ('{"repository": "aa", "running": [7]}', "-: `running[0]` must be an image URI, a tag"),
        ('{"repository": "aa", "running": [{}]}', "-: `running[0].digest` must be the digest"),
        (
            f'{{"repository": "aa", "running": [{{"digest": "{DIGEST}", "archived": 1}}]}}',
            "-: `running[0].archived` must be true or false.",
        ),
        (
            '{"repository": "aa", "running": ["sha256:1"]}',
            "-: `running[0]`: `sha256:1` is no image",
        ),
        (
            '{"repository": "aa", "running": ["aa:1.2.3"]}',
            "-: `running[0]`: `aa:1.2.3` is no image URI",
        ),
        (
            '{"repository": "aa", "running": [{"digest": "foo"}]}',
            "-: `running[0].digest` must be the digest of an image: sha256: and 64 hex digits.",
        ),
        (
            f'{{"repository": "aa", "running": [{{"digest": "{DIGEST}", "tags": ["a b"]}}]}}',
            "-: `running[0].tags`: `a b` cannot be a tag.",
        ),
        (
            f'{{"repository": "aa", "running": ["h.io/aa@sha256:{"a" * 64}"]}}',
            "-: `running[0]` names no tag, and tags decide what a lifecycle rule takes",
        ),
        ("[" * 100_000, "-: The JSON is nested too deeply to be read."),
    ],
)
def test_bad_input_is_one_sentence_and_two(rules: Path, text: str, said: str) -> None:
    result = run(rules, text)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1


LIFECYCLE = """
version: 1
rules:
  - repositories: ["apps/*"]
    tags: {unique: [sha, semver]}
    repository:
      lifecycle:
        rules:
          - rulePriority: 1
            selection: {tagStatus: tagged, tagPatternList: [1.*], countType: imageCountMoreThan,
                        countNumber: 9999}
            action: {type: expire}
          - rulePriority: 2
            selection: {tagStatus: any, countType: sinceImagePushed, countUnit: days,
                        countNumber: 90}
            action: {type: expire}
"""


def of_running(rules: Path, *images: Any) -> list[dict[str, Any]]:
    rules.write_text(LIFECYCLE)
    found = changes(rules, {"repository": "apps/web", "running": images})
    return [each for each in found if each["problem"] == "expires_running"]


def test_a_lifecycle_policy_that_can_take_an_image_that_runs_is_refused(rules: Path) -> None:
    other = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/apps/other:9f3c2ab"
    mine = other.replace("other", "web")
    (found,) = of_running(rules, mine, other)
    assert (found["action"], found["subject"], found["before"]) == ("refuse", "rule 2", [mine])
    assert found["reason"] == (
        f"The lifecycle rule 2 can expire 1 image from which {mine} can start again: deploy "
        'another image there, put a rule above it with tagPatternList: ["9f3c2ab"], countType: '
        "imageCountMoreThan and countNumber: 9999, or leave the rule out and let `images:` say "
        "with keepers what goes: it keeps what runs."
    )
    missing = changes(rules, {"repository": "apps/web", "running": ["9f3c2ab"]})[0]
    assert (missing["problem"], missing["action"]) == ("missing", "refuse")
    assert missing["reason"].endswith("It is not set, because it could expire images that run.")


def test_a_policy_that_is_there_and_can_take_an_image_that_runs_is_reported(rules: Path) -> None:
    rules.write_text(LIFECYCLE)
    (missing,) = changes(rules, {"repository": "apps/web"})
    there = missing["after"]
    given = {"repository": "apps/web", "lifecycle": there, "running": ["9f3c2ab"]}
    (found,) = changes(rules, given)
    assert (found["problem"], found["action"]) == ("expires_running", "report")


def test_an_image_that_runs_and_that_an_upper_rule_keeps_is_not_reported(rules: Path) -> None:
    assert of_running(rules, "1.4.2") == []
    assert of_running(rules, {"digest": DIGEST, "tags": ["9f3c2ab", "1.4.2"]}) == []
    assert len(of_running(rules, {"digest": DIGEST, "tags": ["9f3c2ab"]})) == 1
    assert len(of_running(rules, {"digest": DIGEST, "tags": []})) == 1
    archived = {"digest": DIGEST, "tags": ["9f3c2ab"], "archived": True}
    assert of_running(rules, archived) == []


def test_an_image_that_is_given_twice_is_one(rules: Path) -> None:
    (found,) = of_running(rules, "9f3c2ab", "9f3c2ab")
    assert "can expire 1 image from which 9f3c2ab can" in found["reason"]


def test_text_that_is_not_utf_8_is_refused(rules: Path, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(b'{"repository": "\xff"}')
    result = CliRunner().invoke(main, ["drift", "--rules", str(rules), str(file)])
    assert result.exit_code == 2
    assert "is not UTF-8 text" in result.stderr


def test_faults_of_the_rules_are_told_as_check_tells_them(rules: Path) -> None:
    rules.write_text(RULES.replace("KMS", "kms"))
    result = run(rules, RIGHT)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{rules}:11: `encryption` must be one of")


DESCRIBED = {
    "repositoryArn": f"arn:aws:ecr:eu-west-1:{OWN}:repository/base/redis",
    "registryId": OWN,
    "repositoryName": "base/redis",
    "repositoryUri": f"{OWN}.dkr.ecr.eu-west-1.amazonaws.com/base/redis",
    "createdAt": "2026-01-01T00:00:00+00:00",
    "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
    "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "latest"}],
    "imageScanningConfiguration": {"scanOnPush": False},
    "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "arn:aws:kms:x"},
}
POLICY = {
    "registryId": OWN,
    "repositoryName": "base/redis",
    "policyText": json.dumps({"Version": "2012-10-17", "Statement": [PULL]}),
}


def test_what_the_aws_cli_prints_is_taken_as_it_is(rules: Path) -> None:
    printed = [json.dumps(each, indent=4) for each in ({"repositories": [DESCRIBED]}, POLICY)]
    result = run(rules, "\n".join(printed), "--json")
    found = json.loads(result.stdout)
    assert found["repository"] == "base/redis"
    assert [f"{c['setting']} {c['problem']}" for c in found["changes"]] == [
        "policy public",
        "immutability different",
        "scan_on_push different",
        "resource_tags missing",
    ]
    own = {
        "repository": "base/redis",
        "policy": POLICY,
        "mutability": "IMMUTABLE",
        "scan_on_push": {"scanOnPush": True},
        "encryption": {"encryptionConfiguration": DESCRIBED["encryptionConfiguration"]},
        "resource_tags": {"tags": [{"Key": "owner", "Value": OWN}]},
    }
    assert [each["problem"] for each in changes(rules, own)] == ["public", "different"]


def test_tags_that_name_no_repository_are_of_the_one_before_them(rules: Path) -> None:
    tags = {"tags": [{"Key": "owner", "Value": OWN}]}
    plain = {key: each for key, each in RIGHT.items() if key != "resource_tags"}
    assert run(rules, "\n".join(map(json.dumps, (plain, tags)))).exit_code == 0
    described = {"repositories": [DESCRIBED, {**DESCRIBED, "repositoryName": "base/x"}]}
    for before in ([], [described]):
        result = run(rules, "\n".join(map(json.dumps, [*before, tags])))
        assert result.exit_code == 2
        assert "`tags` names no repository: give it right after what is of one" in result.stderr


def test_several_repositories_are_told_by_name(rules: Path) -> None:
    lines = [json.dumps(RIGHT), json.dumps({"repository": "other"}), json.dumps(POLICY)]
    result = run(rules, "\n".join(lines[:2]), "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "repositories": {"base/redis": {"changes": []}, "other": {"changes": []}}
    }
    text = run(rules, "\n".join(lines[1:])).stdout
    assert text.startswith("other: no rule matches; the repository is left alone.\nbase/redis:\n|")


def test_the_settings_of_the_registry_are_judged_too(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(
        'version: 1\nrules: [{repositories: ["*"], repository: {immutability: IMMUTABLE}}]\n'
        "registry: {scanning: {type: ENHANCED}, "
        "creation_templates: [{prefix: base, applied_for: [CREATE_ON_PUSH]}]}\n"
    )
    printed = {
        "scanning": {
            "registryId": OWN,
            "scanningConfiguration": {"scanType": "BASIC", "rules": []},
        },
        "creation_templates": {"repositoryCreationTemplates": []},
    }
    answers = "\n".join(json.dumps(each, indent=4) for each in printed.values())
    for given in ({"registry": printed}, answers):
        result = run(file, given, "--registry", "--json")
        assert result.exit_code == 1
        found = json.loads(result.stdout)["registry"]["changes"]
        assert [(each["setting"], each["problem"]) for each in found] == [
            ("scanning", "different"),
            ("creation_templates", "missing"),
        ]
    for odd in ({}, {"registry": 7}, {"registry": {"x": 1}}, {"registry": {"scanning": "x"}}):
        result = run(file, odd, "--registry")
        assert (result.exit_code, result.stdout) == (2, "")


def test_a_role_that_must_not_be_locked_out_is_named(rules: Path) -> None:
    role = f"arn:aws:iam::{OWN}:role/steward"
    but = {"ArnNotEquals": {"aws:PrincipalArn": role}}
    deny = {"Sid": "Own", "Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Condition": but}
    rules.write_text(
        "version: 1\nrules:\n  - repositories: [base/*]\n    repository:\n"
        f"      policy: {{statements: [{json.dumps(deny)}]}}\n"
    )
    settings = {"repository": "base/redis"}
    account = ("--account", OWN)
    assert [each["problem"] for each in changes(rules, settings, *account)] == ["locks_out"]
    named = changes(rules, settings, *account, "--role", role)
    assert [each["problem"] for each in named] == ["missing"]
    both = changes(rules, settings, *account, "--role", role, "--role", f"{role}-2")
    assert [each["problem"] for each in both] == ["locks_out"]
