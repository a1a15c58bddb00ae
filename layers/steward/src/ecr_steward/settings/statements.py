"""Drift of a repository policy: ours put in, changed and taken out, others judged, by Sid."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ecr_steward.settings import policies
from ecr_steward.settings.access import LAMBDA, Access, judge, named, without_strangers
from ecr_steward.settings.actions import right_of
from ecr_steward.settings.lockout import (
    Steward,
    lets_lambda_pull,
    locks_out_lambda,
    locks_out_steward,
    locks_out_tagger,
)
from ecr_steward.settings.names import Allowed, Named
from ecr_steward.settings.state import Problem, SettingAction, SettingChange

_HARMLESS = Access()


@dataclass(frozen=True, slots=True)
class PolicyBaseline:
    """`policy:`: our statements, and what happens to others, to public and to foreign ones.

    `accounts` are the account, organisation, service and network names that may be named, and for
    what; those that our own statements name are among them.
    """

    statements: tuple[Mapping[str, Any], ...] = ()
    others: str = "report"
    public: str = "report"
    foreign: str = "report"
    accounts: Named = field(default_factory=Named)
    by_right: bool = False

    @property
    def named(self) -> Named:
        """Whom the rule names: under `accounts`, and in its statements for what those grant."""
        found = self.accounts
        for each in self.statements:
            right = right_of(policies.values(each.get("Action", ()))) if self.by_right else "manage"
            found |= Named(**{right: named(each)})
        return found

    @property
    def sids(self) -> frozenset[str]:
        """The Sids of our statements: remembered, they tell later what the rule has dropped."""
        return frozenset(each["Sid"] for each in self.statements)


@dataclass(frozen=True, slots=True)
class _Judge:
    """What the statements of one policy are judged by."""

    baseline: PolicyBaseline
    steward: Steward
    managed: frozenset[str]
    allowed: Allowed
    version: str

    def ours(self, actual: Sequence[Any]) -> Iterator[SettingChange]:
        for wanted in self.baseline.statements:
            found = [each for each in actual if policies.sid(each) == wanted["Sid"]]
            if not found:
                reason = f"The statement `{wanted['Sid']}` of the rule is missing."
                yield _change(Problem.MISSING, None, wanted, reason)
            for each in found:
                differs = self._difference(each, wanted)
                if differs is not None:
                    yield _change(Problem.DIFFERENT, each, wanted, differs)
                yield from self._who(each, wanted, gone=differs is not None)

    def _difference(self, found: Any, wanted: Mapping[str, Any]) -> str | None:
        """How a statement differs from the rule's; None where it says the same."""
        if not policies.same(found, wanted):
            return _difference(found, wanted)
        if self.version != policies.VERSION and policies.has_variables(wanted):
            return (
                f"The statement `{wanted['Sid']}` has a variable, which is a mere text in this "
                f"policy: its Version is {self.version}, not {policies.VERSION}."
            )
        return None

    def others(self, actual: Sequence[Any]) -> Iterator[SettingChange]:
        for each in actual:
            if policies.sid(each) in self.baseline.sids:
                continue
            dropped = policies.sid(each) in self.managed
            stays = policies.is_lambdas(each)
            gone = not stays and (dropped or self.baseline.others == "remove")
            who = list(self._who(each, None, gone=gone))
            # What goes because it is public needs no second word for being there.
            goes = any(change.action is SettingAction.CORRECT for change in who)
            if not stays and (gone or not goes):
                yield from self._extra(each, dropped)
            yield from who

    def _extra(self, statement: Any, dropped: bool) -> Iterator[SettingChange]:
        if dropped:
            reason = f"The rule had a statement `{policies.sid(statement)}` and has it no more."
            yield _change(Problem.EXTRA, statement, None, reason)
        elif self.baseline.others != "keep":
            action = (
                SettingAction.CORRECT if self.baseline.others == "remove" else SettingAction.REPORT
            )
            reason = f"{_the(statement)} is not one of the rule's."
            yield _change(Problem.EXTRA, statement, None, reason, action)

    def _who(self, statement: Any, after: Any, *, gone: bool) -> Iterator[SettingChange]:
        """What is wrong with whom a statement lets in. `gone` says that it is taken out or
        replaced anyway; `after` is what it must be, None where it is not ours."""
        found = judge(statement, self.allowed, self.version)
        if found.public is not None and self.baseline.public != "allow":
            removed = gone or self.baseline.public == "remove"
            reason = f"{_the(statement)} lets anyone in: {found.public}."
            after = self._narrowed(statement) if after is None and removed else after
            action = SettingAction.CORRECT if removed else SettingAction.REPORT
            yield _change(Problem.PUBLIC, statement, after, reason, action)
        if found.foreign:
            removed = gone or self.baseline.foreign == "remove"
            strangers = ", ".join(map(_stranger, found.foreign))
            reason = f"{_the(statement)} lets in {strangers}, which the rule does not name."
            if after is None and removed and not gone:
                after = without_strangers(statement, self.allowed, self.version)
            action = SettingAction.CORRECT if removed else SettingAction.REPORT
            yield _change(Problem.FOREIGN, statement, after, reason, action)

    def _narrowed(self, statement: Any) -> Any:
        """What is left of a public statement that lets Lambda pull as well: that alone."""
        if not lets_lambda_pull(statement):
            return None
        left = {**statement, "Principal": {"Service": LAMBDA}}
        return left if judge(left, self.allowed, self.version) == _HARMLESS else None


