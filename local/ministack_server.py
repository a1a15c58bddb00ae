"""ministack, with word of what is under way in it, and a session of its role for each function.

Run with the interpreter of .venv/cloud, by path. An event that ministack has handed to a function
is in no queue until the function is done, and a record of a stream never is: only in this process
can it be known whether one is under way. GET /_local/work tells it.

ministack gives functions the account's own credentials unless it checks rights; then nobody could
tell a function's calls from a person's, as CloudTrail can.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import sys
import tempfile
import threading
import zipfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

WORK: Final = "/_local/work"
"""What is under way, by name, and this process: `{"pid": 4711, "waiting": {"RetagQueue-1": 2}}`."""

PASSWORD: Final = "LOCAL_REGISTRY_PASSWORD"
"""Variable with the password of user AWS at the local registry, where ECS looks up its images."""

# The ways into a function: from EventBridge, SNS and Invoke; from queues and streams. One calls
# the other, so a call may count twice; nothing is under way when as many have ended as begun.
_DOORS: Final = ("_execute_function_with_config_scope", "_execute_function")

# How many calls of one function are served at a time: enough for two to meet.
_AT_ONCE: Final = 3

Application = Callable[[Any, Any, Callable[[Any], Awaitable[None]]], Awaitable[None]]


class Counter:
    """Counts the calls that have begun and ended, each of them upwards only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begun = self.ended = 0

    def begin(self) -> None:
        """Count one more that has begun."""
        with self._lock:
            self.begun += 1

    def end(self) -> None:
        """Count one more that has ended."""
        with self._lock:
            self.ended += 1

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, counted."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.begin()
            try:
                return function(*args, **kwargs)
            finally:
                self.end()

        return counted


def counted_threads(counter: Counter) -> SimpleNamespace:
    """The module `threading`, with threads that are counted from the moment they are asked for.

    Those with a name are not: ministack names what runs for as long as it does itself.
    """

    class Thread(threading.Thread):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._counted = kwargs.get("name") is None

        def start(self) -> None:
            if self._counted:
                counter.begin()
            super().start()

        def run(self) -> None:
            try:
                super().run()
            finally:
                if self._counted:
                    counter.end()

    return SimpleNamespace(**{**vars(threading), "Thread": Thread})


def in_turn(function: Callable[..., Any], at_once: int) -> Callable[..., Any]:
    """The same way into functions, which lets so many calls of one function in at a time.

    Whoever waits gets a process that is warm. Without a limit each event of a burst starts another
    process, which makes all of them slower, and the burst larger.
    """
    lock = threading.Lock()
    places: dict[str, threading.Semaphore] = {}

    def entered(record: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        name = (record.get("config") or record)["FunctionName"]
        with lock:
            place = places.setdefault(name, threading.Semaphore(at_once))
        with place:
            return function(record, *args, **kwargs)

    return entered


def unpacked_once(folder: Path) -> SimpleNamespace:
    """The module `zipfile`, which unpacks an archive once, into `folder`, and then links to it.

    ministack unpacks a layer anew for each process of a function: a thousand files to write, to
    compile, and to delete again, all of which costs more than the function does.
    """
    lock = threading.Lock()

    class ZipFile(zipfile.ZipFile):
        def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
            content = hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()
            once = folder / content
            with lock:
                if not once.exists():
                    unpacking = folder / f"{content}.new"
                    super().extractall(unpacking, members, pwd)
                    unpacking.rename(once)
            Path(path).rmdir()
            Path(path).symlink_to(once, target_is_directory=True)

    return SimpleNamespace(**{**vars(zipfile), "ZipFile": ZipFile})


def waiting(counter: Counter, sources: Callable[[], Mapping[str, int]]) -> dict[str, int]:
    """What is under way, by name: what the sources of work hold, and the functions at work.

    Nothing at all means that nothing was at one moment: only a function moves anything from one
    source to the next, and none ran from the first count to the last.
    """
    ended = counter.ended
    found = dict(sources())
    found["functions"] = counter.begun - ended
    return {name: count for name, count in found.items() if count}


def mapped(lambdas: Any, queues: Any, tables: Any, scope: Any) -> Iterator[tuple[str, int]]:
    """What each source that is mapped to a function, and not switched off, still has for it.

    Given are ministack's modules for Lambda, SQS and DynamoDB, and its way to act for an account.
    A queue keeps its messages until they are done; a stream has what lies behind its reader.
    """
    for account, region, mapping in lambdas._iter_all_esms():
        arn = mapping.get("EventSourceArn", "")
        if not mapping.get("Enabled", True):
            continue
        with scope(account, region):
            if ":sqs:" in arn:
                queue = queues._queue_by_arn(arn)
                yield arn.rpartition(":")[2], len(queue["messages"]) if queue else 0
            elif ":dynamodb:" in arn:
                table = arn.partition("/stream/")[0].rpartition("/")[2]
                read = lambdas._dynamodb_stream_positions.get(mapping["UUID"])
                end = tables.stream_end_position(table)
                yield f"stream of {table}", 0 if read is None else max(0, end - read)


def telling(app: Application, tell: Callable[[], Mapping[str, Any]]) -> Application:
    """The same ASGI application, which answers at WORK with what `tell` gives."""

    async def asked(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if scope.get("path") != WORK:
            await app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(tell()).encode()})

    return asked


