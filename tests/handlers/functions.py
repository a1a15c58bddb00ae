"""The functions as Lambda runs them, with clients that stay in this process."""

from __future__ import annotations

import importlib.util
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from ecr_steward_cli.in_memory.settings import MemorySettings
from tests.support.world import image, manifest

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ROOT / "events"
TABLE = "history"
QUEUE = "https://sqs.example/123456789012/RetagQueue.fifo"
SETTINGS_QUEUE = "https://sqs.example/123456789012/SettingsQueue.fifo"
FAILURE_QUEUE = "https://sqs.example/123456789012/RetagFailureQueue.fifo"
SETTINGS_FAILURE_QUEUE = "https://sqs.example/123456789012/SettingsFailureQueue.fifo"
SETTINGS_ROLE = "arn:aws:iam::123456789012:role/ecr-steward-EnforceSettingsRole-EXAMPLE"
RETENTION_QUEUE = "https://sqs.example/123456789012/RetentionQueue.fifo"
NOTIFY_QUEUE = "https://sqs.example/123456789012/NotifyQueue"
RETRY_QUEUE = "https://sqs.example/123456789012/RetryQueue"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:NotificationTopic"
CHAT_TOPIC = "arn:aws:sns:eu-west-1:123456789012:ChatTopic"
SECRETS = ("wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEXAMPLETOKEN")

ENVIRONMENT: Mapping[str, Mapping[str, str]] = {
    "check_tags": {"RETAG_QUEUE_URL": QUEUE},
    "retag": {
        "STEWARD_MODE": "enforce",
        "RETAG_QUEUE_URL": QUEUE,
        "HISTORY_TABLE": TABLE,
        "FAILURE_QUEUE_URL": FAILURE_QUEUE,
        "MAX_TRIES": "5",
        "MAX_RECEIVES": "100",
        "ALLOW_TAG_REMOVAL": "false",
        "ALLOW_EXPIRY": "false",
        "GRACE_DAYS": "7",
        "ACCOUNT": "123456789012",
        "AWS_REGION": "eu-west-1",
    },
    "check_settings": {"SETTINGS_QUEUE_URL": SETTINGS_QUEUE, "SETTINGS_ROLE_ARN": SETTINGS_ROLE},
    "enforce_settings": {
        "STEWARD_MODE": "enforce",
        "SETTINGS_MODE": "enforce",
        "SETTINGS_QUEUE_URL": SETTINGS_QUEUE,
        "SETTINGS_ROLE_ARN": SETTINGS_ROLE,
        "RETAG_ROLE_ARN": "arn:aws:iam::123456789012:role/RetagRole",
        "RETAIN_ROLE_ARN": "arn:aws:iam::123456789012:role/RetainImagesRole",
        "ALLOW_EXPIRY": "false",
        "HISTORY_TABLE": TABLE,
        "GRACE_DAYS": "7",
        "FAILURE_QUEUE_URL": SETTINGS_FAILURE_QUEUE,
        "MAX_TRIES": "5",
        "MAX_RECEIVES": "100",
        "ACCOUNT": "123456789012",
        "AWS_REGION": "eu-west-1",
    },
    "sweep": {
        "STEWARD_MODE": "enforce",
        "SETTINGS_MODE": "audit",
        "SETTINGS_QUEUE_URL": SETTINGS_QUEUE,
        "RETAG_QUEUE_URL": QUEUE,
        "HISTORY_TABLE": TABLE,
        "RETENTION_QUEUE_URL": RETENTION_QUEUE,
        "SWEEP_HOURS": "1",
        "RETENTION_DAYS": "1",
        "ALLOW_EXPIRY": "false",
        "REPOSITORY_PATTERN": "*",
        "ACCOUNT": "123456789012",
        "AWS_REGION": "eu-west-1",
    },
    "check_running": {
        "STEWARD_MODE": "enforce",
        "HISTORY_TABLE": TABLE,
        "ACCOUNT": "123456789012",
        "ACCOUNTS": "210987654321",
        "AWS_REGION": "eu-west-1",
        "GRACE_DAYS": "7",
        "RETAG_QUEUE_URL": QUEUE,
    },
    "retain_images": {
        "STEWARD_MODE": "enforce",
        "HISTORY_TABLE": TABLE,
        "RETENTION_QUEUE_URL": RETENTION_QUEUE,
        "FAILURE_QUEUE_URL": "https://sqs.example/123456789012/RetentionFailureQueue.fifo",
        "RETAG_QUEUE_URL": QUEUE,
        "ALLOW_EXPIRY": "true",
        "SOURCES": "nomad",
        "ACCOUNTS": "",
        "GRACE_DAYS": "7",
        "RETAIN_ROLE_ARN": "arn:aws:iam::123456789012:role/RetainImagesRole",
        "RETAG_ROLE_ARN": "arn:aws:iam::123456789012:role/RetagRole",
        "MAX_TRIES": "5",
        "MAX_RECEIVES": "100",
        "ACCOUNT": "123456789012",
        "AWS_REGION": "eu-west-1",
    },
    "look_running": {
        "STEWARD_MODE": "enforce",
        "HISTORY_TABLE": TABLE,
        "ACCOUNT": "123456789012",
        "ACCOUNTS": "",
        "SOURCES": "nomad",
        "AWS_REGION": "eu-west-1",
        "GRACE_DAYS": "7",
        "WORKLOADS_ROLE": "arn:aws:iam::ACCOUNT:role/ecr-steward-workloads",
        "EXTERNAL_ID": "123456789012/ecr-steward",
        "RETAG_QUEUE_URL": QUEUE,
    },
    "publish": {
        "BUS_NAME": "ecr-steward",
        "FAILURE_QUEUE_URL": "https://sqs.example/123456789012/PublishFailureQueue",
    },
    "notify": {
        "STEWARD_MODE": "enforce",
        "TOPIC_ARN": TOPIC,
        "CHAT_TOPIC_ARN": CHAT_TOPIC,
        "HISTORY_TABLE": TABLE,
        "NOTIFY_QUEUE_URL": NOTIFY_QUEUE,
        "RETRY_QUEUE_URL": RETRY_QUEUE,
        "ACCOUNT": "123456789012",
        "AWS_REGION": "eu-west-1",
        "MESSAGES_PER_MINUTE": "10",
        "ALLOW_LOCAL_HTTP": "false",
    },
}
"""What template.yaml gives each function and the function cannot do without."""

