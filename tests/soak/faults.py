"""What goes wrong, how often, and what it looks like to whoever called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from botocore.exceptions import ClientError, ReadTimeoutError

_T = TypeVar("_T")

MOST_SPOILT = 2
"""How many tries of one message are spoilt at most: whatever ends in a failure queue in spite of
that, the steward gave up by itself."""

_CHANGES = frozenset({"PutImage", "BatchDeleteImage"})


class Interrupted(BaseException):
    """The function was killed here; nothing may catch it."""


@dataclass(frozen=True)
class Rates:
    """How often what happens: `fail`, `kill` and `slow` to a call of a function, `lost` and
    `doubled` to an event of ECR, `again` to a message or a record of the stream, `channel` to a
    letter.

    `skew` is how many seconds the clocks of two sandboxes are apart at most.
    """

    fail: float = 0.05
    kill: float = 0.003
    slow: float = 0.002
    lost: float = 0.02
    doubled: float = 0.03
    again: float = 0.03
    channel: float = 0.1
    skew: float = 5.0


CALM = Rates(0, 0, 0, 0, 0, 0, 0, 0)
"""Nothing goes wrong, and all clocks agree."""


@dataclass
class FaultyInvocation:
    """One run of a function.

    `about` are the repositories it looks at, `elapsed` the seconds since its beginning and `skew`
    how many its clock is wrong by. `gentle` is one that nothing may happen to any more; `sent` are
    the letters it has delivered, each with its channel and facts.
    """

    function: str
    number: int
    about: tuple[str, ...] = ()
    skew: float = 0.0
    gentle: bool = False
    elapsed: float = 0.0
    spoilt: bool = False
    sent: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)


@dataclass
class Faults:
    """Lets the calls of a function fail. `spoil` is told what happens, for the time line."""

    rates: Rates
    random: Random
    spoil: Callable[[FaultyInvocation, str], None]
    current: FaultyInvocation | None = None
    on: bool = True
    calls: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)

    def call(self, name: str, do: Callable[[], _T]) -> _T:
        """Make a call; it may fail before it is made, or after it took effect."""
        self.before(name)
        answer = do()
        self.after(name)
        return answer

    def before(self, name: str) -> None:
        if self.current is None:
            return
        self.calls[name] += 1
        self.current.elapsed += self.random.uniform(0.005, 0.08)
        if self.chance(self.rates.slow):
            self.current.elapsed += self.random.uniform(5, 30)
            self.happened["slow"] += 1
        if self.chance(self.rates.kill / 2):
            self.kill(f"before {name}")
        if self.chance(self._rate(name)):
            self.fail(name, "throttled")

    def after(self, name: str) -> None:
        if self.current is None:
            return
        if self.chance(self.rates.kill / 2):
            self.kill(f"after {name}")
        if self.chance(self._rate(name)):
            self.fail(name, "answer lost")

    def _rate(self, name: str) -> float:
        """How often a call fails before or after its effect: what changes ECR the most often, for
        what follows from it is the hardest to know."""
        return self.rates.fail * (1.5 if name in _CHANGES else 0.5)

    def chance(self, rate: float) -> bool:
        """Whether something that happens so often happens now; never to people."""
        calm = not self.on or self.current is None or self.current.gentle
        return not calm and self.random.random() < rate

    def cut(self, name: str, length: int) -> int:
        """How many of so many things a call gets done before it breaks off; mostly all."""
        if length > 1 and self.chance(self.rates.fail):
            self.mark(f"part of {name}")
            return self.random.randrange(length)
        return length

    def kill(self, where: str) -> None:
        self.mark("killed", where)
        raise Interrupted(where)

    def fail(self, name: str, how: str) -> None:
        self.mark(how, name)
        raise self.error(name, lost=how == "answer lost")

    def error(self, name: str, *, lost: bool = False) -> Exception:
        """What the SDK raises once its own retries are used up."""
        kinds = ["timeout", "500"] if lost else ["timeout", "500", "throttled"]
        kind = self.random.choice(kinds)
        if kind == "timeout":
            return ReadTimeoutError(endpoint_url="https://aws.example")
        if kind == "500":
            return _client_error(name, "InternalServerError", 500)
        return _client_error(name, "ThrottlingException", 400)

    def mark(self, what: str, where: str = "") -> None:
        """Note that something happened to this run."""
        self.happened[what] += 1
        if self.current is not None:
            self.current.spoilt = True
            self.spoil(self.current, f"{what} {where}".strip())


def _client_error(name: str, code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        name,
    )
