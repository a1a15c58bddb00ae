"""The kind `timestamp`: dates and times in UTC."""

from __future__ import annotations

import re
from datetime import datetime

from ecr_steward.tags.kinds.kind import Unique, Word


class Timestamp(Word):
    """A date, or a date and a time in UTC: `20261123`, `20261123T0224Z`, `2026-11-23T02-24-00Z`."""

    name = written = "timestamp"
    synonyms = ("date", "time")
    description = (
        "Dates, or dates and times in UTC. They carry no version. Such as `20261123`, "
        "`20261123T0224Z` or `2026-11-23T02-24-00Z`."
    )
    expression = re.compile(
        r"(?P<date>[0-9]{4}-?[0-9]{2}-?[0-9]{2})"
        r"(?:[T_.-]?(?P<time>[0-9]{2}[.:-]?[0-9]{2}(?:[.:-]?[0-9]{2})?)Z?)?"
    )
    begins = re.compile(r"[0-9T_.:Z-]*")
    tags = ("20261123T0224Z", "20261123")

    def read(self, tag: str) -> Unique | None:
        match = self.expression.fullmatch(tag)
        if match is None:
            return None
        date = match["date"].replace("-", "")
        time = re.sub("[.:-]", "", match["time"] or "0000").ljust(6, "0")
        try:
            datetime.strptime(date + time, "%Y%m%d%H%M%S")  # noqa: DTZ007
        except ValueError:
            return None
        return Unique(tag, None)

    def words(self) -> str:
        return "timestamp (times such as 20261123 or 20261123T0224Z)"
