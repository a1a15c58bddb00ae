"""A registry's story, played through the deployed decision code without AWS."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from ecr_steward.doors.pushes import check
from ecr_steward.history.table import Conflict, Item, Key, Put, Write
from ecr_steward.history.tags import History
from ecr_steward.rules import Mode, Ruleset
from ecr_steward.tags.plan import Stay
from ecr_steward.words import grammar
from ecr_steward.words.facts import Fact
from ecr_steward.words.hints import IMAGE_ACTION, Action, Hint
from ecr_steward.words.reading import iso, parse_time
from ecr_steward.writers.tags import Visit
from ecr_steward_cli.in_memory.images import MemoryEcr
from ecr_steward_cli.in_memory.retagger import retagger
from ecr_steward_cli.in_memory.table import MemoryTable
from ecr_steward_cli.rules_file.unmoved import unmoving

_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
_APART = timedelta(hours=1)
"""Between two lines without a time: what happens within minutes of each other says so itself."""
_BATCH = 10
"""Most messages of a batch of RetagQueue, as of every FIFO queue (Lambda Developer Guide: Amazon
SQS)."""
_KEYS = frozenset({"repository", "tag", "digest", "action", "pushed_at"})
_MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
_MANIFEST = (
    '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":'
    '"application/vnd.oci.image.config.v1+json","size":2,"digest":"%s"},"layers":[]}'
)
_DIGEST = slice(-86, -15)


class BadPush(ValueError):
    """A line of the input that cannot be read; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Push:
    """One line of the input: something that happened in a registry, and the event of it."""

    line: int
    repository: str
    action: Action
    tag: str | None
    digest: str | None
    pushed_at: datetime

    @classmethod
    def parse(cls, line: int, text: str) -> Push:
        """Read line number `line`. Raises BadPush."""
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            raise BadPush(f"This is not JSON: {error.msg}, at column {error.colno}.") from error
        except ValueError as error:  # a number with too many digits
            raise BadPush(f"This is not JSON: {error}.") from error
        return cls.read(line, document)

    @classmethod
    def read(cls, line: int, document: Any) -> Push:
        """Read what stands on line number `line`. Raises BadPush."""
        if not isinstance(document, dict):
            raise BadPush('This is not an object: write {"repository": "redis", "tag": "8.0.1"}.')
        unknown = sorted(document.keys() - _KEYS)
        if unknown:
            raise BadPush(f"`{unknown[0]}` is no key here; there are {', '.join(sorted(_KEYS))}.")
        action = _action(document)
        repository = _text(document, "repository")
        if not repository:
            raise BadPush("`repository` is missing.")
        tag, digest = _text(document, "tag"), _digest(document)
        if tag is None and (action is Action.PUSH or digest is None):
            raise BadPush("`tag` is missing.")
        if tag is not None and not grammar.is_tag(tag):
            raise BadPush(f"`{tag}` is no valid tag.")
        if digest is None and action is Action.PUSH:
            name = f"{repository}:{tag}:{line}"
            digest = f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
        return cls(line, repository, action, tag, digest, _time(document, line))


def _text(document: Mapping[str, Any], key: str) -> str | None:
    value = document.get(key)
    if value is not None and not isinstance(value, str):
        raise BadPush(f"`{key}` must be a string; it is {json.dumps(value)}.")
    return value


def _action(document: Mapping[str, Any]) -> Action:
    action = document.get("action") or "PUSH"
    if action not in ("PUSH", "DELETE"):
        raise BadPush(f"`action` must be PUSH or DELETE; it is {json.dumps(action)}.")
    return Action(action)


def _digest(document: Mapping[str, Any]) -> str | None:
    digest = _text(document, "digest")
    if digest is None:
        return None
    tail = digest.removeprefix("sha256:")
    if len(tail) != 64 or len(digest) != 71 or set(tail) - set("0123456789abcdef"):
        raise BadPush(f"`digest` must be `sha256:` and 64 hex digits; it is `{digest}`.")
    return digest


def _time(document: Mapping[str, Any], line: int) -> datetime:
    value = document.get("pushed_at")
    return _BEGINNING + line * _APART if value is None else moment(value, "pushed_at")


def moment(value: Any, key: str) -> datetime:
    """A time as JSON has it: a text with a zone, or seconds since 1970. Raises BadPush."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if not isinstance(value, str):
            raise ValueError(f"it is {json.dumps(value)}")
        return parse_time(value)
    except (ValueError, OverflowError, OSError) as error:
        raise BadPush(f"`{key}` is not a time: {error}.") from error


@dataclass(frozen=True, slots=True)
class ReportedFact:
    """A fact and the line of the input that led to it."""

    line: int
    fact: Fact

    @property
    def why(self) -> str:
        """The fact's reason, and the rule that it comes from."""
        return _with_rule(self.fact.reason, self.fact.rule)


