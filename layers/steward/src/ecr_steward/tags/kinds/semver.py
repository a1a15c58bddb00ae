"""The kind `semver`: versions of three numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecr_steward.tags.kinds import numbers
from ecr_steward.tags.kinds.kind import Kind, Unique, Word
from ecr_steward.tags.versions import Version, is_semver, split


class Semver(Word):
    """SemVer 2.0.0 (semver.org), with an optional leading `v`."""

    name = written = "semver"
    description = (
        "Versions of three numbers as in SemVer 2.0.0, optionally with a leading `v`; `_` stands "
        "for `+`. Such as `1.4.2`, `v1.4.2-rc.1` or `1.4.2_linux`."
    )
    head = numbers.language({3}, leading_zeros=False)
    begins = re.compile(r"v?(?:[0-9][0-9.]*(?:[-_].*)?)?")
    counts = frozenset({3})
    has_prereleases = True
    shapes = frozenset({("numbers", 3)})

    def read(self, tag: str) -> Unique | None:
        parts = split(tag, self._suffixes)
        if parts is None or not is_semver(*parts):
            return None
        suffix = parts[1]
        return Unique(tag, Version.of(*parts), suffix.variant, suffix.platform)

    def samples(self) -> Iterator[str]:
        yield from Kind.samples(self)

    def language(self) -> str:
        return self.head + numbers.ANY_SUFFIX

    def sure(self) -> str | None:
        return self.head + self._suffixes.sure

    def nearly(self, tag: str) -> str | None:
        parts = split(tag, self._suffixes)
        if parts is None:
            return None
        count = len(parts[0])
        way = f"`{{version: {{parts: {count}}}}}` takes it"
        if count != 3:
            return f"it has {count} number{'s' * (count > 1)} where SemVer has 3: {way}"
        return f"it is no SemVer because of the leading zero: {way}"

    def words(self) -> str:
        return "semver (versions such as 1.4.2 or v1.4.2-rc.1)"

    def examples(self, prefix: str = "", suffix: str = "") -> Iterator[str]:
        for text in numbers.versions(self.counts, prefix):
            yield from (f"{text}{suffix}", f"v{text}{suffix}")
