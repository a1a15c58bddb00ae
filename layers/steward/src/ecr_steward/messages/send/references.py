"""Addresses and secrets by their references: read when needed, kept for minutes, never shown."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ecr_steward.messages.channels.reference import Reference, Secret, Store

MAX_AGE = 300.0
"""Seconds after which a value is read again: how long an old secret can live on in a sandbox."""

_MISSING = frozenset({"ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFoundException"})
_DENIED = frozenset({"AccessDeniedException", "AccessDenied", "DecryptionFailure"})
_INVALID = frozenset({"ValidationException", "InvalidParameterException", "InvalidKeyId"})


class Unreadable(Exception):
    """What a reference leads to cannot be read; `lasting` where trying again changes nothing.

    The sentence names the reference.
    """

    def __init__(self, sentence: str, *, lasting: bool) -> None:
        super().__init__(sentence)
        self.lasting = lasting


class References:
    """Reads parameters and secrets; `client` gives the client of an AWS service."""

    def __init__(
        self, client: Callable[[str], Any], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._kept: dict[Reference, tuple[float, Secret]] = {}

    def read(self, reference: Reference) -> Secret:
        """What the reference leads to, at most MAX_AGE old. Raises Unreadable."""
        kept = self._kept.get(reference)
        now = self._clock()
        if kept is not None and now < kept[0] + MAX_AGE:
            return kept[1]
        value = Secret(self._read(reference))
        self._kept[reference] = (now, value)
        return value

    def forget(self, reference: Reference) -> None:
        """Have it read anew when it is needed next."""
        self._kept.pop(reference, None)

    def _read(self, reference: Reference) -> str:
        try:
            text = self._fetch(reference)
        except ClientError as error:
            raise _unreadable(reference, error.response["Error"].get("Code", "unknown")) from None
        except BotoCoreError as error:
            sentence = f"`{reference}` could not be read ({type(error).__name__})."
            raise Unreadable(sentence, lasting=False) from None
        value = (_value(reference, text) if reference.key else text).strip()
        if not value:
            raise Unreadable(f"`{reference}` is empty.", lasting=True)
        return value

    def _fetch(self, reference: Reference) -> str:
        if reference.store is Store.SSM:
            client = self._client("ssm")
            return str(
                client.get_parameter(Name=reference.name, WithDecryption=True)["Parameter"]["Value"]
            )
        client = self._client("secretsmanager")
        return str(client.get_secret_value(SecretId=reference.name).get("SecretString", ""))


def _unreadable(reference: Reference, code: str) -> Unreadable:
    if code in _MISSING:
        return Unreadable(f"`{reference}` does not exist: create it.", lasting=True)
    if code in _DENIED:
        return Unreadable(
            f"The notifier is not allowed to read `{reference}` ({code}): the stack parameter "
            "ChannelParameters or ChannelSecrets must match its name, and ChannelKey must name the "
            "KMS key if it is one of your own.",
            lasting=True,
        )
    return Unreadable(f"`{reference}` could not be read ({code}).", lasting=code in _INVALID)


def _value(reference: Reference, text: str) -> str:
    """The value of the reference's key. The secret itself is in no sentence."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    value = document.get(reference.key) if isinstance(document, dict) else None
    if not isinstance(value, str):
        raise Unreadable(
            f"`{reference}`: the secret is not a JSON object with a string under this key.",
            lasting=True,
        )
    return value
