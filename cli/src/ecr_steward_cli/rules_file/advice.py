"""What valid rules say in vain, or say otherwise than it looks: each is a warning, for its author
alone to judge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ecr_steward.messages.channels.sns import EMAIL
from ecr_steward.messages.whom.routing import Route, Routing
from ecr_steward.rules.model import Ruleset
from ecr_steward.tags.scheme import PLACEHOLDERS, Scheme, StableTag, Verdict
from ecr_steward.tags.versions import Variants, Version
from ecr_steward.words.events import ATTENTION, EVENTS, LOUD, family
from ecr_steward.words.globs import Globs
from ecr_steward_cli.rules_file.document import Document, Path, written

_ANY = "\N{REPLACEMENT CHARACTER}"
"""Stands for what `*` matches: no name holds it, so only another `*` can match it."""

_SAMPLES = tuple(
    Version(tuple(text.split("."))) for text in ("1.4.2", "27.18.36", "305.11.7", "0.90.14")
)
_PRERELEASES = (
    "rc.1", "rc1", "rc", "beta.1", "beta1", "beta", "alpha.1", "alpha1", "alpha", "pre.1",
    "preview.1", "SNAPSHOT",
)  # fmt: skip
_EVERY_TAG = frozenset({".+", "^.+", ".+$", "^.+$"})
_ANY_NUMBER = 64
"""More numbers than a version in a tag of 128 characters can have."""


def advice(ruleset: Ruleset, document: Document) -> Iterator[tuple[Path, str]]:
    """The path and the sentence of each warning."""
    if not ruleset.rules:
        yield ("rules",), "There is no rule, so every repository is left alone."
    routing = Routing(ruleset)
    yield from _of_channels(routing)
    yield from _of_routes(routing)
    above = Globs()
    for rule in ruleset.rules:
        winners = {above.first(glob.replace("*", _ANY)) for glob in rule.repositories}
        if None not in winners:
            lines = sorted(
                {document.line(("rules", index)) for index in winners if index is not None}
            )
            where = " and ".join(map(str, lines))
            sentence = "This rule never wins: all that it names matches the rule on line"
            yield ("rules", rule.index), f"{sentence} {where} first."
        for glob in rule.repositories:
            above.add(glob, rule.index)
        if rule.tags is not None:
            for path, sentence in _of_scheme(rule.tags):
                yield ("rules", rule.index, "tags", *path), sentence


def _of_channels(routing: Routing) -> Iterator[tuple[Path, str]]:
    routes = [*routing.routes(""), *(route for own in routing.own for route in own)]
    reached = {name for route in routes for name in route.to}
    for name, channel in routing.channels.items():
        if name not in reached and channel != EMAIL:
            sentence = f"No route leads to `{name}`; only resource tags of repositories can add it."
            yield ("channels", name), sentence
        for key, each in channel.type.keys.items():
            if each.without and key not in channel.values:
                yield ("channels", name), f"`{name}` has no `{key}`, so {each.without}."


def _of_routes(routing: Routing) -> Iterator[tuple[Path, str]]:
    written_routes: dict[Path, tuple[Route, ...]] = {("notify",): routing.notify}
    own = enumerate(routing.own)
    written_routes |= {("rules", index, "notify"): routes for index, routes in own}
    for path, routes in written_routes.items():
        missing = ", ".join(_unheard(routes))
        if missing:
            yield path, f"No route takes {missing} here; `loud` under `on` stands for them all."
        for i, route in enumerate(routes if path[0] == "rules" else ()):
            if not {"sweep.completed", "sweep.*"}.isdisjoint(route.on):
                sentence = "A sweep belongs to no rule; name it under the `notify` of the file."
                yield (*path, i, "on"), sentence


def _unheard(routes: Iterable[Route]) -> list[str]:
    """The events that somebody has to look at and that none of these routes takes."""
    taken = {word for route in routes for word in route.on}
    if not taken or taken & {"*", LOUD}:
        return []
    names = (name for name, kind in EVENTS.items() if kind in ATTENTION)
    return [name for name in names if not {name, family(name)} & taken]


def most_numbers(definition: Any) -> int:
    """The most numbers that versions of a kind of unique tag have; 0 where it carries none."""
    return max(_counts(definition), default=0)


def _counts(definition: Any) -> frozenset[int]:
    """How many numbers versions of this kind can have."""
    if definition == "semver":
        return frozenset({3})
    if isinstance(definition, Mapping) and "version" in definition:
        parts = definition["version"]["parts"]
        return frozenset(parts if isinstance(parts, list) else [parts])
    return frozenset(range(1, _ANY_NUMBER)) if "version" in groups(definition) else frozenset()


def groups(definition: Any) -> frozenset[str]:
    """The named groups of a kind that is a pattern."""
    if isinstance(definition, Mapping) and "pattern" in definition:
        return frozenset(re.compile(definition["pattern"]).groupindex)
    return frozenset()


def _of_scheme(scheme: Scheme) -> Iterator[tuple[Path, str]]:
    yield from _kinds(scheme)
    yield from _variants(scheme)
    for i, stable in enumerate(scheme.stable):
        idle = _idle(scheme, i, stable)
        if idle is not None:
            yield ("stable", i, "tag"), f"`{stable.template}` {idle}"
        else:
            for key, sentence in (*_prefixes(stable), *_unread(scheme, stable)):
                yield ("stable", i, key), sentence
    yield from _settings(scheme)


def _kinds(scheme: Scheme) -> Iterator[tuple[Path, str]]:
    taken: set[int] = set()
    all_taken = False
    for i, kind in enumerate(scheme.unique):
        counts, named = _counts(kind), groups(kind)
        # Three dotted numbers take every semver tag too; nothing else takes all of another kind.
        if all_taken or (counts and not named and counts <= taken):
            yield ("unique", i), f"{written(kind)} has no effect: kinds above it take all its tags."
        if isinstance(kind, Mapping) and "version" in kind:
            taken |= counts
        all_taken = all_taken or (isinstance(kind, Mapping) and kind.get("pattern") in _EVERY_TAG)
        if named and "version" not in named:
            yield (
                ("unique", i),
                "The groups of a pattern have no effect without the group `version`.",
            )
        elif "variant" in named and not scheme.variants:
            yield (
                ("unique", i),
                (
                    "The pattern has a group `variant`, but `variants` is empty: "
                    "no stable tag follows a version with a variant."
                ),
            )


def _variants(scheme: Scheme) -> Iterator[tuple[Path, str]]:
    if scheme.variants and not any(map(_has_variants, scheme.unique)):
        # `main-alpine` is a stable tag where `main` is one, whatever the kinds.
        if all(stable.follows is not None for stable in scheme.stable):
            yield ("variants",), "`variants` has no effect: no kind under `unique` can carry one."
    else:
        for i, glob in enumerate(scheme.variants):
            for sentence in _taken_in(scheme.variants, glob):
                yield ("variants", i), f"`{glob}` matches what is often a pre-release: {sentence}"
    first = any(each.follows == "highest" and not each.placeholders for each in scheme.stable)
    if scheme.variant_latest is not None and not (scheme.variants and first):
        missing = (
            "there is no stable tag without placeholders that follows `highest`"
            if scheme.variants
            else "there are no `variants`"
        )
        yield ("variant_latest",), f"`variant_latest` has no effect: {missing}."


def _taken_in(variants: tuple[str, ...], glob: str) -> Iterator[str]:
    """What becomes of a suffix that `glob` takes in, although it is, or ends in, what is often a
    pre-release; said once."""
    known = next(filter(Variants((glob,)).has, _PRERELEASES), None)
    if known is not None:
        yield f"with it, 1.4.2-{known} is a release of a variant."
        return
    base = glob.removesuffix("-*").removeprefix("*-")
    for prerelease in _PRERELEASES if "*" in glob and "*" not in base else ():
        suffix = glob.replace("*", prerelease)
        # `slim-*` takes `slim-rc.1`, unless `slim` is a variant too.
        if Variants(variants).split(suffix)[1] is None:
            yield (
                f"with it, 1.4.2-{suffix} is a release of the variant {suffix}. With `{base}` "
                "among `variants` it is a pre-release of that."
            )
            return


def _has_variants(kind: Any) -> bool:
    return bool(_counts(kind)) and (not groups(kind) or "variant" in groups(kind))


def _idle(scheme: Scheme, index: int, stable: StableTag) -> str | None:
    """Why a stable tag is never moved or never looked at, if it is so."""
    tags = [tag for tag in map(stable.render, _SAMPLES) if tag is not None]
    owner = _owner(scheme, index, tags)
    if owner is not None:
        return f"already belongs to `{owner.template}` above; this entry has no effect."
    verdicts = {scheme.judge(tag) for tag in tags}
    if verdicts == {Verdict.UNIQUE}:
        return "is itself a unique tag of this scheme; it is skipped."
    if verdicts == {Verdict.IGNORED}:
        return "is named by `ignore` too; it is never moved."
    both = next((tag for tag in tags if scheme.judge(tag) is Verdict.UNIQUE), None)
    if both is not None:
        return f"can be a unique tag of this scheme itself, such as {both}; it is skipped there."
    return _unmoved(stable, max(map(most_numbers, scheme.unique)))


def _owner(scheme: Scheme, index: int, tags: list[str]) -> StableTag | None:
    """The entry above with which all of `tags` belong to entries above, variants and all."""

    def is_owned(end: int) -> bool:
        above = replace(scheme, unique=(), ignore=(), pin=None, stable=scheme.stable[:end])
        return all(above.judge(tag) is Verdict.STABLE for tag in tags)

    if not index or not is_owned(index):
        return None
    return scheme.stable[next(end for end in range(1, index + 1) if is_owned(end)) - 1]


def _unmoved(stable: StableTag, most: int) -> str | None:
    by_version = stable.follows == "highest" or stable.placeholders or stable.within
    if stable.follows is None or not by_version:
        return None
    if not most:
        return "follows versions, but no kind under `unique` carries one; it is never moved."
    named = max((PLACEHOLDERS.index(each) + 1 for each in stable.placeholders), default=0)
    within = min((len(each.split(".")) for each in stable.within), default=0)
    if max(named, within) > most:
        return (
            f"asks for versions of {max(named, within)} numbers, but no kind under `unique` has as "
            "many; it is never moved."
        )
    return None


def _prefixes(stable: StableTag) -> Iterator[tuple[str, str]]:
    """Where `within` and `not_within` have nothing to do with each other, or too much."""
    if stable.follows is None or not (stable.within and stable.not_within):
        return
    taken = {
        wanted: next((each for each in stable.not_within if _begins(wanted, each)), None)
        for wanted in stable.within
    }
    if None not in taken.values():
        yield (
            "not_within",
            (
                "`not_within` takes away all that `within` allows: "
                f"`{stable.template}` is never moved."
            ),
        )
        return
    for wanted, by in taken.items():
        if by is not None:
            yield "within", f"`{wanted}` has no effect: `{by}` in `not_within` takes it away."
    for each in stable.not_within:
        if not any(_begins(each, wanted) or _begins(wanted, each) for wanted in stable.within):
            yield "not_within", f"`{each}` has no effect: it is not part of `within`."


def _begins(prefix: str, other: str) -> bool:
    """Whether all versions that begin with `prefix` begin with `other`."""
    numbers, begin = (tuple(map(int, each.split("."))) for each in (prefix, other))
    return numbers[: len(begin)] == begin


def _unread(scheme: Scheme, stable: StableTag) -> Iterator[tuple[str, str]]:
    """Keys of a stable tag that nothing asks for."""
    no_effect = f"has no effect on `{stable.template}`"
    if stable.follows is None:
        said = {
            "within": stable.within,
            "not_within": stable.not_within,
            "prereleases": stable.prereleases,
        }
        for key in (key for key, value in said.items() if value):
            yield key, f"`{key}` {no_effect}, which follows nothing: your pipeline alone moves it."
    elif stable.follows == "newest":
        if stable.prereleases:
            yield "prereleases", f"`prereleases` {no_effect}: `newest` counts pre-releases always."
        if stable.not_within and not any(map(_counts, scheme.unique)):
            yield "not_within", f"`not_within` {no_effect}: no kind under `unique` has versions."
    elif stable.prereleases and not any(map(_has_prereleases, scheme.unique)):
        yield "prereleases", f"`prereleases` {no_effect}: no kind under `unique` has any."


def _has_prereleases(kind: Any) -> bool:
    return bool(_counts(kind)) and (not groups(kind) or "prerelease" in groups(kind))


_PUSHED = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)


def _settings(scheme: Scheme) -> Iterator[tuple[Path, str]]:
    if scheme.pin is not None and "{tag}" not in scheme.pin:
        sample = scheme.make_pin("x", _PUSHED, "sha256:9f1c2ab3d4e5")
        if replace(scheme, pin=None, ignore=()).read_unique(sample) is not None:
            yield (
                ("pin",),
                (
                    f"Tags such as {sample} are taken for pins, although a kind under `unique` "
                    "fits them; put a word before {digest}."
                ),
            )
    if scheme.unknown == "remove":
        yield (
            ("unknown",),
            (
                "`unknown: remove` acts only where the stack parameter AllowTagRemoval allows it; "
                "elsewhere such tags are reported."
            ),
        )
