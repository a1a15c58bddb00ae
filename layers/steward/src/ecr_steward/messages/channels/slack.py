"""Block Kit for a Slack incoming webhook.

Nothing that came from outside is ever parsed: it stands in rich text and plain text, which have no
markup, and without `<` and `>`, which begin Slack's mentions and links where there is markup. Only
the fallback for notifications has markup: it is left no code of an emoji (`:100:`). The JSON is
small, so no library is shipped for it: in the tests `slack_sdk` reads what is written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ecr_steward.messages.channels.channel import URL, ChannelType, Payload, dumps, to_url
from ecr_steward.messages.say.message import Message, Part, runs
from ecr_steward.messages.say.steps import NextStep
from ecr_steward.messages.say.wording import inert, listed
from ecr_steward.words.facts import clipped

HEADER = 150
"""Longest header, in characters (Block Kit: header)."""

TEXT = 3000
"""Longest text of one element, in characters (Block Kit: section)."""

BLOCKS = 50
"""Most blocks in a message (Block Kit)."""

TOTAL = 12_000
"""Most characters of all blocks, as JSON; Slack refuses 13,000 (`msg_blocks_too_long`)."""

_LINES = 40
"""Most lines of a difference."""

_FOOT = 10
"""Most elements in a context block (Block Kit: context)."""

_EMOJI = re.compile(r":(?=[^\s:]+:)")
"""The colon that begins what may be the code of an emoji."""

Block = dict[str, Any]


def payloads(message: Message) -> tuple[Payload, ...]:
    """One message for an incoming webhook."""
    body = {
        "text": _EMOJI.sub("\N{RATIO}", inert(message.within(HEADER))),
        "blocks": _blocks(message),
        "unfurl_links": False,
        "unfurl_media": False,
    }
    return (Payload(message.id, dumps(body)),)


def _blocks(message: Message) -> list[Block]:
    prefix = "⚠ " if message.attention else ""
    header = _plain(message.within(HEADER, prefix), HEADER)
    end = [*_steps(message.steps), *_link(message.link), _foot(message.fields)]
    room = BLOCKS - 2 - len(end)
    parts = _fitting(message.parts, room, TOTAL - _FRAME - sum(map(_size, end)))
    return [{"type": "header", "text": header}, *parts, *end]


_FRAME = 500
"""Room for the header, and for the line that says how much was left out."""


def _fitting(parts: tuple[Part, ...], most: int, room: int) -> Iterator[Block]:
    """A block for each part, as long as there is room; then how many more there are."""
    for i, part in enumerate(parts):
        block = _part(part)
        room -= _size(block)
        if i == most or room < 0:
            more = f"… and {len(parts) - i} more: see ecr-steward history."
            yield _rich(_section(_text(more)))
            return
        yield block


def _size(block: Block) -> int:
    return len(dumps(block)) + 1


def _part(part: Part) -> Block:
    said: list[Block] = []
    if part.names:
        said.append(_text(listed(part.names, TEXT), bold=True))
    for line in filter(None, (part.change, part.reason)):
        said += [_text("\n")] if said else []
        said += [_text(run, code=code) for run, code in runs(line)]
    if part.link:
        said += [_text("\n"), _url(part.link)]
    elements = [_section(*said)] if said else []
    if part.lines:
        elements.append(_preformatted(part.lines))
    return _rich(*elements)


def _preformatted(lines: tuple[str, ...]) -> Block:
    more = len(lines) - _LINES
    shown = [inert(line) for line in lines[:_LINES]] + ([f"… and {more} more"] if more > 0 else [])
    text = {"type": "text", "text": clipped("\n".join(shown), TEXT)}
    return {"type": "rich_text_preformatted", "elements": [text]}


def _steps(steps: Iterable[NextStep]) -> list[Block]:
    items = [
        _section(
            *(_text(run, code=code) for run, code in runs(step.said)),
            *([_text(" "), _text(step.command, code=True)] if step.command else []),
        )
        for step in steps
    ]
    return (
        [_rich({"type": "rich_text_list", "style": "bullet", "elements": items})] if items else []
    )


def _link(link: str | None) -> list[Block]:
    return [_rich(_section(_url(link)))] if link else []


def _foot(fields: Iterable[tuple[str, str]]) -> Block:
    elements = [_plain(f"{name}: {value}", _FIELD) for name, value in fields]
    return {"type": "context", "elements": elements[:_FOOT]}


_FIELD = 300


def _rich(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def _section(*elements: Block) -> Block:
    return {"type": "rich_text_section", "elements": list(elements)}


def _text(text: str, *, bold: bool = False, code: bool = False) -> Block:
    style = {name: True for name, on in (("bold", bold), ("code", code)) if on}
    said = text if text == "\n" else clipped(inert(text), TEXT)
    return {"type": "text", "text": said, **({"style": style} if style else {})}


def _url(link: str) -> Block:
    return {"type": "link", "url": link, "text": "Open in the ECR console"}


def _plain(text: str, most: int) -> Block:
    return {"type": "plain_text", "text": clipped(inert(text), most), "emoji": False}


TYPE = ChannelType(
    name="slack",
    description="an incoming webhook of Slack",
    keys={"url": URL},
    forms={"slack": payloads},
    address=to_url,
    size=128 * 1024,
)
