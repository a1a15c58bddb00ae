"""Which tests a mutant is shown to."""

from __future__ import annotations

from dataclasses import replace

from tests.mutants.__main__ import LIBRARY, MutantPlace, Reach, drawn, places

REACH = Reach.of(
    {
        "tests": {
            "slow": (2.0, ["tags/pins.py:is_of"]),
            "quick": (1.0, ["tags/pins.py:is_of", "tags/pins.py:_digits"]),
            "elsewhere": (0.1, ["tags/plan.py:plan_changes"]),
        },
        "collected": ["tags/pins.py:is_of"],
    }
)


def place(line: str) -> MutantPlace:
    found = (each for each in places(["tags"]) if each.file == LIBRARY / "tags/pins.py")
    return next(each for each in found if f"`{line}`" in str(each))


def test_a_mutant_is_shown_to_the_tests_that_call_its_function_the_quickest_first() -> None:
    assert REACH.of_place(place("_digits(digest) in tag")) == ["quick", "slow"]


def test_a_mutant_of_no_function_is_shown_to_all_tests_that_call_something_of_its_file() -> None:
    assert REACH.of_place(place("12")) == ["quick", "slow"]


def test_a_function_that_was_called_before_tests_ran_needs_a_process_of_its_own() -> None:
    assert REACH.is_collected(place("_digits(digest) in tag"))
    assert not REACH.is_collected(place("12"))


def test_what_was_drawn_is_drawn_again_whatever_else_there_is() -> None:
    every = list(places(["rules"]))
    moved = [replace(each, site=replace(each.site, node=each.site.node + 7)) for each in every]
    assert [each.what for each in drawn(moved[::2], 1)] == [
        each.what for each in drawn(every, 1) if each in every[::2]
    ]


def test_another_seed_draws_others() -> None:
    every = list(places(["rules"]))
    assert drawn(every, 1) != drawn(every, 2)
