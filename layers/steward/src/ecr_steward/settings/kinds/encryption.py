"""How the images of a repository are encrypted: ECR never changes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.settings.kinds.kind import Around, Setting
from ecr_steward.settings.state import (
    BaselineError,
    Path,
    Problem,
    SettingAction,
    SettingChange,
    SettingsError,
    check_fields,
    check_known,
    mapping,
    unwrapped,
)
from ecr_steward.tags.scheme import Scheme

TYPES = ("AES256", "KMS", "KMS_DSSE")
_KEY = re.compile(r"arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Encrypted:
    """How a repository is encrypted: ECR's word, and the ARN of the KMS key, None for AWS's own or
    where it is not known."""

    type: str = "AES256"
    key: str | None = None

    def __str__(self) -> str:
        return self.type if self.key is None else f"{self.type} with {self.key}"


@dataclass(frozen=True, slots=True)
class WantedEncryption:
    """The words that will do, and the KMS key that it must be, None for any."""

    types: tuple[str, ...]
    key: str | None = None

    def is_met_by(self, found: Encrypted) -> bool:
        return found.type in self.types and self.key in (None, found.key)

    def __str__(self) -> str:
        types = " or ".join(self.types)
        return types if self.key is None else f"{types} with {self.key}"


SCHEMA: Mapping[str, Any] = {
    "encryption": {
        "title": "Encryption",
        "description": (
            "How the images are encrypted: AES256, KMS or KMS_DSSE, or several of them that"
            " will do and the KMS key that it must be. A repository that is encrypted "
            "otherwise is reported: ECR cannot change it. Creation templates use the first "
            "type and the key."
        ),
        "type": ["string", "object"],
        "additionalProperties": False,
        "properties": {
            "type": {
                "title": "Type",
                "description": "The types that will do; with `key` alone both kinds of KMS.",
                "type": ["string", "array"],
                "uniqueItems": True,
                "items": {
                    "enum": ["AES256", "KMS", "KMS_DSSE"],
                },
                "examples": ["KMS", ["KMS", "KMS_DSSE"]],
            },
            "key": {
                "title": "Key",
                "description": "The ARN of the KMS key that it must be.",
                "type": "string",
                "examples": [
                    ("arn:aws:kms:eu-west-1:111122223333:key/0f0e0d0c-1111-2222-3333-444455556666"),
                ],
            },
        },
        "examples": [
            "AES256",
            "KMS",
            {
                "type": ["KMS", "KMS_DSSE"],
            },
        ],
    },
}


class Encryption(Setting[WantedEncryption, Encrypted]):
    name = "encryption"
    printed = ("encryptionConfiguration",)
    schema = SCHEMA
    unset = Encrypted()

    def wish(self, stated: Mapping[str, Any], scheme: Scheme | None) -> WantedEncryption:
        value = stated[self.name]
        if isinstance(value, str):
            return WantedEncryption((_type(value, (self.name,)),))
        found = mapping(value, (self.name,))
        check_known(found, ("type", "key"), (self.name,))
        if not found:
            raise BaselineError("`encryption` is empty; name `type`, `key` or both.", (self.name,))
        types = tuple(_types(found.get("type", list(TYPES[1:])), (self.name, "type")))
        key, path = found.get("key"), (self.name, "key")
        if key is not None and (not isinstance(key, str) or not _KEY.fullmatch(key)):
            raise BaselineError(
                f"`{key}` is no ARN of a KMS key: arn:aws:kms:REGION:ACCOUNT:key/ID, which is what "
                "ECR keeps, not an alias.",
                path,
            )
        if key is not None and "AES256" in types:
            raise BaselineError("AES256 has no key of one's own; name KMS under `type`.", path)
        return WantedEncryption(types, key)

    def from_answer(self, answer: Mapping[str, Any]) -> Encrypted:
        found = answer.get("encryptionConfiguration") or {}
        return Encrypted(found.get("encryptionType", "AES256"), found.get("kmsKey") or None)

    def from_given(self, value: Any) -> Encrypted:
        value = unwrapped(value, "encryptionConfiguration")
        found = {"encryptionType": value} if isinstance(value, str) else value
        check_fields(found, ("encryptionType", "kmsKey"), self.name)
        word, key = found.get("encryptionType"), found.get("kmsKey")
        if not isinstance(word, str) or word not in TYPES:
            raise SettingsError(f"`encryption` must be one of {', '.join(TYPES)}.")
        if key is not None and not isinstance(key, str):
            raise SettingsError("`encryption.kmsKey` must be a string.")
        return Encrypted(word, key)

    def drift(
        self, wish: WantedEncryption, found: Encrypted, around: Around
    ) -> Iterator[SettingChange]:
        if wish.is_met_by(found):
            return
        reason = (
            f"The repository is encrypted with {found}, where the rule has {wish}: ECR cannot "
            "change it, so make the repository anew and push its images again."
        )
        yield self.change(Problem.UNCHANGEABLE, str(found), str(wish), reason, SettingAction.REPORT)

    def explain(self, wish: WantedEncryption, around: Around) -> Iterator[tuple[str, str]]:
        yield "encryption", f"{wish}; another one is reported, as ECR cannot change it"

    def made(self, wish: WantedEncryption, scheme: Scheme | None, *, cache: bool) -> Encrypted:
        return Encrypted(wish.types[0], wish.key)

    def to_template(self, value: Encrypted) -> dict[str, Any]:
        said = {"encryptionType": value.type}
        return {
            "encryptionConfiguration": said if value.key is None else {**said, "kmsKey": value.key}
        }

    def from_template(self, template: Mapping[str, Any]) -> Encrypted:
        return self.from_answer(template)

    def over(self, value: Encrypted, found: Encrypted) -> Encrypted:
        return found if value.key is None and value.type == found.type else value

    def needs_role(self, value: Encrypted) -> bool:
        return value.type != "AES256"


def _types(value: Any, path: Path) -> Iterator[str]:
    if not isinstance(value, list):
        yield _type(value, path)
    elif not value:
        raise BaselineError("`type` is empty; name at least one.", path)
    else:
        for i, each in enumerate(value):
            yield _type(each, (*path, i))


def _type(value: Any, path: Path) -> str:
    if not isinstance(value, str) or value not in TYPES:
        raise BaselineError(f"`encryption` must be one of {', '.join(TYPES)}.", path)
    return value
