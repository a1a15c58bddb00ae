"""Tag immutability: what a rule states, and what a scheme implies where wildcards can say it.

ECR freezes the tags of a repository, or all but those that a filter matches, or only those. A
scheme is said by it only if every unique tag is frozen, and every stable tag, and every tag that
`ignore` names, may move. Pins need no freezing: they carry the digest of their image.

Unknown tags are frozen where the scheme is said by exceptions (a pipeline that moves `nightly` is
refused by ECR then), because such tags break the scheme; not where `unknown: allow` permits them.
A stable tag moves with any platform too (`latest-arm64`), so its filter is `latest*`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ecr_steward.settings.state import BaselineError
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.words import grammar

SCHEME = "scheme"
MOST_FILTERS = 5
MOST_STARS = 2
"""Most `*` in a filter."""

REFERRERS = "sha256-*"
"""The filter for the tags of signatures and attestations, which are put again for each of them."""

_FILTER = re.compile(r"[0-9a-zA-Z._*-]{1,128}")
_EXCEPT = {
    "immutable_except": "IMMUTABLE_WITH_EXCLUSION",
    "mutable_except": "MUTABLE_WITH_EXCLUSION",
}


@dataclass(frozen=True, slots=True)
class ImmutabilityBaseline:
    """`immutability:` of a rule: `scheme`, or ECR's word with its filters."""

    word: str
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WantedMutability:
    """The setting that a repository should have, and why.

    `optional` are filters that may be there or not. `exact` is False where the scheme cannot be
    said. `also` are other settings that say the same. `left` are settings that nobody is given, and
    that whoever has them keeps.
    """

    mutability: str
    filters: tuple[str, ...] = ()
    reason: str = ""
    exact: bool = True
    optional: frozenset[str] = frozenset()
    also: tuple[WantedMutability, ...] = ()
    left: tuple[WantedMutability, ...] = ()

    def is_met_by(self, mutability: str, filters: Iterable[str]) -> bool:
        if any(each.is_met_by(mutability, filters) for each in (*self.also, *self.left)):
            return True
        return self._meaning(mutability, filters) == self._meaning(self.mutability, self.filters)

    def _meaning(self, mutability: str, filters: Iterable[str]) -> tuple[str, frozenset[str]]:
        """Without any filter a word with exceptions is the word alone."""
        return mutability.removesuffix("_WITH_EXCLUSION"), frozenset(filters) - self.optional


def stated(value: Any) -> ImmutabilityBaseline:
    """What `immutability:` says; raises BaselineError."""
    if value in (SCHEME, "MUTABLE", "IMMUTABLE"):
        return ImmutabilityBaseline(value)
    if not isinstance(value, Mapping) or len(value) != 1 or _EXCEPT.keys().isdisjoint(value):
        raise BaselineError(
            "`immutability` must be scheme, MUTABLE, IMMUTABLE, {immutable_except: [...]} or "
            "{mutable_except: [...]}."
        )
    key, filters = next(iter(value.items()))
    if not isinstance(filters, list) or not 1 <= len(filters) <= MOST_FILTERS:
        raise BaselineError(f"`{key}` must be a list of 1 to {MOST_FILTERS} filters.", (key,))
    for i, each in enumerate(filters):
        if not isinstance(each, str) or not _FILTER.fullmatch(each):
            raise BaselineError(
                f"`{each}` can match no tag; use letters, digits, `.`, `_`, `-` and `*`.", (key, i)
            )
        if each.count("*") > MOST_STARS:
            raise BaselineError(
                f"`{each}` has more than {MOST_STARS} `*`, which ECR refuses.", (key, i)
            )
    return ImmutabilityBaseline(_EXCEPT[key], tuple(filters))


def matches(pattern: str, tag: str) -> bool:
    """Whether ECR's filter matches the tag: `*` is any run of characters, all else is literal."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), tag) is not None


def request(mutability: str, filters: Iterable[str]) -> dict[str, Any]:
    """The arguments of ECR's calls; it refuses filters that are there and empty."""
    said: dict[str, Any] = {"imageTagMutability": mutability}
    found = listed(filters)
    return {**said, "imageTagMutabilityExclusionFilters": found} if found else said


