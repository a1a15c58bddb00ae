from __future__ import annotations

import time
from typing import Any

import pytest

from ecr_steward.rules.model import Rule, RulesError, Ruleset, fingerprint
from ecr_steward.words.globs import glob_regex
from ecr_steward.words.modes import Mode


def ruleset(*rules: dict[str, Any]) -> Ruleset:
    return Ruleset.from_document({"version": 1, "rules": list(rules)})


def rule(*repositories: str) -> Rule:
    return Rule(index=0, repositories=repositories, mode=Mode.AUDIT, tags=None)


@pytest.mark.parametrize(
    ("glob", "repository", "matches"),
    [
        ("redis", "redis", True),
        ("redis", "redis7", False),
        ("redis", "my-redis", False),
        ("base/*", "base/redis", True),
        ("base/*", "base/a/b/c", True),
        ("base/*", "base", False),
        ("base/*", "base/", True),
        ("*", "anything/at.all", True),
        ("*-dev", "team/app-dev", True),
        ("*-dev", "team/app-dev2", False),
        ("a*c*e", "abcde", True),
        ("a*c*e", "ace", True),
        ("a*c*e", "aec", False),
        ("base.x", "base-x", False),
    ],
)
def test_a_glob_matches_whole_names_and_its_star_crosses_slashes(
    glob: str, repository: str, matches: bool
) -> None:
    assert rule("other", glob).matches(repository) is matches
    assert (glob_regex((glob,)).fullmatch(repository) is not None) is matches


def test_the_first_rule_that_matches_wins() -> None:
    rules = ruleset({"repositories": ["base/*"]}, {"repositories": ["*"]})
    assert rules.rule_for("base/redis") is rules.rules[0]
    assert rules.rule_for("redis") is rules.rules[1]


def test_a_repository_that_no_rule_matches_has_no_rule() -> None:
    assert ruleset({"repositories": ["base/*"]}).rule_for("redis") is None
    assert ruleset().rule_for("redis") is None


@pytest.mark.parametrize(
    ("repositories", "named"),
    [
        (("*",), False),
        (("*/redis",), False),
        (("hub/*",), True),
        (("*", "hub/redis"), True),
        (("other", "*"), False),
    ],
)
def test_a_rule_names_a_repository_only_by_a_glob_without_a_leading_star(
    repositories: tuple[str, ...], named: bool
) -> None:
    assert rule(*repositories).matches("hub/redis")
    assert rule(*repositories).names("hub/redis") is named


@pytest.mark.parametrize(
    ("mode", "cap", "result"),
    [
        (Mode.ENFORCE, Mode.ENFORCE, Mode.ENFORCE),
        (Mode.ENFORCE, Mode.AUDIT, Mode.AUDIT),
        (Mode.AUDIT, Mode.ENFORCE, Mode.AUDIT),
        (Mode.ENFORCE, Mode.OFF, Mode.OFF),
        (Mode.OFF, Mode.AUDIT, Mode.OFF),
    ],
)
def test_a_cap_lowers_a_mode_and_never_raises_it(mode: Mode, cap: Mode, result: Mode) -> None:
    assert mode.capped(cap) is result


def test_a_rule_is_in_audit_without_tags_where_the_document_says_nothing() -> None:
    [only] = ruleset({"repositories": ["redis"]}).rules
    assert only == Rule(index=0, repositories=("redis",), mode=Mode.AUDIT, tags=None)


def test_a_rule_is_called_by_its_index_and_its_globs() -> None:
    rules = ruleset({"repositories": ["a"]}, {"repositories": ["b/*", "c"]})
    assert rules.rules[1].label() == "1: b/*, c"


def test_a_rule_of_many_names_is_called_by_the_first_of_them() -> None:
    [only] = ruleset({"repositories": [f"team-{n:03}/*" for n in range(1200)]}).rules
    assert only.label().startswith("0: team-000/*, team-001/*, ")
    assert only.label().endswith(", team-015/* … and 1,184 more")
    [long] = ruleset({"repositories": ["x" * 300, "y"]}).rules
    assert long.label() == f"0: {'x' * 200} … and 1 more"


def test_a_rule_is_called_by_globs_of_two_hundred_characters_at_most() -> None:
    [fits, none] = ruleset(
        {"repositories": ["a" * 98, "b" * 98]}, {"repositories": ["a" * 98, "b" * 99]}
    ).rules
    assert fits.label() == f"0: {'a' * 98}, {'b' * 98}"
    assert none.label() == f"1: {'a' * 98} … and 1 more"


