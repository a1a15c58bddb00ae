"""What the records of what runs keep their word on, whatever table they stand on."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ecr_steward.history.running import RunningImages
from ecr_steward.history.table import Table
from ecr_steward.words.running import Running
from tests.support.facts import NEW, OLD

NAME = "base/redis"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PAYMENTS = Running(NAME, NEW, "ecs", "ecs:prod/payments", "redis:1.4", NOON, NOON)
BATCH = replace(PAYMENTS, workload="ecs:prod/batch")


class RunningContract:
    """The cases; a subclass has a fixture `table`, empty for each test."""

    @pytest.fixture
    def images(self, table: Table) -> RunningImages:
        return RunningImages(table, 7 * DAY)

    def test_what_was_seen_is_found_by_its_image_its_repository_and_all(
        self, images: RunningImages
    ) -> None:
        other = replace(PAYMENTS, repository=f"{NAME}7", digest=OLD)
        images.saw([PAYMENTS, other])
        assert images.all(NAME, NEW) == images.all(NAME) == [PAYMENTS]
        assert sorted(images.all(), key=lambda each: each.key) == [PAYMENTS, other]
        assert images.all(NAME, OLD) == []

    def test_what_is_seen_for_the_first_time_is_told_once(self, images: RunningImages) -> None:
        assert images.saw([PAYMENTS, PAYMENTS]) == [PAYMENTS]
        assert images.saw([replace(PAYMENTS, last_seen=NOON + DAY)]) == []
        assert [each.last_seen for each in images.all()] == [NOON + DAY]

    def test_a_start_and_an_end_mean_the_same_in_any_order(self, table: Table) -> None:
        end = replace(BATCH, ended=NOON + HOUR)
        again = replace(BATCH, first_seen=NOON + 2 * HOUR, last_seen=NOON + 2 * HOUR)
        for order in itertools.permutations([BATCH, end, again]):
            images = RunningImages(table, DAY)
            images.saw(order[:1])
            images.saw(order[1:])
            assert [(each.runs, each.first_seen) for each in images.all()] == [(True, NOON)]
            images.forget("ecs")

    def test_what_a_complete_look_did_not_find_had_ended(self, images: RunningImages) -> None:
        images.saw([PAYMENTS, BATCH, replace(BATCH, source="lambda")])
        images.looked("ecs", [replace(PAYMENTS, last_seen=NOON + DAY)], NOON + DAY)
        ended = {(each.source, each.workload): each.ended for each in images.all()}
        assert ended == {
            ("ecs", PAYMENTS.workload): None,
            ("ecs", BATCH.workload): NOON + DAY,
            ("lambda", BATCH.workload): None,
        }

    def test_what_starts_during_a_look_goes_on(self, images: RunningImages) -> None:
        images.saw([BATCH])
        images.looked("ecs", [], NOON - HOUR)
        assert [each.runs for each in images.all()] == [True]

    def test_an_image_is_needed_until_the_grace_is_over(self, images: RunningImages) -> None:
        end = replace(BATCH, ended=NOON + HOUR)
        images.saw([end])
        assert images.needed(NAME, NOON + HOUR + 7 * DAY) == {NEW: [end]}
        assert images.needed(NAME, NOON + HOUR + 7 * DAY + timedelta(seconds=1)) == {}

    def test_the_table_may_drop_what_ended_when_the_grace_is_over(
        self, images: RunningImages, table: Table
    ) -> None:
        images.saw([replace(BATCH, ended=NOON + HOUR), PAYMENTS])
        expires = [item.expires for item in table.query("running")]
        assert expires[0] == int((NOON + HOUR + 7 * DAY).timestamp())
        assert expires[1] is not None
        assert expires[1] > int((NOON + 90 * DAY).timestamp())

    def test_a_source_is_known_for_two_days_and_an_import_as_long_as_the_grace(
        self, images: RunningImages
    ) -> None:
        for source in ("ecs", "210987654321", "eks-prod"):
            images.looked(source, [], NOON)
        sources = ["ecs", "210987654321", "eks-prod", "lambda"]
        assert images.unknown(sources, NOON + 2 * DAY) == ["lambda"]
        assert images.unknown(sources, NOON + 2 * DAY + HOUR) == [
            "ecs",
            "210987654321",
            "lambda",
        ]
        assert images.is_known(["eks-prod"], NOON + 7 * DAY)
        assert not images.is_known([], NOON)

    def test_a_burst_of_tasks_of_one_service_is_written_once(
        self, images: RunningImages, table: Table
    ) -> None:
        images.saw([PAYMENTS])
        images.saw([replace(PAYMENTS, last_seen=NOON + timedelta(minutes=1))])
        assert images.all() == [PAYMENTS]
