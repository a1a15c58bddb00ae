"""Anchors, defaults and included files: a team has a file of its own, and nobody copies a block."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_steward.words.globs import glob_regex
from ecr_steward.words.modes import Mode
from ecr_steward_cli.rules_file.compose import narrowed
from ecr_steward_cli.rules_file.explain import explain
from ecr_steward_cli.rules_file.load import RulesFault, inspect

MAIN = """\
version: 1
defaults:
  mode: enforce
  tags: {unique: [sha], unknown: allow}
  repository: {policy: {public: remove, others: keep}, scan_on_push: true}
include: [teams/payments.yaml]
rules:
  - repositories: ["base/*"]
    tags: {unique: [semver]}
    repository: {scan_on_push: false, policy: {others: report}}
  - repositories: ["*"]
    mode: audit
"""
TEAM = """\
prefixes: [payments/, bank/]
rules:
  - repositories: ["*-web", "bank/core"]
    tags: {stable: [{tag: main}]}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    write(tmp_path / "rules.yaml", MAIN)
    write(tmp_path / "teams/payments.yaml", TEAM)
    return tmp_path / "rules.yaml"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, "utf-8")


def faults(rules: Path) -> list[str]:
    with pytest.raises(RulesFault) as caught:
        inspect(rules)
    return str(caught.value).replace(f"{rules.parent}/", "").splitlines()


def test_each_rule_starts_from_the_defaults(rules: Path) -> None:
    found = inspect(rules).ruleset
    base, rest = found.rule_for("base/redis"), found.rule_for("other")
    assert base is not None
    assert rest is not None
    assert (base.mode, rest.mode) == (Mode.ENFORCE, Mode.AUDIT)
    assert base.tags is not None
    assert (base.tags.unique, base.tags.unknown) == (("semver",), "allow")
    policy = {"public": "remove", "others": "report"}
    assert base.repository == {"policy": policy, "scan_on_push": False}
    assert rest.repository["policy"] == {"public": "remove", "others": "keep"}


def test_the_rules_of_a_team_come_first_and_hold_under_its_prefixes_alone(rules: Path) -> None:
    found = inspect(rules).ruleset
    team = found.rule_for("payments/shop-web")
    assert team is not None
    assert team.tags is not None
    assert [each.template for each in team.tags.stable] == ["main"]
    assert found.rule_for("bank/core") is team
    for other in ("shop-web", "payments/core", "base/shop-web"):
        assert found.rule_for(other) is not team


def test_it_is_told_in_which_file_a_rule_stands(rules: Path) -> None:
    said = explain(inspect(rules), "bank/core").replace(f"{rules.parent}/", "")
    assert said.startswith("bank/core: the rule on line 3 of teams/payments.yaml wins (")
    assert explain(inspect(rules), "base/x").startswith("base/x: the rule on line 8 wins (")


def test_a_rule_that_never_wins_is_told_the_file_of_the_one_that_does(rules: Path) -> None:
    write(rules, MAIN.replace("base/*", "bank/core"))
    (warning,) = inspect(rules).warnings
    said = warning.sentence.replace(f"{rules.parent}/", "")
    assert said.endswith("matches the rule on line 3 of teams/payments.yaml first.")


def test_globs_that_are_the_same_under_a_prefix_are_one(rules: Path) -> None:
    team = TEAM.replace('"*-web", "bank/core"', '"payments/*", "*"')
    write(rules.parent / "teams/payments.yaml", team)
    assert inspect(rules).ruleset.rules[0].repositories == ("payments/*", "bank/*")


def test_which_images_stay_has_defaults_too(rules: Path) -> None:
    write(rules, MAIN.replace("defaults:", "defaults:\n  images: {keep: [{newest: 20}]}"))
    found = inspect(rules).ruleset
    assert [dict(each.images or {}) for each in found.rules] == 3 * [{"keep": [{"newest": 20}]}]


def test_a_value_that_is_merged_into_every_rule_is_one_fault(rules: Path) -> None:
    write(rules, MAIN.replace("others: keep", "accounts: [012345678901]"))
    said = 'An entry of `accounts` must be a string; put it in quotes: "012345678901".'
    assert faults(rules) == [f"rules.yaml:5: {said}"]


def test_an_included_file_that_is_no_text_is_told_with_its_own_line(rules: Path) -> None:
    (rules.parent / "teams/payments.yaml").write_bytes(f"{TEAM}# caf\u00e9".encode("latin-1"))
    said = "The file is not UTF-8 text from here on; save it as UTF-8."
    assert faults(rules) == [f"teams/payments.yaml:5: {said}"]


def test_an_anchor_holds_within_its_file_alone(rules: Path) -> None:
    write(rules, MAIN.replace("mode: enforce", "mode: &mode enforce"))
    write(rules.parent / "teams/payments.yaml", f"{TEAM}    mode: *mode\n")
    said = "No anchor of this file has this name; a value that begins with `*` as text needs quotes"
    assert faults(rules) == [f"teams/payments.yaml:5: {said}."]


