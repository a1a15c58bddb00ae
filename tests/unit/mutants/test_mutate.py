"""The mutants of a text: each is one change of a decision."""

from __future__ import annotations

import pytest

from tests.mutants.mutate import function, mutant, sites


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("a < b", {"a <= b"}),
        ("a in b", {"a not in b"}),
        ("a and b", {"a or b", "a", "b"}),
        ("not a", {"a"}),
        ("a if b else c", {"c if b else a"}),
        ("a + b", {"a - b"}),
        ("True", {"False"}),
        ("1", {"2"}),
        ("'a text'", set()),
        ("@a(b=True)\ndef c(): pass", set()),
    ],
)
def test_a_decision_becomes_another_one(source: str, changed: set[str]) -> None:
    assert {mutant(source, site).text for site in sites(source)} == changed


def test_a_mutant_knows_the_function_that_it_is_in() -> None:
    source = """
a = 1
class B:
    c = 2
    def d(self, e=3):
        def f(): return 4
        return 5
"""
    found = {mutant(source, site).before: function(source, site) for site in sites(source)}
    assert found == {"1": None, "2": None, "3": None, "4": "B.d", "5": "B.d"}
