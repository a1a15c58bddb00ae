"""The scheme of a repository as a person would begin: the kinds that its tags show, and patterns
for tags of other shapes where the scheme is right with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ecr_steward.tags.state import uniques
from ecr_steward_cli.rules_file.as_it_is import Where, places
from ecr_steward_cli.rules_file.shown_scheme import (
    SeenRepository,
    completed,
    drafted,
    fit,
    scheme_from,
)
from ecr_steward_cli.rules_file.shown_shape import TagShape, shapes, unordered

_NUMBERED = re.compile("[0-9]+(?:[.-][0-9]+)*")
_MOST = 3
"""Most patterns for shapes; a repository with more has no scheme in them."""


def scheme_of(repository: SeenRepository) -> dict[str, Any] | None:
    """What `tags:` says of a repository; None where its tags show no scheme."""
    made, accepted = drafted(repository), list[TagShape]()
    for shape in _candidates(made, repository)[:_MOST]:
        for tried in _ways(made, shape):
            more = drafted(repository, [*accepted, tried])
            if _is_right(made, more, tried, repository):
                made, accepted = more, [*accepted, tried]
                break
    return completed(made, repository.tags) if made["unique"] else None


def _candidates(made: Mapping[str, Any], repository: SeenRepository) -> list[TagShape]:
    """The shapes of what the kinds do not take, or take for a pre-release that is a number alone,
    as in 20.04-20261123."""
    tags, variants = repository.tags, made.get("variants", ())
    return [
        *shapes(fit(made, tags).unknown, tags, variants),
        *shapes(list(_numbered(made, tags)), tags, variants),
    ]


def _numbered(made: Mapping[str, Any], tags: Sequence[str]) -> Iterator[str]:
    scheme = scheme_from(made)
    for tag in tags:
        unique = scheme.read_unique(tag)
        version = None if unique is None else unique.version
        if version is not None and _NUMBERED.fullmatch(version.prerelease or ""):
            yield tag


def _ways(made: Mapping[str, Any], shape: TagShape) -> list[TagShape]:
    """The shape with its order, unless a line of other versions would be all that it is in, and
    without."""
    alone = not scheme_from(made).has_versions
    return [*([shape] if alone or shape.stable else []), unordered(shape)]


def _is_right(
    before: Mapping[str, Any], after: Mapping[str, Any], shape: TagShape, repository: SeenRepository
) -> bool:
    """Whether the scheme says more of the tags with a shape than without, and nothing wrong."""
    if not _rises(after, shape, repository) or _are_second_names(after, shape, repository):
        return False
    if any(map(scheme_from(after).read_unique, shape.bare)):
        return False  # a kind beside the pattern takes the versions that should follow it
    gain = _faults(before, repository) - _faults(after, repository)
    return gain > 0 or (gain == 0 and shape.is_ordered and _are_other_names(shape, repository))


def _are_second_names(made: Mapping[str, Any], shape: TagShape, repository: SeenRepository) -> bool:
    """Whether most tags of a shape are on images that have a unique tag of another kind, so that
    they may well move."""
    scheme, own = scheme_from(made), frozenset(shape.tags)
    named = {
        tag
        for unique, image in uniques(scheme, repository.images)
        for tag in image.tags
        if unique.tag not in own
    }
    return 2 * len(named & own) > len(own)


def _faults(made: Mapping[str, Any], repository: SeenRepository) -> int:
    """How many tags a scheme does not know, or would have elsewhere."""
    wrong = (Where.BEHIND, Where.ELSEWHERE)
    elsewhere = sum(each.where in wrong for each in places(made, [repository]))
    return len(fit(made, repository.tags).unknown) + elsewhere


def _rises(made: Mapping[str, Any], shape: TagShape, repository: SeenRepository) -> bool:
    """Whether the tags of a shape, in the order in which their images were pushed, go up more often
    than down; where nobody knows when, they do."""
    if not repository.with_digests:
        return True
    scheme, own = scheme_from(made), frozenset(shape.tags)
    images = sorted(repository.images, key=lambda image: image.pushed_at)
    orders = [
        unique.version.precedence
        for unique, _ in uniques(scheme, images)
        if unique.tag in own and unique.version is not None
    ]
    steps = [(a < b) - (a > b) for a, b in pairwise(orders)]
    return sum(steps) >= 0


def _are_other_names(shape: TagShape, repository: SeenRepository) -> bool:
    """Whether the versions that stand alone are other names of images with a tag of the shape, and
    so stable; where nobody knows that, versions of one or two numbers are."""
    if not repository.with_digests:
        return "{major}.{minor}.{patch}" not in shape.stable
    own = {
        tag for image in repository.images if {*image.tags} & {*shape.tags} for tag in image.tags
    }
    return own.issuperset(shape.bare)
