"""No lifecycle policy that is let through takes an image under a stable tag, and few are refused
that never would."""

from __future__ import annotations

import random

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from ecr_steward.settings.expiry import at_risk
from tests.support.lifecycle_verdicts import FALSE, THROUGH, drawn, harmed, verdicts


@given(st.integers(0, 10**9))
def test_no_policy_that_is_let_through_takes_an_image_under_a_stable_tag(seed: int) -> None:
    by = random.Random(seed)  # noqa: S311
    scheme, tags, rules = drawn(by)
    refused = bool(at_risk({"rules": rules}, scheme))
    event("refused" if refused else "let through")
    assert refused or not harmed(by, scheme, tags, rules)


POLICIES = 500
FALSE_ALARMS = 0.02


def test_few_policies_are_refused_that_would_never_take_a_stable_tag(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = verdicts(POLICIES, played=False)
    with capsys.disabled():
        print(f"\n{POLICIES} policies of {len(found.shapes)} shapes: {dict(found.all)}")
    assert len(found.shapes) > POLICIES / 5
    assert min(found.refused, found.all[THROUGH]) > POLICIES / 5
    assert found.all[FALSE] <= FALSE_ALARMS * found.refused, found.false[:3]
