"""The local cloud: ministack for AWS, our own server for ECR, the real SAM CLI in front of both."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, overload

import boto3
from botocore.config import Config

from local import images, ministack_server, processes
from local.ecr.events import DEFAULT_SOURCE
from local.ecr.registry import password_for
from local.ecr.server import OWN_CLIENT
from local.processes import CloudError, Server
from local.registry_client import RegistryClient

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

ROOT: Final = Path(__file__).resolve().parent.parent
HOME: Final = ROOT / ".local-cloud"
ACCOUNT: Final = "123456789012"
REGION: Final = "eu-west-1"

# Only what hangs takes so long: a server that ends is told of at once.
_START_SECONDS: Final = 120.0
_STARTS: Final = 3
_LOOK_SECONDS: Final = 0.05
_ANSWER_SECONDS: Final = 180.0
_UPDATE_LOOKS: Final = 4000
_QUEUE_COUNTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message of an SNS topic, as a subscriber gets it."""

    subject: str
    body: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class _State:
    gateway_port: int
    ecr_port: int
    ministack: Server
    ecr: Server


def _state(saved: Mapping[str, Any]) -> _State:
    return _State(
        saved["gateway_port"],
        saved["ecr_port"],
        Server(**saved["ministack"]),
        Server(**saved["ecr"]),
    )


