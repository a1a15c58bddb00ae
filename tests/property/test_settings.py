"""Settings, whatever they are: one verdict for one meaning, and nothing left after a correction."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from hypothesis import assume, event, given
from hypothesis import strategies as st

from ecr_steward.settings import lifecycle, policies
from ecr_steward.settings.access import judge
from ecr_steward.settings.baseline import Baseline, Settings
from ecr_steward.settings.drift import correction, drift
from ecr_steward.settings.immutability import MOST_FILTERS, MOST_STARS, implied, matches
from ecr_steward.settings.kinds import Around
from ecr_steward.settings.kinds.immutability import WORDS
from ecr_steward.settings.names import Allowed
from ecr_steward.settings.state import BaselineError, Problem, SettingAction
from ecr_steward.tags.scheme import Scheme, Verdict
from tests.support.having import having

OWN = "123456789012"
ROLE = f"arn:aws:iam::{OWN}:role/steward"

# ---------------------------------------------------------------------------- statements
ACCOUNTS = (OWN, "111122223333", "999999999999")
NAMES = st.sampled_from(
    [
        "*",
        "AROAEXAMPLEEXAMPLE",
        "arn:aws:iam::*:root",
        *ACCOUNTS,
        *(f"arn:aws{part}:iam::{each}:root" for each in ACCOUNTS for part in ("", "-cn")),
        ROLE,
    ]
)
SERVICES = st.sampled_from(["lambda.amazonaws.com", "codebuild.amazonaws.com", "odd"])


def some(each: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One, or a list of them."""
    return each | st.lists(each, min_size=1, max_size=3)


PRINCIPALS = st.one_of(
    st.just("*"),
    st.dictionaries(st.sampled_from(["AWS", "Service"]), some(NAMES | SERVICES), min_size=1),
    st.fixed_dictionaries({"AWS": some(NAMES)}),
    st.fixed_dictionaries({"AWS": some(st.sampled_from([*ACCOUNTS, ROLE]))}),
    st.fixed_dictionaries({"Service": some(SERVICES)}),
)
CONDITIONS = st.dictionaries(
    st.sampled_from(["StringEquals", "StringNotEquals", "stringlike", "StringEqualsIfExists"]),
    st.dictionaries(
        st.sampled_from(["aws:PrincipalOrgID", "aws:SourceAccount", "aws:PrincipalArn"]),
        some(st.sampled_from(["o-abc123", "o-*", "*", OWN, ROLE])),
        min_size=1,
    ),
    max_size=2,
)
ACTIONS = some(
    st.sampled_from(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:*", "ecr:PutImage"])
)
SIDS = st.sampled_from(["A", "B", "C", "LambdaX"])
ODD = st.sampled_from(["x", 7, None, {"Effect": "Allow"}, {"Sid": "A"}, {"Principal": "*"}])


@st.composite
def statements(draw: st.DrawFn, sids: st.SearchStrategy[str] = SIDS) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Sid": draw(sids),
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Principal"] * 5 + ["NotPrincipal"])): draw(PRINCIPALS),
        draw(st.sampled_from(["Action"] * 5 + ["NotAction"])): draw(ACTIONS),
        "Condition": draw(CONDITIONS),
    }
    for key in draw(st.sets(st.sampled_from(["Sid", "Condition"]))):
        del found[key]
    return found


def respelled(value: Any, by: random.Random, key: str = "") -> Any:
    """The same meaning in another spelling."""
    if isinstance(value, Mapping):
        items = [(name, respelled(each, by, name)) for name, each in value.items()]
        by.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        found = [_respelled_text(each, by, key) for each in value]
        found += by.choices(found, k=by.randrange(2))
        by.shuffle(found)
        return found[0] if len(found) == 1 and by.random() < 0.5 else found
    text = _respelled_text(value, by, key)
    listed = key in ("Action", "NotAction", "AWS", "Service") and by.random() < 0.3
    return [text] if listed else text


def _respelled_text(value: Any, by: random.Random, key: str) -> Any:
    if not isinstance(value, str):
        return value
    if key in ("Action", "NotAction"):
        value = by.choice([value, value.upper(), value.lower()])
    if key == "AWS" and value in ACCOUNTS:
        value = by.choice([value, f"arn:aws:iam::{value}:root"])
    return value


RANDOMS = st.randoms(use_true_random=False)


@given(statements() | ODD, RANDOMS)
def test_a_statement_has_one_meaning_and_one_verdict_however_it_is_spelled(
    statement: Any, by: random.Random
) -> None:
    other = respelled(statement, by)
    assert policies.same(statement, other)
    assert policies.subject(statement) == policies.subject(other)
    allowed = Allowed(["111122223333", "o-abc123"], OWN)
    one, two = judge(statement, allowed), judge(other, allowed)
    assert (one.public is None, one.foreign) == (two.public is None, two.foreign)
    event("public" if one.public else "foreign" if one.foreign else "fine")


