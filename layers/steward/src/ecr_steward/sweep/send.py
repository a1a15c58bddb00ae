"""The sweep: repositories back through the writers' doors, a slice at a time.

A repository is sent to the writer of tags if its rule says something about tags, and to the writer
of settings if it says something about settings, or where the stack lets images expire; it counts
once, and each visit has a cause of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from ecr_steward.ecr.images import EcrRegistry
from ecr_steward.history.tags import History
from ecr_steward.rules import Mode, Rule, Ruleset
from ecr_steward.sweep.slices import Slice, by_hand
from ecr_steward.sweep.tally import CAUSE, Tally
from ecr_steward.words.causes import Cause
from ecr_steward.words.globs import glob_regex
from ecr_steward.words.hints import REGISTRY, Action, Hint

PORTION = 50
"""Most repositories that a sweep by hand sends at once: a live push waits behind no more."""

LOOK = -1
"""The portion of a sweep by hand that sends nothing, and says how much there would be to send."""

SETTINGS = ":settings"
"""Ends the cause of a visit to settings; no repository's name holds a colon."""

ROUND = "Retention"
"""Type of cause: a round over the images of a repository."""

SendAll = Callable[[Iterable[Hint]], object]
"""What sends hints to a queue."""


@dataclass(frozen=True, slots=True)
class Portion:
    """A portion of a sweep by hand: `sent` now, of `matching` repositories in `parts` portions."""

    sent: int
    parts: int
    matching: int


