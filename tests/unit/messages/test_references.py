"""Addresses and secrets by reference: read when needed, kept for minutes, never shown."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from ecr_steward.messages.channels.reference import Reference, Secret
from ecr_steward.messages.send.references import MAX_AGE, References, Unreadable

HIDDEN = "https://hooks.example/T000/B000/XXXX"
URL = Reference.parse("ssm:/ecr-steward/slack")
KEY = Reference.parse("secretsmanager:steward/hook")
PART = Reference.parse("secretsmanager:steward/hooks#audit")


class Stores:
    """SSM and Secrets Manager, which count what they are asked."""

    def __init__(self) -> None:
        self.values = {"/ecr-steward/slack": HIDDEN, "steward/hook": f" {HIDDEN}\n"}
        self.asked: list[str] = []
        self.fault: Exception | None = None

    def client(self, service: str) -> Any:
        assert service in ("ssm", "secretsmanager")
        return self

    def get_parameter(self, *, Name: str, WithDecryption: bool) -> dict[str, Any]:  # noqa: N803
        assert WithDecryption
        return {"Parameter": {"Value": self._read(Name, "ParameterNotFound")}}

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803
        return {"SecretString": self._read(SecretId, "ResourceNotFoundException")}

    def _read(self, name: str, missing: str) -> str:
        self.asked.append(name)
        if self.fault is not None:
            raise self.fault
        if name not in self.values:
            raise refused(missing)
        return self.values[name]


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": HIDDEN}}, "GetParameter")


@pytest.fixture
def stores() -> Stores:
    return Stores()


def test_a_parameter_and_a_secret_are_read_without_the_space_around_them(stores: Stores) -> None:
    references = References(stores.client)
    assert references.read(URL).reveal() == HIDDEN
    assert references.read(KEY).reveal() == HIDDEN


def test_a_key_of_a_secret_is_read(stores: Stores) -> None:
    stores.values["steward/hooks"] = '{"audit": "one", "other": "two"}'
    assert References(stores.client).read(PART).reveal() == "one"


@pytest.mark.parametrize("content", ["text", "[]", "{}", '{"audit": 7}', '{"audit": null}', "{"])
def test_a_secret_without_the_key_says_so_and_not_what_it_holds(
    stores: Stores, content: str
) -> None:
    stores.values["steward/hooks"] = content
    with pytest.raises(
        Unreadable, match="not a JSON object with a string under this key"
    ) as caught:
        References(stores.client).read(PART)
    assert caught.value.lasting
    assert "`secretsmanager:steward/hooks#audit`" in str(caught.value)


def test_what_was_read_is_kept_for_minutes_and_no_longer(stores: Stores) -> None:
    now = [0.0]
    references = References(stores.client, clock=lambda: now[0])
    references.read(URL)
    stores.values["/ecr-steward/slack"] = "new"
    now[0] = MAX_AGE - 1
    assert references.read(URL).reveal() == HIDDEN
    now[0] = MAX_AGE
    assert references.read(URL).reveal() == "new"
    assert len(stores.asked) == 2


def test_what_is_forgotten_is_read_anew(stores: Stores) -> None:
    references = References(stores.client)
    references.read(URL)
    references.read(KEY)
    references.forget(URL)
    references.forget(PART)
    references.read(URL)
    references.read(KEY)
    assert stores.asked == ["/ecr-steward/slack", "steward/hook", "/ecr-steward/slack"]


@pytest.mark.parametrize(
    ("code", "lasting", "sentence"),
    [
        ("ParameterNotFound", True, "does not exist: create it"),
        ("AccessDeniedException", True, "ChannelParameters or ChannelSecrets must match"),
        ("ValidationException", True, "could not be read"),
        ("ThrottlingException", False, "could not be read"),
        ("InternalServerError", False, "could not be read"),
    ],
)
def test_a_refusal_names_the_reference_and_the_way_out(
    stores: Stores, code: str, lasting: bool, sentence: str
) -> None:
    stores.fault = refused(code)
    with pytest.raises(Unreadable, match=sentence) as caught:
        References(stores.client).read(URL)
    assert caught.value.lasting is lasting
    assert "`ssm:/ecr-steward/slack`" in str(caught.value)
    assert HIDDEN not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_store_that_does_not_answer_is_a_passing_fault(stores: Stores) -> None:
    stores.fault = ConnectTimeoutError(endpoint_url="https://ssm")
    with pytest.raises(Unreadable, match="ConnectTimeoutError") as caught:
        References(stores.client).read(URL)
    assert not caught.value.lasting


def test_an_empty_value_is_none(stores: Stores) -> None:
    stores.values["/ecr-steward/slack"] = " \n"
    with pytest.raises(Unreadable, match="is empty"):
        References(stores.client).read(URL)


def test_a_fault_is_not_kept(stores: Stores) -> None:
    references = References(stores.client)
    stores.fault = refused("ParameterNotFound")
    with pytest.raises(Unreadable):
        references.read(URL)
    stores.fault = None
    assert references.read(URL).reveal() == HIDDEN


def test_a_secret_shows_itself_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(HIDDEN)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("ecr_steward").info("%s %r %s", secret, secret, {"url": secret})
    assert HIDDEN not in caplog.text + repr(secret) + f"{secret}"
