"""What tags a scheme can write: its unique tags, its stable tags and its pins, as languages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ecr_steward.settings.languages import (
    ANY_TEXT,
    Either,
    Expression,
    Language,
    NotRegular,
    Regex,
    Then,
    literal,
    of_glob,
)
from ecr_steward.tags.kinds import NUMBERS
from ecr_steward.tags.pins import DEFAULT_PIN, PinTemplate
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.tags.stable import StableTag

FIELDS = re.compile(r"(\{[^{}]*\}|\*)")
"""The parts of a stable tag's name that are not written out."""


@dataclass(frozen=True, slots=True)
class Stable:
    """The stable tags that one entry makes, those of a variant apart.

    `entry` is its template as `stable` has it, `name` that of these tags. `leads` says that the tag
    is on the image that was pushed last.
    """

    entry: str
    name: str
    language: Language
    leads: bool


@dataclass(frozen=True, slots=True)
class Writes:
    """The tags that a scheme can write; `ignored` are none of them, but for `pins`.

    `tags` are unique and stable ones, and perhaps a few more. `unique` are surely unique: none of
    them is a stable tag, whatever can write it.
    `beyond` are the patterns that say more than an automaton can: they count as any tag.
    """

    stable: tuple[Stable, ...]
    tags: Language
    unique: Language
    pins: Language
    ignored: tuple[Language, ...]
    beyond: tuple[str, ...]


_KNOWN: dict[str, Writes] = {}


def writes(scheme: Scheme) -> Writes:
    """What a scheme can write, found once for each."""
    return _KNOWN.get(repr(scheme)) or _KNOWN.setdefault(repr(scheme), _writes(scheme))


def _writes(scheme: Scheme) -> Writes:
    kinds, beyond = [], []
    for kind in scheme.kinds:
        written = Regex(kind.language())
        try:
            Language(written)
        except NotRegular:
            beyond.append(written.text)
            written = ANY_TEXT
        kinds.append(written)
    groups = _groups(scheme)
    stable = tuple(_stable(scheme, groups))
    names = [_written(each.name, groups) for each in stable]
    tags = Either((*kinds, *names))
    own = () if scheme.pin is None else (PinTemplate(scheme.pin),)
    pins = Either(tuple(_pin(each, tags) for each in (*own, DEFAULT_PIN)))
    ignored = tuple(map(of_glob, scheme.ignore))
    sure = (kind.sure() for kind in scheme.kinds)
    unique = Language(Either(tuple(Regex(each) for each in sure if each is not None)))
    return Writes(stable, Language(tags), unique, Language(pins), ignored, tuple(beyond))


_Groups = Mapping[str, Expression]


def _groups(scheme: Scheme) -> _Groups:
    """What each group of the patterns can match; any text where that cannot be told."""
    found: dict[str, list[Expression]] = {}
    for kind in scheme.kinds:
        for name, expression in kind.placeholders.items():
            found.setdefault(name, []).append(_of_group(expression))
    return {name: Either(tuple(each)) for name, each in found.items()}


def _of_group(expression: str) -> Expression:
    written = Regex(expression)
    try:
        Language(written)
    except NotRegular:
        return _ANY_GROUP
    return written


def _stable(scheme: Scheme, groups: _Groups) -> Iterator[Stable]:
    for stable, name in scheme.forms(None):
        fixed = FIELDS.search(name) is None
        if fixed and scheme.judge(name) is not Verdict.STABLE:
            continue
        language = Language(_written(name, groups))
        yield Stable(stable.template, name, language, _leads(stable, scheme))


def _leads(stable: StableTag, scheme: Scheme) -> bool:
    """Whether the image pushed last has the tag: no other newest image can be in its line."""
    return stable.follows == "newest" and not stable.of and not scheme.variants


def _written(name: str, groups: _Groups) -> Expression:
    """What the template of a stable tag can become, `*` being what a variant's glob matches."""
    return Then(tuple(_field(each, groups) for each in FIELDS.split(name) if each))


def _field(part: str, groups: _Groups) -> Expression:
    if part == "*":
        return ANY_TEXT
    if not part.startswith("{"):
        return literal(part)
    return Regex("[0-9]+") if part[1:-1] in NUMBERS else groups.get(part[1:-1], _ANY_GROUP)


_ANY_GROUP = Regex("[0-9A-Za-z_.-]+")


def _pin(template: PinTemplate, tags: Expression) -> Expression:
    """The pins that a template makes of these tags."""
    return Then(tuple(tags if each is None else Regex(each) for each in template.parts()))
