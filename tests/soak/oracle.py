"""Who judges a soak: from what the registry itself noted, what history and the bus have, and what
people got, without asking the steward anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecr_steward.history.tags import History
from tests.soak import order, settings
from tests.soak.cloud import BEGINNING
from tests.soak.people import People
from tests.soak.rules import CHANNELS
from tests.soak.world import Change, SoakWorld, short

_WRITES = {"Tag Moved", "Tag Pinned", "Tag Restored", "Tag Removed"}

_SKEW = 10.0
"""Seconds by which the clock of a fact is wrong at most."""


@dataclass(frozen=True)
class Divergence:
    """Where the world is not as it must be: which promise, where, and what was expected."""

    promise: str
    repository: str
    expected: str

    def __str__(self) -> str:
        return f"{self.promise} ({self.repository or 'everywhere'}): {self.expected}"


@dataclass(frozen=True)
class _Told:
    """A fact as it stands in history."""

    type: str
    repository: str
    detail: Mapping[str, Any]
    aloud: bool

    @property
    def id(self) -> str:
        return str(self.detail["id"])

    def __str__(self) -> str:
        return f"{self.type} {self.detail.get('tag')} -> {short(self.detail.get('digest'))}"


def judge(world: SoakWorld, people: People) -> list[Divergence]:
    """Everything that is not as it must be."""
    told = [
        _Told(item.body["detail-type"], item.body["detail"]["repository"], item.body["detail"],
              item.sk.startswith("fact#"))
        for item in world.table.items()
        if item.sk.startswith(("fact#", "quiet#"))
    ]  # fmt: skip
    found = [*_queues(world, people), *_telling(world, told)]
    for repository in people.repositories:
        mine = [each for each in told if each.repository == repository]
        changes = [each for each in world.changes if each.repository == repository]
        described = world.ecr.describe_images(repositoryName=repository, maxResults=1000)
        images = order.images(described["imageDetails"])
        found += _stable_tags(repository, images)
        found += _facts(world, repository, mine, changes)
        found += _restored(repository, mine, changes)
        found += _names(world, repository, images, changes)
        found += _history(world, repository, images)
        found += _settings(world, repository, mine)
    return found


def _stable_tags(repository: str, images: list[order.PushedImage]) -> Iterator[Divergence]:
    kind = repository.partition("/")[0]
    if kind == "audit":
        return
    at = {tag: image.digest for image in images for tag in image.tags}
    for tag, digest in order.belongs(kind, images).items():
        if at.get(tag) != digest:
            expected = f"{tag} is on {short(at.get(tag))}, and belongs on {short(digest)}"
            yield Divergence("stable tags are right", repository, expected)


def _facts(
    world: SoakWorld, repository: str, told: list[_Told], changes: list[Change]
) -> Iterator[Divergence]:
    """One fact for each real change by the steward, each with an id of its own."""
    real = Counter((each.tag, each.after) for each in changes if each.by_steward)
    if repository.startswith("audit/"):
        for (tag, after), _ in real.items():
            yield Divergence("audit changes nothing", repository, f"{tag} -> {short(after)}")
        return
    written = Counter(_place(each) for each in told if _is_write(each))
    doubtful = Counter(_place(each) for each in told if _is_doubtful(each, changes))
    unknowable = Counter((e.tag, e.after) for e in changes if _is_unknowable(world, e, changes))
    for (tag, after), times in (real - written - unknowable).items():
        expected = f"{times} more change(s) of {tag} to {short(after)} in the registry than facts"
        yield Divergence("a fact for every change", repository, expected)
    for (tag, after), times in (written - real - doubtful).items():
        expected = f"{times} more fact(s) of {tag} to {short(after)} than changes in the registry"
        yield Divergence("no fact without a change", repository, expected)


def _is_unknowable(world: SoakWorld, change: Change, changes: list[Change]) -> bool:
    """Whether a run of the steward was spoilt, and somebody brought the tag back to where that run
    had found it: ECR shows the next one nothing of the change."""
    if not change.by_steward or change.run not in world.spoilt:
        return False
    looked = (each for each in world.looks["retag", change.repository] if each > change.time)
    until = next(looked, float("inf"))
    return any(
        each.tag == change.tag and each.after == change.before and change.time < each.time < until
        for each in changes
    )


def _place(told: _Told) -> tuple[str, str | None]:
    return told.detail["tag"], told.detail["digest"]


def _is_doubtful(told: _Told, changes: list[Change]) -> bool:
    """Whether a fact says that the steward was interrupted, and the tag was moved then.

    By somebody, or by the steward itself to where it found it, which a clock that is ahead makes
    look later: what of it happened nobody can know.
    """
    tag, said = told.detail["tag"], "interrupted" in told.detail["reason"]
    began = (datetime.fromisoformat(told.detail["time"]) - BEGINNING).total_seconds()
    found = told.detail.get("from")
    moved = (each for each in changes if each.tag == tag)
    since = (each for each in moved if not each.by_steward or each.after == found)
    return said and _is_write(told) and any(each.time > began - _SKEW for each in since)


def _is_write(told: _Told) -> bool:
    if told.type not in _WRITES:
        return False
    # That a stable tag stays away is found, not done.
    return told.type != "Tag Removed" or not order.is_stable(told.detail["tag"])


def _restored(repository: str, told: list[_Told], changes: list[Change]) -> Iterator[Divergence]:
    """Whatever was put back was told to have been overwritten."""
    said = {(t.detail["tag"], t.detail["digest"]) for t in told if t.type == "Tag Overwritten"}
    for each in changes:
        put_back = each.by_steward and order.is_unique(each.tag) and each.after is not None
        if put_back and (each.tag, each.before) not in said:
            expected = f"that {each.tag} was put on {short(each.before)} was never told"
            yield Divergence("every overwrite is told", repository, expected)


def _names(
    world: SoakWorld, repository: str, images: list[order.PushedImage], changes: list[Change]
) -> Iterator[Divergence]:
    """No image is without a tag by the steward's doing, or where the rule promises it a name."""
    for each in changes:
        if each.by_steward and each.bare:
            expected = f"{short(each.before)} lost its last tag, {each.tag}, to the steward"
            yield Divergence("no image loses its last tag", repository, expected)
    for image in images:
        if not image.tags:
            lost = [each for each in changes if each.before == image.digest][-1:]
            for each in (e for e in lost if _was_promised(world, repository, e, changes)):
                expected = f"{short(image.digest)}, which came by {each.tag}, has no tag and no pin"
                yield Divergence("newcomers keep a name", repository, expected)