@pytest.mark.parametrize(
    ("own", "keeps_replaced", "judges", "has_settings"),
    [
        ({}, False, False, False),
        ({"repository": {"scan_on_push": True}}, False, False, True),
        ({"images": {}}, False, False, True),
        ({"images": {"others": "keep", "keep": [{"newest": 1}, {"replaced": 1}]}}, True, False,
         True),
        ({"images": {"others": "report", "keep": [{"newest": 1}]}}, False, True, True),
        ({"images": {"others": "expire", "keep": []}, "repository": {"scan_on_push": True}},
         False, True, True),
    ],
)  # fmt: skip
def test_a_rule_knows_what_it_says_of_images_and_settings(
    own: dict[str, Any], keeps_replaced: bool, judges: bool, has_settings: bool
) -> None:
    [only] = ruleset({"repositories": ["a"], **own}).rules
    assert only.keeps_replaced is keeps_replaced
    assert only.judges_images is judges
    assert only.has_settings is has_settings


@pytest.mark.parametrize(
    ("scanning", "scans"),
    [
        (None, False),
        ({}, False),
        ({"type": "BASIC"}, False),
        ({"type": "ENHANCED"}, True),
        ({"type": "BASIC", "rules": [{}]}, True),
        ({"type": "BASIC", "rules": []}, False),
    ],
)
def test_scanning_of_the_registry_decides_where_it_has_rules_or_is_enhanced(
    scanning: dict[str, Any] | None, scans: bool
) -> None:
    registry = {} if scanning is None else {"scanning": scanning}
    document = {"version": 1, "rules": [], "registry": registry}
    assert Ruleset.from_document(document).registry_scans is scans


FOLLOWING = {"unique": ["semver"], "stable": [{"tag": "{major}.{minor}", "follows": "highest"}]}


@pytest.mark.parametrize(
    ("repository", "tags", "overwritten"),
    [
        ({}, FOLLOWING, "report"),
        ({"immutability": "mutable"}, FOLLOWING, "report"),
        ({"immutability": "scheme"}, {"unique": ["semver"]}, "report"),
        ({"immutability": "scheme"}, FOLLOWING, "restore"),
        ({"immutability": "scheme"}, FOLLOWING | {"overwritten": "report"}, "report"),
    ],
)
def test_unique_tags_that_ecr_cannot_guard_are_guarded_by_the_steward(
    repository: dict[str, Any], tags: dict[str, Any], overwritten: str
) -> None:
    [only] = ruleset({"repositories": ["a"], "repository": repository, "tags": tags}).rules
    assert only.tags is not None
    assert only.tags.overwritten == overwritten


@pytest.mark.parametrize(
    ("entry", "path", "said"),
    [
        ({}, (), "`repositories` is missing."),
        ({"repositories": []}, (), "`repositories` is empty"),
        ({"repositories": ["a"], "mode": "on"}, (), "'on' is not a valid Mode"),
        ({"repositories": ["a"], "tags": {"unique": ["x"]}}, ("tags", "unique", 0),
         "`x` is not a kind of unique tag"),
        ({"repositories": ["a"], "tags": {"unique": ["sha"], "stable": [{"tag": "{x}"}]}},
         ("tags", "stable", 0, "tag"), "`{x}` is not a placeholder"),
        ({"repositories": ["a"], "tags": {}}, (), "`unique` is missing."),
    ],
)  # fmt: skip
def test_a_fault_comes_with_the_path_that_leads_to_it(
    entry: dict[str, Any], path: tuple[str | int, ...], said: str
) -> None:
    with pytest.raises(RulesError) as caught:
        ruleset({"repositories": ["fine"]}, entry)
    assert said in caught.value.sentence
    assert caught.value.path == ("rules", 1, *path)


@pytest.mark.parametrize("version", [None, 2, "1"])
def test_a_document_of_another_version_is_refused(version: object) -> None:
    with pytest.raises(RulesError) as caught:
        Ruleset.from_document({"version": version, "rules": []})
    assert caught.value.path == ("version",)


