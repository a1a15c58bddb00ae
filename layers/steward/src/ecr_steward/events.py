"""Events: what ECR tells us, the hints that wait in the queue, and the facts we tell others."""

from __future__ import annotations

import enum
import functools
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

SOURCE = "ecr-steward"
"""`source` of every event on the steward's bus."""

IMAGE_ACTION = "ECR Image Action"
ROLLBACK = "Rollback"
"""Types of cause: ECR's event of an image, and somebody's rollback, which holds the tag as well."""

REGISTRY = "*"
"""Stands in a hint where a repository's name would: the registry, whose settings belong to none."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class MalformedEvent(ValueError):
    """An event or message that cannot be understood; the sentence says what is wrong with it."""


class Action(enum.StrEnum):
    """Why a repository is looked at."""

    PUSH = "PUSH"
    DELETE = "DELETE"
    CALL = "CALL"
    SWEEP = "SWEEP"


@dataclass(frozen=True, slots=True)
class Cause:
    """The event that led to a change; `by` is who caused it, as an ARN, where CloudTrail knows."""

    id: str
    type: str
    by: str | None = None

    @classmethod
    def from_document(cls, cause: Mapping[str, Any]) -> Cause:
        """Read what `to_document` wrote. Raises MalformedEvent."""
        return cls(_text(cause, "id"), _text(cause, "type"), _optional(cause, "by"))

    def to_document(self) -> dict[str, Any]:
        known = {} if self.by is None else {"by": self.by}
        return {"id": self.id, "type": self.type, **known}


@dataclass(frozen=True, slots=True)
class Hint:
    """Something may have changed in `repository`: never more than a hint, for ECR is the truth.

    `call` is the operation of the ECR API that somebody called, where that is why.
    """

    repository: str
    action: Action
    tag: str | None
    digest: str | None
    cause: Cause
    time: datetime
    call: str | None = None

    @classmethod
    def from_ecr(cls, event: Mapping[str, Any]) -> Hint | None:
        """Read an `ECR Image Action` event as EventBridge delivers it.

        None for an action that failed or that is neither PUSH nor DELETE. A tag that is absent,
        null or empty is none (ECR sends `""` for the children of an index). Raises MalformedEvent.
        """
        detail = _mapping(_object(event, "The event"), "detail")
        if detail.get("result") != "SUCCESS" or detail.get("action-type") not in ("PUSH", "DELETE"):
            return None
        return cls(
            repository=_text(detail, "repository-name"),
            action=Action(detail["action-type"]),
            tag=_optional(detail, "image-tag"),
            digest=_digest(detail, "image-digest"),
            cause=Cause(_text(event, "id"), _text(event, "detail-type")),
            time=_time(event, "time"),
        )

    def to_message(self) -> str:
        """The body of the queue message; the time keeps its milliseconds and no more."""
        body = {
            "repository": self.repository,
            "action": self.action.value,
            "tag": self.tag,
            "digest": self.digest,
            "cause": self.cause.to_document(),
            "time": iso(self.time),
            **({} if self.call is None else {"call": self.call}),
        }
        return json.dumps(body, separators=(",", ":"))

    @classmethod
    def from_message(cls, body: str) -> Hint:
        """Read what `to_message` wrote. Raises MalformedEvent."""
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise MalformedEvent(f"The message is not JSON: {error}.") from error
        cause = _mapping(_object(document, "The message"), "cause")
        try:
            action = Action(_text(document, "action"))
        except ValueError as error:
            raise MalformedEvent(f"`action` is unknown: {error}.") from error
        return cls(
            repository=_text(document, "repository"),
            action=action,
            tag=_optional(document, "tag"),
            digest=_digest(document, "digest"),
            cause=Cause.from_document(cause),
            time=_time(document, "time"),
            call=_optional(document, "call"),
        )


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who did something, as far as is known: `words` end a sentence, `named` is whether they name
    anybody."""

    words: str
    named: bool


class Kind(enum.StrEnum):
    """Kinds of fact, as `simulate` names them."""

    MOVE = "move"
    PIN = "pin"
    RESTORE = "restore"
    REMOVE = "remove"
    REJECT = "reject"
    OVERWRITE = "overwrite"
    HELD = "held"
    STALE = "stale"
    DRIFT = "drift"
    CORRECT = "correct"
    FAILED = "failed"
    SWEPT = "swept"


DETAIL_TYPES: Mapping[Kind, str] = {
    Kind.MOVE: "Tag Moved",
    Kind.PIN: "Tag Pinned",
    Kind.RESTORE: "Tag Restored",
    Kind.REMOVE: "Tag Removed",
    Kind.REJECT: "Tag Rejected",
    Kind.OVERWRITE: "Tag Overwritten",
    Kind.HELD: "Tag Held",
    Kind.STALE: "Tag Stale",
    Kind.DRIFT: "Repository Drifted",
    Kind.CORRECT: "Repository Corrected",
    Kind.FAILED: "Steward Failed",
    Kind.SWEPT: "Sweep Completed",
}
"""`detail-type` of the event that tells a fact."""

_WITH_IMAGES = frozenset(
    {Kind.MOVE, Kind.PIN, Kind.RESTORE, Kind.REMOVE, Kind.OVERWRITE, Kind.HELD}
)


