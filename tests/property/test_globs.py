"""Many globs at once find what trying each of them finds."""

from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import event, example, given
from hypothesis import strategies as st

from ecr_steward.rules import Mode, Ruleset
from ecr_steward.rules.model import Rule
from ecr_steward.words.globs import Globs, glob_regex

LETTERS = "ab/."
NAMES = st.text(LETTERS, min_size=1, max_size=12) | st.text("ab", min_size=250, max_size=256)
GLOBS = st.text(LETTERS + "**", min_size=1, max_size=10) | st.text(
    "ab*", min_size=200, max_size=256
)
PIECES = st.lists(st.text("ab", max_size=3), min_size=2, max_size=6)
"""What stands between stars."""


@st.composite
def _globs_and_name(draw: st.DrawFn) -> tuple[list[list[str]], str]:
    """Rules of globs, and a name that some of them may well match."""
    name = draw(NAMES)
    cut = st.builds(
        lambda start, end, between: f"{name[:start]}*{between}{name[len(name) - end :]}",
        st.integers(0, 4),
        st.integers(0, 4),
        st.sampled_from(["", "a*", "*b*", "a*b*", "**"]),
    )
    joined = PIECES.map("*".join).filter(bool)
    globs = st.lists(GLOBS | cut | joined | st.just(name), min_size=1, max_size=4)
    return draw(st.lists(globs, max_size=6)), name


def naive(rules: list[list[str]], name: str) -> int | None:
    """The first rule with a glob that matches; its globs have no other special character."""
    for number, globs in enumerate(rules):
        if any(fnmatchcase(name, glob) for glob in globs):
            return number
    return None


@given(_globs_and_name())
@example(([["*a*a"]], "a"))
@example(([["a*a"]], "a"))
@example(([["ab*ba"]], "aba"))
@example(([["*"], ["a"]], "a"))
@example(([["a*"], ["*b"], ["ab"]], "ab"))
@example(([["*" * 256]], "b" * 256))
@example(([["*".join("a" * 128) + "*b"], ["*a"]], "a" * 256))
def test_the_first_rule_is_the_one_that_trying_each_in_turn_finds(
    story: tuple[list[list[str]], str],
) -> None:
    rules, name = story
    expected = naive(rules, name)
    event("none" if expected is None else "some")
    ruleset = Ruleset(
        tuple(Rule(i, tuple(globs), Mode.AUDIT, None) for i, globs in enumerate(rules)), "0"
    )
    rule = ruleset.rule_for(name)
    assert (None if rule is None else rule.index) == expected
    matching = [each.index for each in ruleset.rules if each.matches(name)]
    assert next(iter(matching), None) == expected


@given(st.lists(GLOBS, min_size=1, max_size=4), NAMES)
def test_one_expression_for_several_globs_matches_what_they_match(
    globs: list[str], name: str
) -> None:
    matches = glob_regex(globs).fullmatch(name) is not None
    assert matches == any(fnmatchcase(name, glob) for glob in globs)


@given(_globs_and_name(), st.randoms(use_true_random=False))
def test_globs_may_be_added_in_any_order(
    story: tuple[list[list[str]], str], random: object
) -> None:
    rules, name = story
    pairs = [(glob, number) for number, globs in enumerate(rules) for glob in globs]
    random.shuffle(pairs)  # type: ignore[attr-defined]
    globs = Globs()
    for glob, number in pairs:
        globs.add(glob, number)
    assert globs.first(name) == naive(rules, name)
