"""Show what happened to a repository or a tag."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from ecr_steward.history.holds import Hold
from ecr_steward.history.settings import Known, SettingsHistory
from ecr_steward.history.tags import Learned
from ecr_steward.tags.state import Mark
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.reading import iso
from ecr_steward_cli.commands.history import history
from tests.support.facts import CORRECTED
from tests.unit.cli.stack_fakes import NOW, Deployed, denied, digest, fact

MINUTE = timedelta(minutes=1)
FACTS = (
    fact(time=NOW, tag="1.4", digest=digest("a"), after_tags=("1.4.1",), reason="The first."),
    fact(time=NOW + MINUTE, tag="1", digest=digest("a"), cause=Cause("2", "Sweep")),
    fact(
        time=NOW + 2 * MINUTE,
        tag="1.4",
        digest=digest("b"),
        before=digest("a"),
        before_tags=("1.4", "1.4.1"),
        after_tags=("1.4.2",),
        mode="audit",
    ),
    fact(FactKind.REJECT, NOW + 3 * MINUTE, tag="wild", digest=digest("c"), reason="It is wild."),
)


@pytest.fixture
def deployed() -> Deployed:
    deployed = Deployed()
    deployed.history.findings.say(FACTS)
    return deployed


def rows(text: str) -> list[list[str]]:
    """The table's rows, with cells that two spaces tell apart."""
    cells = (
        [cell.strip() for cell in row.split("   ") if cell.strip()] for row in text.split("\n")
    )
    return [row for row in cells if row and not row[0].startswith("─")]


def test_a_repositorys_facts_come_oldest_first(deployed: Deployed) -> None:
    result = deployed.run(history, "base/redis")
    assert result.exit_code == 0
    heading, first, second, third, fourth = rows(result.stdout)
    assert heading == ["time", "what", "tag or setting", "from → to", "why", "mode", "cause"]
    assert first == [
        "2026-11-23 02:24:00Z",
        "move",
        "1.4",
        f"→ 1.4.1 (sha256:{12 * 'a'})",
        "The first.",
        "enforce",
        "ECR Image Action 11111111",
    ]
    assert (second[2], second[-1]) == ("1", "Sweep 2")
    assert third[3] == f"1.4.1 (sha256:{12 * 'a'}) → 1.4.2 (sha256:{12 * 'b'})"
    assert third[5] == "audit"
    assert fourth[1:4] == ["reject", "wild", f"sha256:{12 * 'c'}"]


def test_one_tags_facts_are_its_own(deployed: Deployed) -> None:
    _, *told = rows(deployed.run(history, "base/redis:1.4").stdout)
    assert [row[2] for row in told] == ["1.4", "1.4"]


def test_the_last_n_are_the_newest(deployed: Deployed) -> None:
    _, *told = rows(deployed.run(history, "base/redis", "--last", "2").stdout)
    assert [row[2] for row in told] == ["1.4", "wild"]


def test_facts_of_the_first_sight_are_there_too(deployed: Deployed) -> None:
    quiet = fact(time=NOW - MINUTE, tag="0", digest=digest("d"))
    deployed.history.findings.say([quiet], quietly=True)
    _, first, *_ = rows(deployed.run(history, "base/redis").stdout)
    assert first[2] == "0"


def test_json_has_each_fact_as_its_event_tells_it(deployed: Deployed) -> None:
    said = json.loads(deployed.run(history, "base/redis:1.4", "--last", "1", "--json").stdout)
    assert said == {
        "repository": "base/redis",
        "tag": "1.4",
        "holds": {},
        "facts": [{"detail-type": "Tag Moved", **FACTS[2].to_detail()}],
    }


def test_who_holds_a_tag_now_is_said(deployed: Deployed) -> None:
    deployed.history.holds.put("base/redis", Hold("1.4", NOW, None, "ada"))
    deployed.history.holds.put("base/redis", Hold("1", NOW - MINUTE, NOW, "grace"))
    deployed.history.holds.put("base/redis7", Hold("1.4", NOW, None, "eve"))
    held = "by ada since 2026-11-23T02:24:00Z, until it is released"
    said = deployed.run(history, "base/redis").stdout
    assert said.endswith(f"Held: base/redis:1.4 {held}\n")
    assert "grace" not in said
    assert "eve" not in said
    assert "Held" not in deployed.run(history, "base/redis:1").stdout
    assert json.loads(deployed.run(history, "base/redis", "--json").stdout)["holds"] == {
        "1.4": held
    }