@given(st.lists(statements() | ODD, min_size=3, max_size=3))
def test_to_mean_the_same_is_an_equivalence(found: list[Any]) -> None:
    a, b, c = found
    assert policies.same(a, a)
    assert policies.same(a, b) is policies.same(b, a)
    if policies.same(a, b) and policies.same(b, c):
        assert policies.same(a, c)


# ---------------------------------------------------------------------------- drift and correction
def selection(**more: Any) -> st.SearchStrategy[dict[str, Any]]:
    counted = {
        "countType": st.just("imageCountMoreThan"),
        "countNumber": st.sampled_from([1, 10, 9999]),
    }
    return st.fixed_dictionaries({**counted, **more})


def documents() -> st.SearchStrategy[dict[str, Any]]:
    patterns = st.lists(st.sampled_from(["latest", "v*", "*", "main", "9*"]), min_size=1)
    tagged = selection(tagStatus=st.just("tagged"), tagPatternList=patterns)
    last = selection(tagStatus=st.sampled_from(["any", "untagged"]))
    lists = st.tuples(st.lists(tagged, max_size=3), last)
    return lists.map(
        lambda both: {
            "rules": [
                {"rulePriority": i, "selection": each, "action": {"type": "expire"}}
                for i, each in enumerate([*both[0], both[1]], start=1)
            ]
        }
    )


SCHEMES = st.sampled_from(
    [
        {"unique": ["semver"], "stable": [{"tag": "{major}", "follows": "highest"}]},
        {"unique": ["sha"], "stable": [{"tag": "main"}, {"tag": "latest"}]},
        {"unique": [{"pattern": "r-[0-9]+"}], "stable": [{"tag": "{major}"}]},
    ]
)
FILTERS = st.lists(st.sampled_from(["main", "latest", "sha256-*", "r-*"]), max_size=3, unique=True)


def _sid(statement: dict[str, Any]) -> str:
    return str(statement["Sid"])


def _ours(statement: dict[str, Any]) -> dict[str, Any]:
    return {**statement, "Sid": statement.get("Sid", "D").replace("Lambda", "")}


OURS: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    statements().map(_ours), max_size=3, unique_by=_sid
)
WISHES = st.fixed_dictionaries(
    {},
    optional={
        "policy": st.fixed_dictionaries(
            {
                "statements": OURS,
                "others": st.sampled_from(["keep", "report", "remove"]),
                "public": st.sampled_from(["allow", "report", "remove"]),
                "foreign": st.sampled_from(["report", "remove"]),
                "accounts": st.sampled_from(
                    [[], ["111122223333"], ["o-abc123"], ["*"], {"pull": ["111122223333"]}]
                ),
            }
        ),
        "lifecycle": documents().flatmap(
            lambda each: st.booleans().map(lambda flag: {**each, "allow_expiring_stable": flag})
        )
        | st.just({"rules": []}),
        "immutability": st.sampled_from(
            ["scheme", "MUTABLE", "IMMUTABLE", {"immutable_except": ["main"]}]
        ),
        "scan_on_push": st.booleans(),
        "encryption": st.sampled_from(["AES256", "KMS"]),
        "resource_tags": st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy")),
    },
)
ACTUAL = st.builds(
    having,
    policy=st.none()
    | st.builds(
        lambda found, version: {"Version": version, "Statement": found},
        st.lists(statements() | ODD, max_size=5),
        st.sampled_from(["2012-10-17", "2008-10-17"]),
    ),
    lifecycle=st.none() | documents(),
    mutability=st.sampled_from(WORDS),
    filters=FILTERS.map(tuple),
    scan_on_push=st.booleans(),
    encryption=st.sampled_from(["AES256", "KMS"]),
    resource_tags=st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xy")),
)


def wished(stated: dict[str, Any], scheme: Scheme) -> Baseline:
    try:
        return Baseline.from_document(stated, scheme)
    except BaselineError:
        assume(False)
        raise


