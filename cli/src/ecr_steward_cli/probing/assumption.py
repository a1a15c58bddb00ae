"""An assumption about AWS, and the ground that it is asked on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ecr_steward_cli.probing.images import BUILT, SmallImage, upload

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
"""The codes with which AWS says that the caller lacks a right."""

_GONE = ("NotFound", "NoSuchEntity", "NonExistentQueue", "QueueDoesNotExist")
"""What the codes contain with which services say that something is not there."""


@dataclass(slots=True)
class Made:
    """What a run made, so that it can take away that and nothing else."""

    undone: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    @contextlib.contextmanager
    def making(self, what: str, undo: Callable[[], object]) -> Iterator[None]:
        """Around the call that makes `what`: noted before, so that an interrupt loses nothing, and
        forgotten where AWS refused, for then it is somebody else's or nothing."""
        note = (what, undo)
        self.undone.append(note)
        try:
            yield
        except ClientError:
            self.undone.remove(note)
            raise

    def keep(self, what: str) -> None:
        """Leave one thing that was made for a later run."""
        self.undone = [each for each in self.undone if each[0] != what]

    def take_away(self) -> list[str]:
        """Delete all that was made, the last first; what is left, with why, a sentence each."""
        left = []
        while self.undone:
            what, undo = self.undone[-1]
            try:
                undo()
            except ClientError as error:
                if not any(each in error.response["Error"]["Code"] for each in _GONE):
                    left.append(f"{what} could not be deleted ({error}): delete it by hand.")
            except BotoCoreError as error:
                left.append(f"{what} could not be deleted ({error}): delete it by hand.")
            except KeyboardInterrupt:
                left += [f"{each} was not deleted: delete it by hand." for each, _ in self.undone]
                self.undone.clear()
                return left
            self.undone.pop()
        return left


@dataclass(frozen=True, slots=True)
class Ground:
    """Where assumptions are asked: clients, a clock, and a repository with a random name.

    `name` begins the name of everything that is made. `patience` is how many seconds what comes
    late is waited for.
    """

    client: Callable[[str], Any]
    name: str
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    made: Made
    patience: int = 300
    notes: list[str] = field(default_factory=list)
    """What is worth knowing of an answer beside whether it is as expected."""

    @property
    def repository(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """What the repository is called among what was made."""
        return f"Repository {self.name}"

    @property
    def ecr(self) -> Any:
        return self.client("ecr")

    def open(self) -> str:
        """Make the repository; returns its ARN."""
        with self.made.making(self.label, self.close):
            answer = self.ecr.create_repository(repositoryName=self.name)
        return str(answer["repository"]["repositoryArn"])

    def close(self) -> None:
        """Delete the repository with its images."""
        self.ecr.delete_repository(repositoryName=self.name, force=True)

    def push(self, sort: str, seed: str, *tags: str) -> SmallImage:
        """Push an image of a sort of `images.BUILT` under tags; the same seed is the same image."""
        image = BUILT[sort](seed)
        upload(self.ecr, self.name, image)
        for tag in tags:
            self.put(image, tag)
        return image

    def put(self, image: SmallImage, tag: str) -> None:
        """Put a tag on an image, as the steward does."""
        self.ecr.put_image(
            repositoryName=self.name,
            imageManifest=image.manifest,
            imageManifestMediaType=image.media_type,
            imageTag=tag,
            imageDigest=image.digest,
        )

    def digest_of(self, tag: str) -> str | None:
        """The digest that a tag is on, None if there is no such tag."""
        try:
            found = self.ecr.describe_images(
                repositoryName=self.name, imageIds=[{"imageTag": tag}]
            )["imageDetails"]
        except ClientError as error:
            if code_of(error) != "ImageNotFoundException":
                raise
            return None
        return str(found[0]["imageDigest"])


@dataclass(frozen=True, slots=True)
class Assumption:
    """One thing that the steward relies on.

    `ask` says in words what AWS did: what is `expected`, or something else.
    """

    name: str
    expected: str
    ask: Callable[[Ground], str]
    group: str = "ecr"


@dataclass(frozen=True, slots=True)
class ProbePart:
    """Assumptions that are asked together, and what a person must know before they are."""

    name: str
    makes: str
    needs: str
    costs: str
    leaves: str = "nothing"

    def said(self) -> str:
        return (
            f"{self.name}: makes {self.makes}; needs {self.needs}; costs {self.costs}; "
            f"leaves {self.leaves}."
        )


def patiently(ground: Ground, code: str, call: Callable[[], object]) -> None:
    """Call until AWS no longer refuses with a code: services know a new role after some seconds.

    Raises ClientError for another refusal, and where the patience ends.
    """
    for _ in range(0, ground.patience, 5):
        try:
            call()
        except ClientError as error:
            if code_of(error) != code:
                raise
            ground.sleep(5)
        else:
            return
    call()


def code_of(error: ClientError) -> str:
    """The code of a refusal."""
    return str(error.response["Error"].get("Code", "unknown"))


def refusal_of(call: Callable[[], object]) -> str:
    """The code with which AWS refuses a call, or that it does not.

    Raises ClientError where the caller lacks the right, which says nothing of the account.
    """
    try:
        call()
    except ClientError as error:
        if code_of(error) in DENIED:
            raise
        return code_of(error)
    return "not refused"