# The images that the event files speak of; the digests there are the text's own, not the world's.
IMAGES = {
    "706fb18a2bc5d0b5f34423a34eb3857f78f68fcece577b22654709be84bed4ac": "1.4.1",
    "5f0c54e865c9b9c0f45506fdcd8009a4e6a508d1728f4e322a9f1fb0fd43bf3e": "1.4.2",
    "0dad2bf4ef29a99d2c68b250749540548b33ef48ebfa1b4e17ab07a03a94c291": "1.3.9",
    "db302863056615cab4dcf19d94f9cc9c918f252d620548b90db3c6188b97db44": "9f3c2ab",
}


def event(name: str) -> Any:
    """The event file `events/NAME.json`, about the images of the world."""
    text = (EVENTS / f"{name}.json").read_text(encoding="utf-8")
    for digest, version in IMAGES.items():
        text = text.replace(digest, image(version).removeprefix("sha256:"))
    return json.loads(text)


class Sqs:
    """A queue that keeps what it is sent, and how long a message that failed has to wait."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.sent: list[dict[str, Any]] = []
        self.waits: dict[str, int] = {}

    def send_message(self, **asked: Any) -> dict[str, Any]:
        self.calls["SendMessage"] += 1
        self.sent.append(asked)
        return {"MessageId": str(len(self.sent))}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        self.calls["SendMessageBatch"] += 1
        self.sent += [{"QueueUrl": QueueUrl, **entry} for entry in Entries]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> None:
        self.calls["ChangeMessageVisibility"] += 1
        assert QueueUrl.startswith("https://sqs.example/")
        self.waits[ReceiptHandle] = VisibilityTimeout

    def hints(self) -> list[dict[str, Any]]:
        return [json.loads(each["MessageBody"]) for each in self.sent]


class Sns:
    """A topic that keeps what it is given."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.messages: list[dict[str, Any]] = []

    def publish(self, **asked: Any) -> dict[str, Any]:
        self.calls["Publish"] += 1
        self.messages.append(asked)
        return {"MessageId": str(len(self.messages))}


class Events:
    """A bus that keeps what it is given."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.entries: list[dict[str, Any]] = []

    def put_events(self, *, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        self.calls["PutEvents"] += 1
        self.entries += Entries
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in Entries]}


@dataclass
class Aws:
    """Everything that the functions reach; `dynamodb` is moto's, `count` notes its calls."""

    dynamodb: Any
    ecr: MemorySettings = field(default_factory=MemorySettings)
    sqs: Sqs = field(default_factory=Sqs)
    sns: Sns = field(default_factory=Sns)
    events: Events = field(default_factory=Events)
    cloudtrail: Any = None
    table_calls: Counter[str] = field(default_factory=Counter)

    def client(self, service: str) -> Any:
        """What stands in for the sandbox's client factory."""
        return getattr(self, service)

    def calls(self) -> dict[str, int]:
        """Every call of every service so far, waits for a retry aside."""
        counted = self.ecr.calls + self.table_calls + self.sns.calls + self.events.calls
        counted = counted + self.sqs.calls
        del counted["ChangeMessageVisibility"]
        return dict(counted)

    def hold(self, repository: str, *tags: str) -> None:
        """Create a repository with images, each under its own name as tag."""
        self.ecr.create_repository(repositoryName=repository)
        for tag in tags:
            self.ecr.put_image(repositoryName=repository, imageManifest=manifest(tag), imageTag=tag)
        self.ecr.calls.clear()

    def count(self, model: Any, **_: Any) -> None:
        """Count a call of the table."""
        self.table_calls[model.name] += 1


class Context:
    """The context Lambda hands over (Lambda Developer Guide: Python context object)."""

    function_name = "steward-function"
    function_version = "$LATEST"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:steward-function"
    aws_request_id = "52fdfc07-2182-154f-163f-5f0f9a621d72"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


class Function:
    """One function, loaded as at a cold start; `invoke` is what Lambda does."""

    def __init__(self, name: str) -> None:
        path = ROOT / "functions" / name / "app.py"
        spec = importlib.util.spec_from_file_location(f"function_{name}", path)
        assert spec is not None
        assert spec.loader is not None
        self.module: ModuleType = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)
        self._written = io.StringIO()
        # pytest has handlers of its own there.
        (handler,) = [
            each
            for each in self.module.logger.handlers
            if isinstance(each.formatter, LambdaPowertoolsFormatter)
        ]
        handler.setStream(self._written)

    def invoke(self, event: Any) -> Any:
        return self.module.lambda_handler(event, Context())

    def output(self) -> str:
        """What it has logged, as it stands in CloudWatch."""
        return self._written.getvalue()

    def logs(self) -> Iterator[dict[str, Any]]:
        """What it has logged; every line has to be one JSON object."""
        return map(json.loads, self.output().splitlines())
