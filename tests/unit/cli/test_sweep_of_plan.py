"""`ecr-steward sweep --plan`: what it reads, what it refuses, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecr_steward.rules.model import fingerprint
from ecr_steward_cli.commands.sweep import sweep
from ecr_steward_cli.live.kept import KeptPlanFault, kept_plan
from ecr_steward_cli.live.state import digits
from tests.support.world import image, manifest
from tests.unit.cli.stack_fakes import Deployed, denied, digest, fact, rules_layer, swept

RULES: dict[str, Any] = {
    "version": 1,
    "rules": [
        {
            "repositories": ["base/*"],
            "mode": "enforce",
            "tags": {
                "unique": ["semver"],
                "stable": [{"tag": "latest", "follows": "highest"}],
            },
        }
    ],
}
AUDITED = {**RULES, "rules": [{**RULES["rules"][0], "mode": "audit"}]}
MOVE = {"kind": "move", "tag": "latest", "from": digest("a"), "to": digest("b"), "reason": "Why."}
SCAN = {
    "setting": "scan_on_push", "problem": "different", "subject": "scan_on_push",
    "action": "correct", "before": False, "after": True, "reason": "Why.",
}  # fmt: skip


def document(*changes: Any, settings: Any = (), **given: Any) -> dict[str, Any]:
    """A kept plan with these changes of `base/redis`."""
    state = {"tags": digits({"1.4.2": image("a")}), "settings": digits({})}
    repository = {"state": state, "changes": list(changes), "settings": {"changes": list(settings)}}
    region = {
        "repositories": {"base/redis": repository},
        "registry": {"state": state, "changes": []},
        "without_rule": [],
        "unread": [],
        "totals": {},
    }
    accounts = {"123456789012": {"eu-west-1": region}}
    return {
        "version": 1,
        "at": "2026-11-23T02:00:00Z",
        "rules": fingerprint(RULES),
        "accounts": accounts,
        "totals": {},
    } | given


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(document(MOVE)))
    return path


@pytest.fixture
def deployed() -> Deployed:
    """A stack that has visited what it was sent at the next look."""
    found = Deployed()
    found.layer = rules_layer("", RULES)
    found.ecr.create_repository(repositoryName="base/redis")
    found.ecr.put_image(repositoryName="base/redis", imageManifest=manifest("a"), imageTag="1.4.2")
    id_ = "hand-20261123T022400.000000Z"
    found.history.sweeps.complete(id_, swept(id_, found.now))
    return found


def test_the_function_is_given_the_repositories_and_history_the_changes(
    deployed: Deployed, file: Path
) -> None:
    deployed.run(sweep, "--plan", str(file))
    (asked,) = deployed.functions.invoked
    assert asked["planned"] == ["base/redis"]
    planned = deployed.history.planned
    found = planned.tags(f"hand-{asked['id']}", "base/redis", fingerprint(RULES), deployed.now)
    assert found.holds(f"move\nlatest\n{digest('a')}\n{digest('b')}")
    assert not found.holds(f"move\nlatest\n{digest('a')}\n{digest('c')}")


def test_it_says_what_there_is_to_do_and_in_the_end_what_was_left(
    deployed: Deployed, file: Path
) -> None:
    played = deployed.run(sweep, "--plan", str(file))
    first, *_, last = played.stdout.splitlines()
    assert first == "The plan of 2026-11-23T02:00:00Z has 1 change in 1 repository."
    assert last == "Of the plan, 0 of 1 change were made."
    assert played.stderr == (
        "Left, because it is not what is decided now:\n  base/redis: move `latest`: Why.\n"
    )
    assert played.exit_code == 1


def test_what_another_sweep_has_made_since_is_made(deployed: Deployed, file: Path) -> None:
    made = fact(tag="latest", before=digest("a"), digest=digest("b"))
    deployed.history.record(made)
    played = deployed.run(sweep, "--plan", str(file))
    assert played.stdout.endswith("Of the plan, 1 of 1 change was made.\n")
    assert played.exit_code == 0


def test_a_repository_that_has_changed_or_cannot_be_read_is_said(
    deployed: Deployed, file: Path
) -> None:
    assert "changed" not in deployed.run(sweep, "--plan", str(file)).stdout
    deployed.ecr.put_image(repositoryName="base/redis", imageManifest=manifest("b"), imageTag="x")
    said = deployed.run(sweep, "--plan", str(file)).stdout
    assert "base/redis has changed since: its tags.\n" in said

    denying = "DescribeImages"

    def refuse(operation: str, asked: dict[str, Any]) -> None:
        if operation == denying:
            raise denied(operation)

    deployed.ecr.before = refuse
    said = deployed.run(sweep, "--plan", str(file)).stdout
    assert "Whether base/redis has changed is not known: DescribeImages: AccessDenied" in said
    denying = "DescribePullThroughCacheRules"
    played = deployed.run(sweep, "--plan", str(file))
    assert "What has changed since is not known: DescribePullThroughCacheRules" in played.stdout
    assert "1 change" in played.stdout.splitlines()[-1]


def test_settings_that_the_stack_only_audits_are_said_to_stay(
    deployed: Deployed, file: Path
) -> None:
    file.write_text(json.dumps(document(settings=[SCAN, {**SCAN, "action": "report"}])))
    said = deployed.run(sweep, "--plan", str(file)).stdout.splitlines()
    assert said[0].endswith("has 1 change in 1 repository.")
    assert said[1] == "SettingsMode is audit: no setting is corrected."


def test_what_a_rule_in_audit_leaves_is_said_with_that_reason(
    deployed: Deployed, file: Path
) -> None:
    rules = {
        **RULES,
        "rules": [{**RULES["rules"][0], "repositories": ["base/held"]}, *RULES["rules"]],
    }
    rules["rules"][0]["mode"] = "audit"
    deployed.layer = rules_layer("", rules)
    kept = document(MOVE, settings=[SCAN], rules=fingerprint(rules))
    repositories = kept["accounts"]["123456789012"]["eu-west-1"]["repositories"]
    repositories["base/held"] = {**repositories["base/redis"], "settings": {"changes": []}}
    file.write_text(json.dumps(kept))
    played = deployed.run(sweep, "--plan", str(file))
    assert "1 repository of it has a rule with `mode: audit`: nothing is changed there.\n" in (
        played.stdout
    )
    assert [line for line in played.stderr.splitlines() if line.startswith("Left")] == [
        "Left, because it is not what is decided now:",
        "Left, because SettingsMode is audit:",
        "Left, because the rule has `mode: audit`:",
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda d: d.cloudformation.outputs.update(Mode="audit"), "deploy it with Mode=enforce"),
        (
            lambda d: setattr(d, "layer", rules_layer("", {**RULES, "rules": []})),
            "keep a new one with `ecr-steward plan --out`",
        ),
        (lambda d: setattr(d, "layer", rules_layer("", AUDITED)), "write `mode: enforce` where"),
        (
            lambda d: setattr(d.sts, "get_caller_identity", lambda: {"Account": "2"}),
            "does not say anything of account 2 in eu-west-1",
        ),
    ],
)
def test_a_plan_that_is_not_for_this_stack_is_refused_with_the_way_out(
    deployed: Deployed, file: Path, change: Callable[[Deployed], object], why: str
) -> None:
    change(deployed)
    if "mode: enforce" in why:
        file.write_text(json.dumps(document(MOVE, rules=fingerprint(AUDITED))))
    played = deployed.run(sweep, "--plan", str(file))
    assert played.exit_code == 2
    assert why in played.stderr
    assert deployed.functions.invoked == []


def test_a_plan_that_changes_nothing_sends_nothing(deployed: Deployed, file: Path) -> None:
    told = {**MOVE, "kind": "reject"}
    gone = {**MOVE, "kind": "remove", "to": None, "found": True}
    file.write_text(json.dumps(document(told, gone)))
    played = deployed.run(sweep, "--plan", str(file))
    assert "changes nothing in a repository like `*`" in played.stderr
    assert deployed.functions.invoked == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "p: This is no plan that `plan --out` kept: Expecting property name"),
        ('{"a": 1, "a": 2}', "`a` occurs twice in one object."),
        ("[]", "p: The plan must be an object, as `ecr-steward plan --out` writes it."),
        ("{}", "p: The plan has no `version`, `at`, `rules`, `accounts`, `totals`."),
        (json.dumps(document(version=2)), "p: version must be 1, the version of this form."),
        (json.dumps(document(at="yesterday")), "p: at must be a time in UTC such as"),
        (json.dumps(document(at="2026-13-45T00:00:00Z")), "p: at must be a time in UTC such as"),
        (
            json.dumps(document({**MOVE, "to": "sha256:1"})),
            "repositories.base/redis.changes[0].to must be a digest, `sha256:` and 64 hex digits,",
        ),
        (
            json.dumps(document(settings=[{"setting": "policy"}])),
            "base/redis.settings.changes[0] has no `problem`, `subject`, `action`,",
        ),
    ],
)
def test_what_is_no_kept_plan_is_a_sentence_a_fault(text: str, said: str) -> None:
    with pytest.raises(KeptPlanFault) as refused:
        kept_plan(text, "p")
    (line,) = str(refused.value).splitlines()
    assert said in line


def test_the_digits_of_what_was_seen_have_no_order_and_ignore_what_passes() -> None:
    one: dict[str, Any] = {
        "b": ["x", {"y": 1}],
        "a": None,
        "lastEvaluatedAt": 1,
        "ResponseMetadata": {},
    }
    assert digits(one) == digits({"a": None, "b": [{"y": 1}, "x"]})
    assert digits(one) != digits({"a": None, "b": [{"y": 2}, "x"]})
