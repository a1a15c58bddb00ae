"""A small world for tests: ECR in memory, the steward's history, its queue, and what it told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from ecr_steward.doors.pushes import check
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.facts import fact_of
from ecr_steward.history.holds import Hold
from ecr_steward.history.table import Item, Key, Put, Write
from ecr_steward.history.tags import History
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.sweep.send import Sweeper
from ecr_steward.sweep.tally import Tally
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactMaker
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import iso
from ecr_steward.writers.contest import Witness, nobody
from ecr_steward.writers.tags import next_visits
from ecr_steward_cli.in_memory.images import MemoryEcr
from ecr_steward_cli.in_memory.retagger import retagger
from ecr_steward_cli.in_memory.table import MemoryTable

REPOSITORY = "base/redis"
BEGINNING = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"

VERSIONS: dict[str, Any] = {
    "repositories": ["base/*"],
    "mode": "enforce",
    "tags": {
        "unique": ["semver"],
        "stable": [
            {"tag": "{major}.{minor}", "follows": "highest"},
            {"tag": "{major}", "follows": "highest"},
            {"tag": "latest", "follows": "highest"},
            {"tag": "main"},
        ],
        "ignore": ["buildcache*"],
    },
}


def ruleset(*rules: dict[str, Any]) -> Ruleset:
    return Ruleset.from_document({"version": 1, "rules": list(rules or (VERSIONS,))})


def manifest(name: str) -> str:
    """The manifest of an image that is told apart by `name`."""
    return (
        f'{{"schemaVersion":2,"mediaType":"{MEDIA_TYPE}","config":{{"mediaType":'
        f'"application/vnd.oci.image.config.v1+json","size":2,"digest":"{digest_of(name)}"}},'
        f'"layers":[],"annotations":{{"name":"{name}"}}}}'
    )


def index_manifest(*names: str) -> str:
    """The manifest of an index over the images of these names."""
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [
                {"mediaType": MEDIA_TYPE, "size": 2, "digest": image(each)} for each in names
            ],
        }
    )


def digest_of(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def image(name: str) -> str:
    """The digest of the image `name`."""
    return digest_of(manifest(name))


def _released(tag: str, now: datetime) -> Hint:
    """The hint that `ecr-steward release` sends."""
    cause = Cause(f"release-{now.isoformat()}", "Release", "ada")
    return Hint(REPOSITORY, Action.PUSH, tag, None, cause, now)


class Killed(BaseException):
    """The function was killed here; nothing may catch it."""


def throttled() -> ClientError:
    """What AWS says when it is asked too often."""
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate"}}, "Any")


class Tripwire:
    """Kills the function at the `at`-th step, or makes that call fail with `error`; every call has
    a step before and one after it."""

    def __init__(self) -> None:
        self.steps = 0
        self.at: int | None = None
        self.error: Callable[[], BaseException] = Killed

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            raise self.error()


class WatchedTable(MemoryTable):
    """Notes every fact that the stream would tell, and steps over the tripwire at each call."""

    def __init__(self, wire: Tripwire) -> None:
        super().__init__()
        self._wire = wire
        self.told: list[Fact] = []
        self.reads = 0

    def get(self, keys: Collection[Key]) -> dict[Key, Item]:
        self._wire.step()
        self.reads += 1
        return super().get(keys)

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        self._wire.step()
        self.reads += 1
        return super().query(pk, prefix)

    def transact(self, writes: Sequence[Write]) -> None:
        self._wire.step()
        keys = [_key(each) for each in writes]
        assert len(set(keys)) == len(keys), f"DynamoDB refuses a key twice: {keys}"
        new = [each.item for each in writes if isinstance(each, Put) and self._is_news(each.item)]
        super().transact(writes)
        self.told += map(fact_of, new)
        self._wire.step()

    def put_all(self, items: Iterable[Item]) -> None:
        every = list(items)
        self._wire.step()
        super().put_all(every)
        self._wire.step()

    def _is_news(self, item: Item) -> bool:
        return item.sk.startswith("fact#") and not self._has(item)


def _key(write: Write) -> Key:
    where = write.item if isinstance(write, Put) else write
    return where.pk, where.sk


class World:
    """Pushes, and what the steward makes of them.

    Events wait in `events` until `settle` delivers them. `kill_at` counts the steps over all calls
    to ECR and the table since the last `arm`.
    """

    def __init__(
        self,
        rules: Ruleset | None = None,
        mode: Mode = Mode.ENFORCE,
        *,
        allow_removal: bool = False,
    ) -> None:
        self._allow_removal = allow_removal
        self.rules = rules or ruleset()
        self.now = BEGINNING
        self.wire = Tripwire()
        self.events: list[dict[str, Any]] = []
        self.lost: list[dict[str, Any]] = []
        self.ecr = MemoryEcr(clock=lambda: self.now, emit=self.events.append)
        self.table = WatchedTable(self.wire)
        self.history = History(self.table)
        self._asked_to_hold: dict[str, datetime | None] = {}
        self.set_mode(mode)

    def set_mode(self, mode: Mode, witness: Witness = nobody) -> None:
        """Deploy the stack again with another `Mode`."""
        self.retagger = retagger(
            self.ecr,
            lambda: self.now,
            self.rules,
            mode=mode,
            history=self.history,
            allow_removal=self._allow_removal,
            witness=witness,
        )
        self.mode = mode
        self.tally = Tally(
            rules=self.rules,
            cap=mode,
            sweeps=self.history.sweeps,
            maker=FactMaker("123456789012", "eu-west-1", lambda: self.now, self.rules.fingerprint),
        )
        self.sweeper = self.sweeper_for("*")

    def sweeper_for(self, pattern: str) -> Sweeper:
        """The sweeper of a stack that looks after a part of the registry."""
        return Sweeper(
            rules=self.rules,
            cap=self.mode,
            history=self.history,
            tally=self.tally,
            clock=lambda: self.now,
            pattern=pattern,
        )

    def push(self, tag: str, name: str | None = None, repository: str = REPOSITORY) -> str:
        """Push the image `name` (one of its own if not given) under `tag`; returns its digest."""
        self._need(repository)
        self.now += timedelta(seconds=1)
        name = name or f"{repository}:{tag}:{self.now.isoformat()}"
        try:
            self.ecr.put_image(
                repositoryName=repository, imageManifest=manifest(name), imageTag=tag
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ImageAlreadyExistsException":
                raise
        return image(name)

    def delete(self, *, tag: str | None = None, digest: str | None = None) -> None:
        self.now += timedelta(seconds=1)
        ids = {"imageTag": tag} if tag else {"imageDigest": digest or ""}
        self.ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[ids])

    def tags(self, repository: str = REPOSITORY) -> dict[str, str]:
        return self.ecr.tags(repository)

    def deliver(self, *events: dict[str, Any]) -> None:
        """Events through the door and, if they get in, to the writer, as one batch."""
        hints: list[Hint] = []
        for event in events:
            if "release" in event:
                hints.append(_released(event["release"], self.now))
            else:
                check(event, self.rules, hints.append)
        if hints:
            self.visit(hints)

    def hold(self, tag: str, until: datetime | None = None) -> None:
        """What `ecr-steward hold` does."""
        self.history.holds.put(REPOSITORY, Hold(tag, self.now, until, "ada"))
        self._asked_to_hold[tag] = until

    def release(self, tag: str) -> None:
        """What `ecr-steward release` does; the writer looks at the tag when it is settled."""
        self.history.holds.release(REPOSITORY, tag)
        self._asked_to_hold.pop(tag, None)
        self.events.append({"release": tag})

    def held(self) -> set[str]:
        """The tags that people hold, as long as they said, and those that the steward holds."""
        asked = self._asked_to_hold.items()
        by_people = {tag for tag, until in asked if until is None or self.now < until}
        return by_people | {hold.tag for _, hold in self.history.holds.all() if hold.automatic}

    def visit(self, hints: list[Hint]) -> list[Fact]:
        visit = self.retagger.visit(hints[0].repository, hints)
        self.tally.visited(hints, visit)
        for hint in next_visits(visit.rest):
            self.visit([hint])
        return list(visit.facts)

    def settle(self, limit: int = 1000) -> None:
        """Deliver every event until nothing is left to do."""
        for _ in range(limit):
            if not self.events:
                return
            self.deliver(self.events.pop(0))
        raise AssertionError(f"The steward does not come to rest within {limit} events.")

    def sweep(self, hours: int = 1) -> None:
        """One whole sweep, slice by slice, and whatever follows from it."""
        begin = timedelta(seconds=-self.now.timestamp() % (hours * 3600))
        self.now += begin
        for _ in range(hours * 12):
            hints: list[Hint] = []
            self.sweeper.tick(EcrRegistry(self.ecr.client), hints.extend, hours)
            for hint in hints:
                self.visit([hint])
            self.now += timedelta(minutes=5)
        self.settle()

    def sweep_at_once(self) -> None:
        """One whole sweep by hand and what follows from it: the same visits, in one portion."""
        self.now += timedelta(hours=1)
        hints: list[Hint] = []
        self.sweeper.by_hand(EcrRegistry(self.ecr.client), hints.extend, "*", iso(self.now))
        for hint in hints:
            self.visit([hint])
        self.settle()

    def calls(self, do: Callable[[], object]) -> dict[str, int]:
        """The ECR calls that `do` makes."""
        before = self.ecr.calls.copy()
        do()
        return dict(self.ecr.calls - before)

    def told(self) -> list[Fact]:
        """The facts that were told so far, in order."""
        return self.table.told

    def _need(self, repository: str) -> None:
        try:
            self.ecr.create_repository(repositoryName=repository)
        except ClientError as error:
            if error.response["Error"]["Code"] != "RepositoryAlreadyExistsException":
                raise

    def arm(self, at: int | None, error: Callable[[], BaseException] = Killed) -> None:
        """Kill at the `at`-th step from now (or fail it with `error`), or never."""
        self.wire.steps, self.wire.at, self.wire.error = 0, at, error
        self.ecr.before = self.ecr.after = lambda operation, asked: self.wire.step()
