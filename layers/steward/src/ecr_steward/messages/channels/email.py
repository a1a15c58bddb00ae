"""Plain text for e-mail: what one push caused, in one message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ecr_steward.messages.channels.channel import Payload
from ecr_steward.messages.say.message import Message, Part
from ecr_steward.messages.say.steps import NextStep
from ecr_steward.words.reading import printable

SUBJECT = 99
"""Longest subject, in characters, of printable ASCII (SNS API: Publish, "less than 100")."""

BODY = 200_000
"""Longest body, in bytes; SNS takes messages of 256 KB (SNS API: Publish)."""


def payloads(message: Message) -> tuple[Payload, ...]:
    """One e-mail: a subject that SNS accepts, and a body of lines."""
    lines = [message.headline, "", *_parts(message.parts)]
    lines += [*_steps(message.steps), *_footer(message)]
    body = _fitted([_line(line) for line in lines])
    return (Payload(message.id, body, content_type="text/plain", subject=_subject(message)),)


def _fitted(lines: list[str]) -> str:
    """The lines, cut where SNS takes no more."""
    size = 0
    for i, line in enumerate(lines):
        size += len(line.encode()) + 1
        if size > BODY:
            more = f"… and {len(lines) - i} more lines: see `ecr-steward history`."
            return "\n".join([*lines[:i], more]) + "\n"
    return "\n".join(lines) + "\n"


def _subject(message: Message) -> str:
    prefix = "[ECR Steward, audit] " if message.mode == "audit" else "[ECR Steward] "
    return _in_ascii(message.within(SUBJECT, prefix))


def _parts(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        if part.names:
            yield ", ".join(part.names)
        # What is listed needs no sentence that says the same.
        said = (part.change, "" if part.lines and not part.names else part.reason)
        yield from (f"  {each}" for each in said if each)
        yield from (f"    {line}" if part.names else f"  {line}" for line in part.lines)
        yield ""


def _steps(steps: Iterable[NextStep]) -> Iterator[str]:
    for step in steps:
        yield step.said
        if step.command:
            yield f"  {step.command}"
    if steps:
        yield ""


def _footer(message: Message) -> Iterator[str]:
    for name, value in message.fields:
        yield f"{name:<12}{value}"
    if message.link:
        yield f"{'console':<12}{message.link}"


def _line(text: str) -> str:
    """`text` as one line: whatever a reason carries, it cannot look like another part."""
    indent = text[: len(text) - len(text.lstrip(" "))]
    return indent + printable(text.lstrip(" "))


def _in_ascii(text: str) -> str:
    return "".join(each if " " <= each <= "~" else "?" for each in text)
