"""What valid rules say in vain, or say otherwise than it looks: each is a warning, for its author
alone to judge."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

from ecr_steward.messages.channels.sns import EMAIL
from ecr_steward.messages.whom.routing import Route, Routing
from ecr_steward.rules.model import Ruleset
from ecr_steward.settings import languages
from ecr_steward.tags.kinds import NUMBERS, Kind, Unique
from ecr_steward.tags.kinds.numbers import WRITTEN
from ecr_steward.tags.kinds.numbers import written as written_numbers
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.tags.stable import StableTag
from ecr_steward.tags.suffixes import Suffixes, Variants
from ecr_steward.tags.versions import Version
from ecr_steward.words.events import ATTENTION, EVENTS, LOUD, family
from ecr_steward.words.facts import FactKind
from ecr_steward.words.globs import Globs
from ecr_steward_cli.rules_file.document import Document, Path, written
from ecr_steward_cli.rules_file.examples import candidates, moved, sample_of
from ecr_steward_cli.rules_file.in_common import (
    Unsure,
    are_all_in,
    have_nothing_in_common,
    in_common,
    is_regular,
)

_ANY = "\N{REPLACEMENT CHARACTER}"
"""Stands for what `*` matches: no name holds it, so only another `*` can match it."""

_MOST_NAMES = 8
_ENOUGH = 5
"""Samples of a kind that are enough to say something of all its tags."""

_SAMPLES = tuple(
    Unique(text, Version(tuple(text.split("."))))
    for text in ("1.4.2", "27.18.36", "305.11.7", "0.90.14")
)
_PRERELEASES = (
    "rc.1", "rc1", "rc", "beta.1", "beta1", "beta", "alpha.1", "alpha1", "alpha", "pre.1",
    "preview.1", "SNAPSHOT",
)  # fmt: skip


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
            first = sorted(index for index in winners if index is not None)
            where = " and ".join(document.where(("rules", index)) for index in first)
            sentence = "This rule never wins: all that it names matches the rule on"
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
    # Whether the stack knows what runs, the rules do not say.
    weighty = ATTENTION - {FactKind.LOST}
    names = (name for name, kind in EVENTS.items() if kind in weighty)
    return [name for name in names if not {name, family(name)} & taken]


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
    yield from _dates(scheme)
    yield from _settings(scheme)


def _kinds(scheme: Scheme) -> Iterator[tuple[Path, str]]:
    taken: set[Hashable] = set()
    for i, (kind, definition) in enumerate(zip(scheme.kinds, scheme.unique, strict=True)):
        if kind.shapes and kind.shapes <= taken:
            idle: str | None = _TAKEN
        else:
            idle = _taken_by_others(scheme, i)
        if idle is not None:
            yield ("unique", i), f"{written(definition)} {idle}"
        taken |= kind.whole
        for sentence in kind.advice():
            yield ("unique", i), sentence
        for sentence in (*_numberless(kind), *_of_no_variant(scheme, kind)):
            yield ("unique", i), sentence


_TAKEN = "has no effect: kinds above it take all its tags."


def _numberless(kind: Kind) -> Iterator[str]:
    """Where the group `version` of a kind never gives numbers."""
    if "version" not in kind.groups or not have_nothing_in_common(
        kind.expression_of("version"), WRITTEN
    ):
        return
    sample = in_common([kind.expression_of("version")])
    instead = "" if sample is None else f", and nothing such as `{sample}`"
    yield (
        "The group `version` gives no version: it takes numbers with `.`, `-`, `_` or `T` between "
        f"them, a `v` before or a `Z` after them or not{instead}. Only what follows `newest` can "
        "move."
    )


def _of_no_variant(scheme: Scheme, kind: Kind) -> Iterator[str]:
    """Where the group `variant` of a kind never gives what `variants` names."""
    if "variant" not in kind.groups:
        return
    names = (languages.glob(each).text for each in scheme.variants)
    if all(have_nothing_in_common(kind.expression_of("variant"), each) for each in names):
        lacks = "names nothing that it matches" if scheme.variants else "is empty"
        yield (
            f"The pattern has a group `variant`, but `variants` {lacks}: no stable tag follows a "
            "version with a variant."
        )


def _taken_by_others(scheme: Scheme, index: int) -> str | None:
    """What is said of a kind all of whose tags the kinds above take: for sure where their languages
    tell, else as far as tags were tried; None if it has tags of its own."""
    above, kind = scheme.kinds[:index], scheme.kinds[index]
    if not any(each.is_expression for each in (*above, kind)):
        return None
    sure = [each for one in above if (each := one.sure()) is not None and is_regular(each)]
    if are_all_in(kind.language(), sure):
        return _TAKEN
    with contextlib.suppress(Unsure):
        own = in_common([kind.language()], sure)
        if own is not None and kind.read(own) and not any(each.read(own) for each in above):
            return None
    samples = list(kind.samples())
    taken = (any(each.read(tag) is not None for each in above) for tag in samples)
    if len(samples) < _ENOUGH or not all(taken):
        return None
    tried = "kinds above it take each of its tags that was tried"
    return f"may have no effect: {tried}, such as {samples[0]}."


def _variants(scheme: Scheme) -> Iterator[tuple[Path, str]]:
    if scheme.variants and not any(map(_has_variants, scheme.kinds)):
        # `main-alpine` is a stable tag where `main` is one, whatever the kinds.
        if all(stable.follows is not None for stable in scheme.stable):
            yield ("variants",), "`variants` has no effect: no kind under `unique` can carry one."
    else:
        for i, glob in enumerate(scheme.variants):
            for sentence in _taken_in(scheme.variants, glob):
                yield ("variants", i), f"`{glob}` matches what is often a pre-release: {sentence}"
    yield from _bare_names(scheme)
    first = any(each.follows == "highest" and not each.placeholders for each in scheme.stable)
    if scheme.variant_latest is not None and not (scheme.variants and first):
        missing = (
            "there is no stable tag without placeholders that follows `highest`"
            if scheme.variants
            else "there are no `variants`"
        )
        yield ("variant_latest",), f"`variant_latest` has no effect: {missing}."


def _bare_names(scheme: Scheme) -> Iterator[tuple[Path, str]]:
    """Where another literal than people think takes the bare names of the variants."""
    if not scheme.variants or scheme.variant_latest is not None:
        return
    literals = [
        (i, each)
        for i, each in enumerate(scheme.stable)
        if each.follows == "highest" and not each.placeholders
    ]
    for i, first in literals[:1]:
        meant = next((each for _, each in literals[1:] if _is_meant(first, each)), None)
        if meant is not None:
            variant = sample_of(scheme.variants[0])
            yield (
                ("stable", i, "tag"),
                (
                    f"`{first.template}` is the first entry without placeholders that follows "
                    f"`highest`, so `{variant}` is its name for that variant, and "
                    f"`{meant.template}` has `{meant.template}-{variant}`. List "
                    f"`{meant.template}` first, or set `variant_latest`."
                ),
            )


def _is_meant(first: StableTag, other: StableTag) -> bool:
    """Whether `other` rather than `first` is what a bare name of a variant stands for."""
    if _LATEST in (first.template, other.template):
        return other.template == _LATEST
    return first.prereleases is not False and other.prereleases is False


_LATEST = "latest"


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
        if Suffixes(variants).read(f"-{suffix}").prerelease is None:
            yield (
                f"with it, 1.4.2-{suffix} is a release of the variant {suffix}. With `{base}` "
                "among `variants` it is a pre-release of that."
            )
            return


def _has_variants(kind: Kind) -> bool:
    return kind.has_variants


def _idle(scheme: Scheme, index: int, stable: StableTag) -> str | None:
    """Why a stable tag is never moved or never looked at, if it is so."""
    tags = _names(scheme, stable)
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
    return _unmoved(scheme, stable) if stable.follows is not None else None


def _names(scheme: Scheme, stable: StableTag) -> list[str]:
    """Some names that an entry renders."""
    groups = set(stable.placeholders) - set(NUMBERS)
    uniques = candidates(scheme, stable) if groups else iter(_SAMPLES)
    rendered = (stable.render(unique) for unique in uniques)
    return list(dict.fromkeys(islice((each for each in rendered if each), _MOST_NAMES)))


def _owner(scheme: Scheme, index: int, tags: list[str]) -> StableTag | None:
    """The entry above with which all of `tags` belong to entries above, variants and all."""
    above = scheme.stable[:index]
    owners = [scheme.owner(tag) for tag in tags]
    places = [next((i for i, each in enumerate(above) if each is owner), None) for owner in owners]
    last = max((place for place in places if place is not None), default=None)
    return None if last is None or None in places else above[last]


def _unmoved(scheme: Scheme, stable: StableTag) -> str | None:
    """Why no unique tag can move an entry that follows."""
    named = max((NUMBERS.index(each) + 1 for each in stable.placeholders if each in NUMBERS),
                default=0)  # fmt: skip
    within = min((len(each.split(".")) for each in stable.within), default=0)
    by_version = not stable.is_newest or bool(named or within)
    most = max((count for kind in scheme.kinds for count in kind.counts), default=0)
    if by_version and not most:
        return "follows versions, but no kind under `unique` carries one; it is never moved."
    if (named or within) and all(kind.has_dates for kind in scheme.kinds if kind.counts):
        return (
            "asks for the numbers of versions, but all that `unique` has are dates, which render "
            "no placeholder and which `within` does not see; it is never moved."
        )
    if max(named, within) > most:
        return (
            f"asks for versions of {max(named, within)} numbers, but no kind under `unique` has as "
            "many; it is never moved."
        )
    groups = set(stable.placeholders) - set(NUMBERS)
    able = [kind for kind in scheme.kinds if groups <= kind.placeholders.keys()]
    if not any(kind.counts or not by_version for kind in able):
        asked = " and ".join(f"{{{each}}}" for each in sorted(groups))
        asked += " and a version" if by_version and able else ""
        return f"asks for {asked}, which no kind under `unique` gives at once; it is never moved."
    if by_version and not any(_has_within(kind, stable) for kind in able):
        return (
            f"asks for versions within {', '.join(stable.within)}, which no kind under `unique` "
            "gives; it is never moved."
        )
    if stable.of and moved(scheme, stable, candidates(scheme, stable)) is None:
        if all(map(is_regular, _expressions(scheme, stable))):
            common = (
                "and what the kinds under `unique` take, pre-releases aside, have nothing in common"
            )
            return f"is moved by no unique tag that was found: what `of` names {common}."
        return "is moved by none of the unique tags that were tried; `of` may name none of them."
    return None


def _expressions(scheme: Scheme, stable: StableTag) -> Iterator[str]:
    """What says which unique tags move an entry."""
    for each in stable.of:
        yield languages.glob(each).text if isinstance(each, str) else each["pattern"]
    yield from (kind.language() for kind in scheme.kinds)


def _has_within(kind: Kind, stable: StableTag) -> bool:
    """Whether versions of a kind can be within the limits of an entry."""
    if not stable.within or "version" not in kind.groups:
        return bool(kind.counts)
    own = kind.expression_of("version")
    return not all(have_nothing_in_common(own, written_numbers(each)) for each in stable.within)


def _prefixes(stable: StableTag) -> Iterator[tuple[str, str]]:
    """Where `within` and `not_within` have nothing to do with each other, or too much."""
    if stable.follows is None or not stable.within:
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
            "of": stable.of,
        }
        for key in (key for key, value in said.items() if value):
            yield key, f"`{key}` {no_effect}, which follows nothing: your pipeline alone moves it."
    elif stable.follows == "newest":
        if stable.prereleases:
            yield "prereleases", f"`prereleases` {no_effect}: `newest` counts pre-releases always."
        if stable.not_within and not any(kind.counts for kind in scheme.kinds):
            yield "not_within", f"`not_within` {no_effect}: no kind under `unique` has versions."
    elif stable.prereleases is True and (tag := _stray(scheme, stable)) is not None:
        yield (
            "prereleases",
            (
                f"A tag such as {tag} is a pre-release here, and `{stable.template}` goes to it. "
                "Name what counts, such as `prereleases: [alpha, beta, rc]`, or put other suffixes "
                "under `variants` or `ignore`."
            ),
        )
    elif stable.prereleases and not any(map(_has_prereleases, scheme.kinds)):
        yield "prereleases", f"`prereleases` {no_effect}: no kind under `unique` has any."


def _stray(scheme: Scheme, stable: StableTag) -> str | None:
    """A tag whose suffix nobody listed and that would lead an entry for pre-releases."""
    able = (kind for kind in scheme.kinds if kind.has_prereleases)
    for kind in able:
        for tag in kind.examples(suffix="-cache"):
            unique = scheme.read_unique(tag)
            if unique is None or unique.version is None or unique.version.prerelease != "cache":
                continue
            if any(line.stable is stable for line in scheme.lines(unique)):
                return tag
    return None


def _has_prereleases(kind: Kind) -> bool:
    return kind.has_prereleases


_PUSHED = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
_DIGEST = "sha256:9f1c2ab3d4e5"


def _pin_like_unique(scheme: Scheme) -> str | None:
    """A pin of the rule's own template that a kind under `unique` takes on any other image."""
    if scheme.pin is None:
        return None
    names = [name for stable in scheme.stable for name in _names(scheme, stable)[:1]]
    for name in names or ["x"]:
        sample = scheme.make_pin(name, _PUSHED, _DIGEST)
        if any(kind.read(sample) is not None for kind in scheme.kinds):
            return sample
    return None


def _dates(scheme: Scheme) -> Iterator[tuple[Path, str]]:
    """Entries that follow versions and dates at once."""
    for i, stable in enumerate(scheme.stable):
        if stable.follows != "highest":
            continue
        tags: dict[bool, str] = {}
        for kind in scheme.kinds:
            read = (scheme.read_unique(tag) for tag in kind.examples())
            found = moved(scheme, stable, (each for each in read if each is not None))
            if found is not None and kind.read(found[0].tag) == found[0]:
                tags.setdefault(kind.has_dates, found[0].tag)
        if len(tags) == 2:
            sentence = (
                f"`{stable.template}` follows versions and dates in one order, in which "
                f"{tags[True]} is above {tags[False]}; pick one of them with `of`."
            )
            yield ("stable", i, "tag"), sentence


def _settings(scheme: Scheme) -> Iterator[tuple[Path, str]]:
    sample = _pin_like_unique(scheme)
    if sample is not None:
        yield (
            ("pin",),
            (
                f"Pins such as {sample} look like unique tags, for a kind under `unique` fits "
                "them; put a word before {digest}."
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
