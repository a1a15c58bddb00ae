"""A deployed stack: where its parts are, how to reach them, and what a refusal of AWS means."""

from __future__ import annotations

import contextlib
import os
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import click
from botocore import exceptions as boto
from botocore.config import Config
from botocore.parsers import ResponseParserError
from rich.console import Console
from rich.text import Text

from ecr_steward.ecr import RegistryError
from ecr_steward.history.dynamo import DynamoTable
from ecr_steward.history.table import Table
from ecr_steward.history.tags import History
from ecr_steward.words.hints import REGISTRY
from ecr_steward_cli.deployed.answers import StrangeAnswer, take_aws_alone
from ecr_steward_cli.given.files import WholeNumber
from ecr_steward_cli.given.names import place_of
from ecr_steward_cli.terminal.errors import Refusal
from ecr_steward_cli.terminal.text import printable

if TYPE_CHECKING:
    from ecr_steward.history.expiries import Expiries
    from ecr_steward.messages.ledger import Ledger

DEFAULT = "ecr-steward"
"""The stack's name where nobody gives another: what samconfig.toml deploys."""

_WIDTH = 100_000  # no row is folded where programs read
_INVOKE_SECONDS = 250  # a little more than SweepFunction may take
_DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)

_Command = TypeVar("_Command", bound=Callable[..., object])

stack_option = click.option(
    "--stack",
    "stack_name",
    metavar="NAME",
    envvar="ECR_STEWARD_STACK",
    default=DEFAULT,
    show_default=True,
    show_envvar=True,
    help="The CloudFormation stack.",
)


def timeout_option(least: int, default: int, text: str) -> Callable[[_Command], _Command]:
    """The option `--timeout`, in seconds; `text` is its help."""
    return click.option(
        "--timeout",
        metavar="SECONDS",
        type=WholeNumber(min=least),
        default=default,
        show_default=True,
        help=text,
    )


def _clients(profile: str | None = None, region: str | None = None) -> Callable[[str], Any]:
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if not made:
            # boto3 itself reads AWS_DEFAULT_REGION alone, unlike the AWS CLI and every other SDK.
            named = region or os.environ.get("AWS_REGION") or None
            made["session"] = boto3.session.Session(profile_name=profile, region_name=named)
            take_aws_alone(made["session"])
        if service not in made:
            config = Config(
                connect_timeout=5,
                read_timeout=_INVOKE_SECONDS if service == "lambda" else 20,
                retries={"mode": "standard", "total_max_attempts": 4},
            )
            try:
                made[service] = made["session"].client(service, config=config)
            except boto.BotoCoreError:  # some are a ValueError, too
                raise
            except ValueError as error:  # botocore: "Invalid endpoint: …"
                raise Refusal(
                    f"{str(error).rstrip('.')}: AWS_ENDPOINT_URL, or the endpoint in your profile, "
                    "must be such as https://host:port."
                ) from error
        return made[service]

    return client


def _now() -> datetime:
    return datetime.now(UTC)


def _download(url: str) -> bytes:
    if not url.startswith(("https://", "http://")):
        raise OSError(f"`{url}` is not an address to download from")
    with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content


@dataclass(frozen=True)
class Outside:
    """What lies outside the process: AWS, the clock, waiting. Commands get it as click's `obj`.

    `client` gives the client of an AWS service, `download` the content behind a URL (raises
    OSError), `open_table` the history's table from the DynamoDB client and the table's name.
    `elsewhere` gives the clients of a profile and a Region.
    """

    client: Callable[[str], Any] = field(default_factory=_clients)
    now: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep
    download: Callable[[str], bytes] = _download
    open_table: Callable[[Any, str], Table] = DynamoTable
    elsewhere: Callable[[str | None, str | None], Callable[[str], Any]] = _clients

    def at(self, profile: str | None, region: str | None) -> Outside:
        """The same with another profile, or in another Region; None leaves either as it is."""
        if profile is None and region is None:
            return self
        return replace(self, client=self.elsewhere(profile, region))


pass_outside = click.make_pass_decorator(Outside, ensure=True)


