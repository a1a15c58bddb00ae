"""What a rule's baseline means for one repository, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_steward.repository import immutability
from ecr_steward.repository.actions import RIGHTS
from ecr_steward.repository.baseline import Baseline, LifecycleBaseline, PolicyBaseline
from ecr_steward.rules.model import Mode, Rule
from ecr_steward.tags.scheme import Scheme

_OTHERS = {
    "keep": "other statements stay",
    "report": "other statements are reported",
    "remove": "other statements are taken out, but for Lambda's own",
}
_FOREIGN = {
    "report": "statements that let in whom nobody named are reported",
    "remove": "those whom nobody named are taken out of statements, whosever they are",
}
_PUBLIC = {
    "allow": "statements that let anyone in are allowed",
    "report": "statements that let anyone in are reported",
    "remove": "statements that let anyone in are taken out, whosever they are",
}


def settings(rule: Rule) -> Iterator[tuple[str, str]]:
    """The title and the line of each thing to say."""
    if not rule.baseline.reads:
        yield "settings", "The rule says nothing about settings, so they are left alone."
        return
    if rule.mode is Mode.AUDIT:
        yield "settings", "In mode audit what differs below is reported, and nothing is set."
    for title, lines in _settings(rule.baseline, rule.tags):
        for each in lines:
            yield title, each
            title = ""


def _settings(baseline: Baseline, scheme: Scheme | None) -> Iterator[tuple[str, Iterator[str]]]:
    if baseline.policy is not None:
        yield "policy", _policy(baseline.policy)
    if baseline.lifecycle is not None:
        yield "lifecycle", _lifecycle(baseline.lifecycle)
    if baseline.immutability is not None:
        yield "immutable", _immutability(baseline, scheme)
    if baseline.scan_on_push is not None:
        yield "scanning", iter([f"on push: {'yes' if baseline.scan_on_push else 'no'}"])
    if baseline.encryption is not None:
        said = f"{baseline.encryption}; another one is reported, as ECR cannot change it"
        yield "encryption", iter([said])
    if baseline.required_tags is not None:
        required = ", ".join(baseline.required_tags)
        yield "required", iter([f"resource tags {required}, with any value; a missing one is told"])
    if baseline.resource_tags is not None:
        tags = (f"{key}={value}" for key, value in baseline.resource_tags.items())
        yield "resource", iter([f"tags {', '.join(tags)}; others stay"])


def _policy(policy: PolicyBaseline) -> Iterator[str]:
    names = ", ".join(each["Sid"] for each in policy.statements)
    yield f"statements {names}" if names else "no statements of its own"
    yield _OTHERS[policy.others]
    yield _PUBLIC[policy.public]
    yield _FOREIGN[policy.foreign]
    if not policy.by_right and "*" in policy.accounts.manage:
        yield "anybody may be named"
        return
    also = "" if policy.by_right else ", ".join(["", *sorted(policy.accounts.manage)])
    yield f"may be named: the registry's own account, whom the statements name{also}"
    for right in RIGHTS if policy.by_right else ():
        names = ", ".join(sorted(getattr(policy.accounts, right)))
        if names:
            yield f"to {right} also {'anybody' if names == '*' else names}"


def _lifecycle(wanted: LifecycleBaseline) -> Iterator[str]:
    if wanted.document is None:
        yield "none: a lifecycle policy is taken away"
        return
    count = len(wanted.document["rules"])
    where = ", where there is no policy" if wanted.when_absent else ""
    yield f"{count} rule{'' if count == 1 else 's'}{where}"
    if wanted.allows_all:
        yield "it is set even if it could expire or archive images under stable tags"
        return
    but = f" other than {', '.join(sorted(wanted.allowed))}" if wanted.allowed else ""
    yield f"it is not set if it could expire or archive images under stable tags{but}"


def _immutability(baseline: Baseline, scheme: Scheme | None) -> Iterator[str]:
    wanted = immutability.wanted(baseline.immutability, scheme)
    if wanted is None:
        return
    yield immutability.described(wanted.mutability, wanted.filters)
    if wanted.exact:
        return
    yield wanted.reason
    if scheme is not None and scheme.overwritten == "restore":
        yield "the steward puts overwritten unique tags back itself"
