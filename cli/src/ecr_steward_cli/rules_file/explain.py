"""What the rules mean for one repository, in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ecr_steward.messages.whom.routing import INTERVALS, Routing
from ecr_steward.rules.model import Mode, Rule, Ruleset
from ecr_steward.tags.scheme import Line, Scheme, StableTag
from ecr_steward.tags.versions import Version
from ecr_steward_cli.rules_file.advice import groups, most_numbers
from ecr_steward_cli.rules_file.load import Loaded
from ecr_steward_cli.rules_file.settings_explain import settings

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_MODES = {
    Mode.OFF: "off: nothing is decided and nothing is changed.",
    Mode.AUDIT: "audit: the steward reports what it would do and changes nothing.",
    Mode.ENFORCE: "enforce: the steward changes the registry, if the stack's Mode allows.",
}
_UNKNOWN = {
    "allow": "a tag that is neither unique nor stable is allowed",
    "report": "a tag that is neither unique nor stable is reported",
    "remove": "a tag that is neither unique nor stable is taken off its image, where the stack "
    "parameter AllowTagRemoval allows it; elsewhere, and as an image's last tag, it is reported",
}
_OVERWRITTEN = {
    "allow": "a unique tag that moves to another image is allowed",
    "report": "a unique tag that moves to another image is reported",
    "restore": "a unique tag that moves to another image is reported and put back where it was; "
    "the other image gets a pin if no unique tag names it then",
}
_KINDS = {
    "semver": "semver (versions such as 1.4.2 or v1.4.2-rc.1)",
    "sha": "sha (commits such as 9f1c2ab or sha-9f1c2ab)",
    "build": "build (numbers such as 1187 or build-1187)",
    "timestamp": "timestamp (times such as 20261123 or 20261123T0224Z)",
}
_UNVERSIONED = {
    "sha": ("9f1c2ab", "sha-9f1c2ab"),
    "build": ("1187", "build-1187"),
    "timestamp": ("20261123T0224Z", "20261123"),
}
_USUAL = {1: "17", 2: "16.4", 3: "1.4.2", 4: "10.0.20348.1"}
_NUMBERS = ("1.4.2.7.1.1.1.1", "2.7.1.3.1.1.1.1", "0.9.3.1.1.1.1.1", "2026.11.23.1.1.1.1.1")
_SHOWN_VARIANTS = 5
_PUSHED = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
_DIGEST = "sha256:9f1c2ab3d4e5"


def is_repository(name: str) -> bool:
    """Whether `name` can be a repository's: 2 to 256 characters (ECR API: RepositoryName)."""
    return 2 <= len(name) <= 256 and _REPOSITORY.fullmatch(name) is not None


def explain(loaded: Loaded, repository: str) -> str:
    """Which rule wins for `repository` and what follows from it, as lines of text."""
    rule = loaded.ruleset.rule_for(repository)
    if rule is None:
        return f"{repository}: no rule matches; the repository is left alone."
    line = loaded.rule_lines[rule.index]
    return "\n".join(
        [
            f"{repository}: the rule on line {line} wins ({', '.join(rule.repositories)}).",
            *(f"  {each}" for each in _meaning(rule, repository)),
            *(f"  {each}" for each in _titled("messages", _messages(loaded.ruleset, repository))),
        ]
    )


def _meaning(rule: Rule, repository: str) -> Iterator[str]:
    yield f"mode         {_MODES[rule.mode]}"
    if not rule.names(repository):
        yield "             If it is a pull-through cache it is left alone: only globs that begin"
        yield "             with `*` match it."
    if rule.tags is None:
        yield "tags         The rule says nothing about tags, so they are left alone."
    else:
        yield from _of_scheme(rule, rule.tags)
    yield from (f"{title:<13}{line}" for title, line in settings(rule))


def _of_scheme(rule: Rule, scheme: Scheme) -> Iterator[str]:
    yield from _titled("unique", map(_kind, scheme.unique))
    if scheme.variants:
        yield f"variants     {', '.join(scheme.variants)}: each has stable tags of its own"
    examples = _examples(scheme)
    yield from _titled("stable", _stable(scheme, list(examples.values())) or ["none"])
    puts = "puts" if rule.mode is Mode.ENFORCE else "would put"
    yield from _titled("example", (_push(scheme, puts, *each) for each in examples.items()))
    yield f"pin          {_pin(scheme)}"
    yield f"ignored      {', '.join((*scheme.ignore, 'tags of signatures and attestations'))}"
    yield f"unknown      {_UNKNOWN[scheme.unknown]}"
    yield f"overwritten  {_OVERWRITTEN[scheme.overwritten]}"


