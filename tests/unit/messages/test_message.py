"""What messages say, whatever their form."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.messages.own_facts import OwnFacts
from ecr_steward.messages.say.links import arn, console
from ecr_steward.messages.say.message import digest, loudest, runs, story
from ecr_steward.messages.say.titles import LONGEST
from ecr_steward.messages.say.wording import inert, listed, who
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.words.causes import CHANNEL, ROLLBACK, Cause
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward_cli.main import COMMANDS
from tests.support import messages
from tests.support.facts import (
    DRIFTED,
    EVERY_KIND,
    FAILED,
    HELD,
    MOVED,
    NEW,
    OVERWRITTEN,
    PINNED,
    REJECTED,
    SWEPT,
    faults,
)
from tests.support.facts import story as moves

HOUR = timedelta(hours=1)
EVERY_MESSAGE = {**messages.EVENTS, **messages.DIGESTS, **messages.STORIES}

# Titles


@pytest.mark.parametrize("name", EVERY_MESSAGE)
def test_a_title_has_fewer_than_sixty_characters(name: str) -> None:
    assert 0 < len(EVERY_MESSAGE[name].title) < 60


@given(
    st.lists(st.sampled_from(EVERY_KIND), min_size=1, max_size=8),
    st.lists(st.text(max_size=130), min_size=2, max_size=2),
)
def test_a_title_is_one_short_line_whatever_facts_hold(facts: list[Fact], texts: list[str]) -> None:
    tag, version = texts
    told = [replace(fact, tag=tag, after_tags=(version,), reason=version * 3) for fact in facts]
    for message in (story(told), digest(told, HOUR)):
        assert 0 < len(message.title) <= LONGEST
        assert message.title.isprintable()


def test_a_title_that_is_too_long_tells_less_of_tags_and_then_what_weighs_most() -> None:
    tags = [f"release-of-autumn-{n}" for n in range(3)]
    assert story(moves(*tags)).title == "release-of-autumn-0 and 2 more moved to 1.4.2"
    long = "a" * 100
    facts = [replace(FAILED, tag=long), *moves("1.4")]
    assert story(facts).title == f"work on {'a' * 38}…; and 1 more"


def test_a_repository_that_anyone_can_reach_is_said_by_that() -> None:
    assert story([DRIFTED]).title == "public access"
    assert story([replace(DRIFTED, kind=FactKind.CORRECT)]).title == "public access removed"


def test_a_digest_counts_what_weighs_most_first() -> None:
    facts = [*moves("1", "1.4"), REJECTED, OVERWRITTEN, PINNED]
    assert digest(facts, HOUR).headline == (
        "base/redis: 1 overwritten, 1 rejected, 2 moved, 1 pinned"
    )
    elsewhere = replace(REJECTED, repository="apps/shop")
    assert digest([*facts, elsewhere], HOUR).headline == (
        "2 repositories: 1 overwritten, 2 rejected and 2 more"
    )


# Who, where, what next


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("arn:aws:sts::123456789012:assumed-role/Deploy/alice", "alice (role Deploy)"),
        ("arn:aws:iam::123456789012:user/bob", "bob"),
        ("arn:aws:iam::123456789012:root", "root"),
        (
            "arn:aws-cn:sts::999988887777:assumed-role/CI/build-7",
            "build-7 (role CI) of account 999988887777",
        ),
        ("ecr.amazonaws.com", "ecr.amazonaws.com"),
    ],
)
def test_who_did_it_is_said_as_people_say_it(by: str, said: str) -> None:
    assert who(by, "123456789012") == said


@pytest.mark.parametrize(
    ("region", "host", "partition"),
    [
        ("eu-west-1", "eu-west-1.console.aws.amazon.com", "aws"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn", "aws-cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com", "aws-us-gov"),
        ("eusc-de-east-1", "console.amazonaws-eusc.eu", "aws-eusc"),
    ],
)
def test_a_link_leads_to_the_console_of_the_partition(
    region: str, host: str, partition: str
) -> None:
    page = f"https://{host}/ecr/repositories/private/123456789012/team/redis"
    image = f"/_/image/{NEW}/details"
    query = f"?region={region}"
    assert console("123456789012", region, "team/redis", NEW) == page + image + query
    assert console("123456789012", region, "team/redis", None) == page + query
    expected = f"arn:{partition}:ecr:{region}:123456789012:repository/team/redis"
    assert arn("123456789012", region, "team/redis") == expected


@pytest.mark.parametrize(
    ("region", "repository"),
    [("us-iso-east-1", "redis"), ("eu-west-1", ""), ("eu-west-1", "a b"), ("x.evil", "redis")],
)
def test_there_is_no_link_where_no_address_is_known_or_a_name_is_none(
    region: str, repository: str
) -> None:
    assert console("123456789012", region, repository, NEW) is None


def test_a_digest_in_a_link_is_a_digest() -> None:
    link = console("123456789012", "eu-west-1", "redis", "sha256:<script>")
    assert link is not None
    assert "script" not in link


@pytest.mark.parametrize("name", EVERY_MESSAGE)
def test_only_commands_that_exist_are_named(name: str) -> None:
    for step in EVERY_MESSAGE[name].steps:
        words = shlex.split(step.command or "ecr-steward status")
        assert words[0] == "ecr-steward"
        assert words[1] in COMMANDS


def test_a_move_can_be_undone_and_a_hold_ended() -> None:
    commands = [step.command for step in story([MOVED]).steps]
    assert commands == ["ecr-steward rollback base/redis:1.4", "ecr-steward hold base/redis:1.4"]
    assert [step.command for step in story([HELD]).steps] == ["ecr-steward release base/redis:1.4"]


def test_a_rollback_is_held_already_and_can_be_ended() -> None:
    rolled_back = replace(MOVED, cause=Cause("rollback-1", ROLLBACK))
    commands = [step.command for step in story([rolled_back]).steps]
    assert commands == ["ecr-steward release base/redis:1.4"]


def test_the_title_names_a_channel_that_is_down() -> None:
    wrong = replace(
        FAILED, tag=None, cause=Cause("channel/office/2026-11-26T00:41:50.824Z", CHANNEL)
    )
    assert story([wrong]).title == "channel office is down"


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        ("2 repositories swept: 2 tags held.", "2 repositories swept: 2 tags held"),
        (
            "2 repositories swept: 2 tags held; 2 seen for the first time.",
            "2 repositories swept: 2 tags held",
        ),
        (
            "1,200 repositories swept: 1,034 tags would move, 12 rejected, 40 settings drifted.",
            "1,200 repositories swept",
        ),
    ],
)
def test_the_title_of_a_sweep_ends_with_a_whole_word(reason: str, title: str) -> None:
    assert story([replace(SWEPT, reason=reason)]).title == title


def test_what_was_on_no_image_cannot_be_rolled_back() -> None:
    commands = [step.command for step in story([replace(MOVED, before=None)]).steps]
    assert commands == ["ecr-steward hold base/redis:1.4"]


def test_a_command_for_several_tags_names_one_and_says_so() -> None:
    first = story(moves("1", "1.4")).steps[0]
    assert first.said.endswith(", for example 1:")
    assert first.command == "ecr-steward rollback base/redis:1"


@pytest.mark.parametrize("tag", ["$(reboot)", "1.4; reboot", "1.4 --force", "-x", ""])
def test_no_command_is_made_of_what_is_no_tag(tag: str) -> None:
    for step in story([replace(MOVED, tag=tag)]).steps:
        assert step.command is None


def test_ten_changes_of_one_push_are_one_message() -> None:
    message = story(moves(*(f"1.{n}" for n in range(10))))
    assert len(message.parts) == 1
    assert len(message.parts[0].names) == 10


def test_the_same_facts_have_the_same_id_in_any_order() -> None:
    facts = moves("1", "1.4", "latest")
    assert story(facts).id == story(facts[::-1]).id
    assert story(facts).id != story(facts[:2]).id


def test_attention_is_for_what_somebody_has_to_look_at() -> None:
    attention = {fact.kind for fact in EVERY_KIND if story([fact]).attention}
    assert attention == {
        FactKind.REJECT,
        FactKind.OVERWRITE,
        FactKind.STALE,
        FactKind.LOST,
        FactKind.DRIFT,
        FactKind.FAILED,
    }
    assert not story([messages.UNTAGGED]).attention


# Digests


def test_a_digest_names_the_loudest_once_and_says_how_many_more_there_are() -> None:
    storm = messages.storm()
    message = digest(storm, HOUR)
    names = [part.names[0] for part in message.parts[:5]]
    assert len(set(names)) == 5
    assert [fact.kind for fact in loudest(storm)] == [FactKind.OVERWRITE] * 5
    assert message.parts[5].reason == "… and 235 more important events."
    assert message.parts[6].change == "60 overwritten, 180 rejected, 240 moved"
    assert message.parts[6].lines[-1] == "… and 10 more repositories"


@pytest.mark.parametrize(
    ("modes", "said"),
    [
        (("enforce", "enforce"), None),
        (("audit", "audit"), "audit: nothing was changed"),
        (("audit", "enforce"), "in part audit: nothing was changed there"),
    ],
)
def test_a_digest_says_where_nothing_was_changed(modes: tuple[str, str], said: str | None) -> None:
    facts = [replace(fact, mode=mode) for fact, mode in zip(moves("1", "2"), modes, strict=True)]
    assert dict(digest(facts, HOUR).fields).get("mode") == said


def test_a_digest_of_the_registry_alone_names_no_repository() -> None:
    assert digest([SWEPT], HOUR).title == "1 sweep"


# The sample


def test_the_sample_is_an_event_that_says_what_it_is() -> None:
    time = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
    rules = Ruleset((), "3a92dae3b84f")
    facts = OwnFacts("123456789012", "eu-west-1", Mode.ENFORCE, lambda: rules)
    fact = facts.sample("platform", time)
    message = story([fact])
    assert message.title == "1.4 would move from 1.4.1 to 1.4.2"
    assert "test of the channel `platform`" in message.parts[0].reason
    assert fact.id != facts.sample("platform", time + timedelta(seconds=1)).id
    assert [
        each for each in faults(fact.detail_type, fact.to_detail()) if "rule:" not in each
    ] == []


# Words


def test_what_chat_programs_take_for_markup_is_none_any_more() -> None:
    assert inert("<!channel>\n<https://a|b>") == "‹!channel›\\n‹https://a|b›"  # noqa: RUF001


def test_code_is_what_stands_between_backticks_if_they_come_in_pairs() -> None:
    assert runs("`1.4` is held") == [("1.4", True), (" is held", False)]
    assert runs("a ` b") == [("a ` b", False)]


def test_a_list_says_how_many_more_there_are() -> None:
    assert listed(["a" * 5, "b" * 5, "c" * 5], 18) == "aaaaa and 2 more"
    assert listed(["a" * 5, "b" * 5], 20) == "aaaaa, bbbbb"
