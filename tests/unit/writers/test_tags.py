"""The writer, on ECR in memory: what each push leads to."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from ecr_steward.ecr import Unavailable
from ecr_steward.rules import Mode
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.writers.tags import WRITES_PER_VISIT, Visit
from ecr_steward_cli.in_memory.images import MemoryEcr
from tests.support.world import REPOSITORY, VERSIONS, World, image, ruleset


def story(world: World) -> list[tuple[str, str | None]]:
    return [(fact.kind.value, fact.tag) for fact in world.told()]


def test_the_first_version_gets_all_its_stable_tags() -> None:
    world = World()
    digest = world.push("1.4.2")
    world.settle()
    assert world.tags() == dict.fromkeys(["1.4.2", "1.4", "1", "latest"], digest)
    assert story(world) == [("move", "1.4"), ("move", "1"), ("move", "latest")]


def test_a_backport_moves_nothing_above_its_line() -> None:
    world = World()
    new = world.push("2.0.0")
    old = world.push("1.4.3")
    world.settle()
    tags = world.tags()
    assert (tags["latest"], tags["2"], tags["2.0"]) == (new, new, new)
    assert (tags["1"], tags["1.4"]) == (old, old)


def test_pushes_out_of_order_end_like_pushes_in_order() -> None:
    ends = []
    for order in (["1.4.1", "1.4.2", "1.5.0"], ["1.5.0", "1.4.1", "1.4.2"]):
        world = World()
        for tag in order:
            world.push(tag, name=tag)
            world.settle()
        ends.append(world.tags())
    assert ends[0] == ends[1]


def test_a_rule_that_says_nothing_of_tags_leaves_them_to_their_owner() -> None:
    world = World(ruleset({"repositories": ["base/*"], "repository": {"scan_on_push": True}}))
    hint = Hint(
        REPOSITORY, Action.PUSH, "1.4.2", world.push("1.4.2"), Cause("1", "Push"), world.now
    )
    assert world.calls(lambda: world.retagger.visit(REPOSITORY, [hint])) == {}
    assert world.retagger.visit(REPOSITORY, [hint]) == Visit()


def test_a_prerelease_moves_no_stable_tag() -> None:
    world = World()
    world.push("1.4.2")
    world.settle()
    before = world.tags()
    world.push("1.5.0-rc.1", name="candidate")
    world.settle()
    assert world.tags() == {**before, "1.5.0-rc.1": image("candidate")}


def test_major_version_zero_gets_no_tag_of_its_own() -> None:
    world = World()
    world.push("0.3.1")
    world.settle()
    assert set(world.tags()) == {"0.3.1", "0.3", "latest"}


def test_a_stable_tag_moved_by_hand_goes_back() -> None:
    world = World()
    old = world.push("1.4.1", name="old")
    new = world.push("1.4.2")
    world.settle()
    world.push("latest", name="old")
    world.settle()
    assert world.tags()["latest"] == new
    assert world.tags()["1.4.1"] == old
    reasons = [fact.reason for fact in world.told() if fact.tag == "latest"]
    assert reasons[-1] == "`latest` goes to 1.4.2, the highest of all releases: 1.4.1 is lower."


def test_a_stable_tag_deleted_by_hand_comes_back() -> None:
    world = World()
    digest = world.push("1.4.2")
    world.settle()
    world.delete(tag="latest")
    world.settle()
    assert world.tags()["latest"] == digest


def test_the_highest_that_is_left_gets_the_tags_of_a_deleted_image() -> None:
    world = World()
    left = world.push("1.4.1")
    gone = world.push("1.4.2")
    world.settle()
    world.delete(digest=gone)
    world.settle()
    tags = world.tags()
    assert tags == dict.fromkeys(["1.4.1", "1.4", "1", "latest"], left)
    assert world.told()[-1].reason == (
        "`latest` goes to 1.4.1, the highest that is left of all releases: 1.4.2 is gone."
    )


def test_an_untagged_version_gives_up_its_line() -> None:
    world = World()
    left = world.push("1.4.1")
    world.push("1.4.2")
    world.settle()
    world.delete(tag="1.4.2")
    world.settle()
    assert {world.tags()[tag] for tag in ("1.4", "1", "latest")} == {left}


def test_an_image_never_loses_its_last_tag() -> None:
    world = World()
    world.push("1.4.2")
    world.settle()
    stray = world.push("latest", name="stray")
    world.settle()
    pins = [tag for tag, digest in world.tags().items() if digest == stray]
    assert pins == [f"latest-20261123T022402Z-{stray[7:19]}"]
    assert [kind for kind, _ in story(world)[-2:]] == ["pin", "move"]


def test_an_off_scheme_tag_is_reported_once_and_left_alone() -> None:
    world = World()
    world.push("nightly", name="n")
    world.settle()
    world.push("nightly", name="n")
    world.sweep()
    assert [fact.kind for fact in world.told() if fact.kind is FactKind.REJECT] == [FactKind.REJECT]
    assert "nightly" in world.tags()


def test_an_overwritten_unique_tag_is_reported_once_with_both_digests() -> None:
    world = World()
    first = world.push("1.4.2", name="first")
    world.settle()
    second = world.push("1.4.2", name="second")
    world.settle()
    world.sweep()
    overwrites = [fact for fact in world.told() if fact.kind is FactKind.OVERWRITE]
    assert [(fact.before, fact.digest) for fact in overwrites] == [(first, second)]
    assert world.tags()["latest"] == second


def test_audit_changes_nothing_and_says_what_it_would_do_once() -> None:
    world = World(mode=Mode.AUDIT)
    digest = world.push("1.4.2")
    calls = world.calls(world.settle)
    assert "PutImage" not in calls
    assert world.tags() == {"1.4.2": digest}
    assert story(world) == [("move", "1.4"), ("move", "1"), ("move", "latest")]
    assert {fact.mode for fact in world.told()} == {"audit"}
    world.sweep()
    world.sweep()
    assert [kind for kind, _ in story(world) if kind != "swept"] == ["move"] * 3


def test_a_rule_in_audit_is_not_enforced_by_a_stack_that_enforces() -> None:
    world = World(ruleset({**VERSIONS, "mode": "audit"}))
    digest = world.push("1.4.2")
    world.settle()
    assert world.tags() == {"1.4.2": digest}


def test_manifests_arrive_byte_for_byte_for_indexes_and_both_formats() -> None:
    child = '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"x"},"layers":[]}'
    for kind, parent, text in (
        ("oci", "application/vnd.oci.image.index.v1+json", "oci.image.manifest.v1+json"),
        (
            "docker",
            "application/vnd.docker.distribution.manifest.list.v2+json",
            "docker.distribution.manifest.v2+json",
        ),
    ):
        world = World()
        world.ecr.create_repository(repositoryName=REPOSITORY)
        put = world.ecr.put_image
        part = put(repositoryName=REPOSITORY, imageManifest=child % f"application/vnd.{text}")[
            "image"
        ]["imageId"]["imageDigest"]
        index = (
            f'{{ "schemaVersion": 2,\n  "mediaType": "{parent}", "annotations": {{"é": "{kind}"}},'
            f' "manifests": [{{"digest": "{part}", "size": 1, "mediaType": "x"}}] }}\n'
        )
        put(repositoryName=REPOSITORY, imageManifest=index, imageTag="1.4.2")
        world.settle()
        answer = world.ecr.batch_get_image(
            repositoryName=REPOSITORY, imageIds=[{"imageTag": "1.4"}, {"imageTag": "latest"}]
        )
        assert [each["imageManifest"] for each in answer["images"]] == [index, index]
        assert len({each["imageId"]["imageDigest"] for each in answer["images"]}) == 1


def test_stand_ins_that_do_not_echo_the_tag_asked_for_change_nothing() -> None:
    world = World()
    world.ecr = MemoryEcr(clock=lambda: world.now, emit=world.events.append, echo_tags=False)
    world.set_mode(Mode.ENFORCE)
    world.push("1.4.1")
    new = world.push("1.4.2")
    world.push("1.3.9", name="backport")
    world.settle()
    assert {world.tags()[tag] for tag in ("1.4", "1", "latest")} == {new}
    assert world.tags()["1.3"] == image("backport")


def test_what_an_immutable_repository_refuses_is_reported_once_and_acknowledged() -> None:
    world = World()
    old = world.push("1.4.1")
    world.settle()
    world.ecr.put_image_tag_mutability(repositoryName=REPOSITORY, imageTagMutability="IMMUTABLE")
    world.push("1.4.2")
    world.settle()
    world.sweep()
    failures = [fact for fact in world.told() if fact.kind is FactKind.FAILED]
    assert [fact.tag for fact in failures] == ["1.4", "1", "latest"]
    assert "ImageTagAlreadyExistsException" in failures[0].reason
    assert world.tags()["latest"] == old


def _refuse(world: World, operation: str, code: str, *, status: int = 400, times: int = 1) -> None:
    left = [times]

    def before(called: str, asked: object) -> None:
        if called == operation and left[0]:
            left[0] -= 1
            raise ClientError(
                {
                    "Error": {"Code": code, "Message": "no"},
                    "ResponseMetadata": {
                        "HTTPStatusCode": status,
                        "RequestId": "r",
                        "HTTPHeaders": {},
                        "RetryAttempts": 0,
                        "HostId": "h",
                    },
                },
                called,
            )

    world.ecr.before = before


def test_a_denied_move_is_reported_and_the_message_acknowledged() -> None:
    world = World()
    world.push("1.4.2")
    _refuse(world, "PutImage", "AccessDeniedException", times=3)
    world.settle()
    assert story(world) == [("failed", "1.4"), ("failed", "1"), ("failed", "latest")]


@pytest.mark.parametrize(
    ("operation", "code", "status"),
    [
        ("BatchGetImage", "ThrottlingException", 400),
        ("DescribeImages", "ServerException", 500),
        ("ListImages", "ServiceUnavailable", 503),
        ("PutImage", "ThrottlingException", 429),
    ],
)
def test_a_passing_fault_leaves_the_message_and_loses_nothing(
    operation: str, code: str, status: int
) -> None:
    world = World()
    digest = world.push("1.4.2")
    event = world.events.pop()
    _refuse(world, operation, code, status=status)
    with pytest.raises(Unavailable):
        world.deliver(event)
    world.deliver(event)
    world.settle()
    assert world.tags() == dict.fromkeys(["1.4.2", "1.4", "1", "latest"], digest)
    assert sorted(story(world)) == [("move", "1"), ("move", "1.4"), ("move", "latest")]


def test_a_pin_that_fails_holds_back_the_move_that_would_strand_its_image() -> None:
    world = World()
    world.push("1.4.2")
    world.settle()
    stray = world.push("latest", name="stray")
    _refuse(world, "PutImage", "LimitExceededException")
    world.settle()
    assert world.tags()["latest"] == stray
    assert story(world)[-1][0] == "failed"


def test_a_deleted_repository_is_acknowledged() -> None:
    world = World()
    world.push("1.4.2")
    world.ecr.delete_repository(repositoryName=REPOSITORY, force=True)
    world.settle()
    assert world.told() == []


def test_a_deleted_image_is_acknowledged() -> None:
    world = World()
    digest = world.push("1.4.2")
    pushed = world.events.pop()
    world.delete(digest=digest)
    world.events.clear()
    world.deliver(pushed)
    assert world.told() == []
    assert world.tags() == {}


def test_an_image_that_vanishes_between_two_reads_is_read_again() -> None:
    world = World()
    kept = world.push("1.4.1")
    gone = world.push("1.4.2")
    events, world.events[:] = list(world.events), []

    def vanish(operation: str, asked: object) -> None:
        if operation == "DescribeImages":
            world.ecr.before = None
            world.delete(digest=gone)

    world.ecr.before = vanish
    world.deliver(events[1])
    world.settle()
    assert {world.tags()[tag] for tag in ("1.4", "1", "latest")} == {kept}


def test_a_line_whose_highest_image_is_archived_stays_and_is_reported() -> None:
    world = World()
    old = world.push("1.4.1")
    new = world.push("1.4.2")
    world.settle()
    world.ecr.archive(REPOSITORY, new)
    world.push("1.4.0", name="late")
    world.settle()
    assert {world.tags()[tag] for tag in ("1.4", "1", "latest")} == {new}
    assert world.tags()["1.4.1"] == old
    failures = [fact for fact in world.told() if fact.kind is FactKind.FAILED]
    assert {fact.tag for fact in failures} == {"1.4", "1", "latest"}
    assert "ImageInaccessible" in failures[0].reason


def test_a_pull_through_cache_is_left_alone_unless_a_rule_names_it() -> None:
    everything = {**VERSIONS, "repositories": ["*"]}
    named = {**VERSIONS, "repositories": ["docker-hub/*"]}
    for rule, expected in ((everything, {"1.4.2"}), (named, {"1.4.2", "1.4", "1", "latest"})):
        world = World(ruleset(rule))
        world.history.remember_pull_through(["docker-hub"])
        world.push("1.4.2", repository="docker-hub/redis")
        world.settle()
        assert set(world.tags("docker-hub/redis")) == expected


def test_several_pushes_in_one_batch_are_planned_together() -> None:
    world = World()
    world.push("1.4.1")
    new = world.push("1.4.2")
    hints = [hint for event in world.events if (hint := Hint.from_ecr(event)) is not None]
    world.events.clear()
    calls = world.calls(lambda: world.visit(hints))
    assert calls == {"BatchGetImage": 1, "DescribeImages": 1, "ListImages": 1, "PutImage": 3}
    assert world.tags()["latest"] == new
    assert {fact.cause for fact in world.told()} == {hints[1].cause}


def test_a_first_sweep_of_a_large_repository_goes_on_in_further_visits() -> None:
    world = World()
    for minor in range(150):
        world.push(f"1.{minor}.0")
    world.events.clear()
    world.sweep()
    assert sum(1 for tag in world.tags() if tag.count(".") == 1) == 150
    assert world.tags()["latest"] == world.tags()["1.149.0"]


def test_a_line_without_a_mark_is_listed_when_a_wider_mark_is_higher() -> None:
    world = World()
    highest = world.push("1.3.9")
    world.events.clear()
    world.push("1.4.2")
    world.settle()
    world.push("1.3.8")
    calls = world.calls(world.settle)
    assert calls["ListImages"] == 1
    assert world.tags()["1.3"] == highest


def test_a_new_minor_line_needs_no_listing_below_the_mark_of_its_major() -> None:
    world = World()
    world.push("1.4.2")
    world.settle()
    world.push("1.5.0")
    event = world.events.pop()
    assert world.calls(lambda: world.deliver(event)) == {
        "BatchGetImage": 1,
        "DescribeImages": 1,
        "PutImage": 3,
    }


def test_facts_of_one_push_know_how_many_they_are_whatever_their_kind() -> None:
    world = World()
    world.push("1.4.2", name="first")
    world.settle()
    world.table.told.clear()
    world.push("1.4.2", name="second")
    world.settle()
    assert {fact.kind for fact in world.told()} == {FactKind.PIN, FactKind.MOVE, FactKind.OVERWRITE}
    assert {fact.of for fact in world.told()} == {5}


def test_a_first_sweep_of_very_many_tags_is_seen_quietly_and_counted_once() -> None:
    world = World(mode=Mode.AUDIT)
    for number in range(1200):
        world.push(f"odd-{number}", name="one image" if number < 900 else "another")
    world.events.clear()
    world.sweep()
    world.sweep()
    (first, second) = [fact for fact in world.told() if fact.kind is FactKind.SWEPT]
    assert [fact.kind for fact in world.told()] == [FactKind.SWEPT, FactKind.SWEPT]
    assert first.totals["rejected"] == second.totals["rejected"] == 1200
    assert first.totals["first_sight"] == 1
    assert first.totals["repositories"] == 1
    assert "first_sight" not in second.totals


def test_an_image_with_very_many_tags_is_told_with_a_few_of_them() -> None:
    world = World()
    for number in range(40):
        world.push(f"1.0.{number}", name="one image")
    world.settle()
    assert {len(fact.before_tags) for fact in world.told() if fact.kind is FactKind.MOVE} <= {0, 8}
    world.push("1.1.0", name="next")
    world.settle()
    assert len(world.told()[-1].before_tags) == 8


def test_a_tag_that_one_event_moved_twice_is_two_facts_and_both_are_told() -> None:
    world = World()
    digest = world.push("1.4.2", name="new")
    push = world.events.pop()
    world.deliver(push)
    world.push("latest", name="stray")
    world.events.clear()
    world.deliver(push, push)
    moves = [fact for fact in world.told() if fact.tag == "latest"]
    assert [(fact.digest, fact.cause.id) for fact in moves] == [(digest, push["id"])] * 2
    assert len({fact.id for fact in moves}) == 2
    assert [fact.again for fact in moves] == [0, 1]


def test_writes_that_are_refused_for_good_are_not_tried_again_and_again() -> None:
    world = World()
    for minor in range(120):
        world.push(f"1.{minor}.0")
    world.events.clear()
    _refuse(world, "PutImage", "AccessDeniedException", times=10_000)
    calls = world.calls(world.sweep)
    assert calls["PutImage"] == WRITES_PER_VISIT
    (summary,) = [fact for fact in world.told() if fact.kind is FactKind.SWEPT]
    assert "moved" not in summary.totals
    assert summary.totals["failed"] == WRITES_PER_VISIT


@pytest.mark.parametrize("prefix", ["docker-hub", "docker-hub/", "ROOT"])
def test_the_repositories_of_a_pull_through_cache_are_known_by_its_prefix(prefix: str) -> None:
    world = World(ruleset({**VERSIONS, "repositories": ["*"]}))
    world.history.remember_pull_through([prefix])
    world.push("1.4.2", repository="docker-hub/redis")
    world.settle()
    assert set(world.tags("docker-hub/redis")) == {"1.4.2"}
