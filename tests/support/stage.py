"""A world whose rule has more entries under `tags:`, for the tests of the writer of tags."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ecr_steward.doors.pushes import check
from ecr_steward.history.holds import Hold
from ecr_steward.rules import Mode
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.hints import Action, Hint
from tests.support.world import REPOSITORY, VERSIONS, World, ruleset

PIN = {"pin": "{tag}-{pushed:%Y%m%dT%H%M%SZ}-{digest}"}
RESTORE = {"overwritten": "restore"}
KEEP = {"overwritten": "keep"}
REMOVE = {"unknown": "remove"}


class Stage(World):
    """A world whose rule has more entries under `tags:`, and whose stack may allow removal."""

    def __init__(
        self, tags: dict[str, Any], mode: Mode = Mode.ENFORCE, *, allow_removal: bool = True
    ) -> None:
        document = {**VERSIONS, "tags": {**VERSIONS["tags"], **tags}}
        super().__init__(ruleset(document), mode, allow_removal=allow_removal)
        self.swept = 0

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

    def of(self, kind: FactKind) -> list[Fact]:
        return [fact for fact in self.told() if fact.kind is kind]

    def pins_of(self, digest: str) -> list[str]:
        scheme = self.rules.rules[0].tags
        assert scheme is not None
        return [
            tag
            for tag, held in self.tags().items()
            if held == digest and scheme.is_pin(tag, digest)
        ]


def overwritten(stage: Stage) -> tuple[str, str]:
    """`1.4.2` pushed twice: the images that had it first, and then."""
    first = stage.push("1.4.2", "first")
    stage.settle()
    second = stage.push("1.4.2", "second")
    return first, second


def held(stage: Stage, until: timedelta | None = None) -> tuple[str, str]:
    """`latest` held on 1.4.1 while 1.4.2 came: the images of both."""
    old = stage.push("1.4.1", "old")
    stage.settle()
    end = None if until is None else stage.now + until
    stage.history.holds.put(REPOSITORY, Hold("latest", stage.now, end, "ada"))
    new = stage.push("1.4.2", "new")
    stage.settle()
    return old, new
