"""The lifecycle policy: compared by meaning, and not set where it could take away what is needed:
an image that runs, or one under a stable tag that the rule does not give up."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ecr_steward.settings import lifecycle, policies
from ecr_steward.settings.kinds.kind import Around, EcrRequest, File, Read, Setting
from ecr_steward.settings.state import (
    BaselineError,
    Path,
    Problem,
    SettingAction,
    SettingChange,
    check_known,
    document_of,
    mapping,
)
from ecr_steward.tags.scheme import Scheme

if TYPE_CHECKING:
    from ecr_steward.settings.expiry import Risk
    from ecr_steward.settings.lifecycle import Expiring

Document = Mapping[str, Any]
_ABSENT = "LifecyclePolicyNotFoundException"


@dataclass(frozen=True)
class WantedLifecycle:
    """The whole document, None where there must be none.

    `stated` is False where the rule says nothing of it, so that whatever is there will do; `expiry`
    is whether the rule lets images expire by their expiry tags, None where it says nothing of
    images. `when_absent` says that any document that is there will do. `allowed` are the entries of
    `stable` whose tags the policy may take away, `allows_all` says that it may take any.
    """

    document: Document | None
    when_absent: bool = False
    allowed: frozenset[str] = frozenset()
    allows_all: bool = False
    scheme: Scheme | None = None
    stated: bool = True
    expiry: bool | None = None

    @functools.cached_property
    def risks(self) -> tuple[Risk, ...]:
        """What the policy could take away by its words: found once, for it takes a while."""
        from ecr_steward.settings.expiry import at_risk  # not where a function starts

        return at_risk(self.document, self.scheme) if self.document and self.scheme else ()

    @functools.cached_property
    def strange(self) -> tuple[int, ...]:
        """The rules that take images only by tags which the scheme does not know."""
        from ecr_steward.settings.expiry import strange

        return strange(self.document, self.scheme) if self.document and self.scheme else ()

    @property
    def rules(self) -> list[Any]:
        return list((self.document or {}).get("rules", ()))

    def any_will_do(self, there: Document | None) -> bool:
        """Whether the policy that is there is none of the rule's business."""
        return not self.stated or (self.when_absent and bool(lifecycle.canonical(there)))

    def allows(self, entry: str) -> bool:
        """Whether images under the tags of this entry of `stable` may expire or be archived."""
        return self.allows_all or entry in self.allowed


SCHEMA: Mapping[str, Any] = {
    "lifecycle": {
        "title": "Lifecycle policy",
        "description": (
            "The lifecycle policy, compared by meaning: spelling, defaults, descriptions "
            "and the numbers of priorities do not count, only their order."
        ),
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "rules": {
                "title": "Lifecycle rules",
                "description": (
                    "The rules as AWS writes them; with an empty list the repository must "
                    "have no lifecycle policy."
                ),
                "type": "array",
                "items": {
                    "type": "object",
                },
                "examples": [
                    [
                        {
                            "rulePriority": 1,
                            "selection": {
                                "tagStatus": "untagged",
                                "countType": "sinceImagePushed",
                                "countUnit": "days",
                                "countNumber": 14,
                            },
                            "action": {
                                "type": "expire",
                            },
                        },
                    ],
                ],
            },
            "file": {
                "title": "File of lifecycle rules",
                "description": (
                    "A JSON or YAML file beside the rules file with the lifecycle policy, "
                    "in place of `rules`."
                ),
                "type": "string",
                "examples": ["lifecycle/base.json"],
            },
            "when": {
                "title": "When",
                "description": (
                    "`different` keeps the lifecycle policy equal to these rules, `absent` "
                    "sets them only where there is no lifecycle policy, so that any other "
                    "will do."
                ),
                "enum": ["absent", "different"],
                "default": "different",
                "examples": ["absent"],
            },
            "allow_expiring_stable": {
                "title": "Allow expiring stable tags",
                "description": (
                    "Whether a lifecycle policy is set although it could expire or archive "
                    "an image under a stable tag of the scheme: `true`, or the stable tags,"
                    " as `stable` has them, that it may take. Otherwise it is refused and "
                    "reported."
                ),
                "type": ["boolean", "array"],
                "uniqueItems": True,
                "items": {
                    "type": "string",
                },
                "default": False,
                "examples": [True, ["{major}.{minor}"]],
            },
        },
        "examples": [
            {
                "file": "lifecycle/base.json",
            },
        ],
    },
}


