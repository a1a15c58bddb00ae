"""How an operation of the ECR API runs on the registry in memory: counted, hooked, told."""

from __future__ import annotations

import functools
import inspect
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict, TypeVar, cast

from botocore.exceptions import ClientError, ParamValidationError

from ecr_steward_cli.in_memory.refusals import RefusedError

Reply = dict[str, Any]
Hook = Callable[[str, dict[str, Any]], None]

_Method = TypeVar("_Method", bound=Callable[..., Reply])


def api_operation(name: str, optional: Collection[str] = ()) -> Callable[[_Method], _Method]:
    """Make a method the ECR operation `name`: counted, hooked, refusing as the boto3 client does.

    The client checks names before it sends anything, and refuses an explicit None. `optional` are
    parameters that the method takes as `**more`.
    """

    def decorate(method: _Method) -> _Method:
        members = [
            each
            for each in list(inspect.signature(method).parameters.values())[1:]
            if each.kind is not each.VAR_KEYWORD
        ]
        known = frozenset(each.name for each in members).union(optional)
        required = frozenset(each.name for each in members if each.default is each.empty)

        @functools.wraps(method)
        def call(self: MemoryRegistry, *args: Any, **kwargs: Any) -> Reply:
            if args:
                raise TypeError(f"{method.__name__}() only accepts keyword arguments.")
            if not (required <= kwargs.keys() <= known) or None in kwargs.values():
                raise ParamValidationError(report=_report(required, known, kwargs))
            return self._perform(name, kwargs, lambda: method(self, **kwargs))

        cast(Any, call).__signature__ = _signature(method, members, optional)
        return cast(_Method, call)

    return decorate


def _signature(
    method: Callable[..., Any], members: list[inspect.Parameter], optional: Collection[str]
) -> inspect.Signature:
    """What the method takes, with its `**more` by name."""
    own = next(iter(inspect.signature(method).parameters.values()))
    more = (
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
        for name in sorted(optional)
    )
    return inspect.Signature([own, *members, *more])


def _report(required: frozenset[str], known: frozenset[str], given: Mapping[str, object]) -> str:
    lines = [
        *(f'Missing required parameter in input: "{each}"' for each in required - given.keys()),
        *(f'Unknown parameter in input: "{each}"' for each in given.keys() - known),
        *(
            f"Invalid type for parameter {each}, value: None"
            for each in given
            if given[each] is None
        ),
    ]
    return "\n".join(sorted(lines))


def counted_ids() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{(number := next(numbers)):08x}-0000-4000-8000-{number:012x}"


class RegistrySetup(TypedDict, total=False):
    """What a registry is made of; see `MemoryEcr`."""

    account: str
    region: str
    clock: Callable[[], datetime]
    ids: Callable[[], str] | None
    emit: Callable[[dict[str, Any]], None] | None
    before: Hook | None
    after: Hook | None


class MemoryRegistry:
    """A registry whose methods are operations; see `MemoryEcr` for what it is made of."""

    def __init__(
        self,
        *,
        account: str = "123456789012",
        region: str = "eu-west-1",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        ids: Callable[[], str] | None = None,
        emit: Callable[[dict[str, Any]], None] | None = None,
        before: Hook | None = None,
        after: Hook | None = None,
    ) -> None:
        self.account = account
        self.region = region
        self.calls: Counter[str] = Counter()
        self.emit = emit
        self.before = before
        self.after = after
        self._clock = clock
        self._ids = ids or counted_ids()
        self._request_ids = counted_ids()
        self._numbers = itertools.count(1)
        self._events: list[dict[str, Any]] = []
        self._lock = threading.RLock()

    def _perform(
        self, name: str, parameters: dict[str, Any], carry_out: Callable[[], Reply]
    ) -> Reply:
        with self._lock:
            self.calls[name] += 1
            request = self._request_ids()
        if self.before is not None:
            self.before(name, parameters)
        with self._lock:
            try:
                reply = carry_out()
            except RefusedError as refused:
                raise _client_error(name, refused, request) from None
            events = self._taken_events()
        self._send(events)
        if self.after is not None:
            self.after(name, parameters)
        reply["ResponseMetadata"] = _metadata(200, request)
        return reply

    def _note(
        self, repository: str, digest: str, action: str, now: datetime, more: Mapping[str, str]
    ) -> None:
        """Remember an `ECR Image Action` (ECR User Guide: Amazon ECR events and EventBridge)."""
        if self.emit is None:
            return
        self._events.append(
            {
                "version": "0",
                "id": self._ids(),
                "detail-type": "ECR Image Action",
                "source": "aws.ecr",
                "account": self.account,
                "time": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
                "region": self.region,
                "resources": [],
                "detail": {
                    "result": "SUCCESS",
                    "repository-name": repository,
                    "image-digest": digest,
                    "action-type": action,
                    **more,
                },
            }
        )

    def _taken_events(self) -> list[dict[str, Any]]:
        events, self._events = self._events, []
        return events

    def _send(self, events: Iterable[dict[str, Any]]) -> None:
        for event in events:
            if self.emit is not None:
                self.emit(event)


def _metadata(status: int, request: str) -> Reply:
    return {
        "RequestId": request,
        "HTTPStatusCode": status,
        "HTTPHeaders": {},
        "RetryAttempts": 0,
    }


def _client_error(operation: str, refused: RefusedError, request: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": refused.code, "Message": refused.message},
            # Every refusal of ECR is HTTP 400 (ECR API: Common Error Types).
            "ResponseMetadata": _metadata(400, request),  # type: ignore[typeddict-item]
        },
        operation,
    )
