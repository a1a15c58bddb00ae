"""What runs: which workload was started from which image, and may be started from it again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

ECS = "ecs"
LAMBDA = "lambda"
INSPECTOR = "inspector"
LOOKED_AT = (ECS, LAMBDA, INSPECTOR)
"""The sources that the steward looks at itself; others are accounts, and the names of imports."""

LOOK_COUNTS = timedelta(hours=48)
"""How long a source is known after it completed a look."""


def source_of(kind: str, account: str, registry: str) -> str:
    """The source of what an account runs: `ecs` or `lambda`, or the number of another account,
    whose look is one."""
    return kind if account == registry else account


def source_at(account: str, region: str) -> str:
    """The source of what runs from the copies of images in another registry: an import."""
    return f"{account}-{region}"


def workload_of(kind: str, account: str, registry: str, name: str) -> str:
    """The name of a workload for people: `ecs:prod/payments`, with its account where that is not
    the registry's: `ecs:210987654321/prod/payments`."""
    return f"{kind}:{name}" if account == registry else f"{kind}:{account}/{name}"


@dataclass(frozen=True, slots=True)
class Running:
    """One workload on one image, as one source has it.

    `workload` is its name for people (`ecs:prod/payments`, `lambda:resize`), `written` the image
    as whoever deployed it wrote it, empty where nobody knows. `last_seen` is when it was last
    known to run, `ended` when it was last known to have ended: what was seen after that runs.
    """

    repository: str
    digest: str
    source: str
    workload: str
    written: str
    first_seen: datetime
    last_seen: datetime
    ended: datetime | None = None

    @property
    def runs(self) -> bool:
        return self.ended is None or self.ended < self.last_seen

    @property
    def last(self) -> datetime:
        """When it ran last, as far as is known."""
        return self.last_seen if self.ended is None else max(self.last_seen, self.ended)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from every other."""
        return (self.repository, self.digest, self.source, self.workload)

    def merged(self, other: Running) -> Running:
        """Both together, in whatever order they come and however often: for the same `key`."""
        late = max(self, other, key=lambda each: (each.last_seen, each.written))
        ends = [each.ended for each in (self, other) if each.ended is not None]
        return replace(
            self,
            written=late.written or self.written or other.written,
            first_seen=min(self.first_seen, other.first_seen),
            last_seen=late.last_seen,
            ended=max(ends, default=None),
        )

    def needs_image(self, now: datetime, grace: timedelta) -> bool:
        """Whether its image is kept for it: it runs, or ran within `grace`; the bound keeps."""
        return self.runs or now - self.last <= grace