class Lifecycle(Setting[WantedLifecycle, Document | None]):
    name = "lifecycle"
    printed = ("lifecyclePolicyText",)
    schema = SCHEMA
    file = File("rules", "rules", ("rules",))
    read = Read("GetLifecyclePolicy", absent=_ABSENT)
    unset = None

    def wish(self, stated: Mapping[str, Any], scheme: Scheme | None) -> WantedLifecycle:
        try:
            return _stated(stated[self.name], scheme)
        except BaselineError as error:
            raise BaselineError(str(error), (self.name, *error.path)) from error

    def from_answer(self, answer: Mapping[str, Any]) -> Document | None:
        return policies.parse(answer["lifecyclePolicyText"])

    def from_given(self, value: Any) -> Document | None:
        return document_of(value, self.name, "lifecyclePolicyText")

    def drift(
        self, wish: WantedLifecycle, found: Document | None, around: Around
    ) -> Iterator[SettingChange]:
        others = _others(wish, found)
        if not _stays(wish, others):
            yield from self._to_set(wish, found, around)
            return
        yield from self._expiry(wish, others, found, around)
        if not wish.any_will_do(others):
            harm = [each for each in wish.risks if not wish.allows(each.entry)]
            yield from self._taken(wish.rules, harm, harm, refused=False)
        there = self.in_place(wish, found)
        if there is not None:
            yield from self._running(there["rules"], _needed(there, around), around)

    def _to_set(
        self, wish: WantedLifecycle, found: Document | None, around: Around
    ) -> Iterator[SettingChange]:
        wanted = _with_expiry(wish, wish.document, found, around)
        today = _previewed(around, wish.scheme) if wish.scheme else ()
        risks = tuple(dict.fromkeys((*wish.risks, *today)))
        harm = [each for each in risks if not wish.allows(each.entry)]
        needed = _needed(wish.document, around)
        refused = bool(harm or needed)
        problem, reason = _problem(wanted, found)
        reason += f"{_refusal(harm, needed)}{_strange(wish.strange)}"
        step = SettingAction.REFUSE if refused else SettingAction.CORRECT
        yield self.change(problem, found, wanted, reason, step)
        yield from self._taken(wish.rules, risks, harm, refused=refused)
        yield from self._running(wish.rules, needed, around, step)

    def _expiry(
        self, wish: WantedLifecycle, others: Document | None, found: Document | None, around: Around
    ) -> Iterator[SettingChange]:
        """What differs of the one rule for expiry tags, where all others stay."""
        wanted = _with_expiry(wish, others, found, around)
        if lifecycle.canonical(wanted) != lifecycle.canonical(found):
            missing = _has_expiry(wanted)
            reason = _NO_EXPIRY_RULE if missing else _EXPIRY_RULE
            problem = Problem.MISSING if missing else Problem.EXTRA
            yield self.change(problem, found, wanted, reason)
        elif wish.expiry and around.expiry and not _has_expiry(wanted):
            readable = others is None or lifecycle.is_known(others)
            why = _NO_ROOM if readable else _NOT_READ
            yield self.change(
                Problem.MISSING, found, found, why, SettingAction.REPORT, "expiry tags"
            )

    def _running(
        self,
        rules: Sequence[Any],
        needed: Sequence[Needed],
        around: Around,
        step: SettingAction = SettingAction.REPORT,
    ) -> Iterator[SettingChange]:
        """A change for each rule that takes images away which run."""
        if not needed:
            return
        from ecr_steward.settings.expiry import spared

        for rule in rules:
            priority = rule["rulePriority"]
            found = [each for each in needed if each.image.priority == priority]
            if found:
                images = [each.image for each in found]
                reason = (
                    f"The lifecycle rule {priority} {_does(found)} from which {_workloads(found)} "
                    f"can start again: {spared(rule, images, around.scheme)}.{_perhaps(found)}"
                )
                digests = sorted({each.digest for each in images})
                problem = Problem.EXPIRES_RUNNING
                yield self.change(problem, digests, rule, reason, step, f"rule {priority}")

    def _taken(
        self, rules: Sequence[Any], risks: Sequence[Risk], harm: Sequence[Risk], *, refused: bool
    ) -> Iterator[SettingChange]:
        """A change for each rule and what it does to stable tags."""
        for rule in rules:
            for archives in (False, True):
                about = (rule["rulePriority"], archives)
                found = [each for each in risks if (each.priority, each.archives) == about]
                harms = [each for each in found if each in harm]
                if found:
                    yield self.change(
                        Problem.ARCHIVES_STABLE if archives else Problem.EXPIRES_STABLE,
                        None,
                        rule,
                        _words_of(rule, harms or found, allowed=not harms),
                        SettingAction.REFUSE if refused and harms else SettingAction.REPORT,
                        f"rule {rule['rulePriority']}",
                    )

    def request(
        self, name: str, arn: str, value: Document | None, changes: Sequence[SettingChange]
    ) -> EcrRequest:
        if value is None:
            return EcrRequest("DeleteLifecyclePolicy", {"repositoryName": name}, absent=_ABSENT)
        text = policies.dumps(value)
        return EcrRequest(
            "PutLifecyclePolicy", {"repositoryName": name, "lifecyclePolicyText": text}
        )

    def beside(
        self,
        wish: WantedLifecycle | None,
        scheme: Scheme | None,
        images: Mapping[str, Any] | None,
    ) -> WantedLifecycle | None:
        if images is None:
            return wish
        expiry = images.get("others") == "expire"
        if wish is None:
            return WantedLifecycle(None, scheme=scheme, stated=False, expiry=expiry)
        return replace(wish, expiry=expiry)

    def to_preview(self, wish: WantedLifecycle, found: Document | None) -> Document | None:
        return None if _stays(wish, _others(wish, found)) else wish.document

    def in_place(self, wish: WantedLifecycle, found: Document | None) -> Document | None:
        """Without the rule for expiry tags: an image that is needed loses its tag."""
        others = _others(wish, found)
        stays = wish.stated and _stays(wish, others)
        return others if stays and lifecycle.is_known(others) else None

    def explain(self, wish: WantedLifecycle, around: Around) -> Iterator[tuple[str, str]]:
        if wish.expiry:
            yield "lifecycle", "with AllowExpiry, a rule for expiry tags is merged into the policy"
        if not wish.stated:
            return
        if wish.document is None:
            yield "lifecycle", "none: a lifecycle policy is taken away"
            return
        count = len(wish.rules)
        where = ", where there is no policy" if wish.when_absent else ""
        yield "lifecycle", f"{count} rule{'' if count == 1 else 's'}{where}"
        but = f" other than {', '.join(sorted(wish.allowed))}" if wish.allowed else ""
        stable = "" if wish.allows_all else f", or under stable tags{but}"
        yield "", f"it is not set if it could expire or archive images that run{stable}"
        if wish.allows_all:
            yield "", "it may expire or archive images under stable tags"

    def advice(self, wish: WantedLifecycle, around: Around) -> Iterator[tuple[Path, str]]:
        for i, rule in enumerate(wish.rules):
            for key in lifecycle.LISTS:
                if len(rule["selection"].get(key, ())) > 1:
                    said = f"The entries of `{key}` must all match, each by a tag of the image"
                    path = (self.name, "rules", i, "selection", key)
                    yield path, f"{said}; for either one or the other write two rules."
        if around.scheme is None or wish.document is None:
            return
        from ecr_steward.settings.expiry import beyond

        for pattern in beyond(around.scheme):
            said = "says more than can be told from it alone, so it counts as any tag where the"
            yield (self.name,), f"`{pattern}` {said} policy is judged."
        risks = [each for each in wish.risks if not wish.allows(each.entry)]
        for i, rule in enumerate(wish.rules):
            found = [each for each in risks if each.priority == rule["rulePriority"]]
            if found:
                said = f"{_words_of(rule, found, allowed=False)} The policy is not set before."
                yield (self.name, "rules", i), said

    def made(self, wish: WantedLifecycle, scheme: Scheme | None, *, cache: bool) -> Document | None:
        return wish.document

    def to_template(self, value: Document | None) -> dict[str, Any]:
        return {"lifecyclePolicy": "" if value is None else policies.dumps(value)}

    def from_template(self, template: Mapping[str, Any]) -> Document | None:
        text = template.get("lifecyclePolicy")
        return policies.parse(text) if text else None

    def meaning(self, value: Document | None) -> Any:
        return lifecycle.canonical(value)


