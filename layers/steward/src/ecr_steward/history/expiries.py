"""What history keeps of images that nothing keeps.

| pk | sk | body |
|---|---|---|
| `repo#NAME` | `going#DIGEST` | an image that a round announced: written by rounds alone |
| `repo#NAME` | `expiry#DIGEST` | its expiry tag: written by the writer of tags alone |
| `repo#NAME` | `untagged#DIGEST` | since when an image has no tag, as far as rounds saw it |
| `repo#NAME` | `children#DIGEST` | what an index lists: written by rounds, which read it once |
| `expiring-told` | `NAME` | how many images of a repository are announced |
| `expiring-due` | `NAME` | how many may get an expiry tag, or 0 where one must not have it |
| `expiring-tagged` | `NAME` | how many have one |

Two write at the same time, so no item has two writers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from ecr_steward.history.facts import (
    DUE,
    TAGGED,
    fact_item,
    going_keys,
    lets_go,
    partition_of,
    write_in_order,
)
from ecr_steward.history.table import Delete, Item, Put, Table, Write
from ecr_steward.words.expiry_tags import ExpiryTag, Going
from ecr_steward.words.facts import Fact
from ecr_steward.words.reading import iso, parse_time

TOLD = "expiring-told"


class Expiries:
    """The images that go, over a table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def going(self, repository: str) -> dict[str, Going]:
        """What the last round left of a repository, by digest."""
        items = self._table.query(partition_of(repository), "going#")
        return {going.digest: going for going in map(_going, items)}

    def put(self, repository: str) -> dict[str, ExpiryTag]:
        """The expiry tags that the steward put in a repository, by digest; cleared ones too."""
        items = self._table.query(partition_of(repository), "expiry#")
        return {item.sk.removeprefix("expiry#"): _expiry_tag(item) for item in items}

    def about(
        self, repository: str, digests: Collection[str]
    ) -> tuple[bool, dict[str, Going], dict[str, ExpiryTag]]:
        """Whether an image of the repository may get an expiry tag or has one, and what is kept of
        these images: one read."""
        pk = partition_of(repository)
        going = {(pk, f"going#{each}") for each in digests}
        put = {(pk, f"expiry#{each}") for each in digests}
        found = self._table.get([*going_keys(repository), *going, *put])
        return (
            lets_go(repository, found),
            {each.digest: each for each in (_going(found[key]) for key in going & found.keys())},
            {key[1].removeprefix("expiry#"): _expiry_tag(found[key]) for key in put & found.keys()},
        )

    def concerns(self, repository: str) -> bool:
        """Whether an image of the repository may get an expiry tag or has one: one read."""
        return lets_go(repository, self._table.get(going_keys(repository)))

    def due(self) -> dict[str, int]:
        """How many images may get an expiry tag, by repository."""
        return self._counts(DUE)

    def tagged(self) -> dict[str, int]:
        """How many images have an expiry tag, by repository."""
        return self._counts(TAGGED)

    def _counts(self, pk: str) -> dict[str, int]:
        return {item.sk: item.body for item in self._table.query(pk)}

    def repositories(self) -> frozenset[str]:
        """The repositories in which an image is announced, or has an expiry tag."""
        return frozenset((*self._counts(TOLD), *self.tagged()))

    def untagged(self, repository: str) -> dict[str, datetime]:
        """By digest, since when images have no tag."""
        items = self._table.query(partition_of(repository), "untagged#")
        return {item.sk.removeprefix("untagged#"): parse_time(item.body) for item in items}

    def note_untagged(
        self, repository: str, since: Mapping[str, datetime], before: Collection[str]
    ) -> None:
        """Keep since when images have no tag; those of `before` that are not in it have one, or are
        gone."""
        pk = partition_of(repository)
        new = [digest for digest in since if digest not in before]
        self._table.put_all(Item(pk, f"untagged#{each}", iso(since[each])) for each in new)
        gone = [each for each in before if each not in since]
        write_in_order(self._table, [[Delete(pk, f"untagged#{each}")] for each in gone])

    def children(self, repository: str) -> dict[str, tuple[str, ...]]:
        """What indexes list, by their digests, as far as rounds read them."""
        items = self._table.query(partition_of(repository), "children#")
        return {item.sk.removeprefix("children#"): tuple(item.body) for item in items}

    def note_children(
        self, repository: str, read: Mapping[str, Sequence[str]], gone: Iterable[str]
    ) -> None:
        """Keep what was read of indexes; those of `gone` are no more."""
        pk = partition_of(repository)
        self._table.put_all(Item(pk, f"children#{d}", list(each)) for d, each in read.items())
        write_in_order(self._table, [[Delete(pk, f"children#{each}")] for each in gone])

    def keep_going(
        self,
        repository: str,
        now: Iterable[Going],
        before: Mapping[str, Going],
        facts: Iterable[Fact] = (),
    ) -> None:
        """Keep what a round left in place of what was left `before`, with the facts that tell of
        it.

        That an image may get its tag is said last: whoever reads it finds the rest.
        """
        pk, left = partition_of(repository), {each.digest: each for each in now}
        groups: list[list[Write]] = [[Put(Item(TOLD, repository, len(left)))]] if left else []
        groups += [[Put(fact_item(fact))] for fact in facts]
        groups += [
            [Put(_item(pk, each))] for each in left.values() if before.get(each.digest) != each
        ]
        groups += [[Delete(pk, f"going#{each}")] for each in before if each not in left]
        due = sum(each.due is not None for each in left.values())
        some = due or any(each.needed for each in left.values())
        groups.append([Put(Item(DUE, repository, due)) if some else Delete(DUE, repository)])
        groups += [] if left else [[Delete(TOLD, repository)]]
        write_in_order(self._table, groups)

    def keep_tags(
        self,
        repository: str,
        now: Mapping[str, ExpiryTag],
        before: Mapping[str, ExpiryTag],
        facts: Sequence[Fact] = (),
    ) -> None:
        """Keep the expiry tags of a repository in place of those `before`, with the facts that tell
        of them.

        That the repository has such is written first: whoever asks whether it has must not miss
        one.
        """
        pk = partition_of(repository)
        on = sum(each.is_on for each in now.values())
        was = sum(each.is_on for each in before.values())
        groups: list[list[Write]] = (
            [[Put(Item(TAGGED, repository, on))]] if on and on != was else []
        )
        groups += [[Put(fact_item(fact))] for fact in facts]
        groups += [[Put(_put(pk, digest, each))] for digest, each in now.items()
                   if before.get(digest) != each]  # fmt: skip
        groups += [[Delete(pk, f"expiry#{each}")] for each in before if each not in now]
        groups += [] if on or not was else [[Delete(TAGGED, repository)]]
        if groups:
            write_in_order(self._table, groups)


