"""History answers from the pages that it needs, however long the past is."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from bench.history import QUESTIONS, LongPast, Question, ask, dynamodb_at

RECORDS = 1_000_000


class Raw(io.BytesIO):
    def stream(self) -> Any:
        yield self.read()


def client_of(table: LongPast) -> Any:
    """boto3's client, whose requests go to the table by a call."""
    client = dynamodb_at("http://127.0.0.1")

    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        target: Any = request.headers["X-Amz-Target"]
        body: Any = request.body
        answer = table.answer(target.decode().rpartition(".")[2], json.loads(body))
        headers: Any = {}
        return AWSResponse(str(request.url), 200, headers, Raw(json.dumps(answer).encode()))

    client.meta.events.register("before-send.dynamodb", send)
    return client


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.what)
def test_a_million_records_cost_queries_alone_and_few_pages(question: Question) -> None:
    table = LongPast(RECORDS)
    said = ask(question, client_of(table))
    assert question.found in said
    assert table.calls == {"Query": question.pages}
