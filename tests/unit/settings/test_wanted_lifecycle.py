"""What a rule wants of a lifecycle policy where it says no more, and what its schema takes."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from ecr_steward.settings.kinds.lifecycle import SCHEMA, WantedLifecycle

RULE = {
    "rulePriority": 1,
    "selection": {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 14,
    },
    "action": {"type": "expire"},
}


def test_no_other_policy_will_do_and_no_stable_tag_is_given_up_unless_the_rule_says_so() -> None:
    wanted = WantedLifecycle({"rules": [RULE]})
    assert not wanted.any_will_do({"rules": [RULE]})
    assert not wanted.allows("latest")


@pytest.mark.parametrize(
    ("stated", "fault"),
    [
        ({"rules": [], "colour": "blue"}, "'colour' was unexpected"),
        ({"rules": [], "allow_expiring_stable": "all"}, "'all' is not of type"),
    ],
)
def test_the_schema_takes_nothing_that_the_lifecycle_does_not_have(
    stated: dict[str, Any], fault: str
) -> None:
    with pytest.raises(jsonschema.ValidationError, match=fault):
        jsonschema.validate(stated, SCHEMA["lifecycle"])


def test_stable_tags_are_given_up_by_default_no_more_than_by_the_schema() -> None:
    assert SCHEMA["lifecycle"]["properties"]["allow_expiring_stable"]["default"] is False