def listed(filters: Iterable[str]) -> list[dict[str, str]]:
    """Filters as ECR lists them."""
    return [{"filterType": "WILDCARD", "filter": each} for each in filters]


def described(mutability: str, filters: Iterable[str]) -> str:
    """The setting in a few words."""
    word, but = mutability.removesuffix("_WITH_EXCLUSION"), ", ".join(filters)
    return f"{word} except {but}" if but else word


def wanted(
    baseline: ImmutabilityBaseline, scheme: Scheme | None, *, cache: bool = False
) -> WantedMutability:
    """The setting that a repository should have."""
    if cache:
        return WantedMutability(
            "MUTABLE",
            reason="a pull-through cache must be able to renew its images",
            exact=baseline.word == "MUTABLE",
        )
    if baseline.word != SCHEME:
        return WantedMutability(baseline.word, baseline.filters, "the rule states it")
    return implied(scheme or Scheme(unique=()))


# ---------------------------------------------------------------------------- what a scheme implies
def implied(scheme: Scheme) -> WantedMutability:
    """The setting that says the scheme exactly, else MUTABLE with the reason why there is none."""
    if scheme.overwritten == "keep":
        return WantedMutability("MUTABLE", reason="`overwritten: keep` lets unique tags move")
    by_stable, by_unique = _all_but_stable(scheme), _only_unique(scheme)
    left = _all_but_names(scheme)
    if isinstance(by_stable, WantedMutability):
        also = (by_unique,) if by_unique is not None else ()
        return replace(by_stable, also=also, left=left)
    if by_unique is not None:
        return replace(by_unique, left=left)
    reason = f"wildcards cannot say the scheme: {by_stable}"
    return WantedMutability("MUTABLE", reason=reason, exact=False, left=left)


_IMPLIED = "the scheme implies it"


def _all_but_stable(scheme: Scheme) -> WantedMutability | str:
    """Everything frozen but what may move; or why wildcards cannot say it."""
    if scheme.unknown == "allow":
        return "`unknown: allow` lets any other tag move, and ECR would freeze them all"
    stable = _widest(_stable(scheme))
    freeing = next(_freeing(scheme, stable), None)
    if freeing is not None:
        return f"the filter `{freeing}` for tags that move would free unique tags too"
    for name in stable:
        each = _of_platforms(name)
        if _may_be_unique(scheme, each):
            return (
                f"the filter `{each}`, without which {name}-arm64 could not move, would free "
                "unique tags too"
            )
    return _all_but(scheme, (*map(_of_platforms, stable), *map(_fitting, scheme.ignore)))


def _all_but_names(scheme: Scheme) -> tuple[WantedMutability, ...]:
    """Everything frozen but what may move, and stable tags with a platform frozen too; nothing
    where wildcards cannot say it."""
    stable = _widest(_stable(scheme))
    if scheme.unknown == "allow" or [*_freeing(scheme, stable)]:
        return ()
    found = _all_but(scheme, map(_fitting, (*stable, *scheme.ignore)))
    return (found,) if isinstance(found, WantedMutability) else ()


def _freeing(scheme: Scheme, stable: Iterable[str]) -> Iterator[str]:
    """The filters for stable and ignored tags that would free unique ones."""
    for each in map(_fitting, (*stable, *scheme.ignore)):
        if each not in scheme.ignore and _may_be_unique(scheme, each):
            yield each


def _all_but(scheme: Scheme, movable: Iterable[str]) -> WantedMutability | str:
    """Everything frozen but what these filters match, and signatures where there is room; or why
    ECR does not take as many filters."""
    filters = needed = _widest(movable)
    if len(needed) > MOST_FILTERS:
        return (
            f"it takes {len(needed)} filters ({', '.join(needed)}) to let its stable and ignored "
            f"tags move, and ECR allows {MOST_FILTERS}"
        )
    if len(needed) < MOST_FILTERS and not _may_be_unique(scheme, REFERRERS):
        filters = _widest([*needed, REFERRERS])
    word = "IMMUTABLE_WITH_EXCLUSION" if filters else "IMMUTABLE"
    return WantedMutability(word, filters, _IMPLIED, optional=frozenset({REFERRERS}) - {*needed})


