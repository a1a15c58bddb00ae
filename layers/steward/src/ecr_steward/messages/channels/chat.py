"""The custom notification of Amazon Q Developer in chat applications, for a topic of its own.

Amazon Q hands texts to Slack and to Teams as Markdown of theirs. So all that came from outside
stands in code, where neither knows a mention, a link or a format, and without what ends code.
"""

from __future__ import annotations

from collections.abc import Iterator

from ecr_steward.messages.channels.channel import Payload, dumps
from ecr_steward.messages.say import links
from ecr_steward.messages.say.message import Message, Part, main
from ecr_steward.messages.say.steps import NextStep
from ecr_steward.messages.say.wording import inert, listed
from ecr_steward.words.events import event_name
from ecr_steward.words.facts import clipped

DESCRIPTION = 2_800
"""Longest description, in characters: Slack shows 3,000 in one text."""

_LINE = 500
_FIELD = 250
_KEYWORDS = 10


_KEYWORD = 75
_STEP = 350
"""Most characters of a keyword and of a next step (Amazon Q Developer in chat applications
Administrator Guide: Custom notifications)."""


def payloads(message: Message) -> tuple[Payload, ...]:
    """One notification (version 1.0 of the schema) for a topic that Amazon Q listens to."""
    first = main(message.facts)
    body = {
        "version": "1.0",
        "source": "custom",
        "id": message.id,
        "content": {
            "textType": "client-markdown",
            "title": f"{'⚠ ' if message.attention else ''}{_code(message.within(150))}",
            "description": _description(message),
            "nextSteps": [_step(step) for step in message.steps],
            "keywords": [_code(each, _KEYWORD) for each in _keywords(message)][:_KEYWORDS],
        },
        "metadata": {
            # What the same cause leads to later joins the first message.
            "threadId": _plain(first.cause.id),
            "summary": _code(message.within(_FIELD)),
            "eventType": event_name(first.kind),
            "relatedResources": list(_resources(message)),
            "additionalContext": {name: _plain(value) for name, value in message.fields},
        },
    }
    return (Payload(message.id, dumps(body), subject="ECR Steward"),)


def _description(message: Message) -> str:
    link = f"\n{message.link}" if message.link else ""
    lines = [line for part in message.parts for line in _part(part)]
    shown = _fitted(lines, DESCRIPTION - len(link) - len("```\n\n```"))
    return "\n".join(["```", *shown, "```"]) + link


def _fitted(lines: list[str], room: int) -> list[str]:
    """The lines, as long as there is room; then how many more there are."""
    for i, line in enumerate(lines):
        room -= len(line) + 1
        if room < _MORE:
            return [*lines[:i], f"… and {len(lines) - i} more lines: see ecr-steward history"]
    return lines


_MORE = 60


def _part(part: Part) -> Iterator[str]:
    if part.names:
        yield _plain(listed(part.names, _LINE), _LINE)
    for line in filter(None, (part.change, part.reason)):
        yield f"  {_plain(line, _LINE)}"
    for line in part.lines:
        yield f"    {_plain(line, _FIELD)}"


def _step(step: NextStep) -> str:
    said = clipped(step.said, _STEP)
    room = min(_FIELD, _STEP - len(said) - len(" ``"))
    return f"{said} {_code(step.command, room)}" if step.command and room > 0 else said


def _keywords(message: Message) -> Iterator[str]:
    yield from filter(None, (message.repository, message.mode))
    yield from dict.fromkeys(event_name(fact.kind) for fact in message.facts)


def _resources(message: Message) -> Iterator[str]:
    named = dict.fromkeys(
        links.arn(fact.account, fact.region, fact.repository)
        for fact in message.facts
        if fact.repository
    )
    yield from (_plain(each, _LINE) for each in list(named)[:20])


def _code(text: str, most: int = _FIELD) -> str:
    return f"`{_plain(text, most - 2)}`"


def _plain(text: str, most: int = _FIELD) -> str:
    return clipped(inert(text).replace("`", "'"), most)