@dataclass(frozen=True, slots=True)
class UnmovedTag:
    """A stable tag that a push did not get, with the line of the input that has the push."""

    line: int
    repository: str
    stay: Stay
    rule: str

    @property
    def why(self) -> str:
        """Why it stays where it is, and the rule that this comes from."""
        return _with_rule(self.stay.reason, self.rule)


@dataclass(slots=True)
class StillPushes:
    """Pushes to one repository that moved nothing, all for one reason; the first one stands for
    them."""

    repository: str
    tag: str
    line: int
    reason: str
    count: int = 1


def _with_rule(reason: str, label: str) -> str:
    """A reason and the rule behind it, by its index and its first glob."""
    index, _, globs = label.partition(": ")
    first, *others = globs.split(", ")
    return f"{reason.removesuffix('.')} (rule {index}: {first}{', …' if others else ''})."


@dataclass(slots=True)
class SimulationResult:
    """Where a story ended: `tags` by repository, what was told, what stayed, what pushes could move
    nothing, and what it cost."""

    tags: dict[str, dict[str, str]]
    told: list[ReportedFact] = field(default_factory=list)
    events: int = 0
    reads: int = 0
    writes: int = 0
    kept: list[UnmovedTag] = field(default_factory=list)
    still: list[StillPushes] = field(default_factory=list)

    def to_json(self) -> Iterator[str]:
        """The outcome as `simulate --json` prints it, in pieces: whole it can be very long."""
        told: dict[str, list[ReportedFact]] = {name: [] for name in self.tags}
        for each in self.told:
            told[each.fact.repository].append(each)
        yield '{"repositories": {'
        for number, (name, tags) in enumerate(self.tags.items()):
            yield f"{',' if number else ''}\n {json.dumps(name)}: {{"
            yield f'"tags": {json.dumps(tags)}, "changes": ['
            changes = map(json.dumps, map(_change, told[name]))
            yield from (f"{',' if i else ''}\n  {each}" for i, each in enumerate(changes))
            yield "]}"
        totals = {"events": self.events, "reads": self.reads, "writes": self.writes}
        yield f'}},\n"totals": {json.dumps(totals)}}}\n'


def _change(told: ReportedFact) -> dict[str, Any]:
    fact = told.fact
    return {
        "line": told.line,
        "kind": fact.kind.value,
        "tag": fact.tag,
        "from": fact.before,
        "to": fact.digest,
        "reason": told.why,
    }


class _WithoutPast(MemoryTable):
    """A table that keeps no facts: nobody asks a story for its past, and it would fill memory.

    It trusts what it is given, which MemoryTable measures as DynamoDB does: a fourth of the time.
    """

    def get(self, keys: Collection[Key]) -> dict[Key, Item]:
        found = ((key, self._items.get(key[0], {}).get(key[1])) for key in keys)
        return {key: item for key, item in found if item is not None}

    def transact(self, writes: Sequence[Write]) -> None:
        if any(isinstance(each, Put) and each.absent and self._has(each.item) for each in writes):
            raise Conflict("an item that had to be absent is there already")
        for each in writes:
            if isinstance(each, Put) and not _is_past(each):
                self._items.setdefault(each.item.pk, {})[each.item.sk] = each.item
            elif not isinstance(each, Put):
                self._carry_out(each)

    def put_all(self, items: Iterable[Item]) -> None:
        self.transact(list(map(Put, items)))


def _is_past(put: Put) -> bool:
    return put.item.sk.startswith(("fact#", "quiet#"))