def _was_promised(world: SoakWorld, repository: str, lost: Change, changes: list[Change]) -> bool:
    """Whether the rule promises a name to an image that lost a tag so."""
    kind = repository.partition("/")[0]
    had = {each.tag for each in changes if each.after == lost.before}
    if kind == "tidy":
        promised = all(map(order.is_stable, had))
    else:
        promised = order.is_unique(lost.tag) and lost.bare
    if kind not in ("tidy", "restore") or not promised or lost.after is None:
        return False
    put = [e for e in changes if e.tag == lost.tag and e.after == lost.before and not e.by_steward]
    # Nobody told the steward of it, or somebody took it away before the steward could see it.
    known = put and (repository, lost.tag, lost.before) not in world.lost
    deleted = any(
        each.after is None and not each.by_steward and each.before in (lost.before, lost.after)
        for each in changes
    )
    return bool(known) and not deleted


def _history(
    world: SoakWorld, repository: str, images: list[order.PushedImage]
) -> Iterator[Divergence]:
    """Nothing is left announced, and unique tags are where history knows them."""
    at = {tag: image.digest for image in images for tag in image.tags}
    memory = History(world.table).recall_all(repository)
    for fact in memory.open:
        expected = f"{fact.kind.value} of {fact.tag} to {short(fact.digest)} is still announced"
        yield Divergence("nothing stays announced", repository, expected)
    for tag, digest in memory.known.items():
        if at.get(tag, digest) != digest:
            expected = f"{tag} is on {short(at[tag])}, and history knows {short(digest)}"
            yield Divergence("unique tags are where history knows them", repository, expected)


