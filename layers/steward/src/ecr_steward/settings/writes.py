"""What tags a scheme can write: its unique tags, its stable tags and its pins, as languages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.settings.languages import (
    ANY_TEXT,
    Either,
    Expression,
    Language,
    NotRegular,
    Regex,
    Then,
    glob,
    literal,
    of_glob,
)
from ecr_steward.tags.kinds import NUMBERS
from ecr_steward.tags.pins import DEFAULT_PIN, PinTemplate
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.tags.stable import StableTag

_SUFFIX = "(?:[-_][0-9A-Za-z_-][0-9A-Za-z_.-]*)?"
_SIMPLE: Mapping[str, str] = {
    "sha": "(?:(?:sha|git)-)?[0-9a-f]{7,40}",
    "build": "(?:[A-Za-z][A-Za-z0-9_.]*-)?[0-9]+",
    "timestamp": (
        "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12][0-9]|3[01])"
        "(?:[T_.-]?(?:[01][0-9]|2[0-3])[.:-]?[0-5][0-9](?:[.:-]?[0-5][0-9])?Z?)?"
    ),
}
_SAMPLES = {"sha": "9f1c2ab", "build": "1187", "timestamp": "20261123"}
_PLATFORM = (
    "(?:(?:linux|windows)-)?(?:amd64|arm64(?:v8)?|arm32v[567]|armv[567]|armhf|i386|ppc64le|s390x|"
    "riscv64|mips64le|loong64|x86_64|aarch64)|(?:linux|windows)-(?:386|arm|wasm)"
)
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
    for definition in scheme.unique:
        kind = _kind(definition, scheme)
        try:
            Language(kind)
        except NotRegular:
            beyond.append(str(definition["pattern"]))
            kind = ANY_TEXT
        kinds.append(kind)
    stable = tuple(_stable(scheme))
    names = [_written(each.name) for each in stable]
    tags = Either((*kinds, *names))
    own = () if scheme.pin is None else (PinTemplate(scheme.pin),)
    pins = Either(tuple(_pin(each, tags) for each in (*own, DEFAULT_PIN)))
    ignored = tuple(map(of_glob, scheme.ignore))
    unique = Language(
        Either(
            tuple(
                each
                for each in (_surely(kind, scheme) for kind in scheme.unique)
                if each is not None
            )
        )
    )
    return Writes(stable, Language(tags), unique, Language(pins), ignored, tuple(beyond))


_NUMBER = "(?:0|[1-9][0-9]*)"


def _kind(definition: Any, scheme: Scheme) -> Expression:
    """What a kind of unique tag writes, and perhaps a little more."""
    if isinstance(definition, Mapping) and "pattern" in definition:
        return Regex(str(definition["pattern"]))
    if definition == "semver" or isinstance(definition, Mapping):
        return Then((_version(definition), Regex(_SUFFIX)))
    return Then((Regex(_SIMPLE[definition]), Either((Regex(""), *_endings(definition, scheme)))))


def _version(definition: Any) -> Expression:
    """The numbers of a version."""
    if definition == "semver":
        return Regex(rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
    parts = definition["version"]["parts"]
    counts = parts if isinstance(parts, list) else [parts]
    return Either(tuple(Regex(rf"v?[0-9]+(?:\.[0-9]+){{{n - 1}}}") for n in counts))


_ODD = re.compile(r"\(\?[^:P]|\(\?P=|[*+?}]\+|[$^]|\\[0-9AbBZ]")
"""What in an expression may match less than an automaton takes it to."""


def _surely(definition: Any, scheme: Scheme) -> Expression | None:
    """What a kind of unique tag surely writes; None where that is not sure."""
    if definition in ("sha", "build"):
        return Regex(_SIMPLE[definition])
    if definition == "semver" or (isinstance(definition, Mapping) and "version" in definition):
        variants = tuple(Then((literal("-"), glob(each))) for each in scheme.variants)
        plain = Regex("(?:-[A-Za-z][0-9A-Za-z]*)?")
        return Then((_version(definition), Either((plain, *variants))))
    if isinstance(definition, Mapping) and not _ODD.search(str(definition["pattern"])):
        return Regex(str(definition["pattern"]))
    return None


def _endings(definition: str, scheme: Scheme) -> Iterator[Expression]:
    """What may stand after a tag of a kind without a version: platforms and variants, where the
    kind reads them."""
    alone = Scheme(unique=(definition,), variants=scheme.variants, revisions=scheme.revisions)
    platform, dash = Regex(_PLATFORM), literal("-")
    if alone.read_unique(f"{_SAMPLES[definition]}-amd64") is not None:
        yield Then((dash, platform))
    for each in scheme.variants:
        if alone.read_unique(f"{_SAMPLES[definition]}-{each.replace('*', 'x')}") is not None:
            yield Then((dash, glob(each)))
            yield Then((dash, glob(each), dash, platform))


def _stable(scheme: Scheme) -> Iterator[Stable]:
    for stable, name in scheme.forms(None):
        fixed = FIELDS.search(name) is None
        if fixed and scheme.judge(name) is not Verdict.STABLE:
            continue
        yield Stable(stable.template, name, Language(_written(name)), _leads(stable, scheme))


def _leads(stable: StableTag, scheme: Scheme) -> bool:
    """Whether the image pushed last has the tag: no other newest image can be in its line."""
    return stable.follows == "newest" and not stable.of and not scheme.variants


def _written(name: str) -> Expression:
    """What the template of a stable tag can become, `*` being what a variant's glob matches."""
    return Then(tuple(_field(each) for each in FIELDS.split(name) if each))


def _field(part: str) -> Expression:
    if part == "*":
        return ANY_TEXT
    if not part.startswith("{"):
        return literal(part)
    return Regex("[0-9]+" if part[1:-1] in NUMBERS else "[0-9A-Za-z_.-]+")


def _pin(template: PinTemplate, tags: Expression) -> Expression:
    """The pins that a template makes of these tags."""
    return Then(tuple(tags if each is None else Regex(each) for each in template.parts()))