def test_a_fingerprint_follows_the_meaning_and_not_the_order_of_keys() -> None:
    document = {"version": 1, "rules": [{"repositories": ["a"], "mode": "audit"}]}
    same = {"rules": [{"mode": "audit", "repositories": ["a"]}], "version": 1}
    other = {"version": 1, "rules": [{"repositories": ["a"], "mode": "enforce"}]}
    assert fingerprint(document) == fingerprint(same)
    assert fingerprint(document) != fingerprint(other)
    assert Ruleset.from_document(document).fingerprint == fingerprint(document)
    assert len(fingerprint(document)) == 12
    assert int(fingerprint(document), 16) >= 0


def wide(rules: int) -> Ruleset:
    """Rules of twenty globs each, of every form that a glob can have."""
    return ruleset(
        *(
            {
                "repositories": [
                    glob
                    for j in range(4)
                    for glob in (
                        f"team-{i}/app-{j}",
                        f"team-{i}-{j}/*",
                        f"*-of-{i}-{j}",
                        f"*/part-{i}x{j}*v*",
                        f"base/*-{i}.*-{j}",
                    )
                ]
            }
            for i in range(rules)
        )
    )


def names(rules: int) -> list[str]:
    """Repositories, most of them with a rule, and two with the longest name there can be."""
    last = rules - 1
    return [
        f"team-{last}/app-3",
        f"team-{last}-2/redis",
        f"x-of-{last}-1",
        f"a/part-{last}x0/v1",
        f"base/redis-{last}.a-3",
        f"-of-{last}-1".rjust(256, "a"),
        f"team-{last}-2/{'b' * 256}"[:256],
        "nothing/at/all",
    ]


def test_a_thousand_rules_of_twenty_globs_each_find_the_rule_that_matches() -> None:
    rules = wide(1000)
    found = [rules.rule_for(name) for name in names(1000)]
    indexes = [None if each is None else each.index for each in found]
    assert indexes == [*[999] * 7, None]


def test_a_thousand_rules_take_about_as_long_as_ten_and_little_to_prepare() -> None:
    def lookups(rules: int) -> tuple[float, float]:
        made, asked = wide(rules), names(rules)
        begin = time.process_time()
        made.rule_for("any")
        ready = time.process_time()
        for i in range(200):
            for name in asked:  # another name each time: what was asked before is remembered
                made.rule_for(f"{name}/{i}")
        return ready - begin, time.process_time() - ready

    few = min(lookups(10)[1] for _ in range(3))
    prepared, many = lookups(1000)
    assert many < 10 * few, "trying each rule would take a hundred times as long"
    assert prepared < 1.0


@pytest.mark.parametrize("name", ["a" * 128, "a" * 256])
def test_a_glob_of_many_stars_is_matched_at_once(name: str) -> None:
    glob = "*".join("a" * 60) + "*b"
    begin = time.process_time()
    assert rule(glob).matches(name) is False
    assert rule(f"{glob}*").matches(f"{name}b") is True
    assert time.process_time() - begin < 1.0


@pytest.mark.parametrize(
    ("unknown", "without"), [("remove", "report"), ("report", "report"), ("allow", "allow")]
)
def test_rules_without_removal_report_what_they_would_remove(unknown: str, without: str) -> None:
    tags = {"unique": ["semver"], "unknown": unknown}
    rules = Ruleset.from_document(
        {"version": 1, "rules": [{"repositories": ["a"], "tags": tags}, {"repositories": ["b"]}]}
    ).without_removal()
    assert [each.tags and each.tags.unknown for each in rules.rules] == [without, None]


def test_a_rule_that_says_nothing_of_images_wants_no_lifecycle_rule_where_they_expire() -> None:
    lifecycle: dict[str, Any] = {"repository": {"lifecycle": {"rules": []}}}
    images = {"images": {"others": "expire", "keep": [{"newest": 1}]}}
    [silent, expiring] = ruleset(
        {"repositories": ["a"], **lifecycle}, {"repositories": ["b"], **lifecycle, **images}
    ).rules
    assert silent.baseline != silent.baseline_where_images_expire
    assert expiring.baseline == expiring.baseline_where_images_expire


def test_rules_of_the_same_parts_are_one_key() -> None:
    document = {
        "version": 1,
        "channels": {},
        "registry": {"policy": {}},
        "rules": [{"repositories": ["a"], "repository": {"scan_on_push": True}, "notify": [{}],
                   "images": {}}],
    }  # fmt: skip
    one, other = Ruleset.from_document(document), Ruleset.from_document(document)
    assert len({one, other}) == 1
    assert len({*one.rules, *other.rules}) == 1
