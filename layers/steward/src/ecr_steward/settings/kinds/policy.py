"""The repository policy: merged by Sid, never replaced as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ecr_steward.settings import access, grammar, policies
from ecr_steward.settings.actions import ACTIONS, RIGHTS
from ecr_steward.settings.kinds.kind import Around, EcrRequest, Fallback, File, Read, Setting
from ecr_steward.settings.lockout import Steward, locks_out_steward, locks_out_tagger
from ecr_steward.settings.names import ANY, Allowed, Named, is_name
from ecr_steward.settings.state import (
    BaselineError,
    Path,
    SettingChange,
    check_known,
    document_of,
    mapping,
)
from ecr_steward.settings.statements import PolicyBaseline, fallbacks, merged, policy_drift
from ecr_steward.tags.scheme import Scheme

Document = Mapping[str, Any]
_ABSENT = "RepositoryPolicyNotFoundException"
_WORDS = {
    "others": ("keep", "report", "remove"),
    "public": ("allow", "report", "remove"),
    "foreign": ("report", "remove"),
}
_OTHERS = {
    "keep": "other statements stay",
    "report": "other statements are reported",
    "remove": "other statements are taken out, but for Lambda's own",
}
_PUBLIC = {
    "allow": "statements that let anyone in are allowed",
    "report": "statements that let anyone in are reported",
    "remove": "statements that let anyone in are taken out, whosever they are",
}
_FOREIGN = {
    "report": "statements that let in whom nobody named are reported",
    "remove": "those whom nobody named are taken out of statements, whosever they are",
}


SCHEMA: Mapping[str, Any] = {
    "policy": {
        "title": "Repository policy",
        "description": (
            "Statements that the policy must have, and what happens to others. The policy "
            "is merged by Sid, never replaced as a whole."
        ),
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "statements": {
                "title": "Statements",
                "description": (
                    "The rule's own statements, as AWS writes them, each with a `Sid`. A "
                    "`Resource` can only be `*`, and is left out."
                ),
                "type": "array",
                "items": {
                    "type": "object",
                },
                "default": [],
                "examples": [
                    [
                        {
                            "Sid": "OrganisationPull",
                            "Effect": "Allow",
                            "Principal": "*",
                            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                            "Condition": {
                                "StringEquals": {
                                    "aws:PrincipalOrgID": "o-abc123",
                                },
                            },
                        },
                    ],
                ],
            },
            "file": {
                "title": "File of statements",
                "description": (
                    "A JSON or YAML file beside the rules file with the policy, in place of"
                    " `statements`."
                ),
                "type": "string",
                "examples": ["policies/org-pull.json"],
            },
            "others": {
                "title": "Other statements",
                "description": (
                    "What happens to statements that are not the rule's: `keep` leaves "
                    "them, `report` says so, `remove` takes them out. Statements whose Sid "
                    "begins with `Lambda` stay, unless they let in anyone or strangers."
                ),
                "enum": ["keep", "report", "remove"],
                "default": "report",
                "examples": ["keep", "remove"],
            },
            "public": {
                "title": "Public access",
                "description": (
                    "What happens to a statement, whosever it is, that lets anyone in: "
                    "`Principal` is `*`, and no condition limits it to accounts, "
                    "organisations or networks. `remove` takes it out but for what Lambda "
                    "needs of it, `report` says so, `allow` does neither."
                ),
                "enum": ["allow", "report", "remove"],
                "default": "report",
                "examples": ["remove"],
            },
            "foreign": {
                "title": "Strangers",
                "description": (
                    "What happens to a statement, whosever it is, that lets in whom nobody "
                    "named: `report` says so, `remove` takes the strangers out of it. "
                    "Others in the statement, and others' statements, stay."
                ),
                "enum": ["report", "remove"],
                "default": "report",
                "examples": ["remove"],
            },
            "accounts": {
                "title": "Accounts",
                "description": (
                    "Who may be named besides the registry's own account and whom the "
                    "rule's statements name: account ids, organisations (`o-…`) and units "
                    "of them (`o-…/r-…/ou-…/*`), services (`codebuild.amazonaws.com`), VPCs"
                    " and VPC endpoints, networks and addresses, or `*` for anybody. As a "
                    "list for anything, or lists by right: `pull`, `push` (and pull), "
                    "`manage` (and all else). A statement that lets in others is foreign."
                ),
                "type": ["array", "object"],
                "uniqueItems": True,
                "items": {
                    "type": "string",
                },
                "additionalProperties": False,
                "properties": {
                    "pull": {
                        "title": "May pull",
                        "description": (
                            "Who may be named in statements that let images be pulled, and no more."
                        ),
                        "type": "array",
                        "uniqueItems": True,
                        "items": {
                            "type": "string",
                        },
                        "examples": [["o-abc123"]],
                    },
                    "push": {
                        "title": "May push",
                        "description": (
                            "Who may be named in statements that let images be pushed and pulled."
                        ),
                        "type": "array",
                        "uniqueItems": True,
                        "items": {
                            "type": "string",
                        },
                        "examples": [["111122223333"]],
                    },
                    "manage": {
                        "title": "May manage",
                        "description": "Who may be named in any statement.",
                        "type": "array",
                        "uniqueItems": True,
                        "items": {
                            "type": "string",
                        },
                        "examples": [["444455556666"]],
                    },
                },
                "default": [],
                "examples": [
                    ["111122223333", "o-abc123"],
                    {
                        "pull": ["o-abc123"],
                        "push": ["111122223333"],
                    },
                ],
            },
        },
        "examples": [
            {
                "file": "policies/org-pull.json",
                "others": "keep",
                "public": "remove",
            },
        ],
    },
}


class Policy(Setting[PolicyBaseline, Document | None]):
    name = "policy"
    printed = ("policyText",)
    schema = SCHEMA
    file = File("statements", "Statement", ("Version", "Id", "Statement"), policies.version_fault)
    read = Read("GetRepositoryPolicy", absent=_ABSENT)
    unset = None

    def wish(self, stated: Mapping[str, Any], scheme: Scheme | None) -> PolicyBaseline:
        try:
            return stated_policy(stated[self.name])
        except BaselineError as error:
            raise BaselineError(str(error), (self.name, *error.path)) from error

    def from_answer(self, answer: Mapping[str, Any]) -> Document | None:
        return policies.parse(answer["policyText"])

    def from_given(self, value: Any) -> Document | None:
        return document_of(value, self.name, "policyText")

    def drift(
        self, wish: PolicyBaseline, found: Document | None, around: Around
    ) -> Iterator[SettingChange]:
        yield from policy_drift(
            wish,
            found,
            account=around.account,
            setters=around.setters,
            taggers=None if around.scheme is None else around.taggers,
            managed=around.managed,
        )

    def corrected(
        self, found: Document | None, changes: Sequence[SettingChange]
    ) -> Document | None:
        return merged(found, changes)

    def request(
        self, name: str, arn: str, value: Document | None, changes: Sequence[SettingChange]
    ) -> EcrRequest:
        if value is None:
            return EcrRequest("DeleteRepositoryPolicy", {"repositoryName": name}, absent=_ABSENT)
        text = policies.dumps(value)
        return EcrRequest(
            "SetRepositoryPolicy", {"repositoryName": name, "policyText": text}, patient=True
        )

    def less(
        self, found: Document | None, changes: Sequence[SettingChange]
    ) -> Iterator[Fallback[Document | None]]:
        for each in fallbacks(found, changes):
            yield Fallback(each.policy, each.changes)

    def ours(self, wish: PolicyBaseline) -> frozenset[str]:
        return wish.sids

    def explain(self, wish: PolicyBaseline, around: Around) -> Iterator[tuple[str, str]]:
        names = ", ".join(each["Sid"] for each in wish.statements)
        yield "policy", f"statements {names}" if names else "no statements of its own"
        yield "", _OTHERS[wish.others]
        yield "", _PUBLIC[wish.public]
        yield "", _FOREIGN[wish.foreign]
        if not wish.by_right and "*" in wish.accounts.manage:
            yield "", "anybody may be named"
            return
        also = "" if wish.by_right else ", ".join(["", *sorted(wish.accounts.manage)])
        own = "the registry's own account, whom the statements name"
        yield "", f"may be named: {own}{also}"
        for right in RIGHTS if wish.by_right else ():
            known = ", ".join(sorted(getattr(wish.accounts, right)))
            if known:
                yield "", f"to {right} also {'anybody' if known == '*' else known}"

    def advice(self, wish: PolicyBaseline, around: Around) -> Iterator[tuple[Path, str]]:
        for path, sentence in (*_in_vain(wish), *_dangers(wish, around.scheme)):
            yield (self.name, "statements", *path), sentence

    def made(self, wish: PolicyBaseline, scheme: Scheme | None, *, cache: bool) -> Document | None:
        return policies.document(wish.statements) if wish.statements else None

    def to_template(self, value: Document | None) -> dict[str, Any]:
        return {"repositoryPolicy": "" if value is None else policies.dumps(value)}

    def from_template(self, template: Mapping[str, Any]) -> Document | None:
        text = template.get("repositoryPolicy")
        return policies.parse(text) if text else None

    def meaning(self, value: Document | None) -> Any:
        return frozenset(map(policies.canonical, policies.statements(value)))


# ---------------------------------------------------------------------------- what a rule states
def stated_policy(value: Any, *, resource: bool = False) -> PolicyBaseline:
    """What a policy's mapping says; `resource` is for the registry's. Raises BaselineError."""
    found = mapping(value)
    check_known(found, ("statements", *_WORDS, "accounts"))
    statements = grammar.checked(found.get("statements", []), resource=resource)
    for key, words in _WORDS.items():
        word = found.get(key, "report")
        if word not in words:
            raise BaselineError(f"`{key}` must be one of {', '.join(words)}.", (key,))
    accounts = found.get("accounts", [])
    baseline = PolicyBaseline(
        statements=statements,
        others=found.get("others", "report"),
        public=found.get("public", "report"),
        foreign=found.get("foreign", "report"),
        accounts=_named(accounts),
        by_right=isinstance(accounts, Mapping),
    )
    _check_own(baseline)
    return baseline


def _check_own(baseline: PolicyBaseline) -> None:
    """No statement of ours may be what the same rule takes out."""
    for i, why in _open(baseline):
        if baseline.public == "remove":
            raise BaselineError(
                f"`{baseline.statements[i]['Sid']}` lets anyone in ({why}), and `public: remove` "
                "takes such statements out: give it a condition such as aws:PrincipalOrgID, or "
                "write `public: allow`.",
                ("statements", i),
            )


def _open(baseline: PolicyBaseline) -> Iterator[tuple[int, str]]:
    """Our statements that let anyone in, and why."""
    # Whom they name is named by the rule, networks of any size among them.
    allowed = Allowed(baseline.accounts | Named(manage=frozenset({ANY})))
    for i, each in enumerate(baseline.statements):
        why = access.judge(each, allowed).public
        if why is not None:
            yield i, why


def _named(accounts: Any) -> Named:
    """Whom `accounts` names: a list for anything, or lists by right."""
    if not isinstance(accounts, Mapping):
        return Named(manage=frozenset(_accounts(accounts, ("accounts",))))
    for key in accounts:
        if key not in RIGHTS:
            raise BaselineError(
                f"`{key}` is no right; there are {', '.join(RIGHTS)}.", ("accounts", key)
            )
    return Named(
        **{key: frozenset(_accounts(each, ("accounts", key))) for key, each in accounts.items()}
    )


def _accounts(value: Any, path: Path) -> Iterator[str]:
    if not isinstance(value, list):
        raise BaselineError(f"`{path[-1]}` must be a list.", path)
    for i, each in enumerate(value):
        if not isinstance(each, str) or not is_name(each):
            hint = "; put it in quotes" if isinstance(each, int) else ""
            raise BaselineError(
                f"`{each}` is no account of 12 digits, organisation (`o-…`) or unit of one "
                f"(`o-…/r-…/ou-…/*`), service, VPC, VPC endpoint, network or address{hint}.",
                (*path, i),
            )
        yield each


# ---------------------------------------------------------------------------- advice
def _in_vain(wish: PolicyBaseline) -> Iterator[tuple[Path, str]]:
    for i, key, action in grammar.unknown_actions(wish.statements):
        import difflib

        close = difflib.get_close_matches(action, ACTIONS)
        rest = (
            f"; did you mean `{close[0]}`?"
            if close
            else ": in a repository policy it says nothing."
        )
        yield (i, key), f"`{action}` is no action of ECR's{rest}"
    for path, operator, value in grammar.unreadable_values(wish.statements):
        yield path, f"`{operator}` cannot read `{value}`, so this condition never holds."


def _dangers(wish: PolicyBaseline, scheme: Scheme | None) -> Iterator[tuple[Path, str]]:
    for i, why in _open(wish):
        if wish.public == "report":
            said = f"`{wish.statements[i]['Sid']}` lets anyone in ({why}), which will be reported"
            yield (i,), f"{said}; write `public: allow` if you mean it."
    for i, each in enumerate(wish.statements):
        denied = _denied(each, wish, scheme)
        if denied is not None:
            said = f"`{each['Sid']}` may deny the steward to {denied}: it is put in only where it"
            rest = "surely spares the steward's role, such as by a condition on aws:PrincipalArn."
            yield (i,), f"{said} {rest}"


def _denied(
    statement: Mapping[str, Any], wish: PolicyBaseline, scheme: Scheme | None
) -> str | None:
    """What a statement may keep the steward from, whose roles are not known here."""
    organisations = frozenset(each for each in wish.named.may("pull") if each.startswith("o-"))
    steward = Steward(organisations=organisations, taggers=None if scheme is None else ())
    if locks_out_steward(statement, steward):
        return "set the policy"
    return "move tags" if locks_out_tagger(statement, steward) else None