@dataclass(frozen=True)
class Stack:
    """A deployed stack, as CloudFormation describes it."""

    name: str
    region: str
    state: str
    created: datetime
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]
    outside: Outside

    @classmethod
    def find(cls, name: str, outside: Outside) -> Stack:
        """Raises Refusal where there is no such stack, or AWS does not answer."""
        with aws():
            client = outside.client("cloudformation")
            region = client.meta.region_name
            try:
                stacks = client.describe_stacks(StackName=name).get("Stacks", ())
            except boto.ClientError as error:
                if error.response["Error"]["Code"] != "ValidationError":
                    raise
                raise Refusal(
                    f"There is no stack `{name}` in {region}: name yours with --stack or "
                    "ECR_STEWARD_STACK, and its Region with AWS_REGION."
                ) from error
        if len(stacks) != 1:
            raise Refusal(StrangeAnswer.fmt)
        (found,) = stacks
        return cls(
            name=name,
            region=region,
            state=found["StackStatus"],
            created=found["CreationTime"],
            outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())},
            parameters={
                each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", ())
            },
            outside=outside,
        )

    def output(self, key: str) -> str:
        """Raises Refusal where the stack has no such output."""
        return self._named(self.outputs, "output", key)

    def parameter(self, key: str) -> str:
        """Raises Refusal where the stack has no such parameter."""
        return self._named(self.parameters, "parameter", key)

    def client(self, service: str) -> Any:
        return self.outside.client(service)

    def caller(self) -> dict[str, str]:
        """Who gives the command: `Arn` and `Account` (STS API: GetCallerIdentity, which needs no
        right)."""
        answer: dict[str, str] = self.client("sts").get_caller_identity()
        return answer

    def history(self) -> History:
        return History(self.table())

    def expiries(self) -> Expiries:
        """The images that go, in the history's table."""
        from ecr_steward.history.expiries import Expiries

        return Expiries(self.table())

    def ledger(self) -> Ledger:
        """What each channel was sent and is owed; it stands in the history's table."""
        from ecr_steward.messages.ledger import Ledger

        return Ledger(self.table())

    def table(self) -> Table:
        """The history's table."""
        return self.outside.open_table(self.client("dynamodb"), self.output("HistoryTableName"))

    def switches(self) -> dict[str, str]:
        """The event source mappings before the writers, by the queue that they take from.

        Where `SettingsMode` is off the writer of settings stands still whatever anybody asks.
        """
        tags = {"RetagQueue": self.output("RetagEventSource")}
        if self.output("SettingsMode") == "off":
            return tags
        return {**tags, "SettingsQueue": self.output("SettingsEventSource")}

    def switched(self) -> dict[str, str]:
        """The state of each of `switches` (Lambda API: GetEventSourceMapping, State)."""
        client = self.client("lambda")
        return {
            queue: str(client.get_event_source_mapping(UUID=uuid)["State"])
            for queue, uuid in self.switches().items()
        }

    def writers(self) -> str:
        """The state of both writers: `Enabled`, or that of one that is not."""
        states = self.switched().values()
        return next((state for state in states if state != "Enabled"), "Enabled")

    def depths(self, queue: str) -> tuple[int, int, int]:
        """The messages of a queue that wait, are in flight, are delayed.

        They are approximate (SQS API: GetQueueAttributes). Raises Refusal for no queue of the
        stack.
        """
        url = self.output(f"{queue}Url")
        answer = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=list(_DEPTHS))
        waiting, in_flight, delayed = (int(answer["Attributes"].get(each, 0)) for each in _DEPTHS)
        return waiting, in_flight, delayed

    def _named(self, values: Mapping[str, str], what: str, key: str) -> str:
        if key not in values:
            raise Refusal(
                f"Stack `{self.name}` ({self.state}) has no {what} `{key}`: it is not ECR Steward, "
                "or an older one. Deploy it again, or name another stack with --stack."
            )
        return values[key]


def is_paused(state: str) -> bool:
    """Whether writers in this state of `Stack.writers` take no message."""
    return state in ("Disabled", "Disabling")


