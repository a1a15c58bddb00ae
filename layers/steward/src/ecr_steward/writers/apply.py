"""Apply a plan: make its writes in ECR, in their order, and say what came of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ecr_steward.ecr import Manifest, RegistryError, Unavailable
from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.tags.plan import WRITES, TagChange
from ecr_steward.words.facts import FactKind

Write = Callable[[TagChange], RegistryError | None]
Spread = Callable[[Write, Iterable[TagChange]], Iterable[RegistryError | None]]
"""`map`, or what makes writes in parallel or more slowly; it gives what came of each, in order."""


@dataclass(slots=True)
class Applied:
    """What came of the writes of a plan; `passing` are those that a later visit makes.

    `refused` are unique tags that did not go back to their images: what follows the restores was
    planned as if all of them had, and was not begun.
    """

    done: list[TagChange] = field(default_factory=list)
    failed: list[TagChange] = field(default_factory=list)
    passing: list[tuple[TagChange, Unavailable]] = field(default_factory=list)
    refused: frozenset[str] = frozenset()


def apply(
    registry: EcrRegistry,
    repository: str,
    writes: Sequence[TagChange],
    manifests: Mapping[str, Manifest],
    spread: Spread = map,
) -> Applied:
    """Make `writes`; `manifests` has those of the images that tags are put on."""

    def write(change: TagChange) -> RegistryError | None:
        try:
            _write(registry, repository, change, manifests)
        except RegistryError as error:
            return error
        return None

    applied = Applied()
    pinned = {change.after for change in writes if change.kind is FactKind.PIN}
    for kind in WRITES:
        # Without its pin an image would be left without a tag: then its tag does not move.
        stranded = pinned - {each.after for each in applied.done if each.kind is FactKind.PIN}
        batch = [each for each in writes if each.kind is kind]
        if kind is not FactKind.PIN:
            batch = [each for each in batch if each.before not in stranded]
        for change, error in zip(batch, spread(write, batch), strict=True):
            _sort(applied, change, error)
        if kind is FactKind.RESTORE:
            restores = [each for each in writes if each.kind is kind]
            applied.refused = frozenset(c.tag for c in restores if c not in applied.done)
            if applied.refused:
                break
    return applied


def _write(
    registry: EcrRegistry, repository: str, change: TagChange, manifests: Mapping[str, Manifest]
) -> None:
    if change.kind is FactKind.REMOVE:
        registry.untag(repository, change.tag, str(change.before))
        return
    manifest = manifests.get(str(change.after))
    if manifest is None:
        raise RegistryError("BatchGetImage", "ImageInaccessible", "no manifest was given")
    registry.put(repository, manifest, change.tag)


def _sort(applied: Applied, change: TagChange, error: RegistryError | None) -> None:
    if error is None:
        applied.done.append(change)
    elif isinstance(error, Unavailable):
        applied.passing.append((change, error))
    else:
        applied.failed.append(_failed(change, error))


def _failed(change: TagChange, error: RegistryError) -> TagChange:
    did = "taken off" if change.kind is FactKind.REMOVE else "put on"
    return replace(
        change,
        kind=FactKind.FAILED,
        reason=f"`{change.tag}` could not be {did} its image: {error.code} ({error.message}).",
    )