def as_role(
    credentials_of: Callable[[Mapping[str, Any]], dict[str, str]],
    register: Callable[[str, dict[str, str]], object],
) -> Callable[[Mapping[str, Any]], dict[str, str]]:
    """The credentials of a function: a session of its role, which `register` makes known to STS.

    `credentials_of` gives what ministack would; a session that it made itself stays.
    """

    def credentials(config: Mapping[str, Any]) -> dict[str, str]:
        given = credentials_of(config)
        account = given["AWS_ACCESS_KEY_ID"]
        if not account.isdecimal():
            return given
        role, name = config["Role"].rpartition("/")[2], config["FunctionName"]
        digest = hashlib.sha256(f"{config['FunctionArn']}:{role}".encode()).hexdigest()
        key = f"ASIA{digest[:16].upper()}"
        register(
            key,
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name[:64]}",
                "UserId": f"{role}:{name[:64]}",
                "SecretAccessKey": given["AWS_SECRET_ACCESS_KEY"],
                "SessionToken": digest,
            },
        )
        return {**given, "AWS_ACCESS_KEY_ID": key, "AWS_SESSION_TOKEN": digest}

    return credentials


def on_repositories(extract: Callable[..., str]) -> Callable[..., str]:
    """What a call is checked against: for ECR the repository, however the call names it.

    ministack knows a repository by `repositoryName` alone, and takes `*` for a call that names one
    by `repositoryNames` or `resourceArn`, which AWS checks against that repository.
    """

    def resource(
        service: str,
        method: str,
        path: str,
        headers: Any,
        body: Any,
        parameters: Any,
        region: str,
        account: str,
    ) -> str:
        found = extract(service, method, path, headers, body, parameters, region, account)
        if service != "ecr" or found != "*":
            return found
        asked = _asked(body)
        names = asked.get("repositoryNames") or []
        if len(names) == 1:
            return f"arn:aws:ecr:{region}:{account}:repository/{names[0]}"
        return str(asked.get("resourceArn") or found)

    return resource


