"""What answers in place of AWS ends in one sentence, too."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config
from click.testing import CliRunner

from ecr_steward_cli.deployed.stack import Outside
from ecr_steward_cli.main import main

ANSWERS = {
    "page": (200, b"<html><p>Please log in</html>"),
    "nothing": (200, b""),
    "other": (200, b"<DescribeStacksResponse/>"),
    "refusal": (502, b"<html>Bad Gateway</html>"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that gives the answer which the path names."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = ANSWERS[self.path.strip("/")]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_is_not_aws_is_said_in_one_sentence(server: str, answer: str) -> None:
    client = boto3.client(
        "cloudformation", "eu-west-1", endpoint_url=f"{server}/{answer}", aws_access_key_id="k",
        aws_secret_access_key="s", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    outside = Outside(client=lambda service: client)
    result = CliRunner().invoke(main, ["status"], obj=outside, prog_name="ecr-steward")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    said = "AWS refused DescribeStacks: 502" if answer == "refusal" else "What answered is not AWS"
    assert result.stderr.startswith(said)