def _item(pk: str, going: Going) -> Item:
    body = {
        "told": iso(going.told),
        "warned": going.warned,
        "reason": going.reason,
        "tags": list(going.tags),
        "kin": list(going.kin),
        "due": None if going.due is None else iso(going.due),
        "needed": going.needed,
    }
    return Item(pk, f"going#{going.digest}", body)


def _going(item: Item) -> Going:
    body = item.body
    return Going(
        digest=item.sk.removeprefix("going#"),
        told=parse_time(body["told"]),
        warned=body["warned"],
        reason=body["reason"],
        tags=tuple(body["tags"]),
        kin=tuple(body["kin"]),
        due=None if body["due"] is None else parse_time(body["due"]),
        needed=body["needed"],
    )


def _put(pk: str, digest: str, expiry: ExpiryTag) -> Item:
    body = {
        "tag": expiry.tag,
        "put": iso(expiry.put),
        "done": expiry.done,
        "cleared": None if expiry.cleared is None else iso(expiry.cleared),
    }
    return Item(pk, f"expiry#{digest}", body)


def _expiry_tag(item: Item) -> ExpiryTag:
    body = item.body
    return ExpiryTag(
        tag=body["tag"],
        put=parse_time(body["put"]),
        done=body["done"],
        cleared=None if body["cleared"] is None else parse_time(body["cleared"]),
    )
