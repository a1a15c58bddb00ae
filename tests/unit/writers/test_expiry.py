"""Images that nothing keeps are announced, get an expiry tag, and lose it where they are needed."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_steward.ecr import Unavailable
from ecr_steward.words.facts import FactKind
from ecr_steward.writers import expire, retention
from tests.support.retention_world import RULE, RetentionWorld, expiry_tags
from tests.support.world import REPOSITORY


def old_image(world: RetentionWorld, tag: str = "pr-1") -> str:
    """An image that nothing keeps any more, beside a version that stays."""
    world.push("1.4.2", "stays")
    digest = world.push(tag, "goes")
    world.settle()
    world.wait(4)
    return digest


def announced(world: RetentionWorld) -> str:
    digest = old_image(world)
    world.look()
    world.round()
    world.settle()
    world.wait(2)
    return digest


def tagged(world: RetentionWorld) -> str:
    digest = announced(world)
    world.round()
    world.look()
    world.settle()
    assert len(list(expiry_tags(world.tags_of(digest)))) == 1
    return digest


def kinds(world: RetentionWorld) -> list[FactKind]:
    return [fact.kind for fact in world.told() if fact.kind not in (FactKind.MOVE, FactKind.REJECT)]


def with_images(**images: Any) -> dict[str, Any]:
    rule = deepcopy(RULE)
    rule["images"] |= images
    return rule


def test_an_image_is_announced_gets_its_expiry_tag_and_is_expired_by_ecr() -> None:
    world = RetentionWorld()
    digest = announced(world)
    assert world.tags_of(digest) == ["pr-1"]
    assert kinds(world) == [FactKind.EXPIRING]
    world.round()
    world.sweep()
    assert world.tags_of(digest) == ["pr-1"], "not before a look at what runs"
    world.look()
    world.settle()
    assert world.tags_of(digest) == ["pr-1", f"steward-expire-20261129-{digest[7:19]}"]
    assert kinds(world) == [FactKind.EXPIRING, FactKind.EXPIRY_SET]
    assert world.evaluate() == [digest]
    assert world.ecr.tags(REPOSITORY).keys() == {"1.4.2", "1.4", "latest"}
    world.sweep()
    assert world.expiries.tagged() == {}


def test_nothing_is_put_where_the_stack_does_not_allow_it() -> None:
    world = RetentionWorld(allowed=False)
    old_image(world)
    for _ in range(6):
        world.day()
    assert kinds(world) == [FactKind.EXPIRING]
    assert "AllowExpiry is false" in world.told()[-1].reason
    assert not list(expiry_tags(world.ecr.tags(REPOSITORY)))


def test_no_expiry_tag_is_put_where_nobody_knows_what_runs() -> None:
    world = RetentionWorld()
    digest = old_image(world)
    for _ in range(4):
        world.wait(1)
        world.round()
        world.settle()
    assert world.tags_of(digest) == ["pr-1"]
    assert "what `ecs` runs is not known" in world.told()[-1].reason


def test_no_expiry_tag_is_put_before_ecr_has_the_rule_for_it() -> None:
    world = RetentionWorld()
    world.ecr.delete_lifecycle_policy(repositoryName=REPOSITORY)
    digest = old_image(world)
    for _ in range(4):
        world.look()
        world.round()
        world.look()
        world.settle()
        world.wait(1)
    assert world.tags_of(digest) == ["pr-1"]
    assert "no rule for expiry tags yet" in world.told()[-1].reason


def test_more_than_at_most_get_none_and_it_is_told() -> None:
    world = RetentionWorld(with_images(at_most=1))
    old_image(world)
    other = world.push("pr-2", "goes too")
    world.wait(4)
    for _ in range(4):
        world.day()
    assert not list(expiry_tags(world.tags_of(other)))
    (braked,) = {fact.reason for fact in world.told() if fact.totals.get("braked")}
    assert braked.startswith("Nothing keeps 2 images, which is more than `at_most`")


@pytest.mark.parametrize("lost", [False, True])
def test_what_is_started_from_an_image_takes_its_expiry_tag_off(lost: bool) -> None:
    world = RetentionWorld()
    digest = tagged(world)
    world.start("ecs:prod/web", digest, lost=lost)
    world.settle()
    if lost:
        world.look()
        world.settle()
    assert world.tags_of(digest) == ["pr-1"]
    assert kinds(world)[-1] is FactKind.EXPIRY_CLEARED
    assert "`ecs:prod/web` runs it" in world.told()[-1].reason


@pytest.mark.parametrize("tag", ["main", "cache-1", "2.0.0", "pr-2"])
def test_whatever_is_pushed_on_an_image_takes_its_expiry_tag_off(tag: str) -> None:
    world = RetentionWorld()
    digest = tagged(world)
    world.push(tag, "goes")
    world.settle()
    assert not list(expiry_tags(world.tags_of(digest)))


@pytest.mark.parametrize("tag", ["main", "cache-1"])
def test_a_sweep_finds_what_was_put_on_it_while_the_event_was_lost(tag: str) -> None:
    world = RetentionWorld()
    digest = tagged(world)
    world.push(tag, "goes")
    world.events.clear()
    world.sweep()
    assert world.tags_of(digest) == ["pr-1", tag]


def test_a_hold_takes_an_expiry_tag_off_with_the_next_sweep() -> None:
    world = RetentionWorld()
    digest = tagged(world)
    world.hold("pr-1")
    world.sweep()
    assert world.tags_of(digest) == ["pr-1"]


def start(world: RetentionWorld, digest: str) -> None:
    world.start("ecs:prod/web", digest, lost=True)


def pull(world: RetentionWorld, digest: str) -> None:
    world.wait(0.1)
    world.pull(digest)


def report(world: RetentionWorld, digest: str) -> None:
    world.set_rule(with_images(others="report"))


def be_late(world: RetentionWorld, digest: str) -> None:
    world.wait(3)


@pytest.mark.parametrize("do", [start, pull, report, be_late])
def test_what_comes_between_round_and_look_keeps_the_expiry_tag_away(
    do: Callable[[RetentionWorld, str], None],
) -> None:
    world = RetentionWorld(with_images(keep=[{"pushed_within": "3d"}, {"pulled_within": "3d"}]))
    digest = announced(world)
    world.round()
    do(world, digest)
    world.look()
    world.settle()
    assert world.tags_of(digest) == ["pr-1"]
    assert kinds(world) == [FactKind.EXPIRING]


def go_on_reporting(world: RetentionWorld, digest: str) -> None:
    report(world, digest)
    world.round()
    world.set_rule(RULE)


def forge(world: RetentionWorld, digest: str) -> None:
    world.forge(digest)
    world.events.clear()
    world.round()
    world.settle()


@pytest.mark.parametrize("do", [go_on_reporting, forge])
def test_the_notice_begins_anew_where_the_image_was_not_to_go_in_between(
    do: Callable[[RetentionWorld, str], None],
) -> None:
    world = RetentionWorld()
    digest = announced(world)
    world.look()
    do(world, digest)
    world.round()
    world.look()
    world.settle()
    assert world.tags_of(digest) == ["pr-1"]
    for _ in range(3):
        world.day()
    assert digest not in world.details()


def test_what_has_its_expiry_tag_counts_no_more_for_at_most() -> None:
    world = RetentionWorld(with_images(at_most=1))
    first = tagged(world)
    second = world.push("pr-2", "goes too")
    world.settle()
    world.wait(4)
    for _ in range(2):
        world.look()
        world.round()
        world.look()
        world.settle()
        world.wait(2)
    assert list(expiry_tags(world.tags_of(first)))
    assert list(expiry_tags(world.tags_of(second)))


def test_an_image_with_no_other_tag_gets_a_pin_before_it_loses_its_expiry_tag() -> None:
    world = RetentionWorld()
    digest = tagged(world)
    world.delete("pr-1")
    world.start("ecs:prod/web", digest)
    world.settle()
    (pin,) = world.tags_of(digest)
    assert pin.startswith("pr-1-")
    assert pin.endswith(digest[7:19])


def test_an_index_and_its_children_go_and_stay_together() -> None:
    world = RetentionWorld()
    world.push("1.4.2", "stays")
    index = world.push_index("pr-1", "amd64", "arm64")
    world.settle()
    world.wait(4)
    for _ in range(3):
        world.look()
        world.round()
        world.look()
        world.settle()
        world.wait(1)
    having = [digest for digest, (tags, _) in world.details().items() if list(expiry_tags(tags))]
    assert len(having) == 3
    child = next(digest for digest in having if digest != index)
    world.start("ecs:prod/web", child)
    world.settle()
    assert not [tags for tags, _ in world.details().values() if list(expiry_tags(tags))]


@pytest.mark.parametrize("late", [False, True])
def test_a_new_index_over_an_image_that_goes_keeps_it(late: bool) -> None:
    world = RetentionWorld()
    child = tagged(world) if late else announced(world)
    world.round()
    world.push_index("2.0.0", "goes", "other")
    world.settle()
    world.look()
    world.settle()
    assert world.tags_of(child) == ["pr-1"]
    world.round()
    world.look()
    world.settle()
    assert world.tags_of(child) == ["pr-1"]


@pytest.mark.parametrize("others", ["expire", "report", "keep"])
def test_an_expiry_tag_that_somebody_else_put_is_taken_off_at_once(others: str) -> None:
    world = RetentionWorld(with_images(others=others))
    world.push("1.4.2", "stays")
    digest = world.push("1.4.2", "stays")
    world.settle()
    forged = f"steward-expire-20260101-{digest[7:19]}"
    world.push(forged, "stays")
    world.settle()
    assert forged not in world.tags_of(digest)
    fact = world.told()[-1]
    assert (fact.kind, fact.tag) == (FactKind.REJECT, forged)


@pytest.mark.parametrize("sweep", [False, True])
def test_a_forged_expiry_tag_whose_event_was_lost_is_found_by_round_and_sweep(
    sweep: bool,
) -> None:
    world = RetentionWorld()
    digest = world.push("1.4.2", "stays")
    world.settle()
    world.push(f"steward-expire-20260101-{digest[7:19]}", "stays")
    world.events.clear()
    world.sweep() if sweep else world.round()
    world.settle()
    assert not list(expiry_tags(world.tags_of(digest)))


def test_the_switch_from_report_to_expire_says_first_what_goes_and_when() -> None:
    world = RetentionWorld(with_images(others="report"))
    digest = old_image(world)
    for _ in range(9):
        world.day()
    (reported,) = [fact.reason for fact in world.told() if fact.kind is FactKind.EXPIRING]
    assert reported.endswith("The rule only reports such images.")
    world.set_rule(RULE)
    world.day()
    assert world.told()[-1].reason.endswith("and by it ECR expires the image.")
    assert not list(expiry_tags(world.tags_of(digest)))
    world.day()
    assert not list(expiry_tags(world.tags_of(digest))), "within the notice"
    world.day()
    assert digest not in world.details()


WITHDRAWN: dict[str, dict[str, Any] | None] = {
    "it only reports": {"others": "report"},
    "it keeps all": {"others": "keep"},
    "it says nothing of images": None,
}


@pytest.mark.parametrize("images", WITHDRAWN.values(), ids=WITHDRAWN)
@pytest.mark.parametrize("step", ["sweep", "round", "look"])
def test_an_expiry_tag_comes_off_where_the_rule_lets_no_image_go_any_more(
    images: dict[str, Any] | None, step: str
) -> None:
    world = RetentionWorld()
    digest = tagged(world)
    rule = with_images(**(images or {}))
    world.set_rule({key: each for key, each in rule.items() if images or key != "images"})
    getattr(world, step)()
    world.settle()
    assert world.tags_of(digest) == ["pr-1"]
    assert kinds(world)[-1] is FactKind.EXPIRY_CLEARED


def test_what_was_announced_before_the_rule_let_no_image_go_is_announced_anew() -> None:
    world = RetentionWorld()
    digest = announced(world)
    world.set_rule(with_images(others="keep"))
    assert world.expiries.repositories() == {REPOSITORY}
    world.round()
    assert world.expiries.repositories() == frozenset()
    world.set_rule(RULE)
    world.look()
    world.round()
    world.look()
    world.settle()
    assert world.tags_of(digest) == ["pr-1"]


@pytest.mark.parametrize("counts", [False, True])
def test_a_pull_takes_an_expiry_tag_off_where_pulls_keep(counts: bool) -> None:
    keep = [{"pushed_within": "3d"}, *([{"pulled_within": "3d"}] if counts else [])]
    world = RetentionWorld(with_images(keep=keep))
    digest = tagged(world)
    world.wait(0.1)
    world.pull(digest)
    world.sweep()
    assert bool(list(expiry_tags(world.tags_of(digest)))) is not counts
    if counts:
        assert "It was pulled at" in world.told()[-1].reason


def test_a_round_goes_on_where_it_stopped_and_reads_each_manifest_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "MANIFESTS_PER_VISIT", 2)
    world = RetentionWorld()
    for n in range(5):
        world.push_index(f"pr-{n}", f"{n}-amd64")
    world.settle()
    world.wait(4)
    calls = [world.ecr.calls["BatchGetImage"]]
    for _ in range(2):
        world.round()
        calls.append(world.ecr.calls["BatchGetImage"])
    assert [after - before for before, after in pairwise(calls)] == [3, 0]
    assert len(world.expiries.going(REPOSITORY)) == 10
    world.ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "pr-0"}])
    world.round()
    assert len(world.expiries.children(REPOSITORY)) == 4


@pytest.mark.parametrize("says", [True, False])
def test_a_push_asks_history_once_where_no_image_goes(says: bool) -> None:
    world = RetentionWorld({key: each for key, each in RULE.items() if says or key != "images"})
    reads = world.table.reads
    world.push("1.4.2", "stays")
    world.settle()
    assert world.table.reads - reads == 3, "one for the push, one for each echo"


def test_an_image_whose_tags_changed_since_the_round_waits_for_the_next_one() -> None:
    world = RetentionWorld()
    digest = announced(world)
    world.round()
    world.push("main", "goes")
    world.events.clear()
    world.look()
    world.settle()
    assert world.tags_of(digest) == ["pr-1", "main"]


def test_an_image_that_is_held_between_round_and_look_gets_none() -> None:
    world = RetentionWorld(with_images(not_kept_by=["main"]))
    world.push("1.4.2", "stays")
    digest = world.push("main", "goes")
    world.settle()
    world.wait(4)
    world.look()
    world.round()
    world.wait(2)
    world.look()
    world.round()
    world.hold("main")
    world.look()
    world.settle()
    assert not list(expiry_tags(world.tags_of(digest)))


def test_a_crash_between_ecr_and_history_leaves_no_expiry_tag_unknown() -> None:
    world = RetentionWorld()
    digest = announced(world)
    world.round()
    world.look()
    hints, world.retag_queue = world.retag_queue, []
    taken = []

    def fail(operation: str, asked: dict[str, Any]) -> None:
        if operation == "PutImage":
            taken.append(asked["imageTag"])
            raise KeyboardInterrupt

    world.ecr.after = fail
    with pytest.raises(KeyboardInterrupt):
        world.visit(hints)
    world.ecr.after = lambda operation, asked: None
    world.visit(hints)
    assert list(expiry_tags(world.tags_of(digest))) == taken
    assert kinds(world) == [FactKind.EXPIRING, FactKind.EXPIRY_SET]
    world.visit(hints)
    assert kinds(world) == [FactKind.EXPIRING, FactKind.EXPIRY_SET]


def said(world: RetentionWorld, *of: FactKind) -> list[tuple[str, str, str | None]]:
    """The rule, the reason and the tag of each fact of these kinds."""
    return [(fact.rule, fact.reason, fact.tag) for fact in world.told() if fact.kind in of]


SET, CLEARED = FactKind.EXPIRY_SET, FactKind.EXPIRY_CLEARED
AGAIN = "The image is needed again, so its expiry tag was taken off: "
GOES = "ECR expires it within a day or two."


@pytest.mark.parametrize(
    ("rule", "label", "why"),
    [
        (RULE, "0: base/*", "`ecs:prod/web` runs it, or did of late."),
        ({**RULE, "repositories": ["x/*"]}, "", "No rule says any more which images stay."),
        (with_images(others="report"), "0: base/*", "The rule lets no image expire any more."),
        ({**RULE, "mode": "audit"}, "0: base/*", "The rule does not enforce any more."),
    ],
)
def test_an_expiry_tag_that_is_put_and_taken_off_is_told_with_its_reason(
    rule: dict[str, Any], label: str, why: str
) -> None:
    world = RetentionWorld()
    digest = tagged(world)
    tag = next(expiry_tags(world.tags_of(digest)))
    if rule is RULE:
        world.start("ecs:prod/web", digest)
    world.set_rule(rule)
    world.sweep()
    assert said(world, SET) == [("0: base/*", f"Nothing keeps the image (pr-1); {GOES}", tag)]
    assert said(world, CLEARED) == [(label, f"{AGAIN}{why}", tag)]
    assert said(world, FactKind.PIN) == []


def test_an_image_that_never_had_a_tag_is_told_without_one() -> None:
    world = RetentionWorld()
    world.push("1.4.2", "stays")
    world.push(None, "goes")
    world.settle()
    for _ in range(8):
        world.day()
    ((_, reason, _),) = said(world, SET)
    assert reason == f"Nothing keeps the image; {GOES}"


@pytest.mark.parametrize("mine", [True, False])
def test_only_the_stewards_own_expiry_tag_is_told_as_its_own(mine: bool) -> None:
    world = RetentionWorld()
    digest = tagged(world)
    own = next(expiry_tags(world.tags_of(digest)))
    if not mine:
        world.forge(digest)
    world.start("ecs:prod/web", digest, lost=not mine)
    world.settle()
    forged = f"steward-expire-20260101-{digest[7:19]}"
    rejected = said(world, FactKind.REJECT)[1:]
    why = f"The steward did not put `{forged}` on the image, which ECR would expire by it; it was "
    assert rejected == ([] if mine else [("0: base/*", f"{why}taken off.", forged)])
    assert [tag for _, _, tag in said(world, CLEARED)] == [own]
    assert world.tags_of(digest) == ["pr-1"]


def refusing(code: str) -> Callable[[str, dict[str, Any]], None]:
    def before(operation: str, asked: dict[str, Any]) -> None:
        if operation == "PutImage" and asked.get("imageTag", "").startswith("steward-expire"):
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)

    return before


def test_an_expiry_tag_that_ecr_refuses_is_told_and_waits_for_another_round() -> None:
    world = RetentionWorld()
    digest = announced(world)
    world.round()
    world.ecr.before = refusing("AccessDeniedException")
    world.look()
    world.settle()
    failed = "The expiry tag of the image could not be changed: AccessDeniedException (no)."
    assert said(world, FactKind.FAILED) == [("0: base/*", failed, None)]
    world.ecr.before = None
    world.look()
    world.settle()
    assert world.tags_of(digest) == ["pr-1"]
    world.wait(0.1)
    world.round()
    world.look()
    world.settle()
    assert len(world.tags_of(digest)) == 2


def test_an_expiry_tag_that_ecr_throttles_is_put_with_the_next_try() -> None:
    world = RetentionWorld()
    digest = announced(world)
    world.round()
    world.look()
    hints, world.retag_queue = world.retag_queue, []
    world.ecr.before = refusing("ThrottlingException")
    with pytest.raises(Unavailable):
        world.visit(hints)
    assert said(world, SET, FactKind.FAILED) == []
    world.ecr.before = None
    world.visit(hints)
    assert len(world.tags_of(digest)) == 2
    assert len(said(world, SET)) == 1


@pytest.mark.parametrize(("images", "visits"), [(1, 1), (2, 1), (3, 2), (5, 3)])
def test_a_visit_puts_so_many_expiry_tags_and_the_next_one_the_rest(
    monkeypatch: pytest.MonkeyPatch, images: int, visits: int
) -> None:
    monkeypatch.setattr(expire, "PUTS_PER_VISIT", 2)
    world = RetentionWorld()
    world.push("1.4.2", "stays")
    for i in range(images):
        world.push(f"pr-{i}", f"goes{i}")
    world.settle()
    world.wait(4)
    world.look()
    world.round()
    world.wait(2)
    world.round()
    world.look()
    made = 0
    while world.retag_queue:
        made += 1
        world.visit([world.retag_queue.pop(0)])
    assert made == visits
    assert len(said(world, SET)) == images


def test_a_push_beside_images_that_go_is_no_concern_of_theirs() -> None:
    world = RetentionWorld()
    digest = tagged(world)
    world.push_index("2.0.0", "amd64", "arm64")
    world.settle()
    known = world.expiries.put(REPOSITORY)
    assert known.keys() == {digest}
    assert known[digest].is_on
    reads = world.table.reads
    world.push("2.0.1", "other")
    world.settle()
    assert world.table.reads - reads == 6, "tags, and what goes: for the push and its two echoes"


def test_an_expiry_tag_that_was_taken_off_and_is_pushed_again_is_somebody_elses() -> None:
    world = RetentionWorld()
    digest = tagged(world)
    own = next(expiry_tags(world.tags_of(digest)))
    world.start("ecs:prod/web", digest)
    world.settle()
    world.push(own, "goes")
    world.events.clear()
    world.sweep()
    assert world.tags_of(digest) == ["pr-1"]
    assert [tag for _, _, tag in said(world, CLEARED)] == [own]
    assert [tag for _, _, tag in said(world, FactKind.REJECT)][1:] == [own]


def test_an_image_that_is_deleted_between_round_and_look_gets_none_and_is_forgotten() -> None:
    world = RetentionWorld()
    digest = announced(world)
    world.round()
    ids = [{"imageDigest": digest}]
    world.ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=ids)
    world.look()
    world.settle()
    assert said(world, SET, FactKind.FAILED) == []
    assert digest not in world.details()
