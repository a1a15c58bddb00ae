"""What an interrupted plan has read, for the next one to go on from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ecr_steward.images import Kept, RetainedImage
from ecr_steward.images.judge import By
from ecr_steward.settings.state import Problem, SettingAction, SettingChange
from ecr_steward.tags.plan import TagChange
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from ecr_steward.words.reading import iso, parse_time
from ecr_steward_cli.live.look import CAUSE, RepositoryContents, RepositoryPlan
from ecr_steward_cli.live.state import LookDigits

AGE = timedelta(hours=1)
"""How long what was read counts: a registry goes on while nobody looks."""


class NoResume:
    """Keeps nothing, and knows of nothing."""

    def found(self) -> Iterable[RepositoryPlan]:
        """What an earlier run read."""
        return ()

    def keep(self, plan: RepositoryPlan) -> None:
        """A repository was read."""

    def done(self) -> None:
        """All were read."""


class Resume(NoResume):
    """Keeps each repository as it is read, in a file that only its owner can read, until all are.

    `key` tells apart what must not be mixed: account, Region, endpoint, rules, and so on.
    """

    def __init__(self, folder: Path, key: Iterable[str], clock: Callable[[], datetime]) -> None:
        name = hashlib.sha256("\n".join(key).encode()).hexdigest()[:24]
        self._file = folder / f"{name}.jsonl"
        self._clock = clock

    def found(self) -> list[RepositoryPlan]:
        return list({each.name: each for each in self._read()}.values())

    def keep(self, plan: RepositoryPlan) -> None:
        line = {"at": iso(self._clock()), "plan": _written(plan)}
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file.touch(mode=0o600)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line, separators=(',', ':'))}\n")

    def done(self) -> None:
        self._file.unlink(missing_ok=True)

    def _read(self) -> Iterator[RepositoryPlan]:
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except OSError:
            return
        oldest = self._clock() - AGE
        for text in lines:
            try:
                line = json.loads(text)
                at = parse_time(line["at"])
                if at >= oldest:
                    yield _plan(line["plan"], at)
            except (ValueError, KeyError, TypeError):
                continue  # a line that was cut off when the run ended


def folder() -> Path:
    """Where this user's caches are."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ecr-steward", "plan")


def _written(plan: RepositoryPlan) -> Mapping[str, Any]:
    return {
        "name": plan.name,
        "rule": plan.rule,
        "tags": dict(plan.tags),
        "changes": [_change_written(each) for each in plan.changes],
        "settings": [each.to_document() for each in plan.settings],
        "images": None if plan.images is None else [_image_written(each) for each in plan.images],
        "contents": _contents_written(plan.contents),
        "state": plan.state.to_document(),
    }


def _plan(written: Mapping[str, Any], at: datetime) -> RepositoryPlan:
    name, images = written["name"], written["images"]
    hint = Hint(name, Action.SWEEP, None, None, Cause("plan", CAUSE), at)
    return RepositoryPlan(
        name=name,
        rule=written["rule"],
        tags=written["tags"],
        changes=tuple(_change(each, hint) for each in written["changes"]),
        settings=tuple(map(_setting, written["settings"])),
        images=None if images is None else list(map(_image, images)),
        contents=_contents(written["contents"]),
        state=LookDigits(**written["state"]),
    )


def _change_written(change: TagChange) -> list[Any]:
    digests = (change.before, change.after)
    tags = (change.before_tags, change.after_tags)
    return [change.kind.value, change.tag, *digests, change.reason, *tags, change.found]


def _change(written: list[Any], hint: Hint) -> TagChange:
    kind, tag, before, after, reason, before_tags, after_tags, found = written
    tags = (tuple(before_tags), tuple(after_tags))
    return TagChange(FactKind(kind), tag, before, after, reason, hint, *tags, found)


def _setting(document: Mapping[str, Any]) -> SettingChange:
    problem, action = Problem(document["problem"]), SettingAction(document["action"])
    return SettingChange(**{**document, "problem": problem, "action": action})


def _image_written(verdict: Kept) -> list[Any]:
    image = verdict.image
    pushed = None if image.pushed_at is None else iso(image.pushed_at)
    known = [image.digest, image.tags, pushed, image.size, image.media_type]
    return [*known, verdict.by, verdict.reason]


def _image(written: list[Any]) -> Kept:
    digest, tags, pushed, size, media_type, by, reason = written
    pushed_at = None if pushed is None else parse_time(pushed)
    image = RetainedImage(digest, tuple(tags), pushed_at, size=size, media_type=media_type)
    return Kept(image, None if by is None else By(by), reason)


def _contents_written(contents: RepositoryContents) -> list[Any]:
    pushed = {digest: iso(at) for digest, at in contents.pushed.items()}
    return [contents.images, contents.size, pushed]


def _contents(written: list[Any]) -> RepositoryContents:
    images, size, pushed = written
    return RepositoryContents(
        images, size, {digest: parse_time(at) for digest, at in pushed.items()}
    )