# ---------------------------------------------------------------------------- what a rule states
def _stated(value: Any, scheme: Scheme | None) -> WantedLifecycle:
    found = mapping(value)
    check_known(found, ("rules", "when", "allow_expiring_stable"))
    if "rules" not in found:
        raise BaselineError("`lifecycle` needs `rules` or `file`.")
    lifecycle.check(found["rules"])
    when = found.get("when", "different")
    if when not in ("absent", "different"):
        raise BaselineError("`when` must be one of absent, different.", ("when",))
    if when == "absent" and not found["rules"]:
        raise BaselineError("`when: absent` needs rules to set where there are none.", ("when",))
    allowed = found.get("allow_expiring_stable", False)
    return WantedLifecycle(
        document={"rules": found["rules"]} if found["rules"] else None,
        when_absent=when == "absent",
        allowed=frozenset(_allowed(allowed, scheme)),
        allows_all=allowed is True,
        scheme=scheme,
    )


def _allowed(value: Any, scheme: Scheme | None) -> Iterator[str]:
    """The stable tags of the same rule that may be taken away."""
    if isinstance(value, bool):
        return
    path = ("allow_expiring_stable",)
    if not isinstance(value, list):
        raise BaselineError(
            "`allow_expiring_stable` must be true, false or a list of stable tags.", path
        )
    known = [each.template for each in scheme.stable] if scheme else []
    for i, each in enumerate(value):
        if each not in known:
            there = f"there are {', '.join(known)}" if known else "there are none"
            raise BaselineError(
                f"`{each}` is no stable tag of this rule as `stable` has it; {there}.", (*path, i)
            )
        yield each


