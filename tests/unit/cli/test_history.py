"""Show what happened to a repository or a tag."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from ecr_steward.history.holds import Hold
from ecr_steward.history.settings import Known, SettingsHistory
from ecr_steward.history.table import Item
from ecr_steward.history.tags import Learned
from ecr_steward.tags.state import Mark
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.reading import iso
from ecr_steward_cli.commands.history import entry, history
from tests.support.facts import CORRECTED
from tests.unit.cli.stack_fakes import NOW, Deployed, denied, digest, fact, rules_layer

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


def entries(text: str) -> list[str]:
    """The first line of each entry."""
    return [line for line in text.splitlines() if line.startswith("2026-")]


def test_an_entry_has_what_happened_and_below_it_why(deployed: Deployed) -> None:
    result = deployed.run(history, "base/redis")
    assert result.exit_code == 0
    assert result.stdout == (
        f"2026-11-23 02:27:00Z  wild  refused  sha256:{12 * 'c'}\n"
        "    It is wild.\n"
        "2026-11-23 02:26:00Z  1.4  would be moved  1.4.1 → 1.4.2\n"
        "    1.4.2 is the highest of 1.4.*.\n"
        f"2026-11-23 02:25:00Z  1  no image → sha256:{12 * 'a'}\n"
        "    1.4.2 is the highest of 1.4.*.\n"
        "2026-11-23 02:24:00Z  1.4  no image → 1.4.1\n"
        "    The first.\n"
    )


def test_verbose_adds_whole_digests_and_ids(deployed: Deployed) -> None:
    said = deployed.run(history, "base/redis:1.4", "--last", "1", "--verbose").stdout
    assert f"    {digest('a')} → {digest('b')}\n" in said
    assert "    cause ECR Image Action 11111111\n" in said
    assert f"    fact {FACTS[2].id}\n    rule 0: base/*, rules 3a92dae3b84f, mode audit\n" in said


@pytest.mark.parametrize("width", [40, 80, 120])
def test_entries_fit_the_terminal_and_no_word_is_broken(width: int) -> None:
    every = (line for fact in (*FACTS, CORRECTED) for line, _ in entry(fact, width))
    said = [line for each in every for line in each.split("\n")]
    assert max(map(len, said)) <= width
    assert set(" ".join(said).split()) >= set(CORRECTED.reason.split())


def test_a_held_tag_is_said_to_be_where_it_is(deployed: Deployed) -> None:
    held = replace(FACTS[2], kind=FactKind.HELD, mode="enforce", time=iso(NOW + 9 * MINUTE))
    deployed.history.findings.say([held])
    newest, *_ = entries(deployed.run(history, "base/redis:1.4").stdout)
    assert newest == "2026-11-23 02:33:00Z  1.4  held  1.4.1, not 1.4.2"


def test_one_tags_facts_are_its_own(deployed: Deployed) -> None:
    told = entries(deployed.run(history, "base/redis:1.4").stdout)
    assert [row.split("  ")[1] for row in told] == ["1.4", "1.4"]


def test_the_last_n_are_the_newest(deployed: Deployed) -> None:
    said = deployed.run(history, "base/redis", "--last", "2").stdout
    assert [row.split("  ")[1] for row in entries(said)] == ["wild", "1.4"]
    older = "There are older entries: --last 20 or --until 2026-11-23T02:26:00Z.\n"
    assert said.endswith(older)


def test_facts_of_the_first_sight_are_there_too(deployed: Deployed) -> None:
    quiet = fact(time=NOW - MINUTE, tag="0", digest=digest("d"))
    deployed.history.findings.say([quiet], quietly=True)
    *_, oldest = entries(deployed.run(history, "base/redis").stdout)
    assert oldest.split("  ")[1] == "0"


def test_json_has_each_fact_as_its_event_tells_it(deployed: Deployed) -> None:
    said = json.loads(deployed.run(history, "base/redis:1.4", "--last", "1", "--json").stdout)
    assert said == {
        "repository": "base/redis",
        "tag": "1.4",
        "more": True,
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
    said = deployed.run(history, "base/redis", "--last", "1").stdout
    first, second, *_ = said.splitlines()
    assert first == "2026-11-23 02:29:00Z  policy Everybody  corrected  public"
    assert second.startswith(f"    {CORRECTED.reason} By ")
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
    assert result.stdout.startswith(f"Nothing has happened to base/redis:{tag} yet.")


def test_a_history_that_may_not_be_read_exits_2(deployed: Deployed) -> None:
    def refuse(*_: object) -> object:
        raise denied("Query")

    deployed.table.backwards = refuse  # type: ignore[assignment,method-assign]
    result = deployed.run(history, "base/redis")
    assert result.exit_code == 2
    assert result.stderr.startswith("You are not allowed to call Query: ")


def test_zero_facts_cannot_be_asked_for(deployed: Deployed) -> None:
    assert deployed.run(history, "base/redis", "--last", "0").exit_code == 2


def test_since_and_until_bound_what_is_shown(deployed: Deployed) -> None:
    window = ("--since", "2026-11-23T02:25:00Z", "--until", "2026-11-23T02:26:00Z")
    told = entries(deployed.run(history, "base/redis", *window).stdout)
    assert [row[14:19] for row in told] == ["26:00", "25:00"]
    day = deployed.run(history, "base/redis", "--until", "2026-11-22").stdout
    assert day.startswith("Nothing has happened to base/redis in that time.")
    assert len(entries(deployed.run(history, "base/redis", "--until", "2026-11-23").stdout)) == 4


def test_where_a_tag_was_at_a_time(deployed: Deployed) -> None:
    said = deployed.run(history, "base/redis:1.4", "--at", "2026-11-23T02:25:00Z").stdout
    assert said == (
        f"1.4 was on 1.4.1 (sha256:{12 * 'a'}) at 2026-11-23 02:25:00Z.\n"
        "    since 2026-11-23 02:24:00Z: The first.\n"
    )


def test_what_audit_only_reported_moved_nothing(deployed: Deployed) -> None:
    at = ("base/redis", "--at", "2026-11-23", "--json")
    tags = json.loads(deployed.run(history, *at).stdout)["tags"]
    assert {tag: each["digest"] for tag, each in tags.items()} == {
        "1": digest("a"),
        "1.4": digest("a"),
    }


def test_of_what_stayed_it_says_when_it_was_seen_there(
    deployed: Deployed,
) -> None:
    said = deployed.run(history, "base/redis:1.4", "--at", "2026-11-23T03:00:00Z").stdout
    assert said == (
        f"1.4 was on 1.4.1 (sha256:{12 * 'a'}) at 2026-11-23 03:00:00Z.\n"
        "    there at 2026-11-23 02:26:00Z, in audit: 1.4.2 is the highest of 1.4.*.\n"
    )


def test_what_happened_next_says_where_the_other_tags_of_a_repository_were(
    deployed: Deployed,
) -> None:
    said = deployed.run(history, "base/redis", "--at", "2026-11-23T02:24:30Z").stdout
    assert [line for line in said.splitlines() if " was on " in line] == [
        "1 was on no image at 2026-11-23 02:24:30Z.",
        f"1.4 was on 1.4.1 (sha256:{12 * 'a'}) at 2026-11-23 02:24:30Z.",
    ]


def test_before_its_first_move_a_tag_was_where_that_took_it_from(deployed: Deployed) -> None:
    moved = fact(time=NOW + 9 * MINUTE, tag="edge", digest=digest("e"), before=digest("d"))
    deployed.history.findings.say([moved])
    said = deployed.run(history, "base/redis:edge", "--at", "2026-11-23T02:30:00Z").stdout
    assert said.startswith(f"edge was on sha256:{12 * 'd'} at 2026-11-23 02:30:00Z.\n")
    assert "so says what happened next" in said


@pytest.mark.parametrize("option", ["--at", "--since", "--until"])
def test_what_is_no_time_is_said_in_one_sentence(deployed: Deployed, option: str) -> None:
    result = deployed.run(history, "base/redis", option, "yesterday")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{option}: `yesterday` is no ISO 8601 time. Write")


def test_a_tag_that_nothing_moves_says_why(deployed: Deployed) -> None:
    rules = {"version": 1, "rules": [{"repositories": ["apps/*"]}]}
    deployed.layer = rules_layer("3a92dae3b84f", rules)
    deployed.history.note("base/redis", Learned(known={"7.0.1": digest("e")}))
    said = deployed.run(history, "base/redis:7.0.1").stdout
    assert said == (
        "Nothing has happened to base/redis:7.0.1 yet. A push of it moves nothing: no rule matches "
        "base/redis; it is left alone.\n"
    )


def test_history_asks_for_no_more_pages_than_it_shows(deployed: Deployed) -> None:
    read: list[str] = []
    backwards = deployed.table.backwards

    def counted(pk: str, first: str, last: str, tag: str | None = None) -> Iterator[Item]:
        for item in backwards(pk, first, last, tag):
            read.append(item.sk)
            yield item

    deployed.table.backwards = counted  # type: ignore[method-assign]
    deployed.history.findings.say([fact(time=NOW + n * MINUTE, tag=f"9.{n}") for n in range(900)])
    deployed.run(history, "base/redis", "--last", "5")
    assert len(read) < 10


def test_what_would_command_the_terminal_is_shown_as_an_escape() -> None:
    deployed = Deployed()
    deployed.history.findings.say([fact(tag="1", reason="\x1b[2J\rgone :boom:")])
    said = deployed.run(history, "base/redis").stdout
    assert "\\u001b[2J\\rgone :boom:" in said
    assert "\x1b" not in said
