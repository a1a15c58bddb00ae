"""Say in five lines why a tag is where it is."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ecr_steward.history.holds import Hold
from ecr_steward.words.causes import Cause
from ecr_steward_cli.commands.why import why
from tests.support.world import REPOSITORY, VERSIONS, image
from tests.unit.cli.stack_fakes import NOW, Deployed, fact, rules_layer
from tests.unit.cli.test_hold import look, push

RULES: dict[str, Any] = {"version": 1, "rules": [VERSIONS, {"repositories": ["apps/*"]}]}


@pytest.fixture
def deployed() -> Deployed:
    """A stack that has moved 1.4 from 1.4.1 to 1.4.2, and saw 1.4.3-rc.1."""
    made = Deployed()
    made.layer = rules_layer("3a92dae3b84f", RULES)
    made.ecr.create_repository(repositoryName=REPOSITORY)
    for version in ("1.4.1", "1.4.2", "1.4.3-rc.1"):
        push(made, version)
        look(made, version, version)
        made.now += timedelta(minutes=1)
    return made


def test_five_lines_say_why_a_tag_is_where_it_is(deployed: Deployed) -> None:
    deployed.history.holds.put(REPOSITORY, Hold("1.4", NOW, None, "ada", "the cache is cold"))
    result = deployed.run(why, f"{REPOSITORY}:1.4")
    assert (result.exit_code, result.stderr) == (0, "")
    where, rule, leads, moved, held = result.stdout.splitlines()
    assert where == f"{REPOSITORY}:1.4 is on 1.4.2, 1, latest ({image('1.4.2')[:19]})."
    assert rule.endswith("(enforce): `1.4` follows the highest of 1.4.*")
    assert leads == (
        f"leads   1.4.2 ({image('1.4.2')[:19]}); 1.4.3-rc.1 is a pre-release (rc.1); 1.4.1 is lower"
    )
    assert moved.startswith("moved   2026-11-23 02:25:00Z (an event of ECR): `1.4` goes to 1.4.2")
    assert held.startswith("held    by ada since 2026-11-23T02:24:00Z")


def test_a_unique_tag_says_that_it_never_moves(deployed: Deployed) -> None:
    said = deployed.run(why, f"{REPOSITORY}:1.4.1").stdout.splitlines()
    assert said[1].endswith("`1.4.1` is a unique tag, which never moves")
    assert said[2:] == [
        "leads   nothing: it follows nothing",
        "moved   never by the steward, as far as history knows",
        "held    no",
    ]


def test_a_tag_that_is_on_no_image_exits_1(deployed: Deployed) -> None:
    result = deployed.run(why, f"{REPOSITORY}:9.9")
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{REPOSITORY}:9.9 is on no image.\n")


def test_json_has_what_leads_and_what_lost(deployed: Deployed) -> None:
    said = json.loads(deployed.run(why, f"{REPOSITORY}:latest", "--json").stdout)
    assert said["leads"] == {"tag": "1.4.2", "digest": image("1.4.2")}
    assert [each["tag"] for each in said["lost"]] == ["1.4.3-rc.1", "1.4.1"]
    assert said["moved"]["to"] == image("1.4.2")


def test_what_audit_only_reported_was_not_moved(deployed: Deployed) -> None:
    reported = fact(
        time=NOW + timedelta(hours=1), tag="2.0", mode="audit", cause=Cause("s1", "Sweep")
    )
    deployed.history.findings.say([replace(reported, repository=REPOSITORY)])
    *_, moved, _ = deployed.run(why, f"{REPOSITORY}:2.0").stdout.splitlines()
    assert moved == (
        "moved   not by the steward, in audit at 2026-11-23 03:24:00Z (a sweep): "
        "1.4.2 is the highest of 1.4.*."
    )
    deployed.history.findings.say([replace(reported, repository=REPOSITORY, tag="1.4")])
    *_, moved, _ = deployed.run(why, f"{REPOSITORY}:1.4").stdout.splitlines()
    assert moved.startswith("moved   2026-11-23 02:25:00Z (an event of ECR)")
