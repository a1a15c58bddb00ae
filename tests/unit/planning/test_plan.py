"""`ecr-steward plan`, on registries in memory."""

from __future__ import annotations

import json
import stat
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.history.holds import Hold
from ecr_steward.history.tags import History
from tests.support.world import BEGINNING, image
from tests.unit.planning.registries import (
    ACCOUNT,
    OTHER,
    RULES,
    Registries,
    Registry,
    behind,
    history,
    one,
)

READS = ("Describe", "List", "Get")


def found(registry: Registry, folder: Path, *arguments: str, rules: str = RULES) -> dict[str, Any]:
    """What `plan --json` prints of the usual registry."""
    result = one(registry).plan(folder, "--json", *arguments, rules=rules)
    assert result.exit_code in (0, 1), result.output
    document: dict[str, Any] = json.loads(result.stdout)
    ((_, regions),) = document["accounts"].items()
    return {**regions[registry.region], "all": document["totals"]}


def refuse(operation: str, code: str, repository: str | None = None) -> Any:
    """A registry's `before` that refuses an operation."""

    def before(called: str, asked: Mapping[str, Any]) -> None:
        if called == operation and repository in (None, asked.get("repositoryName")):
            raise ClientError({"Error": {"Code": code, "Message": "not for you"}}, called)

    return before


def test_a_plan_is_what_the_writers_would_do(tmp_path: Path) -> None:
    plan = found(behind(), tmp_path)["repositories"]["base/redis"]
    changes = {(each["kind"], each["tag"], each["from"], each["to"]) for each in plan["changes"]}
    old, new = image("old"), image("new")
    assert changes == {
        ("move", "1.4", old, new),
        ("move", "latest", old, new),
        ("remove", "wip", new, None),
    }
    assert [each["problem"] for each in plan["settings"]] == ["public"]
    assert plan["tags"]["1.4.2"] == new


def test_a_plan_reads_and_writes_nothing(tmp_path: Path) -> None:
    registry = behind()
    before = Counter(registry.ecr.calls)
    one(registry).plan(tmp_path)
    made = Counter(registry.ecr.calls) - before
    assert made
    assert [each for each in made if not each.startswith(READS)] == []


def test_it_begins_with_the_counts_and_then_what_to_look_at_first(tmp_path: Path) -> None:
    result = one(behind()).plan(tmp_path)
    verdict, *rest = result.stdout.splitlines()
    assert verdict == (
        "In 2 repositories: 2 tags would move, 1 tag would be removed, 1 setting would be "
        "corrected, 1 repository has no rule."
    )
    titles = [line for line in rest if line.endswith(":")]
    assert titles[0] == "Look at first: tags that would be removed:"
    assert titles[1] == "Look at first: settings that let others in:"
    assert result.exit_code == 1


def test_a_registry_that_is_right_ends_with_0(tmp_path: Path) -> None:
    registry = Registry()
    registry.push("base/redis", "1.4.2", "new")
    registry.push("base/redis", "1.4", "new")
    registry.push("base/redis", "latest", "new")
    result = one(registry).plan(tmp_path)
    assert result.exit_code == 0
    assert result.stdout.startswith("Nothing would change in 1 repository.")


def test_what_cannot_be_read_is_a_line_that_says_why(tmp_path: Path) -> None:
    registry = behind()
    registry.push("base/nginx", "1.0.0", "nginx")
    registry.before = refuse("DescribeImages", "AccessDeniedException", "base/nginx")
    plan = found(registry, tmp_path)
    (line,) = plan["unread"]
    assert line["what"] == "base/nginx"
    assert line["why"] == "You are not allowed to call DescribeImages: not for you."
    assert "base/redis" in plan["repositories"]


def test_a_throttle_is_waited_out(tmp_path: Path) -> None:
    registry = behind()
    left = iter(range(3))

    def before(operation: str, asked: Mapping[str, Any]) -> None:
        if operation == "DescribeImages" and next(left, None) is not None:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, operation)

    registry.before = before
    assert found(registry, tmp_path)["unread"] == []


def test_only_repositories_that_the_glob_matches_are_looked_at(tmp_path: Path) -> None:
    assert list(found(behind(), tmp_path, "--repository", "team/*")["repositories"]) == ["team/app"]


def test_the_history_of_a_stack_is_used(tmp_path: Path) -> None:
    registry = behind()
    table = history()
    hold = Hold("1.4", since=BEGINNING, until=None, by="ada", reason="we wait")
    History(table).holds.put("base/redis", hold)
    registry.table = table
    plan = found(registry, tmp_path)["repositories"]["base/redis"]
    kinds = {each["tag"]: each["kind"] for each in plan["changes"]}
    assert (kinds["1.4"], kinds["latest"]) == ("held", "move")


def test_a_repository_of_a_pull_through_cache_is_left_alone(tmp_path: Path) -> None:
    registry = behind()
    registry.ecr.add_pull_through_cache_rule("base", "public.ecr.aws")
    every = RULES.replace("base/*", "*")
    plan = found(registry, tmp_path, rules=every)["repositories"]["base/redis"]
    assert (plan["changes"], plan["settings"]) == ([], [])


def test_an_interrupted_run_is_gone_on_from(tmp_path: Path) -> None:
    registry = behind()
    for number in range(40):
        registry.push(f"base/app-{number:02}", "1.0.0", "app")
    looks = iter(range(60))

    def before(operation: str, asked: Mapping[str, Any]) -> None:
        if operation == "DescribeImages" and next(looks) == 20:
            raise KeyboardInterrupt

    registry.before = before
    result = one(registry).plan(tmp_path)
    assert result.exit_code == 1
    assert "go on from there" in result.stderr
    (cache,) = (tmp_path / "cache" / "ecr-steward" / "plan").iterdir()
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    read = len(cache.read_text(encoding="utf-8").splitlines())
    registry.before = lambda operation, asked: None
    seen = registry.ecr.calls["DescribeImages"]
    assert found(registry, tmp_path)["all"]["repositories"] == 42
    assert read > 0
    assert registry.ecr.calls["DescribeImages"] - seen <= 42 - read
    assert not cache.exists()


def test_an_account_that_denies_is_a_line_and_not_an_end(tmp_path: Path) -> None:
    closed = Registry(account=OTHER)
    closed.before = refuse("DescribeRepositories", "AccessDeniedException")
    both = Registries({"open": behind(), "closed": closed})
    result = both.plan(tmp_path, "--json", "--profile", "open", "--profile", "closed")
    document = json.loads(result.stdout)
    (line,) = document["accounts"][OTHER]["eu-west-1"]["unread"]
    assert line["what"] == "the list of repositories"
    assert document["accounts"][ACCOUNT]["eu-west-1"]["totals"]["moved"] == 2
    assert document["totals"]["unread"] == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "must be a list"),
        ("- {role: admin}", "entry 1: `role` must be the ARN of a role"),
        ("- {account: 1}", "entry 1: It takes `role`"),
        ("- [", "cannot be read"),
    ],
)
def test_an_accounts_file_that_is_wrong_is_refused(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(text, encoding="utf-8")
    result = one(behind()).plan(tmp_path, "--accounts", str(file))
    assert result.exit_code == 2
    assert why in result.stderr


def test_a_plan_is_kept_as_it_is_printed(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    result = one(behind()).plan(tmp_path, "--json", "--out", str(file))
    assert json.loads(file.read_text(encoding="utf-8")) == json.loads(result.stdout)
