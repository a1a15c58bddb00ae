"""The kind `timestamp`: dates and times in UTC."""

from __future__ import annotations

import re
from datetime import datetime

from ecr_steward.tags.kinds.kind import Unique, Word
from ecr_steward.tags.suffixes import Suffix
from ecr_steward.tags.versions import Version


class Timestamp(Word):
    """A date, or a date and a time in UTC: `20261123`, `20261123T0224Z`, `2026-11-23T02-24-00Z`."""

    name = written = "timestamp"
    synonyms = ("date", "time")
    description = (
        "Dates, or dates and times in UTC, in the order of time; they render no placeholder, and "
        "where a rule has versions too, `highest` takes them only if `of` names them. Such as "
        "`20261123`, `20261123T0224Z` or `2026-11-23T02-24-00Z`."
    )
    head = (
        "(?P<date>[0-9]{4}-?[0-9]{2}-?[0-9]{2})"
        "(?:[T_.-]?(?P<time>[0-9]{2}[.:-]?[0-9]{2}(?:[.:-]?[0-9]{2})?)Z?)?"
    )
    dates = (
        "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
        "-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12][0-9]|3[01])"
        "(?:[T_.-]?(?:[01][0-9]|2[0-3])[.:-]?[0-5][0-9](?:[.:-]?[0-5][0-9])?Z?)?"
    )
    """The same without most of what is no date: all that an expression can say."""
    counts = frozenset({3, 5, 6})
    has_dates = True
    begins = re.compile(r"[0-9T_.:Z-]*|[0-9-]{8,}.*")
    tags = ("20261123T0224Z", "20261123")

    def found(self, tag: str, match: re.Match[str], suffix: Suffix) -> Unique | None:
        date = match["date"].replace("-", "")
        time = re.sub("[.:-]", "", match["time"] or "")
        try:
            datetime.strptime(date + time.ljust(6, "0"), "%Y%m%d%H%M%S")  # noqa: DTZ007
        except ValueError:
            return None
        clock = (time[i : i + 2] for i in range(0, len(time), 2))
        version = Version((date[:4], date[4:6], date[6:], *clock), revisions=suffix.revisions)
        return Unique(tag, version, suffix.variant, suffix.platform, is_date=True)

    def nearly(self, tag: str) -> str | None:
        match = self.expression.fullmatch(tag)
        if match is None or match["suffix"]:
            return super().nearly(tag)
        return "there is no such date and time"

    def language(self) -> str:
        return f"{self.dates}{self._suffixes.plain}"

    def words(self) -> str:
        return "timestamp (times such as 20261123 or 20261123T0224Z)"
