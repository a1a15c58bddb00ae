"""What an event costs in calls of ECR: the same in a repository of any size."""

from __future__ import annotations

import time

import pytest

from bench import calls, settings_calls
from bench.calls import SIZES, Repository

at_every_size = pytest.mark.parametrize("size", SIZES)


@at_every_size
def test_a_repository_has_the_size_it_is_measured_at(size: int) -> None:
    assert len(Repository(size).tags()) == size
    assert len(Repository(size, marked=False).tags()) == size


@at_every_size
def test_a_push_that_moves_three_tags_costs_two_reads_and_three_writes(size: int) -> None:
    repository = Repository(size)
    cost = calls.push_that_moves(repository)
    assert cost == {"BatchGetImage": 1, "DescribeImages": 1, "PutImage": 3}
    tags = repository.tags()
    assert {tags[tag] for tag in ("1.4", "1", "latest")} == {tags["1.4.2"]}


@at_every_size
def test_each_echo_of_such_a_push_costs_one_read(size: int) -> None:
    repository = Repository(size)
    calls.push_that_moves(repository)
    echoes = repository.echoes()
    assert [echo["detail"]["image-tag"] for echo in echoes] == ["1.4", "1", "latest"]
    for echo in echoes:
        assert repository.handle(echo) == {"BatchGetImage": 1}


@at_every_size
def test_all_echoes_of_a_push_in_one_batch_cost_one_read(size: int) -> None:
    repository = Repository(size)
    calls.push_that_moves(repository)
    assert repository.handle(*repository.echoes()) == {"BatchGetImage": 1}


@at_every_size
def test_an_older_version_is_refused_for_two_reads(size: int) -> None:
    repository = Repository(size)
    assert calls.refused(repository) == {"BatchGetImage": 1, "DescribeImages": 1}
    tags = repository.tags()
    assert {tags[tag] for tag in ("1.4", "1", "latest")} == {tags["1.4.3"]}


@at_every_size
def test_the_same_event_again_costs_one_read(size: int) -> None:
    assert calls.duplicate(Repository(size)) == {"BatchGetImage": 1}


@at_every_size
def test_the_same_event_again_costs_two_reads_once_its_lines_have_moved_on(size: int) -> None:
    repository = Repository(size)
    event = repository.push("1.4.2")
    repository.handle(event)
    repository.handle(repository.push("1.4.3"))
    assert repository.handle(event) == {"BatchGetImage": 1, "DescribeImages": 1}


@at_every_size
def test_an_ignored_tag_costs_nothing(size: int) -> None:
    assert calls.ignored(Repository(size)) == {}


@at_every_size
def test_a_tag_off_the_scheme_costs_nothing(size: int) -> None:
    assert calls.off_scheme(Repository(size)) == {}


@at_every_size
def test_healing_a_tag_moved_by_hand_costs_two_reads_and_its_write(size: int) -> None:
    repository = Repository(size)
    cost = calls.hand_move(repository)
    assert cost == {"BatchGetImage": 1, "DescribeImages": 1, "PutImage": 1}
    assert repository.tags()["1.4"] == repository.tags()["1.4.1"]


@at_every_size
def test_the_first_push_into_a_full_repository_lists_it_once_a_thousand_tags_a_page(
    size: int,
) -> None:
    pages = -(-(size + 1) // 1000)
    cost = calls.first_push(size)
    assert cost == {"BatchGetImage": 1, "DescribeImages": 1, "ListImages": pages, "PutImage": 3}


@at_every_size
def test_the_second_push_finds_the_marks_of_the_first(size: int) -> None:
    repository = Repository(size, marked=False)
    repository.handle(repository.push("1.4.2"))
    cost = repository.handle(repository.push("1.4.3"))
    assert cost == {"BatchGetImage": 1, "DescribeImages": 1, "PutImage": 3}


@at_every_size
def test_the_report_states_what_these_tests_prove(size: int) -> None:
    for scenario in calls.SCENARIOS:
        assert sum(scenario.happen(Repository(size)).values()) == scenario.calls, scenario.what


def test_a_hundred_thousand_tags_change_nothing() -> None:
    repository = Repository(100_000)
    assert len(repository.tags()) == 100_000
    pushed = repository.push("1.4.3")
    assert repository.handle(pushed) == {"BatchGetImage": 1, "DescribeImages": 1, "PutImage": 3}
    assert repository.handle(repository.echoes()[0]) == {"BatchGetImage": 1}
    assert repository.handle(pushed) == {"BatchGetImage": 1}
    refused = repository.handle(repository.push("1.4.2"))
    assert refused == {"BatchGetImage": 1, "DescribeImages": 1}
    healed = repository.handle(repository.put("1.4.0", "1.4"))
    assert healed == {"BatchGetImage": 1, "DescribeImages": 1, "PutImage": 1}
    assert repository.handle(repository.push("nightly")) == {}


@pytest.mark.parametrize("scenario", settings_calls.SCENARIOS, ids=lambda each: each.what)
def test_a_look_at_settings_costs_no_more_than_it_may(
    scenario: settings_calls.SettingsScenario,
) -> None:
    cost = scenario.happen(settings_calls.Registry())
    assert sum(cost.values()) == scenario.calls


def test_a_sweep_over_the_settings_of_a_thousand_repositories_is_four_reads_each() -> None:
    registry = settings_calls.Registry(1_000)
    began = time.process_time()
    cost = registry.sweep()
    assert (
        time.process_time() - began < 60
    )  # a fifth of the function's time, for all slices at once
    assert cost == dict.fromkeys(
        (
            "DescribeRepositories",
            "GetRepositoryPolicy",
            "GetLifecyclePolicy",
            "ListTagsForResource",
        ),
        1_000,
    )
