"""What a lifecycle policy would do, asked of ECR before it is set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ecr_steward.ecr import RegistryError, Unavailable
from ecr_steward.ecr.settings import EcrSettings, Preview
from ecr_steward.history.settings import Judged, Known
from ecr_steward.settings.lifecycle import AHEAD, canonical, dumps, sooner
from ecr_steward.settings.state import SettingChange

POLLS = 3
"""How often a visit looks at a running preview, a second apart, before it comes back later: the
other settings of the repository, a public policy among them, must not wait for it."""

KEPT = timedelta(hours=1)
"""How long a preview that was waited for counts: images that came later are not in it."""

JUDGED = timedelta(hours=20)
"""How long the judgement on a policy in place counts while neither it nor what runs changes: images
grow older all the same. It is less than a day, so that a daily sweep renews it."""

_PATIENCE = timedelta(days=2)
"""How long such a judgement waits for its preview: it looks AHEAD days ahead."""

_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """The changes of a visit once it is known what they would do.

    `blocked` are settings that cannot be set (now), and why; `notes` is what else to say of a
    setting; `previewed` is when a preview began that the repository still waits for, `judged` what
    is known of the lifecycle policy in place.
    """

    changes: Sequence[SettingChange]
    blocked: Mapping[str, RegistryError] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    previewed: datetime | None = None
    judged: Judged | None = None


class Previewer:
    """Runs previews; `sleep` waits between two looks at one that is running."""

    def __init__(
        self,
        registry: EcrSettings,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._sleep = sleep

    def preview(
        self,
        repository: str,
        document: Mapping[str, Any],
        since: datetime | None,
        running: Collection[str] = (),
        kept: timedelta = KEPT,
    ) -> Preview:
        """The preview of `document`, which may still be running; raises RegistryError.

        `since` is when an earlier visit began one and let it run, which counts for as long as
        `kept`; `running` are digests that are asked about also where they have no tag.
        """
        found = self._registry.preview(repository, running)
        fresh = since is not None and self._clock() - since < kept
        if found is None or not _is_of(found, document) or (found.done and not fresh):
            self._registry.start_preview(repository, document)
            found = None
        for _ in range(POLLS):
            if found is None or not found.done:
                found = self._registry.preview(repository, running)
            if found is not None and found.done and _is_of(found, document):
                return found
            self._sleep(_PAUSE)
        return Preview(document, done=False)

    def judge(
        self, repository: str, document: Mapping[str, Any], running: Collection[str], known: Known
    ) -> Known:
        """What is known once the policy that is there is held against what runs; raises
        RegistryError.

        ECR is asked once for each policy and all that runs, and again when that is JUDGED old.
        """
        now, state = self._clock(), _state(document, running)
        judged = known.judged
        if not running:
            return replace(known, judged=None, previewed=None)
        if judged is not None and judged.state == state and now - judged.at < JUDGED:
            return known
        found = self.preview(
            repository, sooner(document, AHEAD), known.previewed, running, _PATIENCE
        )
        if not found.done:
            return replace(known, previewed=known.previewed or now)
        takes = tuple(each for each in found.tagged if each.digest in running)
        return replace(known, judged=Judged(state, now, takes), previewed=None)


def _state(document: Mapping[str, Any], running: Collection[str]) -> str:
    text = "\n".join((dumps(document), *sorted(running)))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _is_of(preview: Preview, document: Mapping[str, Any]) -> bool:
    """Whether a preview is one of this document, which ECR gives back in a spelling of its own:
    the priorities count too, for the preview names rules by them."""
    one, other = ((canonical(each), _priorities(each)) for each in (preview.document, document))
    return one == other


def _priorities(document: Mapping[str, Any]) -> list[Any]:
    return sorted(each["rulePriority"] for each in document["rules"])


def running() -> Unavailable:
    """Why a lifecycle policy is not set yet."""
    return Unavailable(
        "GetLifecyclePolicyPreview", "InProgress", "the lifecycle preview is still running"
    )


def words(preview: Preview, days: int = 0) -> str:
    """What a preview showed of so many days ahead, in a sentence."""
    when = f"within {days} days" if days else "now"
    if not preview.images:
        return f"ECR's preview says that no image would expire {when}."
    number = "1 image" if preview.images == 1 else f"{preview.images:,} images"
    tags = [tag for each in preview.tagged for tag in each.tags]
    if not tags:
        return f"ECR's preview says that {number} would expire {when}, none with a tag."
    shown = ", ".join(sorted(tags)[:_SHOWN])
    more = f" and {len(tags) - _SHOWN} more" if len(tags) > _SHOWN else ""
    return f"ECR's preview says that {number} would expire {when}, among them {shown}{more}."


_SHOWN = 10