class Sweeper:
    """Sends repositories to the writers.

    `cap` is the stack's mode, `settings_cap` that for settings, which is not higher. `expires` says
    that the stack lets images expire: then any lifecycle policy may have a rule for expiry tags
    that its rule wants no more. `pattern` is the stack's part of the registry: another steward may
    look after the rest. `tally` says when a sweep is complete.
    """

    def __init__(
        self,
        *,
        rules: Ruleset,
        cap: Mode,
        history: History,
        tally: Tally,
        clock: Callable[[], datetime],
        settings_cap: Mode = Mode.OFF,
        expires: bool = False,
        pattern: str = "*",
    ) -> None:
        self._rules = rules
        self._pattern = glob_regex((pattern,))
        self._cap = cap
        self._settings_cap = settings_cap.capped(cap)
        self._expires = expires
        self._history = history
        self._tally = tally
        self._clock = clock

    def rounds(
        self,
        registry: EcrRegistry,
        send: SendAll,
        days: int,
        going: Callable[[], Collection[str]] = frozenset,
    ) -> int:
        """Send the repositories whose images are to be judged now: each once in `days`; returns how
        many there are. `going` gives those with images that go, whatever their rules say by now.

        Run again for the same time it sends the same messages, which SQS tells apart by id.
        """
        if self._cap is Mode.OFF:
            return 0
        now, leaving = self._clock(), going()
        if not leaving and not any(rule.judges_images for rule in self._rules.rules):
            return 0
        turn = Slice.at(now, days * 24)
        chosen = [
            name
            for name in registry.repositories()
            if turn.holds(name)
            and self._pattern.fullmatch(name)
            and (name in leaving or self._judges_images(name))
        ]
        beginning = turn.sweep.replace("sweep", "retention", 1)
        send(
            Hint(name, Action.RETAIN, None, None, Cause(f"{beginning}/{name}", ROUND), now)
            for name in chosen
        )
        return len(chosen)

    def _judges_images(self, repository: str) -> bool:
        rule = self._rules.rule_for(repository)
        return rule is not None and rule.judges_images

    def tick(
        self, registry: EcrRegistry, send_tags: SendAll, hours: int, send_settings: SendAll = list
    ) -> int:
        """Send the slice whose turn it is; returns how many repositories it has.

        Run again for the same time it sends the same messages, which SQS tells apart by id.
        """
        if self._cap is Mode.OFF:
            return 0
        now = self._clock()
        turn = Slice.at(now, hours)
        self._history.remember_pull_through(registry.pull_through_prefixes())
        chosen = [name for name in self._ours(registry) if turn.holds(name)]
        self._send(turn, chosen, (send_tags, send_settings), visits=turn.sweep, whole=True)
        self._tally.complete_late(turn.previous())
        self._tally.complete_if_done(turn.sweep)
        return len(chosen)

    def by_hand(
        self,
        registry: EcrRegistry,
        send_tags: SendAll,
        glob: str,
        sweep: str,
        part: int = 0,
        send_settings: SendAll = list,
        planned: Collection[str] | None = None,
    ) -> Portion:
        """Send portion `part` of the repositories that `glob` matches, for the sweep `sweep`.

        With `planned` only these repositories are sent, and the visits make no other changes than
        those that history keeps as planned for this sweep; `*` among them is the registry itself.

        The sweep is complete when every portion was sent and visited; nothing is recorded where
        nothing matches. Run again for the same portion it sends the same messages. Repositories
        that come or go between two portions shift the rest: one may then be visited twice, or be
        left to the regular sweep, and the totals count visits.
        """
        matching = self._matching(registry, glob, planned)
        turn = Slice(by_hand(sweep), part, -(-len(matching) // PORTION))
        chosen = matching[part * PORTION : (part + 1) * PORTION] if part >= 0 else []
        # A portion that has become empty still counts for a sweep that has begun: it was expected.
        if chosen or (part > 0 and self._history.sweeps.totals(turn.sweep)):
            self._history.remember_pull_through(registry.pull_through_prefixes())
            doors = (send_tags, send_settings)
            visits = f"{turn.sweep}/{part}"
            if planned is None:
                self._send(turn, chosen, doors, visits=visits, whole=glob == "*")
            else:
                self._send(turn, chosen, doors, visits=visits, whole=False, plan=turn.sweep)
            self._tally.complete_if_done(turn.sweep)
        return Portion(len(chosen), turn.of, len(matching))

    def _matching(
        self, registry: EcrRegistry, glob: str, planned: Collection[str] | None
    ) -> list[str]:
        """What a sweep by hand is about, in order."""
        wanted = glob_regex((glob,))
        matching = sorted(name for name in self._ours(registry) if wanted.fullmatch(name))
        if planned is None:
            return matching
        itself = [REGISTRY] if wanted.fullmatch(REGISTRY) and self._looks_at_registry() else []
        names = frozenset(planned)
        return [name for name in (*itself, *matching) if name in names]

    def _ours(self, registry: EcrRegistry) -> Iterable[str]:
        for repository in registry.repositories():
            ours = self._pattern.fullmatch(repository) is not None
            if ours and any(self._visits(self._rules.rule_for(repository))):
                yield repository

    def _doors(self, name: str) -> tuple[bool, bool]:
        """Whether the writers of tags and of settings visit a repository, or `*`, the registry."""
        if name == REGISTRY:
            return False, self._looks_at_registry()
        return self._visits(self._rules.rule_for(name))

    def _visits(self, rule: Rule | None) -> tuple[bool, bool]:
        """Whether the writer of tags visits a rule's repositories, and the writer of settings."""
        if rule is None:
            return False, False
        asked = rule.has_settings or self._expires
        return rule.tags is not None, asked and self._settings_cap is not Mode.OFF

    def _send(
        self,
        turn: Slice,
        chosen: list[str],
        doors: tuple[SendAll, SendAll],
        *,
        visits: str,
        whole: bool,
        plan: str | None = None,
    ) -> None:
        """Note the slice and send it; `visits` begins the cause of each of its visits.

        The first slice of a `whole` sweep takes the registry's own settings along. `plan` narrows
        the visits.
        """
        now = self._clock()
        wanted = [(name, *self._doors(name)) for name in chosen]
        tags = [name for name, tagged, _ in wanted if tagged]
        settings = [name for name, _, set_too in wanted if set_too]
        if whole and turn.part == 0 and self._looks_at_registry():
            settings.append(REGISTRY)
        self._history.sweeps.expect(turn.sweep, turn.part, len(tags) + len(settings), turn.of, now)
        for names, send_all, end in zip((tags, settings), doors, ("", SETTINGS), strict=True):
            if names:
                causes = {name: Cause(f"{visits}/{name}{end}", CAUSE) for name in names}
                send_all(
                    Hint(name, Action.SWEEP, None, None, cause, now, plan=plan)
                    for name, cause in causes.items()
                )

    def _looks_at_registry(self) -> bool:
        return self._settings_cap is not Mode.OFF and bool(self._rules.registry)
