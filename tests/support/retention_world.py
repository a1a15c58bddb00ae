"""A registry whose images come, run and go, with the steward beside it and ECR's rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from ecr_steward.doors import needs
from ecr_steward.doors.pushes import check
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.ecr.settings import EcrSettings
from ecr_steward.history.expiries import Expiries
from ecr_steward.history.holds import Hold
from ecr_steward.history.running import RunningImages
from ecr_steward.history.tags import History
from ecr_steward.rules import Mode
from ecr_steward.settings import expiry_rule, lifecycle
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactMaker
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import iso
from ecr_steward.words.running import Running
from ecr_steward.writers.expire import Expirer
from ecr_steward.writers.expiry_conditions import ExpiryConditions
from ecr_steward.writers.retention import Retainer
from ecr_steward.writers.tag_writer import TagWriter
from ecr_steward_cli.in_memory.retagger import retagger
from ecr_steward_cli.in_memory.settings import MemorySettings
from tests.support.lifecycles import DrawnImage, evaluate
from tests.support.world import (
    BEGINNING,
    REPOSITORY,
    Tripwire,
    WatchedTable,
    image,
    manifest,
    ruleset,
)

ACCOUNT, REGION = "123456789012", "eu-west-1"
READERS = ("arn:aws:iam::123456789012:role/retain", "arn:aws:iam::123456789012:role/retag")
GRACE = timedelta(days=2)
INDEX = "application/vnd.oci.image.index.v1+json"

RULE: dict[str, Any] = {
    "repositories": ["base/*"],
    "mode": "enforce",
    "tags": {
        "unique": ["semver"],
        "stable": [
            {"tag": "{major}.{minor}", "follows": "highest"},
            {"tag": "latest", "follows": "highest"},
            {"tag": "main"},
        ],
        "ignore": ["cache*"],
    },
    "images": {
        "keep": [{"pushed_within": "3d"}],
        "others": "expire",
        "notice": "2d",
        "at_most": "100%",
    },
}


class RetentionWorld:
    """Pushes, starts, rounds, looks and evaluations, and what becomes of the images.

    `running` are the workloads that really run, each with the digest of its image.
    """

    def __init__(self, rule: dict[str, Any] | None = None, *, allowed: bool = True) -> None:
        self.now = BEGINNING
        self.events: list[dict[str, Any]] = []
        self.ecr = MemorySettings(clock=lambda: self.now, emit=self.events.append)
        self.ecr.create_repository(repositoryName=REPOSITORY)
        self.table = WatchedTable(Tripwire())
        self.history = History(self.table)
        self.expiries = Expiries(self.table)
        self.images = RunningImages(self.table, GRACE)
        self.running: dict[str, str] = {}
        self.retag_queue: list[Hint] = []
        self._registry = EcrRegistry(self.ecr.client)
        self._allowed = allowed
        self.set_rule(rule or RULE)
        self.set_lifecycle(expiry_rule.merged(None, None))
        for role in READERS:
            self.ecr.register_pull_time_update_exclusion(principalArn=role)

    def set_rule(self, rule: dict[str, Any], mode: Mode = Mode.ENFORCE) -> None:
        """Deploy the steward with another rule, or in another mode."""
        self.rules = ruleset(rule)
        self.tagger = retagger(
            self.ecr, lambda: self.now, self.rules, mode=mode, history=self.history
        )
        maker = FactMaker(ACCOUNT, REGION, lambda: self.now, self.rules.fingerprint)
        expirer = Expirer(
            rules=self.rules,
            registry=self._registry,
            table=self.table,
            grace=GRACE,
            maker=maker,
        )
        expires = self._allowed and mode is Mode.ENFORCE
        self._writer = TagWriter(
            self.tagger,
            expirer if expires else None,
            lambda hints, visit: None,
            self.retag_queue.append,
        )
        conditions = ExpiryConditions(
            registry=EcrSettings(self.ecr.client),
            running=self.images,
            sources=("ecs",),
            readers=READERS,
            clock=lambda: self.now,
        )
        self.retainer = Retainer(
            rules=self.rules,
            cap=mode,
            allowed=self._allowed,
            registry=self._registry,
            table=self.table,
            grace=GRACE,
            conditions=conditions,
            maker=maker,
        )

    # ------------------------------------------------------------------------ what people do
    def push(self, tag: str | None, name: str) -> str:
        """Push the image `name` under `tag`, or without one; returns its digest."""
        return self._put(manifest(name), tag, image(name))

    def push_index(self, tag: str, *names: str) -> str:
        """Push an index over the images of these names, which come with it."""
        children = [self.push(None, name) for name in names]
        text = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": INDEX,
                "manifests": [
                    {
                        "mediaType": json.loads(manifest(name))["mediaType"],
                        "size": 2,
                        "digest": each,
                    }
                    for name, each in zip(names, children, strict=True)
                ],
            }
        )
        return self._put(text, tag, "")

    def start(self, workload: str, digest: str, *, lost: bool = False) -> None:
        """A workload starts from an image; its event may be lost."""
        self.running[workload] = digest
        if not lost:
            new = self.images.saw([self._record(workload, digest)])
            self.retag_queue += needs.starts(self.expiries, new)

    def stop(self, workload: str) -> None:
        """A workload ends; no event says that of a service."""
        self.running.pop(workload, None)

    def forge(self, digest: str) -> None:
        """Somebody else puts what looks like an expiry tag on an image."""
        held = self._registry.fetch(REPOSITORY, [digest]).manifests[digest]
        self._put(held.text, f"steward-expire-20260101-{digest[7:19]}", digest)

    def pull(self, digest: str) -> None:
        """Somebody pulls an image; ECR tells nobody."""
        self.ecr.pulled(REPOSITORY, digest)

    def hold(self, tag: str) -> None:
        self.history.holds.put(REPOSITORY, Hold(tag, self.now, None, "ada"))

    def delete(self, tag: str) -> None:
        self.ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": tag}])

    def wait(self, days: float) -> None:
        self.now += timedelta(days=days)

    # ------------------------------------------------------------------------ what the steward does
    def settle(self) -> None:
        """Deliver every event and hint until nothing is left to do."""
        for _ in range(2000):
            if self.events:
                check(self.events.pop(0), self.rules, self.retag_queue.append)
            elif self.retag_queue:
                self.visit([self.retag_queue.pop(0)])
            else:
                return
        raise AssertionError("The steward does not come to rest.")

    def visit(self, hints: Sequence[Hint]) -> None:
        """What the function `retag` does with a batch of one repository."""
        self._writer.visit(REPOSITORY, hints)

    def sweep(self) -> None:
        self._hint(Action.SWEEP, "sweep")
        self.settle()

    def round(self) -> None:
        """A round over the images."""
        cause = Cause(f"retention-{iso(self.now)}/{REPOSITORY}", "Retention")
        hint = Hint(REPOSITORY, Action.RETAIN, None, None, cause, self.now)
        rest: Hint | None = hint
        while rest is not None:
            visited = self.retainer.visit(REPOSITORY, [rest])
            self.retag_queue += [] if visited.next is None else [visited.next]
            rest = visited.rest

    def look(self) -> None:
        """The daily look at what runs."""
        records = [self._record(*each) for each in self.running.items()]
        self.images.looked("ecs", records, self.now)
        known = self.images.is_known(("ecs",), self.now)
        cause = Cause(f"look-{iso(self.now)}", "Look")
        self.retag_queue += needs.after_look(self.expiries, cause, self.now, known=known)

    def day(self) -> None:
        """A quiet day: a sweep, a round, a look, and ECR evaluates."""
        self.wait(1)
        for each in (self.sweep, self.round, self.settle, self.look, self.settle):
            each()
        self.evaluate()

    # ------------------------------------------------------------------------ what ECR does
    def set_lifecycle(self, document: Any) -> None:
        text = lifecycle.dumps(document)
        self.ecr.put_lifecycle_policy(repositoryName=REPOSITORY, lifecyclePolicyText=text)

    def evaluate(self) -> list[str]:
        """ECR's evaluation of the lifecycle policy; returns the digests that it took."""
        text = self.ecr.get_lifecycle_policy(repositoryName=REPOSITORY)["lifecyclePolicyText"]
        details = self.details()
        drawn = {
            DrawnImage(frozenset([*tags, f"@{digest}"]), (self.now - at).days, 0): digest
            for digest, (tags, at) in details.items()
        }
        _, taken = evaluate(json.loads(text)["rules"], list(drawn))
        digests = [drawn[each] for each in taken]
        gone: list[str] = []
        for _ in digests:
            gone += [each for each in digests if each not in gone and self._expire(each)]
        return gone

    def details(self) -> dict[str, tuple[list[str], Any]]:
        """By digest, the tags of each image and when it was pushed."""
        found = self._registry.details_of_all(REPOSITORY)
        return {e["imageDigest"]: (list(e.get("imageTags", ())), e["imagePushedAt"]) for e in found}

    def tags_of(self, digest: str) -> list[str]:
        return self.details()[digest][0]

    def told(self) -> list[Fact]:
        return self.table.told

    def _expire(self, digest: str) -> bool:
        try:
            self.ecr.delete_by_lifecycle(REPOSITORY, digest)
        except ValueError:  # an index has it still
            return False
        return True

    def _put(self, text: str, tag: str | None, digest: str) -> str:
        self.now += timedelta(seconds=1)
        named = {} if tag is None else {"imageTag": tag}
        try:
            answer = self.ecr.put_image(repositoryName=REPOSITORY, imageManifest=text, **named)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ImageAlreadyExistsException":
                raise
            return digest
        return str(answer["image"]["imageId"]["imageDigest"])

    def _hint(self, action: Action, name: str) -> None:
        cause = Cause(f"{name}-{iso(self.now)}", "Test")
        self.retag_queue.append(Hint(REPOSITORY, action, None, None, cause, self.now))

    def _record(self, workload: str, digest: str) -> Running:
        return Running(REPOSITORY, digest, "ecs", workload, "", self.now, self.now)


def expiry_tags(tags: Iterable[str]) -> Iterator[str]:
    """Those of `tags` that begin as expiry tags do."""
    return (tag for tag in tags if tag.startswith("steward-expire-"))
