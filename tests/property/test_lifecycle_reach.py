"""No lifecycle policy that is let through takes an image under a stable tag, and few are refused
that never would."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from ecr_steward.settings import lifecycle
from ecr_steward.settings.expiry import Risk, at_risk
from ecr_steward.settings.state import BaselineError
from ecr_steward.tags.scheme import Scheme, Verdict
from tests.support import lifecycles
from tests.support.lifecycles import DrawnImage, lost


def drawn(by: random.Random) -> tuple[Scheme, list[str], list[dict[str, Any]]]:
    """A scheme, tags that it may know, and a policy that ECR takes."""
    scheme, tags = lifecycles.scheme(by)
    while True:
        rules = lifecycles.policy(by, tags)
        try:
            lifecycle.check(rules)
        except BaselineError:
            continue
        return scheme, tags, rules


@given(st.integers(0, 10**9))
def test_no_policy_that_is_let_through_takes_an_image_under_a_stable_tag(seed: int) -> None:
    by = random.Random(seed)  # noqa: S311
    scheme, tags, rules = drawn(by)
    refused = bool(at_risk({"rules": rules}, scheme))
    event("refused" if refused else "let through")
    if refused:
        return
    for _ in range(3):
        taken = lost(rules, lifecycles.repository(by, scheme, tags))
        assert not [each for each in taken if lifecycles.under_stable(each, scheme)]


def is_true(risk: Risk, rules: Sequence[Any], scheme: Scheme) -> bool:
    """Whether the image that a risk shows is one of the scheme's, and is taken where many like it
    were pushed after it."""
    verdicts = {scheme.judge(tag) for tag in risk.example}
    if not verdicts or verdicts - {Verdict.UNIQUE, Verdict.STABLE, Verdict.PIN}:
        return False
    if Verdict.STABLE not in verdicts:
        return False
    image = DrawnImage(frozenset(risk.example), 700, 700)
    # ECR never has a tag on two images; that others were pushed later is all that counts here.
    newer = [DrawnImage(image.tags, age, age) for age in range(1, 5)]
    return any(
        each.pushed - image.pushed in range(0, 2000, 14) for each in _old(rules, image, newer)
    )


def _old(rules: Sequence[Any], image: DrawnImage, newer: Sequence[DrawnImage]) -> list[DrawnImage]:
    return [each for each in lost(rules, [image, *newer]) if each.tags == image.tags]


POLICIES = 500
FALSE_ALARMS = 0.02


def test_few_policies_are_refused_that_would_never_take_a_stable_tag(
    capsys: pytest.CaptureFixture[str],
) -> None:
    by = random.Random(20261128)  # noqa: S311
    shapes: dict[str, Counter[str]] = {}
    false = []
    for _ in range(POLICIES):
        scheme, _tags, rules = drawn(by)
        risks = at_risk({"rules": rules}, scheme)
        verdict = "refused" if risks else "let through"
        if risks and not any(is_true(each, rules, scheme) for each in risks):
            verdict = "false alarm"
            false.append((scheme, rules, risks))
        shapes.setdefault(lifecycles.shape(rules), Counter())[verdict] += 1
    all_ = sum(shapes.values(), Counter())
    with capsys.disabled():
        print(f"\n{POLICIES} policies of {len(shapes)} shapes: {dict(all_)}")
    assert len(shapes) > POLICIES / 5
    assert min(all_["refused"], all_["let through"]) > POLICIES / 5
    assert all_["false alarm"] <= FALSE_ALARMS * all_["refused"], false[:3]
