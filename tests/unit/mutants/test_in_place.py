"""A mutant in the process that has its code already, and what is tried in forks of it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.mutants.inplace import NotInPlace, put_in_place
from tests.mutants.warm import forked

SOURCE = """
import functools

MOST = 5
TABLE = {"one": lambda a: a + 10}

def plain(a, b=3): return a + 1
def bounded(a): return min(a, MOST)

@functools.cache
def kept(a): return a + 1

class Thing:
    kept = 7
    @property
    def size(self): return 1 + 1
    @classmethod
    def made(cls): return 2 + 1
    def outer(self):
        one = 1
        return [one + each for each in (1, 2)]
"""


@pytest.fixture
def sample() -> Iterator[Any]:
    """A module that is loaded, as `sample`."""
    module = ModuleType("sample")
    exec(SOURCE, module.__dict__)  # noqa: S102
    sys.modules["sample"] = module
    yield module
    del sys.modules["sample"]


def test_whoever_has_a_function_calls_its_mutant(sample: Any) -> None:
    plain = sample.plain
    put_in_place("sample", "plain", SOURCE, SOURCE.replace("a + 1", "a - 1"))
    assert plain(5) == 4


def test_what_a_function_kept_of_calls_is_forgotten(sample: Any) -> None:
    assert sample.kept(5) == 6
    put_in_place("sample", "kept", SOURCE, SOURCE.replace("a + 1", "a - 1"))
    assert sample.kept(5) == 4


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("Thing.size", lambda sample: sample.Thing().size),
        ("Thing.made", lambda sample: sample.Thing.made()),
        ("Thing.outer", lambda sample: sum(sample.Thing().outer())),
    ],
)
def test_a_method_is_changed_whatever_decorates_it(sample: Any, name: str, call: Any) -> None:
    before = call(sample)
    put_in_place("sample", name, SOURCE, SOURCE.replace("+", "-"))
    assert call(sample) != before


@pytest.mark.parametrize(
    ("change", "call"),
    [
        (("5", "6"), lambda sample: sample.bounded(9)),
        (("a + 10", "a - 10"), lambda sample: sample.TABLE["one"](0)),
        (("b=3", "b=4"), lambda sample: sample.plain.__defaults__),
        (("kept = 7", "kept = 8"), lambda sample: sample.Thing().kept),
    ],
)
def test_what_is_in_no_function_is_exchanged(
    sample: Any, change: tuple[str, str], call: Any
) -> None:
    before = call(sample)
    put_in_place("sample", None, SOURCE, SOURCE.replace(*change))
    assert call(sample) != before


@pytest.mark.parametrize("name", [None, "absent", "Thing"])
def test_what_changes_nothing_plain_needs_a_process_of_its_own(
    sample: Any, name: str | None
) -> None:
    with pytest.raises(NotInPlace):
        put_in_place("sample", name, SOURCE, SOURCE)


def test_what_is_tried_ends_with_what_it_returns_and_changes_nothing_here() -> None:
    seen: list[int] = []

    def do(thing: int) -> int:
        seen.append(thing)
        return thing

    assert dict(forked(((each, 60.0) for each in (0, 1, 3)), do, 2)) == {0: 0, 1: 1, 3: 3}
    assert seen == []


def test_what_takes_too_long_is_ended() -> None:
    def hang(_: str) -> int:
        time.sleep(60)
        return 0

    assert list(forked([("slow", 0.1)], hang, 1)) == [("slow", -signal.SIGKILL)]
