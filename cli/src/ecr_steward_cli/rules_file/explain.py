"""What the rules mean for one repository, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from ecr_steward.messages.whom.routing import INTERVALS, Routing
from ecr_steward.rules.model import Rule, Ruleset
from ecr_steward.tags.kinds import NUMBERS, Kind, Unique
from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.stable import Line, StableTag
from ecr_steward.words.modes import Mode
from ecr_steward_cli.rules_file.examples import candidates, moved, of_variant, sample_of
from ecr_steward_cli.rules_file.images_advice import images
from ecr_steward_cli.rules_file.load import Loaded
from ecr_steward_cli.rules_file.settings_explain import settings
from ecr_steward_cli.rules_file.unmoved import unmoving

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
    "keep": "a unique tag that moves to another image belongs to that one from then on; the image "
    "before keeps a pin",
}
_SHOWN_VARIANTS = 5
_PUSHED = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
_DIGEST = "sha256:9f1c2ab3d4e5"


def explain(loaded: Loaded, repository: str, tag: str | None = None) -> str:
    """Which rule wins for `repository` and what follows from it, as lines of text; with `tag` also
    what a push of that does."""
    said = _explained(loaded, repository)
    return said if tag is None else f"{said}\n{_of_tag(loaded.ruleset, repository, tag)}"


def _of_tag(ruleset: Ruleset, repository: str, tag: str) -> str:
    """What a push of a tag moves, or why nothing."""
    still, rule = unmoving(ruleset, repository, tag), ruleset.rule_for(repository)
    if still is not None or rule is None or rule.tags is None:
        reason = "" if still is None else still.reason
        return f"A push of {tag} moves nothing: {reason}"
    unique = rule.tags.read_unique(tag)
    if unique is None:
        line = rule.tags.line(tag)
        which = "newest" if line is not None and line.newest else "highest"
        return f"A push of {tag} by hand does not last: `{tag}` follows the {which} of {line}."
    puts = "puts" if rule.mode is Mode.ENFORCE else "would put"
    return _push(rule.tags, puts, unique).replace("a push", "A push", 1)


def _explained(loaded: Loaded, repository: str) -> str:
    rule = loaded.ruleset.rule_for(repository)
    if rule is None:
        return f"{repository}: no rule matches; the repository is left alone."
    place = loaded.rule_places[rule.index]
    return "\n".join(
        [
            f"{repository}: the rule on {place} wins ({', '.join(rule.repositories)}).",
            *(f"  {each}" for each in _meaning(rule, repository, loaded.ruleset)),
            *(f"  {each}" for each in _titled("messages", _messages(loaded.ruleset, repository))),
        ]
    )


def _meaning(rule: Rule, repository: str, ruleset: Ruleset) -> Iterator[str]:
    yield f"mode         {_MODES[rule.mode]}"
    if not rule.names(repository):
        yield "             If it is a pull-through cache it is left alone: only globs that begin"
        yield "             with `*` match it."
    if rule.tags is None:
        yield "tags         The rule says nothing about tags, so they are left alone."
    else:
        yield from _of_scheme(rule, rule.tags)
    said = (*settings(rule, ruleset), *images(rule))
    yield from (f"{title:<13}{line}" for title, line in said)


def _of_scheme(rule: Rule, scheme: Scheme) -> Iterator[str]:
    yield from _titled("unique", (kind.words() for kind in scheme.kinds))
    if scheme.variants:
        yield f"variants     {', '.join(scheme.variants)}: each has stable tags of its own"
    if scheme.revisions:
        yield f"revisions    {', '.join(scheme.revisions)}: a later build of the same version"
    examples = _examples(scheme)
    yield from _titled("stable", _stable(scheme, examples) or ["none"])
    puts = "puts" if rule.mode is Mode.ENFORCE else "would put"
    yield from _titled("example", (_push(scheme, puts, each) for each in examples))
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


def _either(words: Iterable[str]) -> str:
    return _listed(list(words), "or")


def _listed(words: list[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _examples(scheme: Scheme) -> list[Unique]:
    """Unique tags to explain the scheme with: one for each kind, one for each variant, and one for
    each stable tag that none of those moves.

    Kinds without versions have one only where a stable tag follows the newest image.
    """
    newest = any(stable.is_newest for stable in scheme.stable)
    kinds = [kind for kind in scheme.kinds if kind.counts or newest]
    found = {each.tag: each for each in (_plain(scheme, kind) for kind in kinds) if each}
    for stable in scheme.stable:
        found.update((each.tag, each) for each in _that_move(scheme, stable, found.values()))
    for glob in scheme.variants[:_SHOWN_VARIANTS]:
        found.update((each.tag, each) for each in islice(of_variant(scheme, sample_of(glob)), 1))
    return list(found.values())


def _plain(scheme: Scheme, kind: Kind) -> Unique | None:
    """The first example of a kind that is of no variant."""
    tags = (tag for tag in kind.examples() if kind.read(tag))
    read = (scheme.read_unique(tag) for tag in tags)
    return next((each for each in read if each and each.variant is None), None)


def _that_move(scheme: Scheme, stable: StableTag, had: Iterable[Unique]) -> Iterator[Unique]:
    """A unique tag that moves an entry's tag where none of `had` does, and a pre-release where
    those count."""
    if stable.follows is None:
        return
    if moved(scheme, stable, had) is None:
        first = moved(scheme, stable, candidates(scheme, stable))
        yield from () if first is None else first[:1]
    if stable.follows == "highest":
        early = filter(_is_prerelease, candidates(scheme, stable))
        first = moved(scheme, stable, early)
        yield from () if first is None else first[:1]


def _is_prerelease(unique: Unique) -> bool:
    return unique.version is not None and unique.version.is_prerelease


def _stable(scheme: Scheme, examples: list[Unique]) -> list[str]:
    width = max((len(each.template) for each in scheme.stable), default=0)
    return [
        f"{each.template:<{width}}  {_follows(scheme, each, examples)}" for each in scheme.stable
    ]


def _follows(scheme: Scheme, stable: StableTag, examples: list[Unique]) -> str:
    if stable.follows is None:
        return "moved by your pipeline only"
    example = moved(scheme, stable, examples)
    if example is None:
        by_version = not stable.is_newest or NUMBERS[0] in stable.placeholders
        if by_version and not any(kind.counts for kind in scheme.kinds):
            return "never moved: no unique tag here carries a version"
        return "no example was found of a unique tag that moves it"
    line = example[1]
    words = f"such as {line.tag}, " if stable.placeholders or line.variant else ""
    words += f"the newest image of {_newest(line)}" if line.newest else f"the highest of {line}"
    words += ", pre-releases too" if stable.prereleases is True and not line.newest else ""
    return words + (f", but not {_either(stable.not_within)}" if stable.not_within else "")


def _newest(line: Line) -> str:
    words = str(replace(line, stable=replace(line.stable, follows="highest", prereleases=True)))
    every = "all versions"
    if words.startswith(every) and not line.stable.within:
        return "all with a unique tag" + words.removeprefix(every)
    return words


def _push(scheme: Scheme, puts: str, unique: Unique) -> str:
    lines = scheme.lines(unique)
    highest = [line.tag for line in lines if not line.newest]
    newest = [line.tag for line in lines if line.newest]
    tag, version = unique.tag, unique.version
    if not lines:
        return f"a push of {tag} moves no stable tag."
    if not highest:
        return f"a push of {tag} {puts} {_listed(newest, 'and')} on its image, as the newest."
    above = "release" if version is None or not version.is_prerelease else "version"
    holds = f"unless a higher {above} holds {'it' if len(highest) == 1 else 'them'}"
    also = f"; {_listed(newest, 'and')} in any case, as the newest" if newest else ""
    return f"a push of {tag} {puts} {_listed(highest, 'and')} on its image {holds}{also}."


def _pin(scheme: Scheme) -> str:
    moved = next((each.template for each in scheme.stable if not each.placeholders), "latest")
    pin = scheme.make_pin(moved, _PUSHED, _DIGEST)
    which = "that would lose its last tag" if scheme.pin is None else "that only stable tags name"
    return f"an image {which} gets a unique tag such as {pin}"