def _stays(wish: WantedLifecycle, others: Document | None) -> bool:
    """Whether what is there will do; `others` is without the rule for expiry tags."""
    return wish.any_will_do(others) or lifecycle.canonical(others) == lifecycle.canonical(
        wish.document
    )


# ---------------------------------------------------------------------------- what runs
@dataclass(frozen=True, slots=True)
class Needed:
    """An image that runs and that a rule takes away, with what runs it; `soon` where ECR's preview
    says so of the next lifecycle.AHEAD days, else the tags alone show it; `perhaps` where nobody
    has read whether it lists what runs."""

    image: Expiring
    workloads: tuple[str, ...]
    soon: bool
    perhaps: bool = False


def _needed(document: Document | None, around: Around) -> list[Needed]:
    """What a policy takes away of what runs. Of a rule that takes images soon the others are left
    out: they have time."""
    soon = [
        Needed(each, tuple(around.running[each.digest]), soon=True)
        for each in around.preview
        if each.digest in around.running
    ]
    if document is None or not around.named:
        return soon
    from ecr_steward.settings.expiry import taken

    named = {each.name: each for each in around.named}
    rules = {each.image.priority for each in soon}
    return soon + [
        Needed(
            image=each,
            workloads=named[each.digest].workloads or (each.digest,),
            soon=False,
            perhaps=named[each.digest].perhaps,
        )
        for each in taken(document["rules"], around.named)
        if each.priority not in rules
    ]


def _with_expiry(
    wish: WantedLifecycle, document: Document | None, found: Document | None, around: Around
) -> Document | None:
    """The policy with the rule for expiry tags where the rule and the stack let images expire; as
    it is where there is no room for it. Where nobody knows of the stack, what is there is right."""
    allowed = _has_expiry(found) if around.expiry is None and wish.expiry else around.expiry
    if not (wish.expiry and allowed):
        return document
    from ecr_steward.settings import expiry_rule  # not where a function starts

    return expiry_rule.merged(document, wish.scheme) or document


def _others(wish: WantedLifecycle, found: Document | None) -> Document | None:
    """What is there, without the rule for expiry tags where that is the steward's."""
    if wish.expiry is None:
        return found
    from ecr_steward.settings import expiry_rule

    return expiry_rule.stripped(found)


