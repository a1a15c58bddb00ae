"""The kind `sha`: commits."""

from __future__ import annotations

import re

from ecr_steward.tags.kinds.kind import Word


class Sha(Word):
    """7 to 40 hex digits, all decimal or not, with an optional `sha-` or `git-` before them."""

    name = written = "sha"
    synonyms = ("commit", "git", "hash")
    description = (
        "Commits: 7 to 40 hex digits, all of them decimal or not, optionally after `sha-` or "
        "`git-`. They carry no version. Such as `9f1c2ab` or `sha-9f1c2ab`."
    )
    head = "(?:(?:sha|git)-)?[0-9a-f]{7,40}"
    is_sure = True
    begins = re.compile(
        r"(?:(?:sha|git)-)?[0-9a-f]{0,40}(?:(?<=[0-9a-f]{7})[-_].*)?|sh?|sha|gi?|git"
    )
    tags = ("9f1c2ab", "sha-9f1c2ab")

    def nearly(self, tag: str) -> str | None:
        if not re.search("[A-F]", tag) or self.read(tag.lower()) is None:
            return super().nearly(tag)
        return f"commits are written in lowercase: {tag.lower()} is one"

    def words(self) -> str:
        return "sha (commits such as 9f1c2ab or sha-9f1c2ab)"
