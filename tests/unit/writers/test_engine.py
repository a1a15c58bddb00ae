"""The whole `tags:` section on ECR in memory: pins, restores, removals, deletions, holds, costs."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.doors.pushes import check
from ecr_steward.ecr import Unavailable
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.holds import Hold
from ecr_steward.history.tags import History
from ecr_steward.rules import Mode
from ecr_steward.words.causes import Attribution, Cause
from ecr_steward.words.facts import Fact, Kind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import iso
from ecr_steward.writers.contest import Witness, nobody
from ecr_steward.writers.tags import Retagger
from ecr_steward_cli.in_memory.table import MemoryTable
from tests.support.world import REPOSITORY, VERSIONS, World, image, ruleset

PIN = {"pin": "{tag}-{pushed:%Y%m%dT%H%M%SZ}-{digest}"}
RESTORE = {"overwritten": "restore"}
REMOVE = {"unknown": "remove"}


class Stage(World):
    """A world whose rule has more entries under `tags:`, and whose stack may allow removal."""

    def __init__(
        self, tags: dict[str, Any], mode: Mode = Mode.ENFORCE, *, allow_removal: bool = True
    ) -> None:
        self._allow_removal = allow_removal
        super().__init__(ruleset({**VERSIONS, "tags": {**VERSIONS["tags"], **tags}}), mode)
        self.swept = 0

    def set_mode(self, mode: Mode, witness: Witness = nobody) -> None:
        super().set_mode(mode)
        self.retagger = Retagger(
            rules=self.rules,
            cap=mode,
            registry=EcrRegistry(self.ecr.client),
            history=self.history,
            clock=lambda: self.now,
            account="123456789012",
            region="eu-west-1",
            allow_removal=self._allow_removal,
            witness=witness,
        )

    def look_all_over(self, repository: str = REPOSITORY) -> dict[str, int]:
        """What a sweep makes the writer do, and all that follows; returns the calls to ECR."""
        self.swept += 1
        cause = Cause(f"sweep-{self.swept}/{repository}", "Sweep")
        hint = Hint(repository, Action.SWEEP, None, None, cause, self.now)

        def visits() -> None:
            while self.retagger.visit(repository, [hint]).unfinished:
                pass
            self.history.sweeps.remember_seen(repository, self.now)
            self.settle()

        return self.calls(visits)

    def look_at_events_and_all_over(self) -> None:
        """What the events that wait and a sweep make the writer do, in one batch."""
        cause = Cause(f"sweep/{REPOSITORY}", "Sweep")
        hints = [Hint(REPOSITORY, Action.SWEEP, None, None, cause, self.now)]
        for event in self.events:
            check(event, self.rules, hints.append)
        self.events.clear()
        self.retagger.visit(REPOSITORY, hints)

    def of(self, kind: Kind) -> list[Fact]:
        return [fact for fact in self.told() if fact.kind is kind]

    def pins_of(self, digest: str) -> list[str]:
        scheme = self.rules.rules[0].tags
        assert scheme is not None
        return [tag for tag, held in self.tags().items() if held == digest and scheme.is_pin(tag)]


# Pins


@pytest.mark.parametrize("tag", ["main", "latest"])
def test_an_image_that_only_a_stable_tag_names_gets_its_pin(tag: str) -> None:
    stage = Stage(PIN)
    digest = stage.push(tag, "new")
    stage.settle()
    pin = f"{tag}-20261123T022401Z-{digest[7:19]}"
    assert stage.tags() == {tag: digest, pin: digest}
    assert [(fact.tag, fact.digest) for fact in stage.of(Kind.PIN)] == [(pin, digest)]
    assert stage.of(Kind.PIN)[0].reason == f"Only stable tags name the image (`{tag}`)."


def test_without_a_template_such_an_image_gets_none() -> None:
    stage = Stage({})
    stage.push("main", "new")
    assert stage.calls(stage.settle) == {}
    assert set(stage.tags()) == {"main"}


def test_repeated_and_late_events_give_the_same_pin() -> None:
    stage = Stage(PIN)
    digest = stage.push("main", "new")
    pushed = stage.events[0]
    stage.settle()
    pins = stage.pins_of(digest)
    stage.now += timedelta(days=3)
    stage.deliver(pushed)
    assert stage.pins_of(digest) == pins
    stage.delete(tag=pins[0])
    stage.settle()
    stage.deliver(pushed)
    stage.look_all_over()
    assert stage.pins_of(digest) == pins


def test_an_image_that_another_push_outran_gets_the_pin_that_it_would_have_got() -> None:
    in_time, late = Stage(PIN), Stage(PIN)
    for stage in (in_time, late):
        for name in ("first", "second", "third"):
            stage.push("main", name)
            if stage is in_time:
                stage.settle()
        stage.settle()
    assert late.tags() == in_time.tags()
    assert len(late.pins_of(image("first"))) == 1


def test_the_sweep_pins_what_no_event_told_of_and_nothing_twice() -> None:
    stage = Stage(PIN)
    digest = stage.push("main", "new")
    stage.push("buildcache-1", "new")
    stage.events.clear()
    assert stage.look_all_over()["PutImage"] == 1
    assert "PutImage" not in stage.look_all_over()
    assert len(stage.pins_of(digest)) == 1


@pytest.mark.parametrize(("tags", "tag"), [(PIN, "main"), (RESTORE, "1.4.2")])
def test_an_image_that_another_push_outran_gets_its_pin_with_a_sweep_in_the_batch_too(
    tags: dict[str, Any], tag: str
) -> None:
    stage = Stage(tags)
    outrun = stage.push(tag, "first")
    if tag == "1.4.2":
        stage.settle()
        outrun = stage.push(tag, "second")
    stage.push(tag, "third")
    stage.look_at_events_and_all_over()
    assert stage.pins_of(outrun)


def test_what_is_pushed_while_a_repository_is_swept_first_is_told() -> None:
    stage = Stage({})
    stage.push("odd")
    stage.events.clear()
    stage.push("nightly")
    stage.look_at_events_and_all_over()
    assert [fact.tag for fact in stage.of(Kind.REJECT)] == ["nightly"]


@pytest.mark.parametrize("other", ["1.4.2", "nightly"])
def test_an_image_that_another_tag_names_needs_no_pin(other: str) -> None:
    stage = Stage(PIN)
    stage.push(other, "new")
    stage.push("main", "new")
    stage.settle()
    stage.look_all_over()
    assert stage.of(Kind.PIN) == []


def test_in_audit_a_pin_is_only_told() -> None:
    stage = Stage(PIN, Mode.AUDIT)
    stage.push("main", "new")
    stage.settle()
    assert set(stage.tags()) == {"main"}
    assert [fact.mode for fact in stage.of(Kind.PIN)] == ["audit"]


def test_a_stable_tag_of_128_characters_leaves_room_for_the_rest_of_its_pin() -> None:
    name = "b" * 128
    stage = Stage({**PIN, "stable": [{"tag": name}]})
    digest = stage.push(name, "new")
    stage.settle()
    (pin,) = stage.pins_of(digest)
    assert len(pin) == 128
    stage.look_all_over()
    assert stage.pins_of(digest) == [pin]


# Overwritten unique tags


def overwritten(stage: Stage) -> tuple[str, str]:
    first = stage.push("1.4.2", "first")
    stage.settle()
    second = stage.push("1.4.2", "second")
    return first, second


def test_an_overwritten_tag_goes_back_and_the_newcomer_keeps_a_name() -> None:
    stage = Stage(RESTORE)
    first, second = overwritten(stage)
    stage.settle()
    tags = stage.tags()
    assert {tags[tag] for tag in ("1.4.2", "1.4", "1", "latest")} == {first}
    assert stage.pins_of(second) == [f"1.4.2-20261123T022402Z-{second[7:19]}"]
    (told,) = stage.of(Kind.OVERWRITE)
    assert (told.before, told.digest) == (first, second)
    assert told.reason.endswith("was put on another image than it named before; it is put back.")
    (back,) = stage.of(Kind.RESTORE)
    assert (back.before, back.digest) == (second, first)
    assert "PutImage" not in stage.look_all_over()
    assert {fact.of for fact in stage.told()[-3:]} == {3}


def test_an_overwritten_tag_costs_two_reads_and_its_echo_one() -> None:
    stage = Stage(RESTORE)
    overwritten(stage)
    event = stage.events.pop()
    calls = stage.calls(lambda: stage.deliver(event))
    assert calls == {"BatchGetImage": 1, "DescribeImages": 1, "PutImage": 2}
    assert stage.calls(stage.settle) == {"BatchGetImage": 1}


def test_a_restore_onto_an_older_image_leaves_the_line_to_a_twin_that_was_not_looked_at() -> None:
    stage = Stage({**RESTORE, "stable": [{"tag": "1.4", "follows": "highest"}]})
    stage.push("1.4.2", "first")
    stage.push("buildcache-1", "first")
    stage.settle()
    stage.push("v1.4.2", "twin")
    stage.push("1.4.2", "second")
    stage.events.reverse()
    restoring = stage.events.pop(0)
    stage.delete(tag="1.4")
    stage.settle()
    assert stage.tags()["1.4"] == image("second"), "the overwrite is not known yet"
    stage.deliver(restoring)
    assert stage.tags()["1.4.2"] == image("first")
    assert stage.tags()["1.4"] == image("twin")


@pytest.mark.parametrize("in_time", [True, False])
def test_two_overwrites_in_a_row_end_with_the_first_owner_and_two_named_newcomers(
    in_time: bool,
) -> None:
    stage = Stage(RESTORE)
    first, second = overwritten(stage)
    if in_time:
        stage.settle()
    third = stage.push("1.4.2", "third")
    stage.settle()
    assert stage.tags()["1.4.2"] == stage.tags()["latest"] == first
    assert len(stage.pins_of(second)) == len(stage.pins_of(third)) == 1
    assert "PutImage" not in stage.look_all_over()


def test_the_same_image_that_overwrites_again_is_put_back_and_told_again() -> None:
    stage = Stage(RESTORE)
    first, _ = overwritten(stage)
    stage.settle()
    stage.push("1.4.2", "second")
    stage.settle()
    assert stage.tags()["1.4.2"] == first
    assert len(stage.of(Kind.RESTORE)) == len(stage.of(Kind.OVERWRITE)) == 2


def test_a_tag_whose_image_is_gone_stays_on_the_newcomer_and_that_is_said_once() -> None:
    stage = Stage(RESTORE)
    first = stage.push("1.4.2", "first")
    stage.settle()
    stage.delete(digest=first)
    stage.settle()
    second = stage.push("1.4.2", "second")
    stage.settle()
    stage.look_all_over()
    assert {stage.tags()[tag] for tag in ("1.4.2", "1.4", "latest")} == {second}
    (told,) = stage.of(Kind.OVERWRITE)
    assert told.reason.endswith("; that image is gone, so it cannot be put back.")
    assert stage.of(Kind.RESTORE) == []


def freeze_unique_tags(stage: Stage) -> None:
    stage.ecr.put_image_tag_mutability(
        repositoryName=REPOSITORY,
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[
            {"filterType": "WILDCARD", "filter": each} for each in ("1", "1.4", "latest", "*Z-*")
        ],
    )


def test_a_restore_that_immutability_refuses_is_said_and_the_tags_follow_what_ecr_has() -> None:
    stage = Stage(RESTORE)
    _, second = overwritten(stage)
    freeze_unique_tags(stage)
    stage.settle()
    assert {stage.tags()[tag] for tag in ("1.4.2", "1.4", "1", "latest")} == {second}
    (told,) = stage.of(Kind.OVERWRITE)
    assert told.reason.endswith("; ECR does not let it be put back.")
    (failed,) = stage.of(Kind.FAILED)
    assert "`1.4.2` could not be put on its image: ImageTagAlreadyExistsException" in failed.reason
    facts, tags = list(stage.told()), stage.tags()
    stage.push("1.4.1", "older")
    stage.settle()
    for _ in range(2):
        stage.look_all_over()
        assert stage.tags() == {**tags, "1.4.1": image("older")}
    assert stage.told() == facts


def test_a_restore_waits_until_immutability_lets_it() -> None:
    stage = Stage(RESTORE)
    first, second = overwritten(stage)
    freeze_unique_tags(stage)
    stage.settle()
    stage.ecr.put_image_tag_mutability(repositoryName=REPOSITORY, imageTagMutability="MUTABLE")
    stage.look_all_over()
    assert {stage.tags()[tag] for tag in ("1.4.2", "1.4", "1", "latest")} == {first}
    assert stage.pins_of(second)


def test_a_restore_onto_an_archived_image_is_said_and_its_owner_is_not_forgotten() -> None:
    stage = Stage(RESTORE)
    first, second = overwritten(stage)
    stage.ecr.archive(REPOSITORY, first)
    stage.settle()
    assert stage.tags()["1.4.2"] == second
    (told,) = stage.of(Kind.OVERWRITE)
    assert told.reason.endswith("; ECR does not let it be put back.")
    assert stage.history.recall(REPOSITORY, (), ["1.4.2"]).known == {"1.4.2": first}
    for _ in range(2):
        stage.look_all_over()
        # An archived image can get no pin, so it keeps the tags it has.
        assert {stage.tags()[tag] for tag in ("1.4", "1", "latest")} == {first}
        assert stage.tags()["1.4.2"] == second
    assert len(stage.of(Kind.OVERWRITE)) == 1


def test_where_overwrites_are_reported_an_archived_image_gives_its_tag_up_like_any_other() -> None:
    stage = Stage({})
    first, second = overwritten(stage)
    stage.ecr.archive(REPOSITORY, first)
    stage.settle()
    (told,) = stage.of(Kind.OVERWRITE)
    assert told.reason.endswith("was put on another image than it named before.")
    assert stage.history.recall(REPOSITORY, (), ["1.4.2"]).known == {"1.4.2": second}


def test_an_image_that_gets_its_unique_tag_back_needs_no_pin_when_its_stable_tags_go() -> None:
    stage = Stage(RESTORE)
    first, _ = overwritten(stage)
    stage.push("1.4.3")
    stage.deliver(*stage.events)
    assert [tag for tag, held in stage.tags().items() if held == first] == ["1.4.2"]


def test_a_newcomer_that_cannot_be_pinned_keeps_the_tag() -> None:
    stage = Stage(RESTORE)
    _, second = overwritten(stage)

    def refuse(operation: str, asked: Any) -> None:
        if operation == "PutImage":
            stage.ecr.before = None
            raise ClientError(
                {"Error": {"Code": "LimitExceededException", "Message": "no"}}, operation
            )

    stage.ecr.before = refuse
    stage.deliver(stage.events.pop(0))
    assert stage.tags()["1.4.2"] == second
    assert stage.tags()["latest"] == second
    assert [fact.kind for fact in stage.of(Kind.FAILED)] == [Kind.FAILED]


def test_many_overwrites_are_undone_in_visits_that_fit_one_transaction() -> None:
    stage = Stage(RESTORE)
    for patch in range(120):
        stage.push(f"1.4.{patch}", f"old {patch}")
    stage.settle()
    for patch in range(120):
        stage.push(f"1.4.{patch}", f"new {patch}")
    stage.events.clear()
    stage.look_all_over()
    tags = stage.tags()
    assert all(tags[f"1.4.{patch}"] == image(f"old {patch}") for patch in range(120))
    assert tags["latest"] == image("old 119")
    assert len(stage.of(Kind.OVERWRITE)) == len(stage.of(Kind.RESTORE)) == 120


def test_overwritten_tags_that_the_rule_allows_are_not_told() -> None:
    stage = Stage({"overwritten": "allow"})
    _, second = overwritten(stage)
    stage.settle()
    stage.look_all_over()
    assert stage.of(Kind.OVERWRITE) == []
    assert {stage.tags()[tag] for tag in ("1.4.2", "1.4", "1", "latest")} == {second}


# Repositories that are deleted and made anew


def made_anew(stage: Stage) -> None:
    """Delete the repository with its images, as `1.4.2` is known in it, and make it again."""
    stage.push("1.4.2", "former")
    stage.settle()
    stage.look_all_over()
    stage.ecr.delete_repository(repositoryName=REPOSITORY, force=True)
    stage.now += timedelta(minutes=1)
    stage.ecr.create_repository(repositoryName=REPOSITORY)


@pytest.mark.parametrize("tags", [{}, RESTORE], ids=["report", "restore"])
@pytest.mark.parametrize("swept", [False, True])
def test_a_repository_that_was_made_anew_has_no_owners_of_before(
    tags: dict[str, Any], swept: bool
) -> None:
    stage = Stage(tags)
    made_anew(stage)
    digest = stage.push("1.4.2", "now")
    if swept:
        stage.events.clear()
        stage.look_all_over()
    calls = stage.calls(stage.settle)
    assert stage.of(Kind.OVERWRITE) == []
    assert stage.history.recall(REPOSITORY, (), ["1.4.2"]).known == {"1.4.2": digest}
    assert calls.get("DescribeRepositories", 0) == int(not swept)


def test_an_image_that_is_in_the_new_repository_too_owns_there_what_it_was_pushed_under() -> None:
    stage = Stage(RESTORE)
    made_anew(stage)
    stage.push("1.4.1", "former")
    digest = stage.push("1.4.2", "now")
    stage.settle()
    assert stage.tags()["1.4.2"] == digest
    assert stage.of(Kind.OVERWRITE) == []


def test_in_the_same_repository_a_tag_whose_image_was_deleted_is_overwritten_all_the_same() -> None:
    stage = Stage({})
    first = stage.push("1.4.2", "first")
    stage.settle()
    stage.delete(digest=first)
    second = stage.push("1.4.2", "second")
    calls = stage.calls(stage.settle)
    assert [(each.before, each.digest) for each in stage.of(Kind.OVERWRITE)] == [(first, second)]
    assert calls["DescribeRepositories"] == 1


def test_whether_a_repository_was_made_anew_is_asked_only_where_an_owner_is_gone() -> None:
    stage = Stage(RESTORE)
    overwritten(stage)
    stage.push("1.4.3")
    assert "DescribeRepositories" not in stage.calls(stage.settle)
    assert stage.of(Kind.OVERWRITE)


# Unknown tags


def test_an_unknown_tag_is_removed_where_another_tag_stays() -> None:
    stage = Stage(REMOVE)
    digest = stage.push("1.4.2", "new")
    stage.settle()
    stage.push("nightly", "new")
    calls = stage.calls(stage.settle)
    assert stage.tags() == dict.fromkeys(["1.4.2", "1.4", "1", "latest"], digest)
    assert calls["BatchDeleteImage"] == 1
    (told,) = stage.of(Kind.REMOVE)
    assert (told.tag, told.before, told.digest) == ("nightly", digest, None)
    assert stage.of(Kind.REJECT) == []
    assert "BatchDeleteImage" not in stage.look_all_over()


def test_the_last_tag_of_an_image_stays_and_is_reported_once() -> None:
    stage = Stage(REMOVE)
    digest = stage.push("nightly", "new")
    stage.push("odd", "new")
    stage.settle()
    stage.look_all_over()
    assert stage.tags() == {"odd": digest}
    (told,) = stage.of(Kind.REJECT)
    assert told.reason.endswith("; it stays, for it is the image's last tag.")


def test_an_unknown_tag_stays_when_the_others_are_about_to_leave() -> None:
    stage = Stage(REMOVE)
    stage.push("1.4.2", "new")
    stage.settle()
    stage.push("latest", "stray")
    stage.push("nightly", "stray")
    stage.events.clear()
    stage.look_all_over()
    assert stage.tags()["nightly"] == image("stray")
    assert stage.tags()["latest"] == image("new")
    assert stage.of(Kind.REMOVE) == []


def test_an_unknown_tag_goes_at_once_from_a_newcomer_that_gets_its_pin() -> None:
    stage = Stage({**REMOVE, **RESTORE})
    _, second = overwritten(stage)
    stage.push("nightly", "second")
    stage.events.clear()
    stage.look_all_over()
    assert stage.tags()["1.4.2"] == image("first")
    assert [tag for tag, held in stage.tags().items() if held == second] == stage.pins_of(second)
    assert not stage.look_all_over().keys() & {"PutImage", "BatchDeleteImage"}


@pytest.mark.parametrize(
    "stage",
    [Stage(REMOVE, allow_removal=False), Stage(REMOVE, Mode.AUDIT), Stage({})],
    ids=["the stack does not allow it", "audit", "the rule reports"],
)
def test_an_unknown_tag_that_may_not_go_is_only_reported(stage: Stage) -> None:
    stage.push("1.4.2", "new")
    stage.settle()
    stage.push("nightly", "new")
    calls = stage.calls(stage.settle)
    assert "BatchDeleteImage" not in calls
    assert "nightly" in stage.tags()
    assert [fact.tag for fact in [*stage.of(Kind.REJECT), *stage.of(Kind.REMOVE)]] == ["nightly"]


@pytest.mark.parametrize("pushes", [("main", "nightly"), ("nightly", "main")])
@pytest.mark.parametrize("lost", [True, False])
def test_an_image_that_a_removal_leaves_with_a_stable_tag_alone_is_pinned_under_it(
    pushes: tuple[str, str], lost: bool
) -> None:
    stage = Stage({**REMOVE, **PIN})
    for tag in pushes:
        digest = stage.push(tag, "new")
    if lost:
        stage.events.clear()
        stage.look_all_over()
    stage.settle()
    (pin,) = stage.pins_of(digest)
    assert pin.startswith("main-")
    assert set(stage.tags()) == {"main", pin}
    assert not stage.look_all_over().keys() & {"PutImage", "BatchDeleteImage"}


def test_an_unknown_tag_that_one_event_told_of_twice_is_removed_once() -> None:
    stage = Stage(REMOVE)
    stage.push("1.4.2", "new")
    stage.settle()
    stage.push("nightly", "new")
    (event,) = stage.events
    stage.deliver(event, event)
    assert "nightly" not in stage.tags()
    assert [fact.tag for fact in stage.of(Kind.REMOVE)] == ["nightly"]


def test_an_unknown_tag_that_went_away_and_came_back_in_one_batch_is_removed_once() -> None:
    stage = Stage(REMOVE)
    for version, name in [("1.4.2", "a"), ("1.4.3", "b")]:
        stage.push(version, name)
        stage.settle()
    for name in ("a", "b", "a"):
        stage.push("nightly", name)
    stage.deliver(*stage.events)
    assert [(fact.tag, fact.before) for fact in stage.of(Kind.REMOVE)] == [("nightly", image("a"))]


def test_a_tag_that_somebody_takes_off_first_leaves_the_image_its_last_one() -> None:
    stage = Stage(REMOVE)
    stage.push("1.4.2", "new")
    stage.settle()
    digest = stage.push("nightly", "new")
    looks: list[str] = []

    def take_off(operation: str, asked: Any) -> None:
        looks.append(operation)
        if looks.count("DescribeImages") == 2:
            stage.ecr.before = None
            for tag in ("1.4.2", "1.4", "1", "latest"):
                stage.delete(tag=tag)

    stage.ecr.before = take_off
    stage.deliver(stage.events.pop(0))
    assert stage.tags() == {"nightly": digest}
    (failed,) = stage.of(Kind.FAILED)
    assert "`nightly` could not be taken off its image: LastTag" in failed.reason


# Deletions


def test_a_stable_tag_goes_to_the_highest_image_left_by_event_and_by_sweep() -> None:
    for lost in (False, True):
        stage = Stage({"variants": ["alpine"]})
        for tag in ("1.4.0-alpine", "1.4.1-alpine", "1.4.2-alpine", "1.4.1"):
            stage.push(tag, tag)
        stage.settle()
        stage.delete(digest=image("1.4.2-alpine"))
        if lost:
            stage.events.clear()
            stage.look_all_over()
        stage.settle()
        for tag in ("1.4-alpine", "1-alpine", "alpine"):
            assert stage.tags()[tag] == image("1.4.1-alpine")
        assert stage.tags()["latest"] == image("1.4.1")


def test_a_mark_on_a_tag_that_is_no_version_does_not_keep_its_line_from_following_versions() -> (
    None
):
    kinds = {"unique": ["semver", "build"]}
    stage = Stage({**kinds, "stable": [{"tag": "latest", "follows": "newest"}]})
    stage.push("build-7")
    stage.settle()
    follows = {**kinds, "stable": [{"tag": "latest", "follows": "highest"}]}
    stage.rules = ruleset({**VERSIONS, "tags": follows})
    stage.set_mode(Mode.ENFORCE)
    digest = stage.push("1.4.2")
    stage.settle()
    assert stage.tags()["latest"] == digest
    assert stage.told()[-1].reason == (
        "`latest` goes to 1.4.2, the highest of all releases; the image that it was on has no "
        "version of it."
    )


def test_a_line_with_nothing_left_stays_away_and_is_reported_once() -> None:
    stage = Stage({})
    stage.push("2.0.0", "other")
    digest = stage.push("1.4.2", "new")
    stage.settle()
    stage.delete(digest=digest)
    stage.settle()
    stage.look_all_over()
    stage.look_all_over()
    assert set(stage.tags()) == {"2.0.0", "2.0", "2", "latest"}
    assert {(fact.tag, fact.before) for fact in stage.of(Kind.REMOVE)} == {
        ("1.4", digest),
        ("1", digest),
    }
    assert len(stage.of(Kind.REMOVE)) == 2
    assert stage.of(Kind.REMOVE)[0].reason == (
        "1.4.2 is gone and nothing is left of 1.4.*: `1.4` stays away."
    )


def test_the_newest_line_falls_back_to_the_image_pushed_before() -> None:
    stage = Stage(
        {
            "unique": ["semver", "sha"],
            "variants": ["alpine"],
            "stable": [{"tag": "edge", "follows": "newest"}],
        }
    )
    for tag in ("2.0.0", "9f1c2ab", "1.0.0-rc.1", "3.0.0-alpine"):
        stage.push(tag, tag)
        stage.settle()
    assert stage.tags()["edge"] == image("1.0.0-rc.1")
    assert stage.tags()["edge-alpine"] == image("3.0.0-alpine")
    stage.delete(digest=image("1.0.0-rc.1"))
    calls = stage.calls(stage.settle)
    assert stage.tags()["edge"] == image("9f1c2ab")
    assert "ListImages" not in calls, "only DescribeImages says when an image was pushed"
    stage.push("2.0.0", "2.0.0")
    stage.push("0.1.0", "9f1c2ab")
    stage.settle()
    assert stage.tags()["edge"] == image("9f1c2ab"), "a new tag makes no image newer"
    stage.delete(tag="9f1c2ab")
    stage.delete(tag="0.1.0")
    stage.settle()
    assert stage.tags()["edge"] == image("2.0.0")


# Holds


def held(stage: Stage, until: timedelta | None = None) -> tuple[str, str]:
    old = stage.push("1.4.1", "old")
    stage.settle()
    end = None if until is None else stage.now + until
    stage.history.holds.put(REPOSITORY, Hold("latest", stage.now, end, "ada"))
    new = stage.push("1.4.2", "new")
    stage.settle()
    return old, new


def test_a_held_tag_stays_and_what_it_missed_is_said_once() -> None:
    stage = Stage({})
    old, new = held(stage)
    stage.push("1.4.2", "new")
    stage.look_all_over()
    tags = stage.tags()
    assert (tags["latest"], tags["1.4"], tags["1"]) == (old, new, new)
    (told,) = stage.of(Kind.HELD)
    assert (told.tag, told.before, told.digest) == ("latest", old, new)
    assert told.reason == (
        "`latest` is held (by ada since 2026-11-23T02:24:01Z, until it is released) and does not "
        "go to 1.4.2."
    )
    third = stage.push("1.4.3", "third")
    stage.settle()
    assert [fact.digest for fact in stage.of(Kind.HELD)] == [new, third]
    assert stage.tags()["latest"] == old


def test_a_held_tag_that_somebody_moves_stays_where_they_put_it() -> None:
    stage = Stage({})
    held(stage)
    stray = stage.push("latest", "stray")
    stage.settle()
    assert stage.tags()["latest"] == stray


def test_a_released_tag_catches_up() -> None:
    stage = Stage({})
    _, new = held(stage)
    stage.history.holds.release(REPOSITORY, "latest")
    stage.look_all_over()
    assert stage.tags()["latest"] == new
    assert (
        stage.of(Kind.MOVE)[-1].reason
        == "`latest` goes to 1.4.2, the highest of all releases: 1.4.1 is lower."
    )


def test_a_hold_ends_by_itself_when_its_time_has_come() -> None:
    stage = Stage({})
    old, new = held(stage, timedelta(hours=1))
    assert "until 2026-11-23T03:24:01Z" in stage.of(Kind.HELD)[0].reason
    stage.now += timedelta(minutes=59)
    stage.look_all_over()
    assert stage.tags()["latest"] == old
    stage.now += timedelta(minutes=1)
    stage.look_all_over()
    assert stage.tags()["latest"] == new


def test_every_hold_tells_anew_what_the_tag_misses() -> None:
    stage = Stage({})
    old, new = held(stage)
    stage.look_all_over()
    stage.history.holds.release(REPOSITORY, "latest")
    stage.history.holds.put(REPOSITORY, Hold("latest", stage.now, None, "grace"))
    stage.look_all_over()
    assert stage.tags()["latest"] == old
    assert [fact.digest for fact in stage.of(Kind.HELD)] == [new, new]
    assert "by grace" in stage.of(Kind.HELD)[1].reason


# Holds by themselves


def contested(stage: Stage, times: int, every: timedelta = timedelta(minutes=1)) -> str:
    """Somebody else puts `latest` on a stray image again and again; the image it belongs on."""
    belongs = stage.push("1.4.2", "new")
    stage.settle()
    for _ in range(times):
        stage.now += every
        stage.push("latest", "stray")
        stage.settle()
    return belongs


def test_a_tag_taken_away_three_times_in_ten_minutes_is_held_and_the_message_names_who() -> None:
    stage = Stage({})
    asked: list[Any] = []

    def witness(*question: Any) -> Attribution:
        asked.append(question)
        return Attribution(f" by {MALLORY}", named=True)

    stage.set_mode(Mode.ENFORCE, witness=witness)
    belongs = contested(stage, 2)
    assert stage.tags()["latest"] == belongs
    assert (stage.of(Kind.HELD), asked) == ([], [])
    contested(stage, 1)
    assert stage.tags()["latest"] == image("stray")
    (told,) = stage.of(Kind.HELD)
    assert (told.tag, told.before, told.digest) == ("latest", image("stray"), belongs)
    since = stage.history.recall(REPOSITORY, ["latest"], ()).holds["latest"].since
    assert told.reason == (
        f"`latest` is held (by ECR Steward since {iso(since)}, until it is released: it was taken "
        "away three times within ten minutes by arn:aws:iam::123456789012:user/mallory) and does "
        "not go to 1.4.2."
    )
    first = stage.now - timedelta(minutes=2, seconds=3)
    assert asked == [(REPOSITORY, "latest", belongs, first - timedelta(minutes=10))]
    stage.look_all_over()
    assert len(asked) == 1, "it is known"


MALLORY = "arn:aws:iam::123456789012:user/mallory"


class LateTrail:
    """CloudTrail, which knows nothing until it is told; `asked` counts the questions."""

    def __init__(self) -> None:
        self.knows = False
        self.asked = 0

    def __call__(self, *question: Any) -> Attribution:
        self.asked += 1
        words = f" by {MALLORY}" if self.knows else "; CloudTrail does not know by whom yet"
        return Attribution(words, named=self.knows)


def test_who_it_was_is_told_as_soon_as_cloudtrail_knows() -> None:
    stage, trail = Stage({}), LateTrail()
    stage.set_mode(Mode.ENFORCE, witness=trail)
    contested(stage, 3)
    stage.look_all_over()
    (told,) = stage.of(Kind.HELD)
    assert "does not know by whom yet" in told.reason
    trail.knows = True
    before = trail.asked
    stage.look_all_over()
    stage.look_all_over()
    assert [f"by {MALLORY}" in fact.reason for fact in stage.of(Kind.HELD)] == [False, True]
    assert all(fact.contested for fact in stage.of(Kind.HELD))
    assert trail.asked == before + 1
    assert stage.tags()["latest"] == image("stray")


def test_after_two_days_cloudtrail_is_asked_no_more() -> None:
    stage, trail = Stage({}), LateTrail()
    stage.set_mode(Mode.ENFORCE, witness=trail)
    contested(stage, 3)
    stage.now += timedelta(days=2, minutes=1)
    before = trail.asked
    stage.look_all_over()
    assert trail.asked == before


def test_a_tag_that_is_released_while_cloudtrail_is_asked_is_not_held_again() -> None:
    stage = Stage({})
    belongs = contested(stage, 3)

    def releasing(*question: Any) -> Attribution:
        stage.history.holds.release(REPOSITORY, "latest")
        return Attribution(f" by {MALLORY}", named=True)

    stage.set_mode(Mode.ENFORCE, witness=releasing)
    stage.look_all_over()
    assert stage.history.holds.all(REPOSITORY) == []
    stage.look_all_over()
    assert stage.tags()["latest"] == belongs


def test_a_hold_of_a_person_asks_nobody() -> None:
    stage, trail = Stage({}), LateTrail()
    stage.set_mode(Mode.ENFORCE, witness=trail)
    held(stage)
    stage.look_all_over()
    assert trail.asked == 0
    assert [fact.contested for fact in stage.of(Kind.HELD)] == [False]


def test_such_a_hold_lasts_until_somebody_releases_it_and_then_it_is_counted_anew() -> None:
    stage = Stage({})
    belongs = contested(stage, 3)
    stage.now += timedelta(days=30)
    stage.look_all_over()
    assert stage.tags()["latest"] == image("stray")
    assert len(stage.of(Kind.HELD)) == 1
    stage.history.holds.release(REPOSITORY, "latest")
    stage.look_all_over()
    assert stage.tags()["latest"] == belongs
    contested(stage, 2)
    assert stage.tags()["latest"] == belongs
    contested(stage, 1)
    assert stage.tags()["latest"] == image("stray")
    assert len(stage.of(Kind.HELD)) == 2


def test_such_a_hold_holds_one_tag_and_not_the_others_of_its_repository() -> None:
    stage = Stage({})
    contested(stage, 3)
    newer = stage.push("1.4.3", "newer")
    stage.settle()
    assert {stage.tags()[tag] for tag in ("1.4", "1")} == {newer}
    assert stage.tags()["latest"] == image("stray")
    assert [fact.digest for fact in stage.of(Kind.HELD)][-1] == newer


@pytest.mark.parametrize(("minutes", "stays"), [(4, True), (5, False)])
def test_three_times_count_only_within_ten_minutes(minutes: int, stays: bool) -> None:
    stage = Stage({})
    belongs = contested(stage, 6, timedelta(minutes=minutes))
    assert (stage.tags()["latest"] == belongs) is not stays


def test_what_the_sweep_finds_counts_like_what_events_tell() -> None:
    stage = Stage({})
    stage.push("1.4.2", "new")
    stage.settle()
    for _ in range(3):
        assert stage.tags()["latest"] == image("new")
        stage.push("latest", "stray")
        stage.events.clear()
        stage.look_all_over()
    assert stage.tags()["latest"] == image("stray")


def test_a_tag_that_has_yet_to_arrive_is_not_taken_away_however_often_it_is_looked_at() -> None:
    stage = Stage({})
    stage.push("1.4.1", "old")
    stage.settle()
    stage.push("1.4.2", "new")

    def throttle(operation: str, asked: Any) -> None:
        if operation == "PutImage":
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, operation)

    stage.ecr.before = throttle
    for _ in range(6):
        with pytest.raises(Unavailable):
            stage.deliver(stage.events[0])
    stage.ecr.before = None
    stage.settle()
    assert stage.tags()["latest"] == image("new")
    assert stage.history.holds.all() == []


def test_one_hand_move_is_counted_once_however_often_putting_it_back_is_tried() -> None:
    stage = Stage({})
    stage.push("1.4.2", "new")
    stage.settle()
    stage.push("latest", "stray")
    event = stage.events.pop(0)

    def throttle(operation: str, asked: Any) -> None:
        if operation == "PutImage" and asked["imageTag"] == "latest":
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, operation)

    stage.ecr.before = throttle
    for _ in range(6):
        with pytest.raises(Unavailable):
            stage.deliver(event)
    stage.ecr.before = None
    stage.deliver(event)
    stage.settle()
    assert stage.tags()["latest"] == image("new")
    assert stage.history.holds.all() == []


def test_in_audit_nothing_moves_so_nothing_is_held() -> None:
    stage = Stage({}, Mode.AUDIT)
    contested(stage, 5)
    for tag in ("1.4", "1", "latest"):
        stage.push(tag, "new")
    stage.settle()
    for _ in range(5):
        stage.push("latest", "stray")
        stage.settle()
        stage.push("latest", "new")
        stage.settle()
    assert stage.history.holds.all() == []
    assert stage.of(Kind.HELD) == []


def test_a_tag_that_somebody_deletes_again_and_again_always_comes_back() -> None:
    stage = Stage({})
    new = stage.push("1.4.2", "new")
    stage.settle()
    for _ in range(5):
        stage.delete(tag="latest")
        stage.settle()
        assert stage.tags()["latest"] == new


def test_two_stewards_of_other_minds_end_their_quarrel() -> None:
    stage = Stage({})
    other = ruleset(
        {**VERSIONS, "tags": {"unique": ["semver"], "stable": [
            {"tag": "latest", "follows": "highest", "within": "1"}]}}
    )  # fmt: skip
    rival = Retagger(
        rules=other,
        cap=Mode.ENFORCE,
        registry=EcrRegistry(stage.ecr.client),
        history=History(MemoryTable()),
        clock=lambda: stage.now,
        account="123456789012",
        region="eu-west-1",
    )
    stage.push("1.4.2", "one")
    stage.push("2.0.0", "two")
    moves = 0
    while stage.events and moves < 100:
        moves += 1
        event = stage.events.pop(0)
        stage.deliver(event)
        hint = Hint.from_ecr(event)
        assert hint is not None
        rival.visit(REPOSITORY, [hint])
    assert stage.events == []
    assert [hold.tag for _, hold in stage.history.holds.all()] == ["latest"]


# Twins


def test_twins_end_with_the_image_pushed_later_in_any_order_and_are_reported_once() -> None:
    for order in ((0, 1), (1, 0)):
        stage = Stage({"variants": ["alpine"]})
        stage.push("1.4.2-alpine", "one")
        stage.push("v1.4.2-alpine", "other")
        first, second = (stage.events[i] for i in order)
        stage.events.clear()
        for each in (first, second, first):
            stage.deliver(each)
            stage.settle()
        stage.look_all_over()
        assert {stage.tags()[tag] for tag in ("1.4-alpine", "alpine")} == {image("other")}
        assert [fact.tag for fact in stage.of(Kind.REJECT)] == ["1.4.2-alpine"]


def test_twins_pushed_at_once_end_with_the_higher_digest() -> None:
    stage = Stage({})
    stage.push("1.4.2", "one")
    stage.now -= timedelta(seconds=1)
    stage.push("v1.4.2", "other")
    stage.settle()
    assert stage.tags()["latest"] == max(image("one"), image("other"))


# Hard names


def test_tags_of_128_characters_and_repositories_of_256_are_like_any_other() -> None:
    repository = "base/" + "r" * 251
    variant = "a" * 122
    stage = Stage({"variants": ["a*"], **PIN})
    digest = stage.push(f"1.4.2-{variant}", "new", repository=repository)
    stage.settle()
    named = {f"1.4.2-{variant}", f"1.4-{variant}", f"1-{variant}", variant}
    assert stage.tags(repository) == dict.fromkeys(named, digest)
    stage.look_all_over(repository)
    assert stage.of(Kind.FAILED) == []


def test_a_name_that_would_be_too_long_fails_nothing() -> None:
    variant = "a" * 122
    stable = [*VERSIONS["tags"]["stable"], {"tag": "nightly", "follows": "highest"}]
    stage = Stage({"variants": ["a*"], "stable": stable})
    stage.push(f"1.4.2-{variant}", "new")
    stage.settle()
    assert variant in stage.tags()
    assert stage.of(Kind.FAILED) == []


def test_referrers_pins_and_ignored_tags_are_left_alone() -> None:
    stage = Stage({"unknown": "remove", **PIN, **RESTORE})
    stage.push("1.4.2", "new")
    stage.settle()
    told = len(stage.told())
    for tag in (
        f"sha256-{image('new')[7:]}",
        f"sha256-{image('new')[7:]}.sig",
        "buildcache-1",
        "1.4.2-20261123T022400Z-0123456789ab",
    ):
        stage.push(tag, f"of {tag}")
        assert stage.calls(stage.settle) == {}
        assert stage.tags()[tag] == image(f"of {tag}")
    stage.look_all_over()
    assert len(stage.told()) == told


# Costs


@pytest.mark.parametrize("others", [0, 60])
def test_the_reads_for_a_push_of_a_variant_are_constant(others: int) -> None:
    stage = Stage({"variants": ["alpine", "slim-*"]})
    for minor in range(others):
        stage.push(f"0.{minor}.0-alpine")
        stage.push(f"0.{minor}.0-slim-x")
    stage.settle()
    stage.push("1.4.1-alpine", "old")
    stage.settle()
    stage.push("1.4.2-alpine", "new")
    event = stage.events.pop()
    assert stage.calls(lambda: stage.deliver(event)) == {
        "BatchGetImage": 1,
        "DescribeImages": 1,
        "PutImage": 3,
    }
    while stage.events:
        echo = partial(stage.deliver, stage.events.pop())
        assert stage.calls(echo) == {"BatchGetImage": 1}
    assert stage.calls(lambda: stage.deliver(event)) == {"BatchGetImage": 1}
    stage.push("alpine", "old")
    assert stage.calls(lambda: stage.deliver(stage.events.pop(0))) == {
        "BatchGetImage": 1,
        "DescribeImages": 1,
        "PutImage": 1,
    }
    stage.events.clear()
    stage.push("1.4.0-alpine", "late")
    assert stage.calls(stage.settle) == {"BatchGetImage": 1, "DescribeImages": 1}
    stage.push("buildcache-alpine", "cache")
    assert stage.calls(stage.settle) == {}


def test_a_refused_tag_costs_no_read_and_one_that_may_go_two() -> None:
    stage = Stage({})
    stage.push("nightly", "new")
    assert stage.calls(stage.settle) == {}
    stage = Stage(REMOVE)
    stage.push("nightly", "new")
    assert stage.calls(stage.settle) == {"BatchGetImage": 1, "DescribeImages": 1}
