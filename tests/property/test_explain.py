"""Whatever the rule: no sentence of `--explain` is refuted by what `simulate` does."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import assume, given, note
from hypothesis import strategies as st

from ecr_steward.rules.model import RulesError, Ruleset
from ecr_steward_cli.in_memory.simulation import Push, Simulation
from ecr_steward_cli.rules_file.explain import explain
from ecr_steward_cli.rules_file.load import Loaded

REPOSITORY = "team/app"
PATTERNS = [
    "(?P<branch>[a-z]+)-[0-9a-f]{7}",
    "(?P<branch>main|develop)-(?P<version>[0-9]+)",
    "(?P<component>api|web)-(?P<version>[0-9]+[.][0-9]+[.][0-9]+)(?:-(?P<variant>alpine|slim))?",
    "(?P<version>[0-9]+[.][0-9]+[.][0-9]+)(?P<prerelease>(?:a|b|rc|RC)[0-9]+)?",
    "release_(?P<version>[0-9]+_[0-9]+_[0-9]+)",
    "(?P<version>[0-9]{8}-[0-9]+)",
    "(?P<version>[0-9.]+)-(?P<revision>[0-9]+)",
    "(?:(?P<component>[a-z]{1,3})-)?v(?P<version>[0-9]+[.][0-9]+)",
    "(?P<version>[a-z]+)",
    "(?:nightly|weekly)-[0-9]{4}",
    "(?i)(?P<branch>feat[a-z]*)_[0-9]+",
]
KINDS: list[Any] = [
    "semver", "sha", "build", "timestamp", {"version": {"parts": 2}}, {"version": {"parts": 1}},
    {"version": {"parts": [2, 4]}}, *({"pattern": each} for each in PATTERNS),
]  # fmt: skip
TEMPLATES = [
    "latest", "edge", "{major}", "{major}.{minor}", "v{major}-x", "{branch}", "{component}-latest",
    "{component}-{major}", "{branch}-{minor}", "{major}.{minor}.{patch}", "next",
]  # fmt: skip
OF = ["main-*", "*.*.*", "1.*", "*-alpine", {"pattern": "[0-9]+[.][0-9]*[13579].*"}, "api-*", "z*"]
STABLE = st.fixed_dictionaries(
    {"tag": st.sampled_from(TEMPLATES)},
    optional={
        "follows": st.sampled_from(["highest", "newest"]),
        "within": st.sampled_from(["0", "1", "8.1", "2026", ["1", "17"]]),
        "not_within": st.sampled_from(["1", "2.7"]),
        "prereleases": st.sampled_from([True, ["rc"], ["beta", "b"]]),
        "of": st.lists(st.sampled_from(OF), min_size=1, max_size=2, unique_by=json.dumps),
    },
)
TAGS = st.fixed_dictionaries(
    {
        "unique": st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique_by=json.dumps),
        "stable": st.lists(STABLE, min_size=1, max_size=4),
    },
    optional={
        "variants": st.sampled_from([["alpine"], ["slim-*", "alpine*"], ["slim"]]),
        "revisions": st.sampled_from([["r*"], ["hotfix"]]),
        "ignore": st.sampled_from([["1.*"], ["latest"], ["*-alpine"]]),
        "variant_latest": st.just("{tag}-{variant}"),
        "pin": st.just("{tag}-{digest}"),
    },
)
OTHERS = [
    "1.4.2", "v2.7.1", "0.9.3", "16.4", "17", "10.0.20348.1", "1.4.2-alpine", "2.0.0-rc.1",
    "1.4.2-r1", "9f1c2ab", "1187", "build-7", "20261123", "main-9f1c2ab", "develop-12", "api-1.2.3",
    "web-2.0.1-slim", "1.2.3rc1", "release_1_2_3", "20220209-04", "1.2.3-17", "ab-v1.2", "v8.1",
    "abc", "nightly-2026", "feature_7", "3.1.0", "8.1.2", "8.1", "2.0.0-beta.2", "1.3.0",
]  # fmt: skip


def moved(loaded: Loaded, tag: str) -> set[str]:
    """The stable tags that a push of `tag` into an empty repository moves."""
    push = Push.parse(1, json.dumps({"repository": REPOSITORY, "tag": tag}))
    told = Simulation(loaded.ruleset).run([push]).told
    return {each.fact.tag or "" for each in told if each.fact.kind.value == "move"}


def names(words: str) -> set[str]:
    return set(re.split(r", | and ", words))


@given(TAGS)
def test_what_explain_says_is_what_simulate_does(tags: dict[str, Any]) -> None:
    rule = {"repositories": ["team/*"], "mode": "enforce", "tags": tags}
    document = {"version": 1, "rules": [rule]}
    try:
        loaded = Loaded(Ruleset.from_document(document), document, (), ("1",))
    except RulesError:
        assume(False)
    said = [line.strip() for line in explain(loaded, REPOSITORY).splitlines()]
    note("\n".join(said))
    pushes = [line.removeprefix("example").strip() for line in said if "a push of " in line]
    by_example: set[str] = set()
    for push in pushes:
        tag = push.split()[3]
        found = moved(loaded, tag)
        by_example |= found
        assert found == told(push), push
    start = next(i for i, line in enumerate(said) if line.startswith("stable"))
    for line, entry in zip(said[start:], tags["stable"], strict=False):
        check(loaded, line.removeprefix("stable").strip(), entry, by_example)


def told(push: str) -> set[str]:
    """The stable tags that a sentence says a push moves."""
    if push.endswith("moves no stable tag."):
        return set()
    tags = names(re.findall(r" puts (.*?) on its image", push)[0])
    also = re.findall(r"; (.*?) in any case", push)
    return tags | (names(also[0]) if also else set())


def check(loaded: Loaded, line: str, entry: dict[str, Any], by_example: set[str]) -> None:
    example = re.findall(r"such as (\S+), the (?:highest|newest)", line)
    if example:
        assert example[0] in by_example, line
    elif "the highest of" in line or "the newest image" in line:
        assert entry["tag"] in by_example, line
    else:
        owned = [each["tag"] for each in loaded.document["rules"][0]["tags"]["stable"]]
        if "{" not in entry["tag"] and owned.count(entry["tag"]) == 1:
            assert not any(entry["tag"] in moved(loaded, other) for other in OTHERS), line