def policy_drift(
    baseline: PolicyBaseline,
    policy: Mapping[str, Any] | None,
    *,
    account: str = "",
    setters: Sequence[str] = (),
    taggers: Sequence[str] | None = None,
    managed: Collection[str] = (),
) -> tuple[SettingChange, ...]:
    """Every difference of a policy. `before` and `after` are single statements.

    `setters` set policies and `taggers` move tags, as `Steward` has them.
    """
    allowed = baseline.named
    organisations = frozenset(each for each in allowed.may("pull") if each.startswith("o-"))
    taggers = None if taggers is None else tuple(taggers)
    steward = Steward(account, tuple(setters), taggers, organisations)
    version = policies.version(policy)
    judged = _Judge(baseline, steward, frozenset(managed), Allowed(allowed, account), version)
    actual = policies.statements(policy)
    found: list[SettingChange] = []
    for change in (*judged.ours(actual), *judged.others(actual)):
        if change not in found:
            found.append(change)
    pulls = any(map(lets_lambda_pull, (*actual, *baseline.statements)))
    return tuple(_within_limits(policy, _without_harm(policy, found, steward, pulls=pulls)))


# ---------------------------------------------------------------------------- what would do harm
def _without_harm(
    policy: Mapping[str, Any] | None, changes: list[SettingChange], steward: Steward, *, pulls: bool
) -> list[SettingChange]:
    """The changes, with those refused that would lock out the steward, or Lambda where it pulls,
    or is to pull, once the others are made."""
    found = [_unless(change, _harm(change.after, steward)) for change in changes]
    if pulls:
        found = _keeping_lambda(policy, found)
    if not _lambda_pulls(policy, found):
        return found
    locked = "the Lambda functions that run these images could not pull them any more"
    return [
        _unless(each, locked if locks_out_lambda(each.after, steward.account) else None)
        for each in found
    ]


def _keeping_lambda(
    policy: Mapping[str, Any] | None, changes: list[SettingChange]
) -> list[SettingChange]:
    """The changes, with those refused that would take away the last statement by which Lambda
    pulls."""
    if _lambda_pulls(policy, changes):
        return changes
    harm = "no statement would let Lambda pull any more, and functions that run these images "
    harm += "would fail; take it out by hand if there are none"
    # Whoever can write into a statement could hold it open with Lambda's name otherwise.
    open_ = [c.before for c in changes if c.problem in _WHO and c.action is SettingAction.CORRECT]
    return [
        _unless(each, harm) if lets_lambda_pull(each.before) and each.before not in open_ else each
        for each in changes
    ]


def _lambda_pulls(policy: Mapping[str, Any] | None, changes: list[SettingChange]) -> bool:
    """Whether a statement lets Lambda pull once the changes are made."""
    return any(map(lets_lambda_pull, policies.statements(merged(policy, changes))))


def _harm(statement: Any, steward: Steward) -> str | None:
    """What the steward could not do any more with this statement."""
    if locks_out_steward(statement, steward):
        return "the steward could not set the policy any more"
    if locks_out_tagger(statement, steward):
        return "the steward could not move tags any more"
    return None


def _unless(change: SettingChange, harm: str | None) -> SettingChange:
    """The change, refused if it would be made and do harm."""
    made = change.action is SettingAction.CORRECT and harm is not None
    return _refused(change, str(harm)) if made else change


def _refused(change: SettingChange, harm: str) -> SettingChange:
    """The change as it is told: nothing is done, because of `harm`."""
    kept = change.problem in _WHO
    return replace(
        change,
        problem=change.problem if kept else Problem.LOCKS_OUT,
        action=SettingAction.REFUSE,
        reason=f"{change.reason} It is left as it is: {harm}.",
    )


def _within_limits(
    policy: Mapping[str, Any] | None, changes: list[SettingChange]
) -> list[SettingChange]:
    """The changes, without those that put statements in if the policy would be too long."""
    after = merged(policy, changes)
    length = len(policies.dumps(after)) if after is not None else 0
    if length <= policies.MAX_LENGTH:
        return changes
    said = (
        f" It is left as it is: the policy would have {length:,} characters, and ECR takes "
        f"{policies.MAX_LENGTH:,}; take statements out or together."
    )
    return [
        replace(each, action=SettingAction.REFUSE, reason=each.reason + said)
        if each.action is SettingAction.CORRECT and each.after is not None
        else each
        for each in changes
    ]