class LocalCloud:
    """A cloud with its state in one folder.

    As a context manager it starts on entry and stops on exit, whatever happened in between.
    `start` and `stop` do the same for a cloud that outlives the process; `attach` finds one.
    Without `schedules` nothing happens by the clock.
    """

    def __init__(
        self, home: Path = HOME, source: str = DEFAULT_SOURCE, *, schedules: bool = True
    ) -> None:
        self.home = home.resolve()
        self._source = source
        self._schedules = schedules
        self._state: _State | None = None
        self._clients: dict[str, Any] = {}
        self._owner: Server | None = None

    # ------------------------------------------------------------------ start, find, stop

    def __enter__(self) -> Self:
        self._owner = processes.myself()
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start both servers on free ports and return when they answer.

        Raises CloudError if one does not, or if a cloud already runs in this folder; one whose
        owner was killed is stopped.
        """
        if self.attach():
            self._refuse_second()
        self.stop()
        self._require_tools()
        for left in reversed(range(_STARTS)):
            try:
                self._start_once()
                return
            except processes.PortTaken:  # somebody was faster
                if not left:
                    raise

    def _refuse_second(self) -> None:
        owner = self._saved().get("owner")
        if owner is None:
            raise CloudError(f"A local cloud is already running in {self.home}: stop it first.")
        if Server(**owner).alive():
            raise CloudError(
                f"Process {owner['pid']} has a local cloud in {self.home}: wait for it, or end it."
            )

    def _start_once(self) -> None:
        for folder in (self.home, self._scratch):
            folder.mkdir(parents=True, exist_ok=True)
        gateway_port, ecr_port = processes.free_ports(2)
        try:
            state = self._launch(gateway_port, ecr_port)
            for name, server in (("ministack", state.ministack), ("ecr", state.ecr)):
                processes.wait_for(
                    server,
                    name,
                    lambda name=name: self._is_ready(state, name),  # type: ignore[misc]
                    self._log(name),
                    _START_SECONDS,
                )
            self._state = state
            exports = (f"export {name}={value}" for name, value in self.environment().items())
            (self.home / "env").write_text("\n".join(exports) + "\n")
        except BaseException:
            self.stop()
            raise

    def _launch(self, gateway_port: int, ecr_port: int) -> _State:
        """Start both; whoever is killed meanwhile leaves nothing that a later `stop` misses."""
        known: dict[str, Any] = {"gateway_port": gateway_port, "ecr_port": ecr_port}
        known |= {"owner": asdict(self._owner)} if self._owner else {}
        for name, (command, environment) in {
            "ministack": self._ministack_command(gateway_port, ecr_port),
            "ecr": self._ecr_command(gateway_port, ecr_port),
        }.items():
            known[name] = asdict(processes.start(command, environment, self._log(name)))
            self._save(json.dumps(known))
        return _state(known)

    def attach(self) -> bool:
        """Use the cloud that runs in this folder; False if none does."""
        saved = self._saved()
        if not saved.keys() >= _State.__dataclass_fields__.keys():
            return False
        state = _state(saved)
        self._clients.clear()
        servers = {"ministack": state.ministack, "ecr": state.ecr}
        if all(server.alive() and self._is_ready(state, name) for name, server in servers.items()):
            self._state = state
            return True
        self._state = None
        return False

    def stop(self) -> bool:
        """Stop what runs in this folder; False if nothing did."""
        saved = self._saved()
        servers = [Server(**saved[name]) for name in ("ministack", "ecr") if name in saved]
        running = [server for server in servers if server.alive()]
        for server in running:
            server.stop()
        for log in self.home.glob("sam-*.log"):
            processes.end_left(log)
        for file in (self._state_file, self._whole_file, self.home / "env"):
            file.unlink(missing_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._state = None
        for each in self._clients.values():
            each.close()
        self._clients.clear()
        return bool(running)

    @property
    def is_whole(self) -> bool:
        """Whether all is done in it that somebody set out to do, and was seen to work."""
        return self._whole_file.exists()

    @is_whole.setter
    def is_whole(self, whole: Literal[True]) -> None:
        self._whole_file.touch()

    # ------------------------------------------------------------------ how to reach it

    @property
    def url(self) -> str:
        """Endpoint of everything but ECR."""
        return f"http://127.0.0.1:{self._running.gateway_port}"

    @property
    def ecr_url(self) -> str:
        """Endpoint of the ECR API and of the registry protocol."""
        return f"http://{self.registry}"

    @property
    def registry(self) -> str:
        """Host and port to log in to, and the beginning of image names."""
        return f"127.0.0.1:{self._running.ecr_port}"

    @property
    def password(self) -> str:
        """The password of user AWS at the registry."""
        return password_for(ACCOUNT)

    def environment(self) -> dict[str, str]:
        """Variables that make the AWS CLI, boto3 and SAM use this cloud, and only this one."""
        return {
            "AWS_ACCESS_KEY_ID": ACCOUNT,  # ministack reads the account from it
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_ECR": self.ecr_url,
            "AWS_ENDPOINT_URL_STS": self.url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.5",  # seconds; five by default, for a cloud far away
        }

    @overload
    def client(self, service: Literal["cloudformation"]) -> CloudFormationClient: ...
    @overload
    def client(self, service: Literal["cloudwatch"]) -> CloudWatchClient: ...
    @overload
    def client(self, service: Literal["dynamodb"]) -> DynamoDBClient: ...
    @overload
    def client(self, service: Literal["ecr"]) -> ECRClient: ...
    @overload
    def client(self, service: Literal["events"]) -> EventBridgeClient: ...
    @overload
    def client(self, service: Literal["ecs", "iam"]) -> Any: ...
    @overload
    def client(self, service: Literal["lambda"]) -> LambdaClient: ...
    @overload
    def client(self, service: Literal["logs"]) -> CloudWatchLogsClient: ...
    @overload
    def client(self, service: Literal["secretsmanager", "ssm"]) -> Any: ...
    @overload
    def client(self, service: Literal["sns"]) -> SNSClient: ...
    @overload
    def client(self, service: Literal["sqs"]) -> SQSClient: ...
    def client(self, service: Any) -> Any:
        """A boto3 client of this cloud, the same one each time."""
        return self.client_of(ACCOUNT, service)

    def client_of(self, account: str, service: str) -> Any:
        """The same of another account: this cloud has as many as one asks for."""
        name = f"{account} {service}"
        if name not in self._clients:
            self._clients[name] = self._make_client(account, service)
        return self._clients[name]

    def _make_client(self, account: str, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=REGION,
            endpoint_url=self.ecr_url if service == "ecr" else self.url,
            aws_access_key_id=account,
            aws_secret_access_key="local",
            config=Config(
                user_agent_extra=OWN_CLIENT,
                proxies={},
                read_timeout=_ANSWER_SECONDS,
                # What is asked twice for want of an answer is done twice.
                retries={"total_max_attempts": 1},
            ),
        )

    # ------------------------------------------------------------------ the stack

    def sam_build(
        self,
        template: Path = ROOT / "template.yaml",
        build_dir: Path | None = None,
        rules: Path | None = None,
    ) -> Path:
        """Run `sam build`; returns the built template.

        `rules` is the rules file to build in. Raises CloudError with SAM's own words.
        """
        into = (build_dir or self.home / "build").resolve()
        command = ["build", "--template-file", str(template), "--build-dir", str(into)]
        # SAM's cache does not see which rules file a layer was built from: a cache for each.
        content = hashlib.sha256(rules.read_bytes()).hexdigest()[:12] if rules else "default"
        cache = into.with_name(f"{into.name}-cache") / content
        command += ["--cache-dir", str(cache)]
        extra = {"RULES": str(rules.resolve())} if rules else {}
        with whole(cache):
            self._sam([*command, "--parallel", "--cached"], "sam-build.log", extra)
        return into / "template.yaml"

    def sam_deploy(self, stack: str, parameters: Mapping[str, str], template: Path) -> None:
        """Run `sam deploy` for a built template; what one machine needs is added to the parameters:
        the endpoints, receivers by plain http, and so many messages a minute that none is gathered.

        Raises CloudError with SAM's own words. A parameter the template does not declare is
        left out by SAM.
        """
        given = {
            "EndpointUrl": self.url,
            "EcrEndpointUrl": self.ecr_url,
            "ReplaySource": self._source,
            "AllowLocalHttp": "true",
            "MessagesPerMinute": "1000",
            **parameters,
        }
        command = ["deploy", "--template-file", str(template), "--stack-name", stack]
        command += ["--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--region", REGION]
        command += ["--no-confirm-changeset", "--no-fail-on-empty-changeset"]
        command += ["--parameter-overrides", *(f'{k}="{v}"' for k, v in given.items())]
        self._sam(command, f"sam-deploy-{stack}.log", {})

    def change(self, stack: str, parameters: Mapping[str, str]) -> None:
        """Give these parameters of a deployed stack other values, as CloudFormation does for
        whoever deploys the same template again; SAM's own part is left out.

        Raises WaiterError if the stack cannot be brought there.
        """
        formation = self.client("cloudformation")
        (found,) = formation.describe_stacks(StackName=stack)["Stacks"]
        names = {each["ParameterKey"] for each in found["Parameters"]}
        formation.update_stack(
            StackName=stack,
            UsePreviousTemplate=True,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[
                {"ParameterKey": name, "ParameterValue": parameters[name]}
                if name in parameters
                else {"ParameterKey": name, "UsePreviousValue": True}
                for name in sorted(names | parameters.keys())
            ],
        )
        formation.get_waiter("stack_update_complete").wait(
            StackName=stack,
            WaiterConfig={"Delay": _LOOK_SECONDS, "MaxAttempts": _UPDATE_LOOKS},  # type: ignore[typeddict-item]
        )

    def outputs(self, stack: str) -> dict[str, str]:
        """The stack's outputs by key."""
        (found,) = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}

    def resource(self, stack: str, logical_id: str) -> str:
        """The physical id of a resource: a function's name, a queue's URL, a topic's ARN."""
        answer = self.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId=logical_id
        )
        return answer["StackResourceDetail"]["PhysicalResourceId"]

    # ------------------------------------------------------------------ what moves in it

    def create_repository(self, name: str) -> bool:
        """Create the repository; False if it is there already."""
        ecr = self.client("ecr")
        try:
            ecr.create_repository(repositoryName=name)
        except ecr.exceptions.RepositoryAlreadyExistsException:
            return False
        return True

    def push(self, reference: str, image: images.BuiltImage, *, layers: bool = False) -> str:
        """Push `repository:tag` and return the digest; with `layers` as a container client does."""
        if layers:
            return RegistryClient(self.ecr_url, self.password).push(reference, image)
        return images.push(self.client("ecr"), reference, image)

    def tags(self, repository: str) -> dict[str, str]:
        """Every tag of the repository and the digest it names."""
        pages = self.client("ecr").get_paginator("list_images").paginate(repositoryName=repository)
        return {
            one["imageTag"]: one["imageDigest"]
            for page in pages
            for one in page["imageIds"]
            if one.get("imageTag")
        }

    def calls(self) -> dict[str, dict[str, int]]:
        """ECR calls since the last reset, `{caller: {operation: calls}}`.

        Callers are `functions`, `local` (this class's clients), `registry` (/v2/) and `other`.
        """
        found: dict[str, dict[str, int]] = self._get("/_local/calls")
        return found

    def reset_calls(self) -> None:
        """Begin counting ECR calls again."""
        self._get("/_local/calls/reset", method="POST")

    def inbox(self, topic_arn: str) -> Inbox:
        """A queue subscribed to the topic; the same one for the same topic."""
        return Inbox(self, topic_arn)

    def settle(self, timeout: float = 180.0, but: Collection[str] = ()) -> float:
        """Wait until nothing moves any more: no event, message or function is under way.

        Queues whose consumer is switched off keep their messages, and count as still; so do those
        whose URLs are in `but`. Returns the seconds it took. Raises CloudError after `timeout`
        seconds.
        """
        begun = time.monotonic()
        left_out = set(map(_queue_name, but))  # one queue can have URLs of several hosts
        while waiting := {
            name: count for name, count in self.waiting().items() if name not in left_out
        }:
            if time.monotonic() > begun + timeout:
                raise CloudError(
                    f"The local cloud did not come to rest in {timeout:.0f} s; waiting: {waiting}; "
                    f"{self.last_words()}"
                )
            time.sleep(_LOOK_SECONDS)
        return time.monotonic() - begun

    def waiting(self) -> dict[str, int]:
        """What is under way, by name; nothing at all means that there was a moment of rest.

        What moves is an event of ECR's, or it is in ministack, or it goes from there to ECR, which
        makes an event. Between the two counts of events no event was on its way, and so at the
        moment when ministack had nothing nobody had.
        """
        before = self._get("/_local/health")
        waiting: dict[str, int] = _get(self.url + ministack_server.WORK)["waiting"]
        after = self._get("/_local/health")
        delivered = before["events_sent"] + before["events_failed"]
        if events := after["events_submitted"] - delivered:
            waiting["ECR events"] = events
        return waiting

    def last_words(self) -> str:
        """The end of what ministack and the functions have logged, for whoever waits in vain."""
        log = self._log("ministack")
        words = processes.tail(log) if log.exists() else ""
        return f"{log} ends with:\n{words}"

    def messages(self, queue_url: str) -> int:
        """How many messages a queue has, those that are taken or delayed among them."""
        attributes = self.client("sqs").get_queue_attributes(
            QueueUrl=queue_url, AttributeNames=list(_QUEUE_COUNTS)
        )["Attributes"]
        return sum(int(attributes[one]) for one in _QUEUE_COUNTS)

    # ------------------------------------------------------------------ inside

    @property
    def _running(self) -> _State:
        if self._state is None:
            raise CloudError("The local cloud is not running; start it with `make up`.")
        return self._state

    @property
    def _state_file(self) -> Path:
        return self.home / "state.json"

    @property
    def _whole_file(self) -> Path:
        return self.home / "whole"

    @property
    def _scratch(self) -> Path:
        return self.home / "scratch"

    def _log(self, server: str) -> Path:
        return self.home / f"{server}.log"

    def _saved(self) -> dict[str, Any]:
        """What is known of the servers that were started in this folder, even if not of all."""
        try:
            saved: dict[str, Any] = json.loads(self._state_file.read_text())
        except FileNotFoundError:
            return {}
        return saved

    def _save(self, state: str) -> None:
        written = self._state_file.with_suffix(".new")
        written.write_text(state)
        written.replace(self._state_file)

    def _require_tools(self) -> None:
        for tool in (_tool("python"), _tool("cloud", "python"), _tool("sam", "sam")):
            if not tool.exists():
                raise CloudError(f"{tool} is missing; run `make setup` first.")

    def _ministack_command(self, port: int, ecr_port: int) -> tuple[list[str], dict[str, str]]:
        environment = _clean_environment() | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "LOG_LEVEL": "INFO",
            # A second port, the same one for every cloud on this machine.
            "IOT_MTLS_ENABLED": "0",
            # The functions' processes inherit these; the unpacked code goes away with the folder.
            "TMPDIR": str(self._scratch),
            "AWS_ENDPOINT_URL_ECR": f"http://127.0.0.1:{ecr_port}",
            ministack_server.PASSWORD: self.password,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        # By path and with -P: our folder must not come into the functions' search path.
        command = [str(_tool("cloud", "python")), "-P", str(ROOT / "local/ministack_server.py")]
        return [*command, *([] if self._schedules else ["--no-schedules"])], environment

    def _ecr_command(self, port: int, ecr_port: int) -> tuple[list[str], dict[str, str]]:
        command = [str(_tool("python")), "-m", "local.ecr.server", "--port", str(ecr_port)]
        command += ["--data", str(self._scratch / "ecr"), "--source", self._source]
        command += ["--events-endpoint", f"http://127.0.0.1:{port}"]
        command += ["--account", ACCOUNT, "--region", REGION]
        return command, _clean_environment() | {"PYTHONPATH": str(ROOT)}

    def _is_ready(self, state: _State, name: str) -> bool:
        """Whether the server answers, and is the one that was started there."""
        server, port, path = {
            "ministack": (state.ministack, state.gateway_port, ministack_server.WORK),
            "ecr": (state.ecr, state.ecr_port, "/_local/health"),
        }[name]
        try:
            return bool(_get(f"http://127.0.0.1:{port}{path}")["pid"] == server.pid)
        except (OSError, HTTPException, ValueError, KeyError):
            return False

    def _sam(self, arguments: list[str], log: str, extra: Mapping[str, str]) -> None:
        file = self.home / log
        file.parent.mkdir(parents=True, exist_ok=True)
        processes.end_left(file)
        own = self.environment() if self._state else {"SAM_CLI_TELEMETRY": "0"}
        # What the layers are built with.
        own |= {"PYTHON": str(_tool("python")), "UV": str(_tool("uv", "uv"))}
        command = [str(_tool("sam", "sam")), *arguments]
        code = processes.run(command, _clean_environment() | own | dict(extra), ROOT, file)
        if code:
            raise CloudError(
                f"sam {arguments[0]} failed with exit code {code}; {file} ends with:\n"
                f"{processes.tail(file)}"
            )

    def _get(self, path: str, method: str = "GET") -> Any:
        return _get(self.ecr_url + path, method)


