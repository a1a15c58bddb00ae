"""The kind `build`: numbers of builds."""

from __future__ import annotations

import re

from ecr_steward.tags.kinds.kind import Word


class Build(Word):
    """Decimal digits, with an optional `<word>-` before them: `1187`, `build-1187`."""

    name = written = "build"
    synonyms = ("digits", "number")
    description = (
        "Build numbers: decimal digits, optionally after a word and `-`. They carry no version. "
        "Such as `1187` or `build-1187`."
    )
    head = "(?:[A-Za-z][A-Za-z0-9_.]*-)?[0-9]+"
    is_sure = True
    begins = re.compile(
        r"[0-9]*|[A-Za-z][A-Za-z0-9_.]*(?:-[0-9]*)?|(?:[A-Za-z][A-Za-z0-9_.]*-)?[0-9]+[-_].*"
    )
    tags = ("1187", "build-1187")

    def words(self) -> str:
        return "build (numbers such as 1187 or build-1187)"
