"""What people and pipelines do to the registry while the steward works."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from botocore.exceptions import ClientError

from tests.handlers.functions import NOTIFY_QUEUE, QUEUE
from tests.soak import settings
from tests.soak.world import SoakWorld
from tests.support.world import manifest

PACE = 300.0
"""Seconds between two deeds in one repository, on average."""

_POISON = ("this is no message", json.dumps({"detail": "no event"}))


@dataclass
class People:
    """Does things in `repositories` until `pushes` images were pushed; `end` is when that was."""

    world: SoakWorld
    random: Random
    repositories: list[str]
    pushes: int

    def __post_init__(self) -> None:
        self.pushed = 0
        self.poison = 0
        self.end: float | None = None
        self._images: dict[str, list[str]] = {name: [] for name in self.repositories}
        self._deeds: list[tuple[float, Callable[[str], None]]] = [
            (40, self._release), (8, self._release_with_stable_tags), (14, self._overwrite),
            (8, self._move), (1.5, self._quarrel), (4, self._delete_tag), (2, self._delete_image),
            (4, self._push_twin), (9, self._push_unknown), (10, self._push_branch),
            (2, self._push_again), (50, self._change_settings),
        ]  # fmt: skip
        for name in self.repositories:
            self.world.ecr.create_repository(repositoryName=name)
        self._next()
        self.world.at(1800, self._put_poison)
        self.world.at(self.random.uniform(600, 3600), self._pause)

    # ------------------------------------------------------------------ when

    def _next(self) -> None:
        gap = self.random.expovariate(len(self.repositories) / PACE)
        self.world.at(self.world.time + gap, self._act)

    def _act(self) -> None:
        repository = self.random.choice(self.repositories)
        weights = [weight for weight, _ in self._deeds]
        for _ in range(self.random.choice([1, 1, 1, 2, 4])):
            (_, deed) = self.random.choices(self._deeds, weights)[0]
            self._do(repository, deed)
            self.world.time += self.random.uniform(0.1, 3)
        if self.pushed < self.pushes:
            self._next()
        else:
            self.end = self.world.time

    def _do(self, repository: str, deed: Callable[[str], None]) -> None:
        try:
            deed(repository)
        except ClientError as error:
            # An image that has the tag already, or one that is gone: people get an error too.
            if error.response["Error"]["Code"] not in _USUAL:
                raise

    # ------------------------------------------------------------------ pushes

    def _release(self, repository: str) -> None:
        self._push(repository, self._version(repository), self._new(repository))

    def _release_with_stable_tags(self, repository: str) -> None:
        version, image = self._version(repository), self._new(repository)
        tags = [version, ".".join(version.split(".")[:2]), "latest"]
        self.random.shuffle(tags)
        for tag in tags:
            self._push(repository, tag, image)

    def _overwrite(self, repository: str) -> None:
        taken = self._versions(repository)
        if taken:
            self._push(repository, self.random.choice(taken), self._new(repository))

    def _move(self, repository: str) -> None:
        """Somebody moves a stable tag by hand."""
        taken = self._stable(repository)
        images = self._images[repository]
        if taken and images:
            self._push(repository, self.random.choice(taken), self.random.choice(images[-20:]))

    def _quarrel(self, repository: str) -> None:
        """A pipeline takes a stable tag away time and again."""
        taken = self._stable(repository)
        if not taken:
            return
        tag = self.random.choice(taken)
        images = [self._new(repository) for _ in range(4)]
        for i, image in enumerate(images):
            later = self.world.time + i * self.random.uniform(60, 150)
            self.world.at(later, partial(self._do, repository, partial(self._put, tag, image)))

    def _push_twin(self, repository: str) -> None:
        taken = self._versions(repository)
        if taken:
            self._push(repository, f"v{self.random.choice(taken)}", self._new(repository))

    def _push_unknown(self, repository: str) -> None:
        """A tag that no rule knows, now and then from one image to another and back."""
        images = self._images[repository][-20:] or [self._new(repository)]
        chosen = [self.random.choice(images), self._new(repository)]
        tag = self.random.choice(["nightly", "test", "wip"])
        for image in self.random.choice([chosen[:1], chosen[1:], [*chosen, chosen[0]]]):
            self._do(repository, partial(self._put, tag, image))

    def _push_branch(self, repository: str) -> None:
        self._push(repository, "main", self._new(repository))

    def _push_again(self, repository: str) -> None:
        images = self._images[repository]
        tags = [tag for tag in self._tags(repository) if not _is_pin(tag)]
        if images and tags:
            self._push(repository, self.random.choice(tags), self.random.choice(images[-20:]))

    def _put(self, tag: str, image: str, repository: str) -> None:
        self._push(repository, tag, image)

    def _push(self, repository: str, tag: str, image: str) -> None:
        self.pushed += 1
        self.world.ecr.put_image(
            repositoryName=repository, imageManifest=manifest(image), imageTag=tag
        )
        self.world.time += self.random.uniform(0.05, 0.5)

    # ------------------------------------------------------------------ deletes

    def _delete_tag(self, repository: str) -> None:
        tags = [tag for tag in self._tags(repository) if not _is_pin(tag)]
        if tags:
            self._delete(repository, imageTag=self.random.choice(tags))

    def _delete_image(self, repository: str) -> None:
        digests = list(dict.fromkeys(self._tags(repository).values()))
        if digests:
            self._delete(repository, imageDigest=self.random.choice(digests))

    def _delete(self, repository: str, **image: str) -> None:
        self.world.ecr.batch_delete_image(repositoryName=repository, imageIds=[image])

    # ------------------------------------------------------------------ settings

    def _change_settings(self, repository: str) -> None:
        if repository.partition("/")[0] in settings.KINDS:
            settings.disturb(self.world.ecr, repository, self.random)

    # ------------------------------------------------------------------ the steward's operators

    def _pause(self) -> None:
        """The writer is paused for a while, and started again."""
        if self.end is not None:
            return
        self.world.pause(paused=True)
        self.world.at(self.world.time + self.random.uniform(300, 5400), self._resume)

    def _resume(self) -> None:
        if self.end is not None:
            return
        self.world.pause(paused=False)
        number = self.pushed
        self.world.sweep({"glob": "*", "id": f"by-hand-{number}"})
        self.world.at(self.world.time + self.random.uniform(3600, 14400), self._pause)

    def _put_poison(self) -> None:
        """What nobody can read, in each queue: it must end in a failure queue and cost no more."""
        self.world.queues[QUEUE].send(_POISON[0], self.repositories[0], "poison")
        self.world.queues[NOTIFY_QUEUE].send(_POISON[1])
        self.poison += 2

    def is_poison(self, body: str) -> bool:
        return body in _POISON

    # ------------------------------------------------------------------ what there is

    def _new(self, repository: str) -> str:
        name = f"{repository}#{len(self._images[repository])}"
        self._images[repository].append(name)
        return name

    def _version(self, repository: str) -> str:
        numbers = (self.random.randrange(3), self.random.randrange(3), self.random.randrange(12))
        version = ".".join(map(str, numbers))
        if repository.startswith("vary/"):
            version += self.random.choice(["", "", "-rc.1", "-rc.2", "-rc.10"])
            version += self.random.choice(["", "", "-alpine"])
        return version

    def _tags(self, repository: str) -> dict[str, str]:
        return dict(sorted(self.world.ecr.tags(repository).items()))

    def _versions(self, repository: str) -> list[str]:
        return [
            tag
            for tag in self._tags(repository)
            if tag.count(".") >= 2 and tag[0].isdigit() and not _is_pin(tag)
        ]

    def _stable(self, repository: str) -> list[str]:
        return [
            tag for tag in self._tags(repository)
            if tag.count(".") < 2 and not _is_pin(tag) and tag not in ("nightly", "test", "wip")
        ]  # fmt: skip


_USUAL = frozenset(
    {
        "ImageAlreadyExistsException", "ImageNotFoundException",
        "RepositoryPolicyNotFoundException", "LifecyclePolicyNotFoundException",
    }
)  # fmt: skip


def _is_pin(tag: str) -> bool:
    return len(tag) > 30


def told_apart(seed: object, whose: str) -> Random:
    """Random numbers of one's own: what the steward does changes nothing in what people do."""
    return Random(int(hashlib.sha256(f"{seed}/{whose}".encode()).hexdigest(), 16))  # noqa: S311