def test_the_fingerprint_covers_all_files(rules: Path) -> None:
    before = inspect(rules).ruleset.fingerprint
    write(rules.parent / "teams/payments.yaml", TEAM.replace("main", "prod"))
    assert inspect(rules).ruleset.fingerprint != before


def test_a_fault_names_the_file_and_the_line_in_which_the_value_stands(rules: Path) -> None:
    write(rules, MAIN.replace("others: keep", "others: drop"))
    assert [each.partition(" ")[0] for each in faults(rules)] == ["rules.yaml:5:"]
    write(rules, MAIN)
    write(rules.parent / "teams/payments.yaml", TEAM.replace("tag: main", "tag: 1"))
    (said,) = faults(rules)
    assert said.startswith("teams/payments.yaml:4: `tag` must be a string; put it in quotes")
    write(rules.parent / "teams/payments.yaml", f"{TEAM}    repository: {{policy: {{file: x}}}}\n")
    (said,) = faults(rules)
    assert said == "teams/payments.yaml:5: `x`: There is no such file."


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (f"{TEAM}channels: {{}}\n", 5, "`channels` stands in the main rules file only"),
        (f"{TEAM}defaults: {{}}\n", 5, "`defaults` stands in the main rules file only"),
        (f"{TEAM}include: [x]\n", 5, "`include` stands in the main rules file only"),
        (f"{TEAM}    repository: {{policy: {{public: allow}}}}\n", 5,
         "`public: allow` stands in the main rules file only."),
        ("rules: [{repositories: ['*']}]\n", 1, "`prefixes` must be a list"),
        ("prefixes: [a/]\n", 1, "`rules` must be a list"),
        ("prefixes: ['a*']\nrules: [{repositories: ['*']}]\n", 1, "A prefix is the beginning"),
        ("prefixes: [7]\nrules: [{repositories: ['*']}]\n", 1, "A prefix is the beginning"),
        ("prefixes: [a/]\nrules: [{repositories: [b/c]}]\n", 2,
         "`b/c` names nothing under the prefixes of this file."),
        ("- 1\n", 1, "A file that is included must be a mapping"),
        ("a: [\n", 1, "A bracket is not closed"),
    ],
)  # fmt: skip
def test_what_an_included_file_may_not_say_is_one_sentence(
    rules: Path, text: str, line: int, said: str
) -> None:
    write(rules.parent / "teams/payments.yaml", text)
    assert faults(rules)[0].startswith(f"teams/payments.yaml:{line}: {said}")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../x.yaml", "`../x.yaml` must be beside the rules file"),
        ("/etc/x.yaml", "`/etc/x.yaml` must be beside the rules file"),
        ("https://x/y.yaml", "`https://x/y.yaml` must be beside the rules file"),
        ("teams/none.yaml", "`teams/none.yaml`: There is no such file."),
        ("teams/link.yaml", "`teams/link.yaml` is a link; name the file itself."),
    ],
)
def test_only_files_beside_or_below_can_be_included(rules: Path, name: str, said: str) -> None:
    (rules.parent / "teams/link.yaml").symlink_to("payments.yaml")
    write(rules, MAIN.replace("teams/payments.yaml", name))
    assert faults(rules)[0].startswith(f"rules.yaml:6: {said}")


def test_anchors_and_merge_keys_work_and_the_lines_are_those_of_what_is_written(
    tmp_path: Path,
) -> None:
    text = """\
version: 1
rules:
  - repositories: ["a/*"]
    repository: &base
      policy: {public: remove}
      scan_on_push: true
  - repositories: ["b/*"]
    repository: {<<: *base, scan_on_push: false}
  - repositories: ["c/*"]
    repository:
      <<: [{scan_on_push: false}, *base]
      immutability: MUTABLE
"""
    write(tmp_path / "rules.yaml", text)
    found = [each.repository for each in inspect(tmp_path / "rules.yaml").ruleset.rules]
    policy: dict[str, Any] = {"public": "remove"}
    assert found == [
        {"policy": policy, "scan_on_push": True},
        {"scan_on_push": False, "policy": policy},
        {"immutability": "MUTABLE", "scan_on_push": False, "policy": policy},
    ]
    write(tmp_path / "rules.yaml", text.replace("public: remove", "public: gone"))
    lines = {each.partition(" ")[0] for each in faults(tmp_path / "rules.yaml")}
    assert lines == {"rules.yaml:5:"}


def test_merges_that_double_at_each_level_end_with_a_sentence(tmp_path: Path) -> None:
    levels = [f"  m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}" for n in range(1, 31)]
    text = "\n".join(["version: 1", "x:", "  m0: &m0 {a: 1}", *levels, "rules: []", ""])
    write(tmp_path / "rules.yaml", text)
    (said,) = faults(tmp_path / "rules.yaml")
    assert "The file merges more than 10,000 mappings." in said


NAMES = st.text("ab/", max_size=6)


