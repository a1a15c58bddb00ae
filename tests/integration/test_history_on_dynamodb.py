"""History on DynamoDB: the same contract on moto, and the answers that moto never gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from ecr_steward.history.dynamo import DynamoTable, write
from ecr_steward.history.table import Conflict, Item, Put
from tests.support.dynamodb import as_strict_as_aws, create_history_table
from tests.support.history_contract import HistoryContract
from tests.support.ledger_contract import LedgerContract
from tests.support.running_contract import RunningContract

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NAME = "history"


@pytest.fixture
def client() -> Iterator[DynamoDBClient]:
    with mock_aws():
        client = boto3.client("dynamodb")
        create_history_table(client, NAME)
        yield as_strict_as_aws(client)


class TestHistoryOnDynamoDb(HistoryContract):
    @pytest.fixture
    def table(self, client: DynamoDBClient) -> DynamoTable:
        return DynamoTable(client, NAME, sleep=lambda seconds: None)


class TestLedgerOnDynamoDb(LedgerContract):
    @pytest.fixture
    def table(self, client: DynamoDBClient) -> DynamoTable:
        return DynamoTable(client, NAME, sleep=lambda seconds: None)


class TestRunningOnDynamoDb(RunningContract):
    @pytest.fixture
    def table(self, client: DynamoDBClient) -> DynamoTable:
        return DynamoTable(client, NAME, sleep=lambda seconds: None)


@pytest.fixture
def stubbed() -> Iterator[tuple[DynamoTable, Stubber]]:
    client = boto3.client("dynamodb")
    with Stubber(client) as stubber:
        yield DynamoTable(client, NAME, sleep=lambda seconds: None), stubber
        stubber.assert_no_pending_responses()


def keys(*names: str) -> dict[str, Any]:
    asked = [{"pk": {"S": "p"}, "sk": {"S": name}} for name in names]
    return {NAME: {"Keys": asked, "ConsistentRead": True}}


def puts(*names: str) -> dict[str, Any]:
    return {NAME: [{"PutRequest": {"Item": write(Item("p", name))}} for name in names]}


def found(*names: str) -> dict[str, Any]:
    return {NAME: [write(Item("p", name)) for name in names]}


def test_keys_that_were_not_processed_are_asked_for_again(
    stubbed: tuple[DynamoTable, Stubber],
) -> None:
    table, stubber = stubbed
    for asked, answered, left in [
        (("a", "b", "c"), ("b",), keys("a", "c")),
        (("a", "c"), (), keys("a", "c")),
        (("a", "c"), ("a", "c"), {}),
    ]:
        answer = {"Responses": found(*answered), "UnprocessedKeys": left}
        stubber.add_response("batch_get_item", answer, {"RequestItems": keys(*asked)})
    items = table.get([("p", "a"), ("p", "b"), ("p", "c")])
    assert sorted(sk for _, sk in items) == ["a", "b", "c"]


def test_items_that_were_not_processed_are_put_again(stubbed: tuple[DynamoTable, Stubber]) -> None:
    table, stubber = stubbed
    for asked, left in [(puts("a", "b", "c"), puts("c")), (puts("c"), puts("c")), (puts("c"), {})]:
        answer = {"UnprocessedItems": left}
        stubber.add_response("batch_write_item", answer, {"RequestItems": asked})
    table.put_all(Item("p", name) for name in "abc")


def test_what_was_not_processed_waits_longer_each_time_but_not_for_ever() -> None:
    client, slept = boto3.client("dynamodb", region_name="eu-west-1"), list[float]()
    table, stubber = DynamoTable(client, NAME, slept.append), Stubber(client)
    for left in (*[puts("a", "b")] * 12, {}):
        stubber.add_response("batch_write_item", {"UnprocessedItems": left})
    with stubber:
        table.put_all(Item("p", name) for name in "ab")
    assert len(slept) == 12
    assert max(slept) <= 0.05 * 2**6


def test_more_than_a_hundred_keys_are_asked_for_in_several_calls_each_key_once(
    stubbed: tuple[DynamoTable, Stubber],
) -> None:
    table, stubber = stubbed
    names = [f"{n:03}" for n in range(203)]
    for part in (names[:100], names[100:200], names[200:]):
        answer = {"Responses": found(*part), "UnprocessedKeys": {}}
        stubber.add_response("batch_get_item", answer, {"RequestItems": keys(*part)})
    assert len(table.get([("p", name) for name in [*names, *names]])) == 203


def test_more_than_25_items_are_put_in_several_calls(stubbed: tuple[DynamoTable, Stubber]) -> None:
    table, stubber = stubbed
    names = [f"{n:03}" for n in range(51)]
    for part in (names[:25], names[25:50]):
        answer: dict[str, Any] = {"UnprocessedItems": {}}
        stubber.add_response("batch_write_item", answer, {"RequestItems": puts(*part)})
    last = {"TableName": NAME, "Item": write(Item("p", "050"))}
    stubber.add_response("put_item", {}, last)
    table.put_all(Item("p", name) for name in names)


def test_reads_are_consistent_and_queries_are_read_page_by_page(
    stubbed: tuple[DynamoTable, Stubber],
) -> None:
    table, stubber = stubbed
    asked: dict[str, Any] = {
        "TableName": NAME,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)",
        "ExpressionAttributeValues": {":pk": {"S": "p"}, ":sk": {"S": "a"}},
        "ConsistentRead": True,
    }
    start = {"pk": {"S": "p"}, "sk": {"S": "a1"}}
    page = {"Items": found("a1")[NAME], "LastEvaluatedKey": start}
    stubber.add_response("query", page, asked)
    stubber.add_response(
        "query", {"Items": found("a2")[NAME]}, asked | {"ExclusiveStartKey": start}
    )
    assert [item.sk for item in table.query("p", "a")] == ["a1", "a2"]


def cancelled(stubber: Stubber, *codes: str) -> None:
    reasons = [{"Code": code} for code in codes]
    stubber.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        f"Transaction cancelled, reasons [{', '.join(codes)}]",
        http_status_code=400,
        modeled_fields={"CancellationReasons": reasons},
    )


@pytest.mark.parametrize(
    "codes",
    [("None", "ConditionalCheckFailed"), ("ConditionalCheckFailed", "TransactionConflict")],
)
def test_a_condition_that_failed_is_a_conflict(
    stubbed: tuple[DynamoTable, Stubber], codes: tuple[str, ...]
) -> None:
    table, stubber = stubbed
    cancelled(stubber, *codes)
    with pytest.raises(Conflict):
        table.transact([Put(Item("p", "a")), Put(Item("p", "b"), absent=True)])


@pytest.mark.parametrize(
    "codes",
    [
        ("ValidationError",),
        ("ItemCollectionSizeLimitExceeded",),
    ],
)
def test_a_transaction_cancelled_for_another_reason_is_an_error_and_no_conflict(
    stubbed: tuple[DynamoTable, Stubber], codes: tuple[str, ...]
) -> None:
    table, stubber = stubbed
    cancelled(stubber, *codes)
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        table.transact([Put(Item("p", "a"), absent=True)])


PASSING = [
    ("None", "TransactionConflict"),
    ("ThrottlingError",),
    ("ProvisionedThroughputExceeded", "None"),
]


@pytest.mark.parametrize("codes", PASSING)
def test_a_transaction_that_met_another_is_tried_again(
    stubbed: tuple[DynamoTable, Stubber], codes: tuple[str, ...]
) -> None:
    table, stubber = stubbed
    cancelled(stubber, *codes)
    cancelled(stubber, *codes)
    stubber.add_response("transact_write_items", {})
    table.transact([Put(Item("p", "a"), absent=True)])
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("codes", PASSING)
def test_a_transaction_that_always_meets_another_is_given_up(
    stubbed: tuple[DynamoTable, Stubber], codes: tuple[str, ...]
) -> None:
    table, stubber = stubbed
    for _ in range(6):
        cancelled(stubber, *codes)
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        table.transact([Put(Item("p", "a"), absent=True)])
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    "code", ["ResourceNotFoundException", "AccessDeniedException", "ValidationException"]
)
def test_any_other_answer_is_an_error(stubbed: tuple[DynamoTable, Stubber], code: str) -> None:
    table, stubber = stubbed
    for operation in ("batch_get_item", "transact_write_items", "put_item"):
        stubber.add_client_error(operation, code, http_status_code=400)
    with pytest.raises(ClientError, match=code):
        table.get([("p", "a")])
    with pytest.raises(ClientError, match=code):
        table.transact([Put(Item("p", "a"))])
    with pytest.raises(ClientError, match=code):
        table.put_all([Item("p", "a")])
