"""`make rights` finds out what is needed and what is not; it tries all roles, this a small one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests import rights
from tests.rights import ACTS, NEEDED


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield


def test_a_right_that_one_act_needs_is_needed() -> None:
    judged = rights.judge("CheckTagsRole", ["sqs:SendMessage", "logs:PutLogEvents"])
    assert [each.verdict for each in judged] == [NEEDED, NEEDED]


def test_a_right_that_nothing_needs_is_found_out() -> None:
    acts = {"sqs:SendMessage": ACTS["sqs:SendMessage"], "sqs:PurgeQueue": ACTS["sqs:SendMessage"]}
    (_, needless) = rights.judge("CheckTagsRole", list(acts), acts)
    assert needless.verdict == "without it [] are refused"


def test_a_right_that_is_missing_is_found_out() -> None:
    acts = {"sqs:SendMessage": ACTS["sqs:DeleteMessage"], "ecr:PutImage": ACTS["ecr:PutImage"]}
    (missing, _) = rights.judge("CheckTagsRole", list(acts), acts)
    assert missing.verdict == "['sqs:SendMessage'] are refused with it"