@contextlib.contextmanager
def whole(cache: Path) -> Iterator[None]:
    """A folder that what happens inside leaves whole: SAM takes whatever lies in its cache for
    whole, also what an interrupted build half copied there. So that is thrown away first."""
    unfinished = cache.with_name(f"{cache.name}.unfinished")
    if unfinished.exists():
        shutil.rmtree(cache, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    unfinished.touch()
    yield
    unfinished.unlink()


def _queue_name(url: str) -> str:
    return url.rpartition("/")[2]


class Inbox:
    """What a subscriber of an SNS topic gets, oldest first."""

    def __init__(self, cloud: LocalCloud, topic_arn: str) -> None:
        self._sqs = cloud.client("sqs")
        name = "inbox-" + hashlib.sha256(topic_arn.encode()).hexdigest()[:12]
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        queue_arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
        cloud.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn)

    def __iter__(self) -> Iterator[QueuedMessage]:
        """The messages that are there now; each is read once."""
        return self.wait(0)

    def wait(self, seconds: float) -> Iterator[QueuedMessage]:
        """The messages that are there, or arrive within that time; each is read once."""
        deadline = time.monotonic() + seconds
        while True:
            left = max(0, min(20, round(deadline - time.monotonic())))
            answer = self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=left
            )
            received = answer.get("Messages", [])
            for one in received:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=one["ReceiptHandle"])
                yield _message(one["Body"])
            if not received and time.monotonic() >= deadline:
                return


def _message(body: str) -> QueuedMessage:
    envelope = json.loads(body)
    attributes = envelope.get("MessageAttributes") or {}
    return QueuedMessage(
        envelope.get("Subject") or "",
        envelope["Message"],
        {name: one["Value"] for name, one in attributes.items()},
    )


def _tool(*parts: str) -> Path:
    *folders, name = parts
    return ROOT.joinpath(".venv", *folders, "bin", name)


def _clean_environment() -> dict[str, str]:
    """The environment without anything that could lead to a real account, and no proxy for us."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # Bytecode that is written once halves every later start, of SAM and of each function.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    local = ["127.0.0.1", "localhost", os.environ.get("NO_PROXY", os.environ.get("no_proxy", ""))]
    return kept | dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(filter(None, local)))


def _get(url: str, method: str = "GET") -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, method=method)  # noqa: S310  # http on loopback
    with contextlib.closing(opener.open(request, timeout=_ANSWER_SECONDS)) as answer:
        return json.load(answer)