@given(WISHES, ACTUAL, SCHEMES, st.booleans(), st.sets(SIDS), RANDOMS)
def test_a_correction_leaves_nothing_to_correct_and_applying_it_twice_is_nothing(
    stated: dict[str, Any], actual: Settings, tags: dict[str, Any], cache: bool,
    managed: set[str], by: random.Random,
) -> None:  # fmt: skip
    scheme = Scheme.from_document(tags)
    baseline = wished(stated, scheme)

    def changes(settings: Settings) -> Any:
        around = Around(scheme, OWN, (ROLE,), cache=cache, managed=frozenset(managed))
        return drift(baseline, settings, around)

    first = changes(actual)
    made = correction(actual, first)
    right = made.applied(actual)
    second = changes(right)
    assert [each for each in second if each.action is SettingAction.CORRECT] == []
    assert correction(right, second).applied(right) == right
    assert {each.setting for each in first} <= baseline.reads
    event(f"corrects {len(made.sets)} settings")

    had = actual.found.get("policy")
    # What Lambda has there stays, strangers apart, and ours are the rule's word for word.
    if "policy" in made.sets:
        left = policies.statements(right.found["policy"])
        who = [c.before for c in first if c.problem in (Problem.PUBLIC, Problem.FOREIGN)]
        for each in policies.statements(had):
            assert not policies.is_lambdas(each) or each in left or each in who
        assert all("Resource" not in each for each in left if isinstance(each, dict))
        assert (
            right.found["policy"] is None
            or len(policies.dumps(right.found["policy"])) <= policies.MAX_LENGTH
        )

    # The order of what is there changes no verdict.
    shuffled = list(policies.statements(had))
    by.shuffle(shuffled)
    again = changes(actual.but({"policy": None if had is None else {**had, "Statement": shuffled}}))
    assert verdicts(again) == verdicts(first)


def verdicts(changes: Any) -> list[tuple[str, ...]]:
    return sorted((each.setting, each.problem, each.subject, each.action) for each in changes)


@given(documents(), RANDOMS)
def test_a_lifecycle_policy_means_the_same_in_any_order(
    document: dict[str, Any], by: random.Random
) -> None:
    rules = [{**each, "rulePriority": each["rulePriority"] * 10} for each in document["rules"]]
    by.shuffle(rules)
    assert lifecycle.canonical({"rules": rules}) == lifecycle.canonical(document)


# ---------------------------------------------------------------------------- immutability
KINDS: list[Any] = [
    "semver",
    "sha",
    "build",
    "timestamp",
    {"version": {"parts": [1, 2, 4]}},
    {"pattern": "release-(?P<version>[0-9]+)"},
    {"pattern": "(a|b)[0-9]+"},
    {"pattern": "nightly?-[0-9]*"},
]
STABLE = ["main", "latest", "{major}", "{major}.{minor}", "v{major}", "stable-{major}", "deadbeef",
          "release-{major}", "s-{major}.{minor}.{patch}", "20261123", "1.4.2", "a7"]  # fmt: skip
VARIANTS = ["alpine", "slim-*", "alpine3.*", "*", "f*"]
IGNORED = ["pr-*", "buildcache*", "99.*", "main*", "*-dirty", "a*b*c*", "sha256-*"]
ANY_SCHEME = st.fixed_dictionaries(
    {
        "unique": st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique_by=str),
        "stable": st.lists(
            st.builds(
                lambda tag, follows: {"tag": tag, **follows},
                st.sampled_from(STABLE),
                st.sampled_from([{}, {"follows": "highest"}, {"follows": "newest"}]),
            ),
            max_size=4,
        ),
        "variants": st.lists(st.sampled_from(VARIANTS), max_size=2, unique=True),
        "ignore": st.lists(st.sampled_from(IGNORED), max_size=3, unique=True),
        "variant_latest": st.sampled_from(["{variant}", "{tag}-{variant}", "x-{variant}"]),
        "unknown": st.sampled_from(["allow", "report", "remove"]),
    }
)
PIECES = st.sampled_from(
    ["main", "latest", "1", "12", "0", "1.4", "1.4.2", "v", "-", ".", "_", "alpine", "slim-x",
     "alpine3.20", "stable-", "release-", "deadbeef", "9f1c2ab", "sha-", "sha256-", "a", "b", "7",
     "nightly", "nightl", "20261123", "s-", "pr-", "build", "99.", "f", "T0224Z", "-arm64",
     "_linux-amd64"]
)  # fmt: skip
TAGS = st.lists(PIECES, min_size=1, max_size=5).map("".join)


@given(ANY_SCHEME, st.lists(TAGS, min_size=1, max_size=30))
def test_immutability_never_contradicts_the_scheme(tags: dict[str, Any], found: list[str]) -> None:
    scheme = Scheme.from_document(tags)
    setting = implied(scheme)
    event(f"{setting.mutability}, exact {setting.exact}")
    for said in (setting, *setting.also):
        assert len(said.filters) <= MOST_FILTERS
        assert all(each.count("*") <= MOST_STARS for each in said.filters)
        assert bool(said.filters) is said.mutability.endswith("_WITH_EXCLUSION")
        if not said.exact:
            assert (said.mutability, said.filters) == ("MUTABLE", ())
            continue
        for tag in found:
            verdict = scheme.judge(tag)
            excepted = any(matches(each, tag) for each in said.filters)
            frozen = said.mutability.startswith("IMMUTABLE") is not excepted
            if verdict is Verdict.UNIQUE:
                assert frozen, tag
            elif verdict in (Verdict.STABLE, Verdict.IGNORED):
                assert not frozen, tag