def _messages(ruleset: Ruleset, repository: str) -> Iterator[str]:
    routing = Routing(ruleset)
    for route in routing.routes(repository):
        what = (
            "everything" if "*" in route.on else ", ".join(_EVENTS.get(on, on) for on in route.on)
        )
        whom = _listed(list(route.to), "and") if route.to else "nobody"
        when = "at once" if route.every is None else _EVERY[route.every]
        yield f"{what} to {whom}" + (f", {when}" if route.to else "")
    if len(routing.channels) > 1:
        yield "also to channels that its resource tags steward:notify and owner name"


_EVENTS = {
    "loud": "what somebody should know (refused, overwritten, public, failed …)",
    "quiet": "the rest (moved, pinned, held …)",
}
_EVERY = {
    INTERVALS["15m"]: "in a digest every 15 minutes",
    INTERVALS["1h"]: "in a digest every hour",
    INTERVALS["24h"]: "in a digest every 24 hours",
}


def _titled(title: str, lines: Iterable[str]) -> Iterator[str]:
    for each in lines:
        yield f"{title:<13}{each}"
        title = ""


def _kind(definition: Any) -> str:
    if not isinstance(definition, Mapping):
        return _KINDS[definition]
    if "version" in definition:
        parts = definition["version"]["parts"]
        counts = parts if isinstance(parts, list) else [parts]
        said = "1 part" if counts == [1] else f"{_either(map(str, counts))} parts"
        return f"version of {said} (such as {_either(map(_usual, counts))})"
    ordered = ", versions by its group `version`" if most_numbers(definition) else ""
    return f"pattern (tags that match `{definition['pattern']}`{ordered})"


def _usual(count: int) -> str:
    return _USUAL.get(count, ".".join(_NUMBERS[0].split(".")[:count]))


def _either(words: Iterable[str]) -> str:
    return _listed(list(words), "or")


