"""What is to be told of images that run: that one is gone, and how workloads are deployed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ecr_steward.rules import Mode, Rule, Ruleset
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import Fact, FactKind, FactMaker
from ecr_steward.words.image_uris import ImageUri, NoImageUri
from ecr_steward.words.running import Running
from ecr_steward.workloads.standing import Standing

LOOK = "Look"
"""Type of cause: the daily look at what runs; the cause's id is `look-TIME`."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells of the images that run in the repositories that a rule matches.

    `cap` is the stack's mode.
    """

    rules: Ruleset
    maker: FactMaker
    cap: Mode

    def facts(
        self,
        records: Iterable[Running],
        standing: Callable[[str, Collection[str]], Mapping[str, Standing]],
        cause: Cause,
    ) -> list[Fact]:
        """All that is to be told of what runs, repository after repository.

        `standing` asks ECR which of a repository's images are there.
        """
        by_repository: dict[str, list[Running]] = {}
        for record in records:
            if record.runs and self.rules.rule_for(record.repository) is not None:
                by_repository.setdefault(record.repository, []).append(record)
        facts: list[Fact] = []
        for repository, some in sorted(by_repository.items()):
            there = standing(repository, {each.digest for each in some})
            facts += self.lost(repository, some, there, cause)
            facts += self.deployed(repository, some, there, cause)
        return facts

    def lost(
        self,
        repository: str,
        records: Iterable[Running],
        standing: Mapping[str, Standing],
        cause: Cause,
    ) -> list[Fact]:
        """The images among `records` that run and are deleted or archived: one fact an image."""
        rule = self.rules.rule_for(repository)
        workloads: dict[str, set[str]] = {}
        for record in records:
            there = standing.get(record.digest)
            if record.runs and (there is None or there.archived):
                workloads.setdefault(record.digest, set()).add(record.workload)
        if rule is None:
            return []
        return [
            self._lost(rule, repository, digest, sorted(names), digest in standing, cause)
            for digest, names in sorted(workloads.items())
        ]

    def _lost(
        self,
        rule: Rule,
        repository: str,
        digest: str,
        workloads: list[str],
        archived: bool,
        cause: Cause,
    ) -> Fact:
        run = "runs" if len(workloads) == 1 else "run"
        what = "archived" if archived else "deleted"
        by = f"by {cause.by}" if cause.by else "; nobody knows yet by whom"
        reason = f"The image that {_named(workloads)} {run} was {what} {by}.".replace(" ;", ";")
        made = self._made(FactKind.LOST, rule, repository, reason, cause)
        return replace(made, digest=digest, workloads=tuple(workloads))

    def deployed(
        self,
        repository: str,
        records: Iterable[Running],
        standing: Mapping[str, Standing],
        cause: Cause,
    ) -> list[Fact]:
        """The workloads that run and were deployed by a stable tag, one fact each; of those that
        the tag has left, that."""
        rule = self.rules.rule_for(repository)
        if rule is None or rule.tags is None:
            return []
        return list(self._deployed(rule, rule.tags, repository, records, standing, cause))

    def _deployed(
        self,
        rule: Rule,
        scheme: Scheme,
        repository: str,
        records: Iterable[Running],
        standing: Mapping[str, Standing],
        cause: Cause,
    ) -> Iterator[Fact]:
        for record in records:
            tag, there = _tag(record.written), standing.get(record.digest)
            if tag is None or there is None or not record.runs:
                continue
            if scheme.judge(tag) is not Verdict.STABLE:
                continue
            kind = FactKind.ON_STABLE if tag in there.tags else FactKind.BEHIND
            ends = "moves on" if kind is FactKind.ON_STABLE else "has left its image"
            reason = f"{record.workload} was deployed by the stable tag `{tag}`, which {ends}."
            own = (each for each in there.tags if scheme.read_unique(each, record.digest))
            yield replace(
                self._made(kind, rule, repository, reason, cause),
                tag=tag,
                digest=record.digest,
                workloads=(record.workload,),
                unique=next(own, None),
            )

    def _made(self, kind: FactKind, rule: Rule, repository: str, reason: str, cause: Cause) -> Fact:
        enforces = rule.mode.capped(self.cap) is Mode.ENFORCE
        mode = Mode.ENFORCE if enforces else Mode.AUDIT
        return self.maker.fact(
            kind, cause, reason, mode=mode.value, repository=repository, rule=rule.label()
        )


def _tag(written: str) -> str | None:
    """The tag that an image was deployed by; none where its digest stands beside it."""
    try:
        uri = ImageUri.parse(written)
    except NoImageUri:
        return None
    return None if uri.digest else uri.tag


def _named(workloads: list[str]) -> str:
    """The first few of the workloads, and how many more there are."""
    more = len(workloads) - 3
    return ", ".join(workloads) if more <= 0 else f"{', '.join(workloads[:3])} and {more} more"
