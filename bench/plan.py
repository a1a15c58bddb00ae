"""`ecr-steward plan` of many repositories, over the local ECR.

`python -m bench.plan PORT REPOSITORIES TAGS` serves the local ECR, filled in its own process.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from click.testing import CliRunner

from bench.report import Row
from ecr_steward_cli.commands.plan import plan
from ecr_steward_cli.deployed.stack import Outside
from local import processes

ROOT = Path(__file__).resolve().parents[1]
ACCOUNT, REGION = "123456789012", "eu-west-1"
MOST_SECONDS = 120
_PATIENCE = 600.0
RULES = """\
version: 1
rules:
  - repositories: ["team/*"]
    tags:
      unique: [semver]
      stable:
        - {tag: "{major}.{minor}", follows: highest}
        - {tag: "{major}", follows: highest}
        - {tag: latest, follows: highest}
    repository:
      policy: {others: keep, public: remove}
      lifecycle:
        rules:
          - rulePriority: 1
            selection:
              {tagStatus: untagged, countType: sinceImagePushed, countUnit: days, countNumber: 14}
            action: {type: expire}
      scan_on_push: true
      resource_tags: {owner: platform}
    images: {keep: [{highest: 5}], others: report}
"""


def tags_of(number: int) -> Iterator[str]:
    """`number` tags of one repository, the stable ones behind: versions of ten minors."""
    stable = ("latest", "1", *(f"1.{minor}" for minor in range(10)))
    yield from (f"1.{i % 10}.{i // 10}" for i in range(number - len(stable)))
    yield from stable


def manifest(note: str) -> str:
    """A manifest of its own for each note; stable tags are on that of the first version."""
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "note": note}
    media_type = "application/vnd.oci.image.manifest.v1+json"
    return json.dumps({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": []})


def is_version(tag: str) -> bool:
    return tag.count(".") == 2


def fill(put: Callable[[str, str, str], object], repository: str, tags: int) -> None:
    """Put all tags of a repository on images: `put` gets the repository, a manifest, a tag."""
    for tag in tags_of(tags):
        put(repository, manifest(f"{repository}:{tag if is_version(tag) else '1.0.0'}"), tag)


def serve(port: int, repositories: int, tags: int) -> None:
    """The local ECR with so many repositories, until stopped."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    from local.ecr.server import create_app

    class Quiet(WSGIRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(ACCOUNT, REGION, Path(folder), lambda event: None)
        from moto.ecr.models import ecr_backends

        ecr: Any = ecr_backends[ACCOUNT][REGION]
        for number in range(repositories):
            name = f"team/{number:04}"
            ecr.create_repository(name, None, {}, None, "MUTABLE", [])
            fill(ecr.put_image, name, tags)
        server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
        server.serve_forever()


def measure(repositories: int, tags: int, progress: Callable[[str], None]) -> list[Row]:
    """The rows of a plan of so many repositories with so many tags each, on the local ECR."""
    group = f"plan, {repositories:,} repositories of {tags} tags, the local ECR"
    progress("filling the local ECR")
    with (
        tempfile.TemporaryDirectory(prefix="ecr-steward-bench-") as folder,
        _served(Path(folder), repositories, tags) as endpoint,
    ):
        progress("a plan of it")
        found, seconds = _planned(Path(folder), endpoint)
    totals = found["totals"]
    right = (totals["repositories"], totals["unread"]) == (repositories, 0)
    return [
        Row(
            group,
            "the whole command, nothing unread",
            seconds,
            "s",
            goal=f"< {MOST_SECONDS} s",
            met=right and seconds < MOST_SECONDS,
        ),
        Row(group, "changes planned", sum(totals["changes"].values()), "changes"),
    ]


@contextlib.contextmanager
def _served(folder: Path, repositories: int, tags: int) -> Iterator[str]:
    (port,) = processes.free_ports(1)
    command = [sys.executable, "-m", "bench.plan", str(port), str(repositories), str(tags)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "AWS_REGION": REGION}
    log, endpoint = folder / "server.log", f"http://127.0.0.1:{port}"
    server = processes.start(command, environment, log)
    try:
        processes.wait_for(server, "ECR", lambda: _answers(endpoint), log, _PATIENCE)
        yield endpoint
    finally:
        server.stop()


def _answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(f"{endpoint}/_local/health").close()  # noqa: S310
    except OSError:
        return False
    return True


def _planned(folder: Path, endpoint: str) -> tuple[dict[str, Any], float]:
    """What `plan --out` keeps, and the seconds it took."""
    rules, out = folder / "rules.yaml", folder / "plan.json"
    rules.write_text(RULES)
    outside = Outside(client=lambda service: _client(service, endpoint))
    asked = ["--rules", str(rules), "--out", str(out)]
    began = time.perf_counter()
    CliRunner().invoke(plan, asked, obj=outside, env={"XDG_CACHE_HOME": str(folder)})
    seconds = time.perf_counter() - began
    return json.loads(out.read_text()), seconds


class _Caller:
    """STS, which knows who asks."""

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": ACCOUNT}


class _NoStack:
    """CloudFormation without any stack."""

    meta = boto3.client("cloudformation", REGION).meta

    def describe_stacks(self, **asked: Any) -> Any:
        raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")


def _client(service: str, endpoint: str) -> Any:
    if service != "ecr":
        return {"sts": _Caller, "cloudformation": _NoStack}[service]()
    return boto3.client(
        "ecr",
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",
        config=Config(proxies={}, max_pool_connections=20),
    )


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:4]))