def _listed(words: list[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _examples(scheme: Scheme) -> dict[str, Version | None]:
    """Unique tags to explain the scheme with, and their versions: one for each kind, one for each
    variant, and one for each stable tag that none of those moves.

    Kinds without versions have one only where a stable tag follows the newest image.
    """
    found: dict[str, Version | None] = {}
    for kind in scheme.unique:
        tags = _tags(kind) if most_numbers(kind) else _unversioned(scheme, kind)
        alone = replace(scheme, unique=(kind,))
        found.update(_first(scheme, filter(alone.read_unique, tags)))
    if any(stable.prereleases for stable in scheme.stable):
        found.update(_first_prerelease(scheme))
    for stable in scheme.stable:
        if stable.follows and not any(_line(scheme, stable, each) for each in found.values()):
            found.update(_first_that_moves(scheme, stable))
    for glob in scheme.variants[:_SHOWN_VARIANTS]:
        variant = re.sub(r"(?<=\.)\*", "20", glob).replace("*", "x")
        tags = (tag for kind in scheme.unique for tag in _tags(kind, suffix=f"-{variant}"))
        found.update(_first(scheme, tags, variant))
    return found


def _first(scheme: Scheme, tags: Iterable[str], variant: str | None = None) -> Mapping[str, Any]:
    """The first of `tags` that is a unique tag of this variant, with its version."""
    for tag in tags:
        unique = scheme.read_unique(tag)
        if unique is not None and (unique.version is None or unique.version.variant == variant):
            return {tag: unique.version}
    return {}


def _first_prerelease(scheme: Scheme) -> Mapping[str, Version]:
    for kind in scheme.unique:
        for tag in (*_tags(kind, suffix="-rc.1"), *_tags(kind, suffix="-rc1")):
            unique = scheme.read_unique(tag)
            if unique and unique.version and unique.version.prerelease:
                return {tag: unique.version}
    return {}


def _first_that_moves(scheme: Scheme, stable: StableTag) -> Mapping[str, Version]:
    suffixes = ("", "-rc.1", "-rc1") if stable.prereleases else ("",)
    for kind in scheme.unique:
        for prefix in stable.within or ("",):
            for suffix in suffixes:
                for tag in _tags(kind, prefix, suffix):
                    unique = scheme.read_unique(tag)
                    if unique and unique.version and _line(scheme, stable, unique.version):
                        return {tag: unique.version}
    return {}


def _unversioned(scheme: Scheme, kind: Any) -> Iterable[str]:
    newest = any(stable.follows == "newest" for stable in scheme.stable)
    return _UNVERSIONED.get(kind, ()) if newest and isinstance(kind, str) else ()


def _tags(kind: Any, prefix: str = "", suffix: str = "") -> Iterator[str]:
    """Tags that may be of this kind, with a version that begins with `prefix`."""
    if isinstance(kind, Mapping) and "version" in kind:
        parts = kind["version"]["parts"]
        counts = parts if isinstance(parts, list) else [parts]
    else:
        counts = [3] if kind == "semver" else [3, 2, 4, 1] if most_numbers(kind) else []
    before, after = _around(kind)
    for count in counts:
        usual = [] if prefix else [_usual(count)]
        for text in (*usual, *(_filled(prefix, each, count) for each in _NUMBERS)):
            yield f"{before}{text}{after}{suffix}"
            if not groups(kind):
                yield f"v{text}{suffix}"


def _filled(prefix: str, numbers: str, count: int) -> str:
    """`prefix` with as many of `numbers` after it as make `count` numbers."""
    begin = prefix.split(".") if prefix else []
    return ".".join([*begin, *numbers.split(".")[len(begin) :]][: max(count, len(begin))])


def _around(kind: Any) -> tuple[str, str]:
    """The plain text that stands before and after the version in a pattern, as far as it is plain.

    What comes of it is only tried: whether the pattern takes it is for the pattern to say.
    """
    if "version" not in groups(kind):
        return "", ""
    expression = re.sub(r"\[([._-])\]|\\([._-])", r"\1\2", kind["pattern"]).strip("^$")
    before, _, rest = expression.partition("(?P<version>")
    depth, end = 1, 0
    while depth and end < len(rest):
        depth += {"(": 1, ")": -1}.get(rest[end], 0)
        end += 1
    after = re.match(r"(?:[\w.-](?![?*+{]))*", rest[end:])
    return re.sub(r"v\?$|\(.*?\)\?", "", before), after[0] if after else ""


def _stable(scheme: Scheme, versions: list[Version | None]) -> list[str]:
    width = max((len(each.template) for each in scheme.stable), default=0)
    return [
        f"{each.template:<{width}}  {_follows(scheme, each, versions)}" for each in scheme.stable
    ]


def _line(scheme: Scheme, stable: StableTag, version: Version | None) -> Line | None:
    """The line, of no variant, that this entry gives to a version or to a tag without one."""
    tag = stable.template if version is None else stable.render(version)
    return next(
        (each for each in scheme.lines(version) if each.tag == tag and stable.line(tag) == each),
        None,
    )


def _follows(scheme: Scheme, stable: StableTag, versions: list[Version | None]) -> str:
    if stable.follows is None:
        return "moved by your pipeline only"
    line = next(filter(None, (_line(scheme, stable, each) for each in versions)), None)
    if line is None and not any(map(most_numbers, scheme.unique)):
        return "never moved: no unique tag here carries a version"
    if line is None:
        usual = next((".".join(each.written) for each in versions if each), "1.4.2")
        return f"not moved by a version such as {usual}"
    words = f"such as {line.tag}, " if stable.placeholders else ""
    words += _newest(line) if line.newest else f"the highest of {line}"
    words += ", pre-releases too" if line.prereleases and not line.newest else ""
    return words + (f", but not {_either(stable.not_within)}" if stable.not_within else "")


def _newest(line: Line) -> str:
    if not (line.numbers or line.within):
        return "the newest image of all with a unique tag"
    return f"the newest image of {replace(line, newest=False, prereleases=True)}"


def _push(scheme: Scheme, puts: str, tag: str, version: Version | None) -> str:
    lines = scheme.lines(version)
    highest = [line.tag for line in lines if not line.newest]
    newest = [line.tag for line in lines if line.newest]
    if not lines:
        return f"a push of {tag} moves no stable tag."
    if not highest:
        return f"a push of {tag} {puts} {_listed(newest, 'and')} on its image, as the newest."
    above = "release" if version is None or version.prerelease is None else "version"
    holds = f"unless a higher {above} holds {'it' if len(highest) == 1 else 'them'}"
    also = f"; {_listed(newest, 'and')} in any case, as the newest" if newest else ""
    return f"a push of {tag} {puts} {_listed(highest, 'and')} on its image {holds}{also}."


def _pin(scheme: Scheme) -> str:
    moved = next((each.template for each in scheme.stable if not each.placeholders), "latest")
    pin = scheme.make_pin(moved, _PUSHED, _DIGEST)
    which = "that would lose its last tag" if scheme.pin is None else "that only stable tags name"
    return f"an image {which} gets a unique tag such as {pin}"
