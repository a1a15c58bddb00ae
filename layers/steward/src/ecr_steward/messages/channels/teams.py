"""An Adaptive Card for the webhook of a Teams workflow.

Nothing that came from outside is ever parsed: it stands in text runs of rich text blocks, which
know no Markdown, and without `<` and `>`, which begin mentions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ecr_steward.messages.channels.channel import URL, ChannelType, Payload, dumps, to_url
from ecr_steward.messages.say.message import Message, Part, runs
from ecr_steward.messages.say.steps import NextStep
from ecr_steward.messages.say.wording import inert, listed
from ecr_steward.words.facts import clipped

SIZE = 24_000
"""Largest request, in bytes; Teams takes messages of 28 KB."""

_HEADLINE = 150
_TEXT = 2000
_LINES = 40
_CONTENT_TYPE = "application/vnd.microsoft.card.adaptive"

Element = dict[str, Any]


def payloads(message: Message) -> tuple[Payload, ...]:
    """One message with one card."""
    card: Element = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "fallbackText": _shown(message.within(_HEADLINE), _HEADLINE),
        "msteams": {"width": "Full"},
        "body": _body(message),
    }
    if message.link:
        title = "Open in the ECR console"
        card["actions"] = [{"type": "Action.OpenUrl", "title": title, "url": message.link}]
    attachment = {"contentType": _CONTENT_TYPE, "contentUrl": None, "content": card}
    return (Payload(message.id, dumps({"type": "message", "attachments": [attachment]})),)


def _body(message: Message) -> list[Element]:
    color = "Attention" if message.attention else "Default"
    headline = message.within(_HEADLINE)
    top = _block(_run(headline, _HEADLINE, size="Large", weight="Bolder", color=color))
    end = [*_steps(message.steps), _fields(message.fields)]
    room = SIZE - sum(map(_size, (top, *end))) - _FRAME - len(message.link or "")
    return [top, *_fitting(message.parts, room), *end]


_FRAME = 2_000
"""What stands around the body, in bytes, and the line that says how much was left out."""


def _fitting(parts: tuple[Part, ...], room: int) -> Iterator[Element]:
    """An element for each part, as long as there is room; then how many more there are."""
    for i, part in enumerate(parts):
        element = _part(part)
        room -= _size(element)
        if room < 0:
            more = f"… and {len(parts) - i} more: see ecr-steward history."
            yield _block(_run(more))
            return
        yield element


def _size(element: Element) -> int:
    return len(dumps(element).encode()) + 1


def _part(part: Part) -> Element:
    items = [_block(_run(listed(part.names, _TEXT), weight="Bolder"))] if part.names else []
    for line in filter(None, (part.change, part.reason)):
        items.append(_tight(*_runs(line)))
    if part.link:
        action = {"type": "Action.OpenUrl", "url": part.link}
        items.append(_tight({**_run("Open in the ECR console"), "selectAction": action}))
    if part.lines:
        items.append(_lines(part.lines))
    return {"type": "Container", "items": items}


def _lines(lines: tuple[str, ...]) -> Element:
    more = len(lines) - _LINES
    shown = [*lines[:_LINES], *([f"… and {more} more"] if more > 0 else [])]
    return {"type": "Container", "style": "emphasis", "items": [_code(line) for line in shown]}


def _code(line: str) -> Element:
    run = _run(line, _LINE, fontType="Monospace", size="Small")
    # Several spaces together would be shown as one.
    return _tight({**run, "text": run["text"].replace(" ", "\N{NO-BREAK SPACE}")})


_LINE = 300


def _steps(steps: Iterable[NextStep]) -> Iterator[Element]:
    for step in steps:
        command = [_run(f" {step.command}", fontType="Monospace")] if step.command else []
        yield _block(*_runs(step.said), *command)


def _fields(fields: Iterable[tuple[str, str]]) -> Element:
    items = [
        _tight(_run(f"{name}: ", size="Small", isSubtle=True), _run(value, _LINE, size="Small"))
        for name, value in fields
    ]
    return {"type": "Container", "separator": True, "items": items}


def _runs(text: str) -> list[Element]:
    return [_run(run, fontType="Monospace") if code else _run(run) for run, code in runs(text)]


def _block(*inlines: Element) -> Element:
    return {"type": "RichTextBlock", "inlines": list(inlines)}


def _tight(*inlines: Element) -> Element:
    return {**_block(*inlines), "spacing": "None"}


def _run(text: str, most: int = _TEXT, **how: str | bool) -> Element:
    return {"type": "TextRun", "text": _shown(text, most), **how}


def _shown(text: str, most: int) -> str:
    # `{{DATE(…)}}` is a function of Adaptive Cards.
    return clipped(inert(text).replace("{{", "{ {"), most)


TYPE = ChannelType(
    name="teams",
    description="the webhook of a Teams workflow",
    keys={"url": URL},
    forms={"teams": payloads},
    address=to_url,
    size=28 * 1024,
)