def test_markup_in_a_reason_is_printed_as_it_is() -> None:
    deployed = Deployed()
    deployed.history.findings.say([fact(tag="1", reason="[bold]`1`[/] has [two] twins.")])
    assert "[bold]`1`[/] has [two] twins." in deployed.run(history, "base/redis").stdout


def test_a_repository_never_seen_is_said_and_exits_1(deployed: Deployed) -> None:
    result = deployed.run(history, "base/nothing")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(
        "The steward has never seen base/nothing: check the name, and with "
    )


def test_a_tag_never_seen_is_said_and_exits_1(deployed: Deployed) -> None:
    result = deployed.run(history, "base/redis:9.9")
    assert result.exit_code == 1
    assert result.stderr.startswith("The steward has never seen base/redis:9.9: ")


def test_a_repository_to_which_nothing_happened_is_known_all_the_same() -> None:
    deployed = Deployed()
    deployed.history.sweeps.remember_seen("base/redis", NOW)
    result = deployed.run(history, "base/redis")
    assert result.exit_code == 0
    assert result.stdout == "Nothing has happened to base/redis yet.\n"
    assert json.loads(deployed.run(history, "base/redis", "--json").stdout)["facts"] == []


def test_a_setting_is_told_with_what_was_wrong_and_who_did_it(deployed: Deployed) -> None:
    deployed.history.findings.say([replace(CORRECTED, time=iso(NOW + 5 * MINUTE))])
    row = rows(deployed.run(history, "base/redis", "--last", "1").stdout)[-1]
    assert row == [
        "2026-11-23 02:29:00Z",
        "correct",
        "policy Everybody",
        "public",
        CORRECTED.reason,
        "enforce",
        f"{CORRECTED.cause.type} {CORRECTED.cause.id} by {CORRECTED.cause.by}",
    ]
    told = json.loads(deployed.run(history, "base/redis", "--last", "1", "--json").stdout)
    assert told["facts"][0]["before"]["Principal"] == "*"
    assert told["facts"][0]["difference"]


def test_the_registrys_own_settings_have_a_past_too(deployed: Deployed) -> None:
    nothing = deployed.run(history, "*")
    assert nothing.exit_code == 0
    assert nothing.stdout == "Nothing has happened to the registry's own settings yet.\n"
    deployed.history.findings.say([replace(CORRECTED, repository="", rule="registry")])
    assert "policy Everybody" in deployed.run(history, "*").stdout


def test_a_repository_whose_settings_were_looked_at_is_known(deployed: Deployed) -> None:
    SettingsHistory(deployed.table).note("base/fine", Known(seen=True))
    result = deployed.run(history, "base/fine")
    assert result.exit_code == 0
    assert result.stdout == "Nothing has happened to base/fine yet.\n"


@pytest.mark.parametrize("tag", ["1.4.2", "7", "7.0.1"])
def test_a_tag_that_something_was_said_or_remembered_of_is_known(
    deployed: Deployed, tag: str
) -> None:
    mark = Mark("7", "7.0.0", digest("d"))
    deployed.history.note("base/redis", Learned(marks=[mark], known={"7.0.1": digest("e")}))
    result = deployed.run(history, f"base/redis:{tag}")
    assert result.exit_code == 0
    assert result.stdout == f"Nothing has happened to base/redis:{tag} yet.\n"


def test_a_history_that_may_not_be_read_exits_2(deployed: Deployed) -> None:
    def refuse(*_: object) -> object:
        raise denied("Query")

    deployed.table.query = refuse  # type: ignore[assignment,method-assign]
    result = deployed.run(history, "base/redis")
    assert result.exit_code == 2
    assert result.stderr.startswith("You are not allowed to call Query: ")


def test_zero_facts_cannot_be_asked_for(deployed: Deployed) -> None:
    assert deployed.run(history, "base/redis", "--last", "0").exit_code == 2