def _settings(world: SoakWorld, repository: str, told: list[_Told]) -> Iterator[Divergence]:
    """Settings are as the rule has them, and each correction is one fact."""
    kind = repository.partition("/")[0]
    changes = [each for each in world.settings_changes if each.repository == repository]
    if kind not in settings.KINDS or kind == "audit":
        for each in (each for each in changes if each.by_steward):
            yield Divergence("audit changes nothing", repository, f"{each}")
        return
    for what in sorted(settings.wrong(world.ecr, repository)):
        yield Divergence("settings are right", repository, f"{' '.join(what)} is left")
    real = Counter(what for each in changes if each.by_steward for what in each.before - each.after)
    said = [each for each in told if each.type == "Repository Corrected"]
    facts = Counter(map(_setting, said))
    unknowable = Counter(_unknowable(world, changes))
    doubtful = Counter(_setting(each) for each in said if _is_unknown(each, changes))
    for what, times in (real - facts - unknowable).items():
        expected = f"{times} more correction(s) of {' '.join(what)} in the registry than facts"
        yield Divergence("a fact for every correction", repository, expected)
    for what, times in (facts - real - doubtful).items():
        expected = f"{times} more fact(s) of {' '.join(what)} than corrections in the registry"
        yield Divergence("no fact without a correction", repository, expected)


def _setting(told: _Told) -> settings.Wrong:
    return told.detail["setting"], told.detail["problem"], told.detail["subject"]


def _unknowable(
    world: SoakWorld, changes: list[settings.SettingsChange]
) -> Iterator[settings.Wrong]:
    """What a spoilt run corrected and somebody made wrong again before the next look: it shows
    nothing of the correction."""
    for each in (each for each in changes if each.by_steward and each.run in world.spoilt):
        looks = world.looks["enforce_settings", each.repository]
        until = next((look for look in looks if look > each.time), float("inf"))
        between = [e for e in changes if each.time < e.time < until and not e.by_steward]
        yield from (e for e in each.before - each.after if any(e in b.after for b in between))


def _is_unknown(told: _Told, changes: list[settings.SettingsChange]) -> bool:
    """Whether a fact says that the steward was interrupted, and somebody set a setting then: what
    of it happened nobody can know."""
    began = (datetime.fromisoformat(told.detail["time"]) - BEGINNING).total_seconds()
    set_since = (e for e in changes if not e.by_steward and e.time > began - _SKEW)
    return "interrupted" in told.detail["reason"] and any(set_since)


def _telling(world: SoakWorld, told: list[_Told]) -> Iterator[Divergence]:
    """Each fact has an id of its own, is published, and is told once on every channel."""
    aloud = [each for each in told if each.aloud]
    ids = Counter(each.id for each in told)
    for each in {each.id: each for each in told if ids[each.id] > 1}.values():
        expected = f"{each} stands {ids[each.id]} times in history under the id {each.id[:8]}"
        yield Divergence("every fact has its own id", each.repository, expected)
    for each in aloud:
        if not world.bus.published[each.id]:
            yield Divergence("every fact is published", each.repository, str(each))
        for channel in CHANNELS:
            # That a channel takes no messages is told to the others.
            if not each.detail["cause"]["id"].startswith(f"channel/{channel}/"):
                yield from _told_on(world, each, channel)
    for id_ in world.bus.published.keys() - {each.id for each in aloud}:
        yield Divergence("nothing else is published", "", id_)


def _told_on(world: SoakWorld, fact: _Told, channel: str) -> Iterator[Divergence]:
    times = world.channels.told[channel, fact.id]
    if not times:
        yield Divergence("every fact is told", fact.repository, f"{fact} on {channel}")
    if times > 1 + world.channels.excused[channel, fact.id]:
        expected = f"{fact} {times} times on {channel}, without a reason"
        yield Divergence("every fact is told once", fact.repository, expected)


def _queues(world: SoakWorld, people: People) -> Iterator[Divergence]:
    """Everything is drained, and nothing but poison failed for good."""
    dead = [each for queue in world.queues.values() for each in queue.dead]
    for queue in world.queues.values():
        for each in queue.messages.values():
            yield Divergence("everything is drained", each.group, f"{each.body[:200]}")
        for each in queue.dead:
            if not people.is_poison(each.body):
                expected = f"not {each.body[:300]}"
                yield Divergence(f"nothing but poison fails in {queue.name}", each.about, expected)
    missing = people.poison - len({each.body for each in dead if people.is_poison(each.body)})
    if missing:
        yield Divergence("poison ends in a failure queue", "", f"{missing} did not")
    for event in world.dead_events:
        name = event["detail"]["repository-name"]
        yield Divergence("nothing but poison fails in check_tags", name, f"not {event}")
