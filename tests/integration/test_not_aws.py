"""What answers in place of AWS ends in one sentence, too."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from click.testing import CliRunner

from ecr_steward_cli.deployed.answers import take_aws_alone
from ecr_steward_cli.deployed.stack import Outside
from ecr_steward_cli.main import main

ANSWERS = {
    "page": (200, b"<html><p>Please log in</html>"),
    "neat page": (200, b"<!DOCTYPE html><html><p>Please log in</p></html>"),
    "json": (200, b'["log in"]'),
    "nothing": (200, b""),
    "other": (200, b"<DescribeStacksResponse/>"),
    "refusal": (502, b"<html>Bad Gateway</html>"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that gives the answer which the path names."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = ANSWERS[self.path.strip("/").replace("_", " ")]
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


COMMANDS = ("status", "init", "wait base/redis:1.4 --for 1.4.2", "plan --rules rules.yaml")


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_not_aws_is_said_in_one_sentence(
    server: str, answer: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rules.yaml").write_text("version: 1\nrules: []\n")
    session: Any = boto3.session.Session("k", "s", region_name="eu-west-1")
    take_aws_alone(session)
    once = Config(retries={"total_max_attempts": 1})
    address = f"{server}/{answer.replace(' ', '_')}"
    outside = Outside(client=lambda name: session.client(name, endpoint_url=address, config=once))
    result = CliRunner().invoke(main, command.split(), obj=outside, prog_name="ecr-steward")
    said = "AWS refused" if answer == "refusal" else "What answered is not AWS"
    assert said in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
