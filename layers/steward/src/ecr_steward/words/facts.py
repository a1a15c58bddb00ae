"""Events: what ECR tells us, the hints that wait in the queue, and the facts we tell others."""

from __future__ import annotations

import enum
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ecr_steward.words.causes import Cause
from ecr_steward.words.reading import (
    MalformedEvent,
    as_object,
    digest,
    iso,
    mapping,
    number,
    numbers,
    optional,
    text,
    texts,
    time,
)

SOURCE = "ecr-steward"
"""`source` of every event on the steward's bus."""


LONGEST_REASON = 2000
"""Most characters of a reason that an event and history keep: there are people's words in it, and
what AWS answered."""

LARGEST_VALUE = 150_000
"""Most bytes that are kept of what a setting was, and of what it should be: an item of the table
has 400 KB (DynamoDB Developer Guide: Quotas). ECR's longest policy, of 30,720 characters, has more
only where most of them are not ASCII (ECR API: PutLifecyclePolicy)."""


class FactKind(enum.StrEnum):
    """Kinds of fact, as `simulate` names them."""

    MOVE = "move"
    PIN = "pin"
    RESTORE = "restore"
    REMOVE = "remove"
    REJECT = "reject"
    OVERWRITE = "overwrite"
    HELD = "held"
    STALE = "stale"
    LOST = "lost"
    ON_STABLE = "on_stable"
    BEHIND = "behind"
    EXPIRING = "expiring"
    EXPIRY_SET = "expiry_set"
    EXPIRY_CLEARED = "expiry_cleared"
    DRIFT = "drift"
    CORRECT = "correct"
    FAILED = "failed"
    SWEPT = "swept"


DETAIL_TYPES: Mapping[FactKind, str] = {
    FactKind.MOVE: "Tag Moved",
    FactKind.PIN: "Tag Pinned",
    FactKind.RESTORE: "Tag Restored",
    FactKind.REMOVE: "Tag Removed",
    FactKind.REJECT: "Tag Rejected",
    FactKind.OVERWRITE: "Tag Overwritten",
    FactKind.HELD: "Tag Held",
    FactKind.STALE: "Tag Stale",
    FactKind.LOST: "Image Lost",
    FactKind.ON_STABLE: "Workload On Stable Tag",
    FactKind.BEHIND: "Workload Left Behind",
    FactKind.EXPIRING: "Images Expiring",
    FactKind.EXPIRY_SET: "Image Expiry Set",
    FactKind.EXPIRY_CLEARED: "Image Expiry Cleared",
    FactKind.DRIFT: "Repository Drifted",
    FactKind.CORRECT: "Repository Corrected",
    FactKind.FAILED: "Steward Failed",
    FactKind.SWEPT: "Sweep Completed",
}
"""`detail-type` of the event that tells a fact."""

_WITH_IMAGES = frozenset(
    {
        FactKind.MOVE,
        FactKind.PIN,
        FactKind.RESTORE,
        FactKind.REMOVE,
        FactKind.OVERWRITE,
        FactKind.HELD,
    }
)