def with_texts(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """`evaluate`, which knows no Fn::Join and no Fn::Split, for conditions that have them."""

    def evaluated(template: dict[str, Any], params: Mapping[str, Any]) -> Any:
        conditions = _plain(template.get("Conditions", {}), params)
        return evaluate({**template, "Conditions": conditions}, params)

    return evaluated


def of_one_metric(record: Callable[..., Any]) -> Callable[..., Any]:
    """`record`, which knows no metric math, for alarms that compute: here each watches the first of
    its metrics, which nothing sends on one machine."""

    def recorded(name: str, properties: Mapping[str, Any]) -> Any:
        plain = {key: value for key, value in properties.items() if key != "Metrics"}
        stats = [each.get("MetricStat") for each in properties.get("Metrics", ())]
        first: Mapping[str, Any] = next(filter(None, stats), {})
        metric = {**first.get("Metric", {}), "Period": first["Period"]} if first else {}
        return record(name, {**plain, **metric})

    return recorded


def _plain(value: Any, params: Mapping[str, Any]) -> Any:
    """Conditions with each Fn::Join, and each part of a Fn::Split, as the text that it is."""
    if isinstance(value, list):
        return [_plain(each, params) for each in value]
    if not isinstance(value, dict):
        return value
    plain = {key: _plain(each, params) for key, each in value.items()}
    if "Fn::Join" in plain:
        delimiter, parts = plain["Fn::Join"]
        return str(delimiter).join(_texts(parts, params))
    if "Fn::Select" in plain and isinstance(plain["Fn::Select"][1], dict):
        index, parts = plain["Fn::Select"]
        if "Fn::Split" in parts:
            delimiter, text = parts["Fn::Split"]
            return str(text).split(delimiter)[int(index)]
    return plain


def _texts(parts: Any, params: Mapping[str, Any]) -> list[str]:
    """The parts of a Fn::Join: a list, or a parameter that is one."""
    if isinstance(parts, dict):
        return str(params[parts["Ref"]]["Value"]).split(",")
    return [_texts(each, params)[0] if isinstance(each, dict) else str(each) for each in parts]


def _asked(body: Any) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _follow() -> Callable[[], dict[str, int]]:
    """Have ministack's work counted; what is under way in it.

    A ministack without one of these names must fail, or `settle` would never wait.
    """
    from ministack.core import responses  # type: ignore[import-not-found]
    from ministack.services import (  # type: ignore[import-not-found]
        dynamodb,
        eventbridge,
        lambda_svc,
        sqs,
    )

    counter = Counter()
    lambda_svc._execute_function = in_turn(lambda_svc._execute_function, _AT_ONCE)
    for door in _DOORS:
        setattr(lambda_svc, door, counter.around(getattr(lambda_svc, door)))
    lambda_svc._ensure_poller()  # it lasts, and has no name: before threads are counted
    for module in (eventbridge, lambda_svc):
        module.threading = counted_threads(counter)

    def sources() -> dict[str, int]:
        held = mapped(lambda_svc, sqs, dynamodb, responses.request_scope)
        return {"batches": sum(lambda_svc._esm_inflight.values()), **dict(held)}

    return lambda: waiting(counter, sources)


def main() -> None:
    """Serve until stopped."""
    from ministack import app  # type: ignore[import-not-found]  # lives in .venv/cloud
    from ministack.core import iam_actions, lambda_runtime
    from ministack.services import lambda_svc, scheduler, sts
    from ministack.services.cloudformation import (  # type: ignore[import-not-found]
        changesets,
        engine,
        handlers,
        provisioners,
        stacks,
    )

    parser = argparse.ArgumentParser(description="ministack for the local cloud.")
    parser.add_argument("--no-schedules", action="store_true", help="leave schedules alone")
    if parser.parse_args().no_schedules:
        scheduler.start_scheduler = lambda: None
    del sys.argv[1:]  # ministack has arguments of its own

    under_way = _follow()
    app.app = telling(app.app, lambda: {"pid": os.getpid(), "waiting": under_way()})
    lambda_runtime.zipfile = unpacked_once(Path(tempfile.gettempdir()) / "unpacked")
    credentials = as_role(lambda_runtime.execution_credentials, sts.register_session)
    for module in (lambda_runtime, lambda_svc):
        module.execution_credentials = credentials
    for module in (engine, changesets, handlers, stacks):
        module._evaluate_conditions = with_texts(module._evaluate_conditions)
    alarm = provisioners._cw_metric_alarm_record
    provisioners._cw_metric_alarm_record = of_one_metric(alarm)
    iam_actions.extract_resource_arn = on_repositories(iam_actions.extract_resource_arn)
    _know_accounts(provisioners)
    _tell_what_runs()
    _move_messages()
    app.main()


def _know_accounts(provisioners: Any) -> None:
    """Let events and roles pass from account to account, where policies say so."""
    from ministack.core import iam_evaluator, responses
    from ministack.services import eventbridge, iam, sts

    accounts = _beside("ministack_accounts")
    allows = accounts.allows_by(iam_evaluator, os.environ["MINISTACK_REGION"])
    eventbridge._dispatch_to_event_bus = accounts.to_other_buses(
        eventbridge._dispatch_to_event_bus, eventbridge, responses.request_scope, allows
    )
    policies = accounts.bus_policies(eventbridge)
    provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = policies
    sts.handle_request = accounts.trusted(sts.handle_request, sts, iam._roles, allows)


def _tell_what_runs() -> None:
    """Have ECS tell of its tasks, with the digests of their images."""
    from ministack.core import responses
    from ministack.services import ecs, eventbridge

    workloads = _beside("ministack_ecs")
    registry = os.environ["AWS_ENDPOINT_URL_ECR"]
    digest_of = workloads.digest_in(registry, os.environ[PASSWORD])
    workloads.install(ecs, eventbridge, responses.json_response, digest_of)


def _move_messages() -> None:
    """Have SQS move messages from queue to queue."""
    from ministack.services import sqs

    sqs._HANDLERS.update(_beside("ministack_moves").Moves(sqs).handlers())


def _beside(name: str) -> Any:
    """The module of this name in this folder, which is not in the search path, nor to be."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
