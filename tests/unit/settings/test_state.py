"""Settings as `ecr-steward drift` reads them: what is absent is not set, what is wrong is named."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.settings.baseline import Settings
from ecr_steward.settings.kinds.encryption import Encrypted
from ecr_steward.settings.kinds.immutability import Mutability
from ecr_steward.settings.state import SettingsError


def test_what_is_absent_or_null_is_not_set() -> None:
    nothing = dict.fromkeys(
        ("policy", "lifecycle", "mutability", "scan_on_push", "encryption", "resource_tags")
    )
    assert Settings.from_document({}) == Settings.from_document(nothing) == Settings()
    mutability = {"imageTagMutability": None, "imageTagMutabilityExclusionFilters": None}
    found = Settings.from_document({"mutability": mutability}).found
    assert found == {"immutability": Mutability()}


def test_all_settings_are_read() -> None:
    filters = [{"filterType": "WILDCARD", "filter": "a*"}, "b"]
    found = Settings.from_document(
        {
            "repository": "base/redis",
            "policy": {"Statement": []},
            "lifecycle": '{"rules": []}',
            "mutability": {
                "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
                "imageTagMutabilityExclusionFilters": filters,
            },
            "scan_on_push": True,
            "encryption": "KMS",
            "resource_tags": {"owner": "platform"},
        }
    )
    assert found.found == {
        "policy": {"Statement": []},
        "lifecycle": {"rules": []},
        "immutability": Mutability("IMMUTABLE_WITH_EXCLUSION", ("a*", "b")),
        "scan_on_push": True,
        "encryption": Encrypted("KMS"),
        "resource_tags": {"owner": "platform"},
    }


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"polcy": {}}, "`polcy` is no field; there are policy,"),
        ({"policy": []}, "`policy` must be an object or null."),
        ({"policy": "{"}, "`policy` is a text that is not JSON"),
        ({"policy": "[]"}, "`policy` must be an object or null."),
        ({"lifecycle": 7}, "`lifecycle` must be an object or null."),
        ({"mutability": 7}, "`mutability` must be an object or null."),
        ({"mutability": {"word": "x"}}, "`mutability.word` is no field"),
        ({"mutability": {"imageTagMutability": "FROZEN"}},
         "`mutability.imageTagMutability` must be one of MUTABLE, IMMUTABLE,"),
        ({"mutability": {"imageTagMutabilityExclusionFilters": "a"}},
         "`mutability.imageTagMutabilityExclusionFilters` must be a list."),
        ({"mutability": {"imageTagMutabilityExclusionFilters": ["a", {"filter": 7}]}},
         "`mutability.imageTagMutabilityExclusionFilters[1]` must be"),
        ({"mutability": {"imageTagMutabilityExclusionFilters": [{"Filter": "a"}]}},
         "`mutability.imageTagMutabilityExclusionFilters[0].Filter` is no field"),
        ({"scan_on_push": "yes"}, "`scan_on_push` must be true or false."),
        ({"encryption": "none"}, "`encryption` must be one of AES256, KMS, KMS_DSSE."),
        ({"resource_tags": 7}, "`resource_tags` must be an object or null."),
        ({"encryption": {"encryptionType": ["KMS"]}}, "`encryption` must be one of AES256, KMS,"),
        ({"encryption": {"encryptionType": "KMS", "kmsKey": 7}}, "`encryption.kmsKey` must be a"),
        ({"encryption": {"type": "KMS"}}, "`encryption.type` is no field"),
        ({"mutability": {"imageTagMutability": ["MUTABLE"]}},
         "`mutability.imageTagMutability` must be one of MUTABLE,"),
        ({"resource_tags": {"a": 1}}, "`resource_tags.a` must be a string."),
        ({"resource_tags": {"a": "b", "c": None}}, "`resource_tags.c` must be a string."),
        ({"resource_tags": [{"Key": "a", "Value": "b"}, {"Key": "c"}]},
         "`resource_tags[1]` must have `Key` and `Value` as text."),
        ({"resource_tags": {"tags": [{"Key": 1, "Value": "b"}]}},
         "`resource_tags[0]` must have `Key` and `Value` as text."),
        ({"resource_tags": [{"Key": "a", "Value": 1}]},
         "`resource_tags[0]` must have `Key` and `Value` as text."),
        ({"resource_tags": [{"key": "a", "Value": "b"}]}, "`resource_tags[0].key` is no field"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(document: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_document(document)
    assert said in str(caught.value)


KEY = "arn:aws:kms:eu-west-1:123456789012:key/0f6c2a"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"encryption": {"encryptionType": "KMS", "kmsKey": KEY}}, Encrypted("KMS", KEY)),
        ({"encryption": {"encryptionType": "KMS", "kmsKey": None}}, Encrypted("KMS")),
        ({"encryption": {"encryptionConfiguration": {"encryptionType": "KMS"}}}, Encrypted("KMS")),
        ({"resource_tags": {"tags": [{"Key": "a", "Value": "b"}]}}, {"a": "b"}),
        ({"resource_tags": [{"Key": "a", "Value": ""}]}, {"a": ""}),
        ({"resource_tags": {"tags": "b"}}, {"tags": "b"}),
    ],
)
def test_each_shape_of_a_setting_is_read(given: dict[str, Any], read: Any) -> None:
    assert [*Settings.from_document(given).found.values()] == [read]
