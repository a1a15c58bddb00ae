"""How many calls run at once: fewer where ECR throttles, more again where it does not."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError

from ecr_steward.ecr import PASSING

TRIES = 10
"""How often a call is made before its fault counts: ECR's Describe calls throttle early."""

_LONGEST = 20.0
_THROTTLED = frozenset(
    {
        "RequestLimitExceeded",
        "ThrottleException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


class Pace:
    """Lets at most `most` calls run at once, half of that from each throttle on, and one more after
    each round of calls without one. `sleep` waits (seconds) before a call is made again.
    """

    def __init__(self, most: int, sleep: Callable[[float], None]) -> None:
        self._most = most
        self._sleep = sleep
        self._limit = float(most)
        self._running = 0
        self._throttles = 0
        self._free = threading.Condition()

    @property
    def limit(self) -> int:
        """How many calls may run at once now."""
        return int(self._limit)

    def call(self, method: Callable[..., Any], *given: Any, **asked: Any) -> Any:
        """Call `method` in its turn, and again where a fault is passing."""
        for tried in range(1, TRIES):
            try:
                return self._once(method, *given, **asked)
            except (ClientError, HTTPClientError) as error:
                if not _is_passing(error):
                    raise
            self._sleep(min(_LONGEST, 0.2 * 2**tried))
        return self._once(method, *given, **asked)

    def _once(self, method: Callable[..., Any], *given: Any, **asked: Any) -> Any:
        with self._turn() as throttles:
            try:
                answer = method(*given, **asked)
            except ClientError as error:
                if _code(error) in _THROTTLED:
                    self._slower(throttles)
                raise
            self._faster()
            return answer

    @contextlib.contextmanager
    def _turn(self) -> Iterator[int]:
        """Wait for a turn; gives how many throttles there were when it began."""
        with self._free:
            self._free.wait_for(lambda: self._running < self.limit)
            self._running += 1
            throttles = self._throttles
        try:
            yield throttles
        finally:
            with self._free:
                self._running -= 1
                self._free.notify_all()

    def _slower(self, throttles: int) -> None:
        with self._free:
            # Calls that ran beside one that was throttled tell nothing of the new limit.
            if throttles == self._throttles:
                self._throttles += 1
                self._limit = max(1.0, self._limit / 2)

    def _faster(self) -> None:
        with self._free:
            self._limit = min(self._most, self._limit + 1 / self._limit)


class PacedClient:
    """A client of boto3 whose methods are called at a pace."""

    def __init__(self, client: Any, pace: Pace) -> None:
        self._client = client
        self._pace = pace

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda *given, **asked: self._pace.call(method, *given, **asked)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _is_passing(error: ClientError | HTTPClientError) -> bool:
    if isinstance(error, HTTPClientError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return _code(error) in PASSING or status >= 500 or status == 429
