"""The kind `semver`: versions of three numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Self

from ecr_steward.tags.kinds import numbers
from ecr_steward.tags.kinds.kind import Unique, Word
from ecr_steward.tags.versions import Variants, parse_semver


class Semver(Word):
    """SemVer 2.0.0 (semver.org), with an optional leading `v`."""

    name = written = "semver"
    description = (
        "Versions of three numbers as in SemVer 2.0.0, optionally with a leading `v`; `_` stands "
        "for `+`. Such as `1.4.2`, `v1.4.2-rc.1` or `1.4.2_linux`."
    )
    begins = re.compile(r"v?(?:[0-9][0-9.]*(?:[-_].*)?)?")
    counts = frozenset({3})
    suffixed = True
    shapes = frozenset({("numbers", 3)})

    def __init__(self, variants: Variants) -> None:
        self._variants = variants

    @classmethod
    def of(cls, definition: Any, variants: Variants) -> Self | None:
        return cls(variants) if definition == cls.name else None

    def read(self, tag: str) -> Unique | None:
        version = parse_semver(tag, self._variants)
        return None if version is None else Unique(tag, version)

    def words(self) -> str:
        return "semver (versions such as 1.4.2 or v1.4.2-rc.1)"

    def examples(self, prefix: str = "", suffix: str = "") -> Iterator[str]:
        for text in numbers.versions(self.counts, prefix):
            yield from (f"{text}{suffix}", f"v{text}{suffix}")
