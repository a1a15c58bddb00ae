"""Who takes a tag away again and again: asked where the steward gives the tag up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ecr_steward.history.holds import Hold
from ecr_steward.history.tags import History
from ecr_steward.tags.plan import WITHIN
from ecr_steward.tags.state import Mark, Taken
from ecr_steward.words.causes import Attribution

log = logging.getLogger(__name__)

STEWARD = "ECR Steward"
"""Who holds a tag that nobody asked to hold."""

ASKED_FOR = timedelta(days=2)
"""How long it is asked again who took a tag away, by each visit to it: CloudTrail lags by minutes,
and a sweep comes once a day."""

Witness = Callable[[str, str, str, datetime], Attribution]
"""Says who put a tag of a repository on another image than this digest since a time, in words that
follow `taken away three times within ten minutes`."""


def nobody(repository: str, tag: str, digest: str, since: datetime) -> Attribution:
    """The witness of those who have none."""
    return Attribution("; by whom is not known", named=False)


class Contest:
    """The words of the holds on tags that somebody else keeps taking away."""

    def __init__(self, history: History, witness: Witness) -> None:
        self._history = history
        self._witness = witness

    def holds(self, repository: str, contested: Iterable[Taken]) -> dict[str, Hold]:
        """The holds that begin now, on tags that the plan leaves where somebody else put them."""
        return {each.mark.tag: self._hold(repository, each) for each in contested}

    def ask_again(
        self,
        repository: str,
        marks: Mapping[str, Mark],
        holds: Mapping[str, Hold],
        now: datetime,
    ) -> dict[str, Hold]:
        """Ask again who took the tags of these marks away that the steward holds without knowing
        it; returns the holds that name somebody now."""
        named: dict[str, Hold] = {}
        for tag in sorted(marks.keys() & holds.keys()):
            hold = holds[tag]
            if hold.named or not hold.automatic or now - hold.since > ASKED_FOR:
                continue
            began = hold.since - 2 * WITHIN
            who = self._witness(repository, tag, marks[tag].digest, began)
            # Somebody may have released the tag while CloudTrail was asked.
            if who.named and (repository, hold) in self._history.holds.all(repository):
                named[tag] = replace(hold, reason=_reason(who), named=True)
                self._history.holds.put(repository, named[tag])
        return named

    def _hold(self, repository: str, taken: Taken) -> Hold:
        mark, first, now = taken.mark, taken.times[0], taken.times[-1]
        who = self._witness(repository, mark.tag, mark.digest, first - WITHIN)
        log.warning(
            "Taken away three times within ten minutes%s: held from now on",
            who.words,
            extra={"repository": repository, "tag": mark.tag},
        )
        return Hold(
            tag=mark.tag,
            since=now,
            until=None,
            by=STEWARD,
            reason=_reason(who),
            automatic=True,
            named=who.named,
        )


def _reason(who: Attribution) -> str:
    return f"it was taken away three times within ten minutes{who.words}"