@contextlib.contextmanager
def aws() -> Iterator[None]:
    """Calls of AWS; where one fails, Refusal says what happened and the way out."""
    try:
        yield
    except (boto.ClientError, boto.BotoCoreError) as error:
        raise Refusal(sentence(error)) from error
    except ResponseParserError as error:
        raise Refusal(StrangeAnswer.fmt) from error
    except RegistryError as error:
        raise Refusal(f"ECR refused: {error}.") from error


_LOG_IN = "log in again (for example with `aws sso login`) and repeat the command."
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_THROTTLED = frozenset(
    {
        "RequestThrottled",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
    }
)


def sentence(error: boto.ClientError | boto.BotoCoreError) -> str:
    """What an error of boto3 means to the person at the terminal, and the way out."""
    if isinstance(error, boto.ClientError):
        return _refusal(error)
    for kinds, words in _FAULTS:
        if isinstance(error, kinds):
            return words.format(error=str(error).rstrip("."))
    return f"The call to AWS failed: {error}"


_FAULTS: tuple[tuple[tuple[type[boto.BotoCoreError], ...], str], ...] = (
    ((StrangeAnswer,), StrangeAnswer.fmt),
    (
        (boto.NoCredentialsError, boto.PartialCredentialsError),
        "{error}: log in (`aws sso login`, `aws configure`) or name a profile in AWS_PROFILE.",
    ),
    (
        (
            boto.CredentialRetrievalError,
            boto.LoginError,
            boto.SSOError,
            boto.TokenRetrievalError,
        ),
        f"Your AWS credentials cannot be used any more: {{error}}. To fix it, {_LOG_IN}",
    ),
    (
        (boto.ProfileNotFound,),
        "{error}: `aws configure list-profiles` shows yours; name one, or unset AWS_PROFILE.",
    ),
    (
        (boto.NoRegionError, boto.InvalidRegionError),
        "{error}: name the Region in AWS_REGION, or as `region` in your profile.",
    ),
    (
        (boto.HTTPClientError, boto.ConnectionError),
        "AWS cannot be reached: {error}. Check the network, the Region and AWS_ENDPOINT_URL.",
    ),
)


def _refusal(error: boto.ClientError) -> str:
    code = error.response["Error"].get("Code", "unknown")
    message = error.response["Error"].get("Message", "").rstrip(".")
    operation = error.operation_name
    if code in _EXPIRED:
        return f"Your AWS credentials have expired: {_LOG_IN}"
    if code in _UNKNOWN:
        return (
            f"AWS does not know your credentials ({message}): check them with "
            "`aws sts get-caller-identity`, and this machine's clock."
        )
    if code in _DENIED:
        return f"You are not allowed to call {operation}: {message}. Ask for this permission."
    if code in _THROTTLED:
        return f"AWS throttles {operation}: try again in a minute."
    return f"AWS refused {operation}: {code}: {message}."


class Subject(click.ParamType[tuple[str, str | None]]):
    """The argument `REPOSITORY:TAG`, as a pair; with `whole` a repository alone is one too.

    With `registry` there is `*` for the registry's own settings, whose repository has no name.
    """

    name = "subject"

    def __init__(self, *, whole: bool = False, registry: bool = False) -> None:
        self._form = "REPOSITORY or REPOSITORY:TAG" if whole else "REPOSITORY:TAG"
        self._whole = whole
        self._registry = registry

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str | None]:
        if isinstance(value, tuple):
            return value
        if value == REGISTRY and self._registry:
            return "", None
        try:
            repository, tag = place_of(value)
        except ValueError as error:
            self.fail(str(error))
        if tag is None and not self._whole:
            self.fail(f"`{value}` is not {self._form}, such as base/redis:1.4.")
        return repository, tag


def console(*, stderr: bool = False) -> Console:
    """Where a command prints; what is not a terminal gets whole lines and no colours."""
    made = Console(stderr=stderr, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = _WIDTH
    return made


def cell(text: str, style: str = "") -> Text:
    """Text for a Console: no markup, no emoji, no commands to the terminal."""
    return Text(printable(text), style)
