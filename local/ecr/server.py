"""ECR on one loopback port: the API, the registry protocol under /v2/, and ECR's events.

`python -m local.ecr.server --help` lists what it takes; LocalCloud starts it. Two paths are our
own: GET /_local/health tells the process and how many events were sent, GET /_local/calls counts
the calls by caller and operation since the last POST /_local/calls/reset.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore import xform_name
from botocore.config import Config
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from ecr_steward.words.calls import OF_REPOSITORIES, OF_THE_REGISTRY
from local.ecr.events import DEFAULT_SOURCE, ApiCall, Event, EventSender
from local.ecr.registry import BlobStore, RegistryApp, password_for

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from local.ecr.operations import ServedOperations

logger = logging.getLogger(__name__)

OWN_CLIENT: Final = "local-cloud"
"""User-agent mark of LocalCloud's own clients."""
FUNCTIONS: Final = "exec-env/AWS_Lambda"
"""User-agent mark the SDK sets where AWS_EXECUTION_ENV says it runs in Lambda."""


class Calls:
    """Counts ECR operations by caller: `functions`, `local`, `registry` (/v2/) or `other`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {}

    def add(self, caller: str, operation: str) -> None:
        """Count one call."""
        with self._lock:
            self._counts.setdefault(caller, Counter())[operation] += 1

    def counts(self) -> dict[str, dict[str, int]]:
        """`{caller: {operation: calls}}`."""
        with self._lock:
            return {caller: dict(counter) for caller, counter in self._counts.items()}

    def reset(self) -> None:
        """Begin again at nothing."""
        with self._lock:
            self._counts.clear()


def _somebody(access_key: str) -> str:
    return "arn:aws:iam::123456789012:root"


def create_app(
    account: str,
    region: str,
    data: Path,
    announce: Callable[[Event], None],
    health: Callable[[], dict[str, int]] = dict,
    caller_of: Callable[[str], str] = _somebody,
) -> WSGIApplication:
    """The whole server as a WSGI application with an empty registry.

    `data` is the folder for blobs, `announce` takes each event ECR would send, `health` gives what
    /_local/health answers. `caller_of` knows the ARN of whoever has an access key.
    """
    # moto takes its account from here, when it is first imported.
    os.environ["MOTO_ACCOUNT_ID"] = account
    from moto.ecr.responses import ECRResponse
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from local.ecr.backend import install
    from local.ecr.operations import ServedOperations

    blobs = BlobStore(data)
    ecr = install(account, region, announce, blobs.keep)
    calls = Calls()
    registry = RegistryApp(
        ecr, blobs, password_for(account), lambda operation: calls.add("registry", operation)
    )
    api = DomainDispatcherApplication(create_backend_app)
    own = ServedOperations(ecr)
    trail = CallTrail(announce, caller_of)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if path == "/v2" or path.startswith("/v2/"):
            return registry(environ, start_response)
        if path.startswith("/_local/"):
            return _own(path, environ, calls, health)(environ, start_response)
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        calls.add(_caller(environ.get("HTTP_USER_AGENT", "")), operation or path)
        if own.has(operation):
            return trail.along(operation, environ, _served(own, operation, environ))(
                environ, start_response
            )
        if not hasattr(ECRResponse, xform_name(operation or "none")):
            return _unsupported(operation)(environ, start_response)
        if operation in OF_REPOSITORIES | OF_THE_REGISTRY:
            asked = Request(environ).get_data()  # read once: moto gets it again
            environ["wsgi.input"] = io.BytesIO(asked)
            made = Response.from_app(api, environ)
            environ["wsgi.input"] = io.BytesIO(asked)
            return trail.along(operation, environ, made)(environ, start_response)
        answer: Iterable[bytes] = api(environ, start_response)
        return answer

    return app


class CallTrail:
    """CloudTrail: announces the calls that change settings, with whoever made them."""

    def __init__(self, announce: Callable[[Event], None], caller_of: Callable[[str], str]) -> None:
        self._announce = announce
        self._caller_of = caller_of

    def along(self, operation: str, environ: WSGIEnvironment, response: Response) -> Response:
        """The same response, and the call announced if it is one that changes settings."""
        if operation not in OF_REPOSITORIES | OF_THE_REGISTRY:
            return response
        answered = json.loads(response.get_data() or b"{}")
        failed = response.status_code != 200
        key = re.search(r"Credential=([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
        call = ApiCall(
            name=operation,
            asked=json.loads(Request(environ).get_data() or b"{}"),
            caller=self._caller_of(key[1] if key else ""),
            time=datetime.now(UTC),
            error=str(answered.get("__type", "")).rpartition("#")[2] if failed else None,
            answered=answered if operation == "CreateRepository" and not failed else None,
        )
        self._announce(call)
        return response


def _served(own: ServedOperations, operation: str, environ: WSGIEnvironment) -> Response:
    # moto takes its account when it is first imported, and that is not before the server's.
    from moto.core.exceptions import ServiceException

    asked = Request(environ).get_data()
    environ["wsgi.input"] = io.BytesIO(asked)
    try:
        return _answer(200, own.call(operation, json.loads(asked or b"{}")))
    except ServiceException as error:
        response = _answer(400, {"__type": error.code, "message": error.message})
        response.headers["x-amzn-ErrorType"] = error.code
        return response


def _caller(user_agent: str) -> str:
    if OWN_CLIENT in user_agent:
        return "local"
    return "functions" if FUNCTIONS in user_agent else "other"


def _own(
    path: str, environ: WSGIEnvironment, calls: Calls, health: Callable[[], dict[str, int]]
) -> Response:
    match Request(environ).method, path:
        case "GET", "/_local/health":
            return _answer(200, {"pid": os.getpid(), **health()})
        case "GET", "/_local/calls":
            return _answer(200, calls.counts())
        case "POST", "/_local/calls/reset":
            calls.reset()
            return _answer(200, {})
    return _answer(404, {"message": f"{path} is not served."})


def _unsupported(operation: str) -> Response:
    message = f"The local ECR does not serve {operation or 'a call without X-Amz-Target'}."
    response = _answer(400, {"__type": "UnsupportedOperationException", "message": message})
    response.headers["x-amzn-ErrorType"] = "UnsupportedOperationException"
    return response


def _answer(status: int, document: Any) -> Response:
    return Response(json.dumps(document), status=status, content_type="application/x-amz-json-1.1")


class _Handler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # A request that is no HTTP, such as a client's first try with TLS, has neither of both.
        if not hasattr(self, "headers") or self.path.startswith("/_local/"):
            return
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        logger.info("%s %s %s %s", code, self.command, self.path, target)


def _sender(endpoint: str, account: str, region: str, source: str) -> EventSender:
    events = boto3.client(
        "events",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=account,
        aws_secret_access_key="local",
        # An event that is sent again for want of an answer is there twice.
        config=Config(retries={"total_max_attempts": 1}, proxies={}, read_timeout=600),
    )
    return EventSender(lambda entries: events.put_events(Entries=entries), source)


class Callers:
    """Who has an access key, as STS knows; each key is asked for once."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._endpoint, self._region = endpoint, region
        self._known: dict[str, str] = {}

    def __call__(self, access_key: str) -> str:
        if access_key not in self._known:
            sts = boto3.client(
                "sts",
                region_name=self._region,
                endpoint_url=self._endpoint,
                aws_access_key_id=access_key or "nobody",
                aws_secret_access_key="local",
                config=Config(proxies={}, retries={"total_max_attempts": 2}),
            )
            self._known[access_key] = sts.get_caller_identity()["Arn"]
        return self._known[access_key]


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="ECR for the local cloud.")
    parser.add_argument("--port", type=int, required=True, help="loopback port to serve on")
    parser.add_argument("--data", type=Path, required=True, help="folder for blobs")
    parser.add_argument("--events-endpoint", required=True, help="URL of EventBridge")
    parser.add_argument("--source", default=DEFAULT_SOURCE, help="source of the events")
    parser.add_argument("--account", default="123456789012")
    parser.add_argument("--region", default="eu-west-1")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    sender = _sender(given.events_endpoint, given.account, given.region, given.source)
    callers = Callers(given.events_endpoint, given.region)
    app = create_app(given.account, given.region, given.data, sender.submit, sender.counts, callers)
    server = make_server("127.0.0.1", given.port, app, threaded=True, request_handler=_Handler)
    server.serve_forever()


if __name__ == "__main__":
    main()
