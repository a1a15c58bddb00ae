"""Whether images of a repository go: what every visit asks, together with all else.

| pk | sk | body |
|---|---|---|
| `expiring-told` | `NAME` | how many are announced |
| `expiring-due` | `NAME` | how many images may get an expiry tag, or 0 where one must not have it |
| `expiring-tagged` | `NAME` | how many have one |
"""

from __future__ import annotations

from collections.abc import Collection

from ecr_steward.history.table import Key

TOLD, DUE, TAGGED = "expiring-told", "expiring-due", "expiring-tagged"


def going_keys(repository: str) -> tuple[Key, Key]:
    """The keys that say whether an image of a repository may get an expiry tag or has one."""
    return (DUE, repository), (TAGGED, repository)


def lets_go(repository: str, found: Collection[Key]) -> bool:
    """The same, where `found` has the items of those keys that there are."""
    return any(key in found for key in going_keys(repository))
