"""The demo's channels: a receiver on this machine, and what arrived there, as text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from local.cloud import LocalCloud
from local.receiver import Answer, ReceivedRequest, Receiver

SLACK: Final = "team"
WEBHOOK: Final = "programs"
_CHANNELS: Final = {
    SLACK: {"type": "slack", "url": f"ssm:/ecr-steward/demo/{SLACK}"},
    WEBHOOK: {"type": "webhook", "url": f"ssm:/ecr-steward/demo/{WEBHOOK}"},
}
_NOTIFY: Final = [{"on": ["*"], "to": ["email", SLACK, WEBHOOK]}]


class LocalChannels:
    """A Slack and a webhook that are this machine; `receiver` runs as long as they are used."""

    def __init__(self, cloud: LocalCloud, receiver: Receiver) -> None:
        self._receiver = receiver
        self._seen = 0
        ssm = cloud.client("ssm")
        for name in (SLACK, WEBHOOK):
            ssm.put_parameter(
                Name=f"/ecr-steward/demo/{name}",
                Type="SecureString",
                Value=receiver.url(f"/{name}"),
                Overwrite=True,
            )

    def fail_once(self) -> None:
        """Have the next message to Slack refused in passing."""
        self._receiver.script(f"/{SLACK}", [Answer(503)])

    def new(self) -> list[ReceivedRequest]:
        """What has arrived since the last look."""
        arrived = self._receiver.received()[self._seen :]
        self._seen += len(arrived)
        return arrived

    def taken(self) -> Mapping[str, int]:
        """How often each event was taken by the webhook, by its id."""
        arrived = self._receiver.received(f"/{WEBHOOK}")
        return Counter(each.headers["webhook-id"] for each in arrived if each.accepted)


_IMAGES = {
    "keep": [{"newest": 2}],
    "not_kept_by": ["pr-*"],
    "others": "expire",
    "notice": "0h",
    "at_most": "100%",
}
"""Without a notice, which is for people who have more time than a demo."""


def rules(shipped: Path, into: Path) -> Path:
    """The rules as they are shipped, with the demo's channels and routes, and with which images of
    applications stay; the file is `into`."""
    yaml = YAML()
    document = yaml.load(shipped)
    document["rules"][1]["images"] = _IMAGES
    yaml.dump(document | {"channels": _CHANNELS, "notify": _NOTIFY}, into)
    return into


def headline(arrived: ReceivedRequest) -> str:
    """What arrived, in one line."""
    body = arrived.json()
    refused = "" if arrived.accepted else f"  (answered {arrived.answer.status}: tried again)"
    if arrived.path == f"/{SLACK}":
        return f"{body['text']}{refused}"
    return f"{body['type']} {body.get('subject', '')} {body['id'][:12]}{refused}"


def lines(arrived: ReceivedRequest) -> Iterator[str]:
    """A Slack message as text, block by block; any other message as its JSON."""
    body = arrived.json()
    if arrived.path != f"/{SLACK}":
        yield from json.dumps(body, indent=2, ensure_ascii=False).splitlines()
        return
    for block in body["blocks"]:
        yield from "".join(_texts(block)).splitlines()


def _texts(element: Any) -> Iterator[str]:
    """The text in a block, whatever its depth."""
    if isinstance(element, Mapping):
        inner = element.get("text", element.get("elements", ()))
        yield from _texts(inner)
        if "section" in str(element.get("type")) or element.get("type") == "plain_text":
            yield "\n"
    elif isinstance(element, str):
        yield element
    elif isinstance(element, Sequence):
        for each in element:
            yield from _texts(each)