class Simulation:
    """Feeds pushes, and the events that the steward's own writes cause, until all is quiet.

    Every rule acts as in `mode: enforce`, unless `as_configured`.
    """

    def __init__(self, rules: Ruleset, *, as_configured: bool = False) -> None:
        if not as_configured:
            enforced = tuple(replace(rule, mode=Mode.ENFORCE) for rule in rules.rules)
            rules = replace(rules, rules=enforced)
        self._rules = rules
        self._now = _BEGINNING
        self._events: deque[dict[str, Any]] = deque()
        self._ecr = MemoryEcr(
            clock=lambda: self._now,
            emit=self._events.append,
            digest_of=lambda manifest: manifest[_DIGEST],
        )
        self._retagger = retagger(
            self._ecr,
            lambda: self._now,
            rules,
            history=History(_WithoutPast()),
            allow_removal=True,
        )
        self._repositories: dict[str, None] = {}
        self._told: list[ReportedFact] = []
        self._kept: list[UnmovedTag] = []
        self._still: dict[tuple[str, str], StillPushes] = {}
        self._fed = 0
        self._own: Counter[str] = Counter()

    def run(self, pushes: Iterable[Push]) -> SimulationResult:
        """Play the whole story."""
        for push in pushes:
            self.feed(push)
        return self.outcome()

    def feed(self, push: Push) -> None:
        """Play one line, and whatever follows from it."""
        self._now = push.pushed_at
        self._happen(push)
        told = len(self._told)
        while hints := self._batch():
            visit = self._retagger.visit(push.repository, hints)
            self._told += [ReportedFact(push.line, fact) for fact in visit.facts]
            self._keep(push.line, push.repository, visit)
        if push.action is Action.PUSH and len(self._told) == told:
            self._note_still(push)

    def _batch(self) -> list[Hint]:
        """What events that wait are about, as RetagQueue collects them while it settles."""
        hints: list[Hint] = []
        while self._events and len(hints) < _BATCH:
            self._fed += 1
            check(self._events.popleft(), self._rules, hints.append)
        return hints

    def _note_still(self, push: Push) -> None:
        """Note why a push of which nothing is told moves nothing, whatever else there is."""
        found = unmoving(self._rules, push.repository, push.tag or "")
        if found is None:
            return
        key = (push.repository, found.kind)
        if key in self._still:
            self._still[key].count += 1
            return
        self._still[key] = StillPushes(push.repository, push.tag or "", push.line, found.reason)

    def _keep(self, line: int, repository: str, visit: Visit) -> None:
        lost = [stay for stay in visit.stays if stay.lost is not None]
        rule = self._rules.rule_for(repository) if lost else None
        if rule is not None:
            self._kept += [UnmovedTag(line, repository, stay, rule.label()) for stay in lost]

    def outcome(self) -> SimulationResult:
        """The state of things now."""
        calls = self._ecr.calls - self._own
        writes = calls["PutImage"] + calls["BatchDeleteImage"]
        return SimulationResult(
            tags={name: self._ecr.tags(name) for name in sorted(self._repositories)},
            told=list(self._told),
            events=self._fed,
            reads=sum(calls.values()) - writes,
            writes=writes,
            kept=list(self._kept),
            still=list(self._still.values()),
        )

    def _happen(self, push: Push) -> None:
        if push.repository not in self._repositories:
            self._own["CreateRepository"] += 1
            try:
                self._ecr.create_repository(repositoryName=push.repository)
            except ClientError as error:
                raise BadPush(f"`{push.repository}` is no valid repository name.") from error
            self._repositories[push.repository] = None
        seen = len(self._events)
        try:
            if push.action is Action.PUSH:
                self._push(push)
            else:
                self._delete(push)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ImageAlreadyExistsException":
                raise BadPush(f"ECR refuses this: {error}.") from error
        if len(self._events) == seen:
            # Nothing changed in the registry: the line is a repeated or a late event.
            self._events.append(_event(push))

    def _push(self, push: Push) -> None:
        self._own["PutImage"] += 1
        self._ecr.put_image(
            repositoryName=push.repository,
            imageManifest=_MANIFEST % (_MEDIA_TYPE, push.digest),
            imageTag=push.tag,
        )

    def _delete(self, push: Push) -> None:
        self._own["BatchDeleteImage"] += 1
        image = {"imageTag": push.tag, "imageDigest": push.digest}
        asked = {key: value for key, value in image.items() if value is not None}
        self._ecr.batch_delete_image(repositoryName=push.repository, imageIds=[asked])


def _event(push: Push) -> dict[str, Any]:
    return {
        "id": f"line-{push.line}",
        "detail-type": IMAGE_ACTION,
        "time": iso(push.pushed_at),
        "detail": {
            "result": "SUCCESS",
            "action-type": push.action.value,
            "repository-name": push.repository,
            "image-tag": push.tag or "",
            "image-digest": push.digest,
        },
    }


def story(outcome: SimulationResult, repository: str, tag: str) -> SimulationResult:
    """What happened to one tag alone."""
    told = [t for t in outcome.told if (t.fact.repository, t.fact.tag) == (repository, tag)]
    kept = [k for k in outcome.kept if (k.repository, k.stay.tag) == (repository, tag)]
    return replace(outcome, told=told, kept=kept)