@dataclass(frozen=True, slots=True)
class Difference:
    """How a setting differs from its baseline, or differed before it was corrected.

    `setting` is a key of the baseline, `subject` what of it: the Sid of a statement, the key of a
    resource tag, or the setting's own name for the whole. `problem` and `action` are words of
    `ecr-steward drift`.
    `before` is what was found and `after` what the baseline asks for, as JSON has them; None where
    nothing is set.
    """

    setting: str
    problem: str
    subject: str
    action: str
    before: Any = None
    after: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "before", _bounded(self.before))
        object.__setattr__(self, "after", _bounded(self.after))

    @property
    def key(self) -> str:
        """What tells this difference from every other of the same repository."""
        values = json.dumps([self.before, self.after], sort_keys=True)
        return "\n".join((self.setting, self.problem, self.subject, values))

    def lines(self) -> list[str]:
        """Before and after for people: the lines of a unified diff of both as JSON."""
        import difflib

        lines = difflib.unified_diff(_pretty(self.before), _pretty(self.after), lineterm="")
        # The first two would name files.
        return list(lines)[2:]

    def to_document(self) -> dict[str, Any]:
        return {
            "setting": self.setting,
            "problem": self.problem,
            "subject": self.subject,
            "action": self.action,
            "before": self.before,
            "after": self.after,
            "difference": self.lines(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Difference:
        """Read what `to_document` wrote. Raises MalformedEvent."""
        return cls(
            setting=text(document, "setting"),
            problem=text(document, "problem"),
            subject=optional(document, "subject") or "",
            action=text(document, "action"),
            before=document.get("before"),
            after=document.get("after"),
        )


def _pretty(value: Any) -> list[str]:
    return [] if value is None else json.dumps(value, indent=2, ensure_ascii=False).splitlines()


def _bounded(value: Any) -> Any:
    """A value as it is, or of one that is too large what tells it from others."""
    text = json.dumps(value, sort_keys=True)
    if len(text) <= LARGEST_VALUE:
        return value
    return {"bytes": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}


_DIFFERING = frozenset({FactKind.DRIFT, FactKind.CORRECT})
RUNNING = frozenset({FactKind.LOST, FactKind.ON_STABLE, FactKind.BEHIND})
"""The kinds of fact about an image that runs."""
_TOTALLED = frozenset({FactKind.SWEPT, FactKind.EXPIRING})


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing the steward found or did, told once.

    `of` is how many facts the same cause led to at once, so that whoever reads them one by one
    knows when the story is complete. `again` is how often the same cause had led to the same
    change before, for two changes are never one fact. `contested` is a tag that the steward itself
    holds, because somebody keeps taking it away; it belongs to `Tag Held` alone, `totals` to
    `Sweep Completed` and `Images Expiring`, `difference` to `Repository Drifted` and `Repository
    Corrected`. `workloads` run the image that the fact is about, and `unique` is the unique tag to
    deploy it by, if there is one; both belong to `RUNNING` kinds. `cut` are the fields that an
    event was too large for, and `whole` is then the id of the fact before it was cut.
    """

    kind: FactKind
    cause: Cause
    account: str
    region: str
    repository: str
    mode: str
    rule: str
    rules: str
    reason: str
    time: str
    tag: str | None = None
    digest: str | None = None
    before: str | None = None
    before_tags: tuple[str, ...] = ()
    after_tags: tuple[str, ...] = ()
    of: int = 1
    again: int = 0
    totals: Mapping[str, int] = field(default_factory=dict)
    difference: Difference | None = None
    contested: bool = False
    workloads: tuple[str, ...] = ()
    unique: str | None = None
    cut: tuple[str, ...] = ()
    whole: str = ""

    @property
    def id(self) -> str:
        """SHA-256 of cause id, kind, tag and target digest (or of the difference), in hex, of the
        workloads that run the image, and of `again` where it is not the first time."""
        if self.whole:
            return self.whole
        again = (str(self.again),) if self.again else ()
        return _hashed(*self._about, *again)

    @property
    def first_id(self) -> str:
        """The id that the same change had when its cause first led to it."""
        return _hashed(*self._about)

    @property
    def _about(self) -> tuple[str, ...]:
        about = (self.tag or "", self.digest or "")
        if self.difference is not None:
            about = ("", self.difference.key)
        # One look tells two workloads of one tag and image apart.
        runs = self.workloads if self.kind in RUNNING else ()
        return (self.cause.id, self.kind.value, *about, *runs)

    @property
    def detail_type(self) -> str:
        return DETAIL_TYPES[self.kind]

    @property
    def is_compared(self) -> bool:
        """Whether before and after can be compared; false where one of them was cut."""
        return not {"before", "after"} & set(self.cut)

    def counted(self, of: int) -> Fact:
        return self if of == self.of else replace(self, of=of)

    def to_detail(self) -> dict[str, Any]:
        """The event's `detail`, as the JSON Schema of its `detail-type` has it."""
        again = {"again": self.again} if self.again else {}
        detail: dict[str, Any] = {
            "id": self.id,
            "schema": "1",
            "registry": self.account,
            "region": self.region,
            "repository": self.repository,
            "tag": self.tag,
            "digest": self.digest,
            "mode": self.mode,
            "rule": self.rule,
            "rules": self.rules,
            "reason": clipped(self.reason, LONGEST_REASON),
            "cause": {**self.cause.to_document(), "facts": self.of, **again},
            "time": self.time,
        }
        if self.kind in _WITH_IMAGES:
            detail |= {
                "from": self.before,
                "to": self.digest,
                "from_tags": list(self.before_tags),
                "to_tags": list(self.after_tags),
            }
        if self.kind is FactKind.HELD:
            detail["contested"] = self.contested
        if self.kind in _TOTALLED:
            detail["totals"] = dict(self.totals)
        if self.kind in RUNNING:
            detail |= {"workloads": list(self.workloads), "unique": self.unique}
        if self.difference is not None:
            detail |= self.difference.to_document()
            if not self.is_compared:
                detail["difference"] = []
        if self.cut:
            detail["cut"] = list(self.cut)
        return detail

    @classmethod
    def from_detail(cls, detail_type: str, detail: Mapping[str, Any]) -> Fact:
        """Read what `to_detail` wrote. Raises MalformedEvent."""
        kind = next((kind for kind, name in DETAIL_TYPES.items() if name == detail_type), None)
        if kind is None:
            raise MalformedEvent(f"`{detail_type}` is no event of the steward's.")
        cause = mapping(as_object(detail, "The event's `detail`"), "cause")
        # The lines of a difference are read from before and after.
        cut = tuple(key for key in texts(detail, "cut") if key != "difference")
        time(detail, "time")
        return cls(
            kind=kind,
            cause=Cause.from_document(cause),
            account=text(detail, "registry"),
            region=text(detail, "region"),
            repository=optional(detail, "repository") or "",
            mode=text(detail, "mode"),
            rule=optional(detail, "rule") or "",
            rules=text(detail, "rules"),
            reason=text(detail, "reason"),
            time=text(detail, "time"),
            tag=optional(detail, "tag"),
            digest=digest(detail, "digest"),
            before=digest(detail, "from"),
            before_tags=texts(detail, "from_tags"),
            after_tags=texts(detail, "to_tags"),
            of=number(cause, "facts", 1),
            again=number(cause, "again", 0),
            totals=numbers(detail, "totals"),
            difference=Difference.from_document(detail) if kind in _DIFFERING else None,
            contested=detail.get("contested") is True,
            workloads=texts(detail, "workloads"),
            unique=optional(detail, "unique"),
            cut=cut,
            whole=text(detail, "id") if cut else "",
        )


@dataclass(frozen=True, slots=True)
class FactMaker:
    """Makes the facts of one registry: of its account, in its Region.

    `rules` is the fingerprint of the rules that they come from. `clock` gives the time (UTC).
    """

    account: str
    region: str
    clock: Callable[[], datetime]
    rules: str = "unknown"

    def fact(
        self,
        kind: FactKind,
        cause: Cause,
        reason: str,
        *,
        mode: str,
        repository: str = "",
        rule: str = "",
        at: datetime | None = None,
        **own: Any,
    ) -> Fact:
        """A fact of now, or of another time; `own` is what only some kinds have."""
        return Fact(
            kind=kind,
            cause=cause,
            account=self.account,
            region=self.region,
            repository=repository,
            mode=mode,
            rule=rule,
            rules=self.rules,
            reason=reason,
            time=iso(at or self.clock()),
            **own,
        )


@functools.lru_cache(1024)
def _hashed(*parts: str) -> str:
    """A fact is asked for its id whenever it is written, compared or told."""
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()


def clipped(text: str, most: int) -> str:
    """`text`, or as much of it as makes `most` characters with the `…` that ends it then."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