def _stable(scheme: Scheme) -> Iterator[str]:
    """Globs of all stable tags, but for those that are themselves unique tags."""
    for _, name in scheme.forms("*"):
        if not grammar.is_tag(name.replace("*", "0")):
            continue
        alike = (name, f"{name}-arm64")
        if "*" in name or any(scheme.judge(each) is not Verdict.UNIQUE for each in alike):
            yield name


def _of_platforms(name: str) -> str:
    """A filter that matches a stable tag, and the tag with a platform after any part of it."""
    first, *rest = re.split("[-_]", name)
    return _fitting(f"{first}*{rest[-1] if rest else ''}*")


def _fitting(glob: str) -> str:
    """A filter that matches all that `glob` does, with as many `*` as ECR allows."""
    filter_ = re.sub(r"\*+", "*", glob)
    return filter_ if filter_.count("*") <= MOST_STARS else f"{filter_.partition('*')[0]}*"


def _widest(filters: Iterable[str]) -> tuple[str, ...]:
    """The filters that no other one covers, in order."""
    kept = list(dict.fromkeys(filters))
    return tuple(
        each for each in kept if not any(_covers(other, each) for other in kept if other != each)
    )


def _covers(wide: str, narrow: str) -> bool:
    # No tag holds the character that stands for the narrow one's stars.
    return matches(wide, narrow.replace("*", "\N{REPLACEMENT CHARACTER}"))


def _only_unique(scheme: Scheme) -> WantedMutability | None:
    """Only unique tags frozen: where each kind has a beginning of its own."""
    begins = [kind.beginning for kind in scheme.kinds]
    if not all(begins):
        return None
    filters = _widest(f"{each}*" for each in begins)
    names = (name for _, name in scheme.forms("0"))
    movable = [each.partition("*")[0] for each in (*names, *scheme.ignore, REFERRERS)]
    if len(filters) > MOST_FILTERS or any(
        _meet(_numberless(begin), _numberless(other)) for begin in begins for other in movable
    ):
        return None
    return WantedMutability("MUTABLE_WITH_EXCLUSION", filters, _IMPLIED)


def _numberless(text: str) -> str:
    """The text with one number for all: a stable tag's numbers can be any."""
    return re.sub("[0-9]+", "0", text)


def _meet(one: str, other: str) -> bool:
    """Whether something can begin with both."""
    return one.startswith(other) or other.startswith(one)


def may_begin(scheme: Scheme, begin: str) -> bool:
    """Whether a unique or a stable tag may begin so, for all that is sure."""
    names = (name.partition("*")[0] for _, name in scheme.forms("0"))
    return any(kind.may_begin(begin) for kind in scheme.kinds) or any(
        _meet(_numberless(begin), _numberless(name)) for name in names
    )


def _may_be_unique(scheme: Scheme, filter_: str) -> bool:
    """Whether the filter matches a unique tag, for all that is sure."""
    if "*" not in filter_:
        return scheme.judge(filter_) is Verdict.UNIQUE
    begin = filter_.partition("*")[0]
    able = (kind for kind in scheme.kinds if kind.may_begin(begin))
    return any(_may_meet(filter_, kind.language()) for kind in able)


@functools.lru_cache(256)
def _may_meet(filter_: str, expression: str) -> bool:
    """Whether a tag may match both a filter and an expression."""
    # Only rules with `immutability: scheme` ask, and functions load little when they start.
    from ecr_steward.settings.languages import GaveUp, Language, NotRegular, Regex, common, of_glob

    try:
        return common([of_glob(filter_), Language(Regex(expression))]) is not None
    except (NotRegular, GaveUp):
        return True