@given(st.text("ab/*", max_size=6), st.text("ab/", min_size=1, max_size=3), NAMES)
def test_narrowing_takes_what_matches_and_begins_so_and_nothing_else(
    glob: str, prefix: str, name: str
) -> None:
    narrow = list(narrowed(glob, prefix))
    inside = bool(narrow) and glob_regex(narrow).fullmatch(name) is not None
    matches = glob_regex([glob]).fullmatch(name) is not None
    assert inside is (matches and name.startswith(prefix))


@pytest.mark.parametrize(
    ("glob", "prefix", "left"),
    [
        ("*", "a/", ["a/*"]),
        ("a*", "a/", ["a/*"]),
        ("*/*", "a/", ["a/*"]),
        ("*a*", "a/", ["a/*"]),
        ("*-web", "a/", ["a/*-web"]),
        ("*a", "aa", ["aa", "aa*a"]),
        ("a*b*", "ab", ["ab*"]),
        ("a/b", "a/", ["a/b"]),
        ("b*", "a/", []),
    ],
)
def test_a_narrowed_glob_is_said_once_by_the_widest_that_holds(
    glob: str, prefix: str, left: list[str]
) -> None:
    assert list(narrowed(glob, prefix)) == left


NO_RULES = "version: 1\ndefaults: {mode: enforce}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (NO_RULES, "rules.yaml:1: `rules` is missing."),
        (f"{NO_RULES}rules:", "rules.yaml:3: `rules` must be a list; it is empty."),
        (f"{NO_RULES}rules: x\n", "rules.yaml:3: `rules` must be a list; it is `x`"),
        (f"{NO_RULES}rules: [x]\n", "rules.yaml:3: An entry of `rules` must be a mapping"),
        (f"{NO_RULES}include: [teams/payments.yaml]\nrules: [x]\n",
         "rules.yaml:4: An entry of `rules` must be a mapping"),
    ],
)  # fmt: skip
def test_rules_that_are_none_are_told_where_they_stand(rules: Path, text: str, told: str) -> None:
    write(rules, text)
    assert faults(rules)[0].startswith(told)


@pytest.mark.parametrize(
    ("team", "told"),
    [
        ("prefixes: [a/]\nrules: [x]\n", "teams/payments.yaml:2: An entry of `rules` must be"),
        ("prefixes: [a/]\nrules: [{repositories: x}]\n",
         "teams/payments.yaml:2: `repositories` must be a list"),
        ("prefixes: [a/]\nrules: [{repositories: [7]}]\n",
         "teams/payments.yaml:2: An entry of `repositories` must be a string"),
        ("prefixes: []\nrules: [{repositories: [x]}]\n",
         "teams/payments.yaml:1: `prefixes` must be a list with at least one entry."),
        ("prefixes: a/\nrules: [{repositories: [x]}]\n",
         "teams/payments.yaml:1: `prefixes` must be a list with at least one entry."),
        ("rules: [{repositories: [x]}]\n",
         "teams/payments.yaml:1: `prefixes` must be a list with at least one entry."),
        ("prefixes: ['']\nrules: [{repositories: [x]}]\n",
         "teams/payments.yaml:1: A prefix is the beginning of a repository's name"),
        ("prefixes: [7]\nrules: [{repositories: [x]}]\n",
         "teams/payments.yaml:1: A prefix is the beginning of a repository's name"),
        ("prefixes: ['a*']\nrules: [{repositories: [x]}]\n",
         "teams/payments.yaml:1: A prefix is the beginning of a repository's name"),
        ("[]\n", "teams/payments.yaml:1: A file that is included must be a mapping with"),
    ],
)  # fmt: skip
def test_an_included_file_has_prefixes_and_rules(rules: Path, team: str, told: str) -> None:
    write(rules.parent / "teams/payments.yaml", team)
    assert faults(rules)[0].startswith(told)


TAGS = "version: 1\ndefaults: {tags: {unique: [sha]}}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 1\ndefaults: x\nrules: [{repositories: [a]}]\n",
         "rules.yaml:2: `defaults` must be a mapping of keys; it is `x`."),
        (f"{TAGS}rules:\n  - repositories: [a]\n    tags: [x]\n",
         "rules.yaml:5: `tags` must be a mapping of keys; it is a list."),
        ("version: 1\ndefaults: {tags: [x]}\nrules:\n  - repositories: [a]\n",
         "rules.yaml:2: `tags` must be a mapping of keys; it is a list."),
        (f"{TAGS}rules:\n  - x\n",
         "rules.yaml:4: An entry of `rules` must be a mapping of keys; it is `x`."),
    ],
)  # fmt: skip
def test_what_is_no_mapping_is_told_where_it_stands_and_merged_with_nothing(
    rules: Path, text: str, told: str
) -> None:
    write(rules, text)
    assert faults(rules) == [told]


def test_a_mapping_takes_the_place_of_a_default_that_is_none(rules: Path) -> None:
    tags = "tags: {unique: [sha]}"
    write(rules, f"version: 1\ndefaults: {{tags: 7}}\nrules:\n  - {{repositories: [a], {tags}}}\n")
    assert faults(rules)[0].startswith("rules.yaml:2: `tags` must be")