@dataclass(frozen=True, slots=True)
class Difference:
    """How a setting differs from its baseline, or differed before it was set back.

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
            setting=_text(document, "setting"),
            problem=_text(document, "problem"),
            subject=_optional(document, "subject") or "",
            action=_text(document, "action"),
            before=document.get("before"),
            after=document.get("after"),
        )


def _pretty(value: Any) -> list[str]:
    return [] if value is None else json.dumps(value, indent=2, ensure_ascii=False).splitlines()


_DIFFERING = frozenset({Kind.DRIFT, Kind.CORRECT})


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing the steward found or did, told once.

    `of` is how many facts the same cause led to at once, so that whoever reads them one by one
    knows when the story is complete. `again` is how often the same cause had led to the same
    change before, for two changes are never one fact. `contested` is a tag that the steward itself
    holds, because somebody keeps taking it away; it belongs to `Tag Held` alone, `totals` to
    `Sweep Completed`, `difference` to `Repository Drifted` and `Repository Corrected`.
    """

    kind: Kind
    cause: Cause
    registry: str
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

    @property
    def id(self) -> str:
        """SHA-256 of cause id, kind, tag and target digest (or of the difference), in hex, and of
        `again` where it is not the first time."""
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
        return (self.cause.id, self.kind.value, *about)

    @property
    def detail_type(self) -> str:
        return DETAIL_TYPES[self.kind]

    def counted(self, of: int) -> Fact:
        return self if of == self.of else replace(self, of=of)

    def to_detail(self) -> dict[str, Any]:
        """The event's `detail`, as the JSON Schema of its `detail-type` has it."""
        again = {"again": self.again} if self.again else {}
        detail: dict[str, Any] = {
            "id": self.id,
            "schema": "1",
            "registry": self.registry,
            "region": self.region,
            "repository": self.repository,
            "tag": self.tag,
            "digest": self.digest,
            "mode": self.mode,
            "rule": self.rule,
            "rules": self.rules,
            "reason": self.reason,
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
        if self.kind is Kind.HELD:
            detail["contested"] = self.contested
        if self.kind is Kind.SWEPT:
            detail["totals"] = dict(self.totals)
        if self.difference is not None:
            detail |= self.difference.to_document()
        return detail

    @classmethod
    def from_detail(cls, detail_type: str, detail: Mapping[str, Any]) -> Fact:
        """Read what `to_detail` wrote. Raises MalformedEvent."""
        kind = next((kind for kind, name in DETAIL_TYPES.items() if name == detail_type), None)
        if kind is None:
            raise MalformedEvent(f"`{detail_type}` is no event of the steward's.")
        cause = _mapping(_object(detail, "The event's `detail`"), "cause")
        _time(detail, "time")
        return cls(
            kind=kind,
            cause=Cause.from_document(cause),
            registry=_text(detail, "registry"),
            region=_text(detail, "region"),
            repository=_optional(detail, "repository") or "",
            mode=_text(detail, "mode"),
            rule=_optional(detail, "rule") or "",
            rules=_text(detail, "rules"),
            reason=_text(detail, "reason"),
            time=_text(detail, "time"),
            tag=_optional(detail, "tag"),
            digest=_digest(detail, "digest"),
            before=_digest(detail, "from"),
            before_tags=_texts(detail, "from_tags"),
            after_tags=_texts(detail, "to_tags"),
            of=_number(cause, "facts", 1),
            again=_number(cause, "again", 0),
            totals=_numbers(detail, "totals"),
            difference=Difference.from_document(detail) if kind in _DIFFERING else None,
            contested=detail.get("contested") is True,
        )


@functools.lru_cache(1024)
def _hashed(*parts: str) -> str:
    """A fact is asked for its id whenever it is written, compared or told."""
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()


def iso(time: datetime) -> str:
    """`time` in UTC as `2026-11-23T02:24:00Z`, with milliseconds only where there are any."""
    utc = time.astimezone(UTC)
    text = utc.isoformat(timespec="milliseconds" if utc.microsecond >= 1000 else "seconds")
    return text.replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 time with a zone, as UTC; raises ValueError."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"`{text}` has no time zone; end it with Z")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"`{text}` is before the year 1 or after 9999 in UTC") from error


def _object(document: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise MalformedEvent(f"{name} is not a JSON object.")
    return document


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    if not isinstance(value, Mapping):
        raise MalformedEvent(f"`{key}` is missing or not an object.")
    return value


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise MalformedEvent(f"`{key}` is missing or not a text.")
    return value


def _optional(document: Mapping[str, Any], key: str) -> str | None:
    value = document.get(key)
    if value is not None and not isinstance(value, str):
        raise MalformedEvent(f"`{key}` is not a text.")
    return value or None


def _texts(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = document.get(key, ())
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise MalformedEvent(f"`{key}` is not a list of texts.")
    return tuple(value)


def _number(document: Mapping[str, Any], key: str, default: int) -> int:
    value = document.get(key, default)
    if type(value) is not int or value < 0:
        raise MalformedEvent(f"`{key}` is not a whole number.")
    return value


def _numbers(document: Mapping[str, Any], key: str) -> dict[str, int]:
    values = _object(document.get(key, {}), f"`{key}`")
    return {name: _number(values, name, 0) for name in values}


def _digest(document: Mapping[str, Any], key: str) -> str | None:
    digest = _optional(document, key)
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise MalformedEvent(f"`{key}` is not `sha256:` and 64 hex digits: `{digest}`.")
    return digest


def _time(document: Mapping[str, Any], key: str) -> datetime:
    try:
        return parse_time(_text(document, key))
    except ValueError as error:
        raise MalformedEvent(f"`{key}` is not a time: {error}.") from error