# ---------------------------------------------------------------------------- what is left
def merged(
    policy: Mapping[str, Any] | None, changes: Sequence[SettingChange]
) -> dict[str, Any] | None:
    """The policy once these changes are made: statements taken out, replaced and put in.

    None where nothing is left of it, and the repository's policy must be deleted.
    """
    made = [each for each in changes if each.action is SettingAction.CORRECT]
    gone = [policies.canonical(each.before) for each in made if each.before is not None]
    version = _version(policy, made)
    left = [each for each in policies.statements(policy) if policies.canonical(each) not in gone]
    if version != policies.version(policy):
        left = [policies.escaped(each) for each in left]
    for change in made:
        if change.after is not None and not any(policies.same(change.after, each) for each in left):
            left.append(change.after)
    if not left:
        return None
    more = {key: value for key, value in (policy or {}).items() if key == "Id"}
    return policies.document(left, version, **more)


_WHO = (Problem.PUBLIC, Problem.FOREIGN)


@dataclass(frozen=True, slots=True)
class PolicyFallback:
    """A policy to set where ECR refused another, and the changes that it makes, as they are told.

    It is None where nothing is left, and the repository's policy must be deleted.
    """

    policy: Mapping[str, Any] | None
    changes: tuple[SettingChange, ...]


def fallbacks(
    policy: Mapping[str, Any] | None, changes: Sequence[SettingChange]
) -> Iterator[PolicyFallback]:
    """What to set instead, in this order, where ECR refused the policy that `changes` make.

    ECR refuses a policy whole for one principal that does not exist. The ids that stand in others'
    statements for deleted principals let nobody in, so they go first; and then nothing is put in
    that the rule names, for what must not be there has to go all the same.
    """
    whole = _of_the_living(merged(policy, changes), changes)
    if whole is not None:
        yield whole
    out = [each for each in map(_only_out, changes) if each is not None]
    if out:
        left = merged(policy, out)
        yield _of_the_living(left, out) or PolicyFallback(left, tuple(out))


def _only_out(change: SettingChange) -> SettingChange | None:
    """The part of a change that takes out what must not be there, None if it has none."""
    if change.action is not SettingAction.CORRECT:
        return None
    if change.after is None or _is_narrowed(change):
        return change
    return replace(change, after=None) if change.problem in _WHO else None


def _is_narrowed(change: SettingChange) -> bool:
    """Whether what is put in is what Lambda needs of what goes."""
    return lets_lambda_pull(change.after) and lets_lambda_pull(change.before)


def _of_the_living(
    policy: Mapping[str, Any] | None, changes: Sequence[SettingChange]
) -> PolicyFallback | None:
    """The policy without ids of deleted principals, which every change tells; None if it has none.

    What names nobody else goes whole. A statement about everybody but those whom it names stays as
    it is: it says no less with such an id than without.
    """
    ids: list[str] = []
    where: list[str] = []
    left: list[Any] = []
    for each in policies.statements(policy):
        dead, living = policies.without_deleted(each)
        left += [] if living is None else [living]
        ids += dead
        where += [_called(each)] if dead else []
    if not ids:
        return None
    said = (
        f" ECR refused the policy with ids of deleted principals in it, which let nobody in: "
        f"{', '.join(dict.fromkeys(ids))} went from {' and '.join(where)}."
    )
    made = [
        replace(c, reason=c.reason + said) for c in changes if c.action is SettingAction.CORRECT
    ]
    return PolicyFallback({**policy, "Statement": left} if left and policy else None, tuple(made))


def _version(policy: Mapping[str, Any] | None, made: Sequence[SettingChange]) -> str:
    """The version that the policy has; only where ours have variables must it be the one that
    knows them."""
    if any(policies.has_variables(each.after) for each in made):
        return policies.VERSION
    return policies.version(policy)


# ---------------------------------------------------------------------------- words
def _change(
    problem: Problem,
    before: Any,
    after: Any,
    reason: str,
    action: SettingAction = SettingAction.CORRECT,
) -> SettingChange:
    subject = policies.subject(after if before is None else before)
    return SettingChange("policy", problem, subject, action, before, after, reason)


def _the(statement: Any) -> str:
    return f"T{_called(statement)[1:]}"


def _called(statement: Any) -> str:
    sid = policies.sid(statement)
    return f"the statement `{sid}`" if sid else f"the {policies.subject(statement)}"


def _difference(found: Any, wanted: Mapping[str, Any]) -> str:
    ids = policies.deleted(found)
    if ids:
        return (
            f"The statement `{wanted['Sid']}` names {', '.join(ids)}, the id of a principal that "
            "was deleted: if there is one of its name again, it has no access before the "
            "statement is set anew."
        )
    keys = [key for key in _PARTS if _part(found, key) != _part(wanted, key)]
    return (
        f"The statement `{wanted['Sid']}` differs from the rule's in "
        f"{' and '.join(keys) or 'its shape'}."
    )


_PARTS = ("Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition", "Resource")


def _part(statement: Mapping[str, Any], key: str) -> Any:
    """What one key of a statement means, alone."""
    return policies.canonical({"Effect": "", key: statement[key]} if key in statement else {})


def _stranger(name: str) -> str:
    if name.isdecimal():
        return f"the account {name}"
    if name.startswith("o-"):
        return f"the {'unit of an ' if '/' in name else ''}organisation {name}"
    return f"any account through {name}" if name.endswith((".com", ".cn")) else name