def _has_expiry(document: Document | None) -> bool:
    from ecr_steward.settings import expiry_rule

    return expiry_rule.holds(document)


# ---------------------------------------------------------------------------- words
_NO_EXPIRY_RULE = "The lifecycle policy has no rule by which images with an expiry tag expire."
_EXPIRY_RULE = "The lifecycle policy has a rule for expiry tags, and no image may expire by one."
_NO_ROOM = (
    "There is no room for the rule for expiry tags: ECR takes 50 rules, with 30,720 characters in "
    "all. Until one goes no image gets an expiry tag."
)
_NOT_READ = (
    "The rule for expiry tags is not merged into the lifecycle policy, for it has a rule that the "
    "steward does not know. Until that goes no image gets an expiry tag."
)


def _problem(wanted: Document | None, found: Document | None) -> tuple[Problem, str]:
    if wanted is None:
        return Problem.EXTRA, "There is a lifecycle policy, where the rule has none."
    if found is None:
        return Problem.MISSING, "There is no lifecycle policy, where the rule has one."
    return Problem.DIFFERENT, "The lifecycle policy is not the rule's."


def _harm(risks: Sequence[Risk | Expiring]) -> str:
    words = {True: "archive", False: "expire"}
    return " and ".join(dict.fromkeys(words[each.archives] for each in risks))


def _refusal(harm: Sequence[Risk], needed: Sequence[Needed]) -> str:
    """Why the policy is not set, as a sentence; nothing where it is."""
    said = [f"it could {_harm(harm)} stable tags"] if harm else []
    if needed:
        would = "would" if any(each.soon for each in needed) else "could"
        said.append(f"it {would} {_harm([each.image for each in needed])} images that run")
    return f" It is not set, because {' and '.join(said)}." if said else ""


def _does(needed: Sequence[Needed]) -> str:
    """What one rule does to what runs."""
    images = [each.image for each in needed]
    count = "1 image" if len(images) == 1 else f"{len(images):,} images"
    if needed[0].soon:
        return f"would {_harm(images)} {count} within {lifecycle.AHEAD} days"
    return f"can {_harm(images)} {count}"


def _perhaps(needed: Iterable[Needed]) -> str:
    count = sum(each.perhaps for each in needed)
    if not count:
        return ""
    some = "1 of them is an index that" if count == 1 else f"{count:,} of them are indexes that"
    return f" {some} may list it: what indexes list is known where a rule has `images`."


def _workloads(needed: Sequence[Needed]) -> str:
    return _some([name for each in needed for name in each.workloads])


def _some(names: Sequence[str]) -> str:
    each = list(dict.fromkeys(names))
    more = f" and {len(each) - _NAMED} more" if len(each) > _NAMED else ""
    return f"{', '.join(each[:_NAMED])}{more}"


_NAMED = 5


def _strange(priorities: Sequence[int]) -> str:
    if not priorities:
        return ""
    rules = f"{'rule' if len(priorities) == 1 else 'rules'} {', '.join(map(str, priorities))}"
    return (
        f" By {rules} it takes images with tags that the scheme does not know, whatever else they "
        "carry."
    )


def _previewed(around: Around, scheme: Scheme) -> tuple[Risk, ...]:
    """What the rules would take away today, as ECR's preview says."""
    if not around.preview:
        return ()
    from ecr_steward.settings.expiry import previewed

    return previewed(around.preview, scheme)


def _words_of(rule: Mapping[str, Any], risks: Sequence[Risk], *, allowed: bool) -> str:
    """What one rule does to stable tags, and what to do about it, in a sentence."""
    tags = ", ".join(f"`{each}`" for each in dict.fromkeys(each.tag for each in risks))
    example = next((each.example for each in risks if each.example), ())
    such = f", such as one with {' and '.join(f'`{each}`' for each in example)}" if example else ""
    said = (
        f"The lifecycle rule {risks[0].priority} can {_harm(risks)} images under the stable tags "
    )
    said += f"{tags}{such}"
    if allowed:
        return f"{said}, which the rule allows."
    from ecr_steward.settings.expiry import remedy

    return f"{said}: {remedy(rule, risks)}."
