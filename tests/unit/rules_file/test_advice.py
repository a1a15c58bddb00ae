from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecr_steward.rules.model import Ruleset
from ecr_steward.tags.kinds import make
from ecr_steward.tags.suffixes import Suffixes
from ecr_steward_cli.rules_file import load as rules
from ecr_steward_cli.rules_file.advice import advice
from ecr_steward_cli.rules_file.document import parse


def rule(*lines: str) -> str:
    """A file whose only rule, on line 3, has `lines`; the first of them is on line 4."""
    head = ["version: 1", "rules:", "  - repositories: [redis]"]
    return "\n".join([*head, *(f"    {line}" for line in lines)])


def tags(*lines: str, unique: str = "[semver]") -> str:
    """A file whose only scheme has `lines`; the first of them is on line 6."""
    return rule("tags:", f"  unique: {unique}", *(f"  {line}" for line in lines))


def warnings(text: str) -> list[tuple[int, str]]:
    return [(each.line, each.sentence) for each in rules.inspect_text(text, "x").warnings]


def rule_list(*repositories: str) -> str:
    return "version: 1\nrules:\n" + "".join(f"  - repositories: {each}\n" for each in repositories)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('["*"]', "[redis]"),
        ('["base/*"]', '["base/a", "base/b*"]'),
        ("[redis]", "[redis]"),
        ('["b*"]', '["b*e/*"]'),
        ('["*/a*"]', '["x/*/ab"]'),
    ],
)
def test_a_rule_that_can_never_win_is_warned_of(first: str, second: str) -> None:
    assert warnings(rule_list(first, second)) == [
        (4, "This rule never wins: all that it names matches the rule on line 3 first.")
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("[redis]", '["*"]'),
        ('["base/*"]', '["base/a", "other"]'),
        ('["b*e"]', '["b*"]'),
        ('["a*", "b*"]', '["*"]'),
        ("[base.x]", "[base-x]"),
    ],
)
def test_a_rule_that_can_win_is_not_warned_of(first: str, second: str) -> None:
    assert warnings(rule_list(first, second)) == []


def test_several_rules_together_can_leave_a_rule_nothing() -> None:
    assert warnings(rule_list('["a*"]', '["b*"]', "[ab, bc, ac]")) == [
        (5, "This rule never wins: all that it names matches the rule on line 3 and line 4 first.")
    ]


def test_a_file_without_a_rule_is_warned_of() -> None:
    text = "version: 1\nrules: []"
    assert warnings(text) == [(2, "There is no rule, so every repository is left alone.")]


@pytest.mark.parametrize(
    ("lines", "at", "sentence"),
    [
        (['- tag: "{major}.{minor}.{patch}"', "  follows: highest"], 7,
         "`{major}.{minor}.{patch}` is itself a unique tag of this scheme; it is skipped."),
        (["- tag: a", '- tag: "1.0.0"'], 8,
         "`1.0.0` is itself a unique tag of this scheme; it is skipped."),
        (['- tag: "{major}"', '- tag: "8"'], 8,
         "`8` already belongs to `{major}` above; this entry has no effect."),
        (["- tag: latest", "- {tag: latest, follows: highest}"], 8,
         "`latest` already belongs to `latest` above; this entry has no effect."),
        (["- tag: pr-latest"], 7, "`pr-latest` is named by `ignore` too; it is never moved."),
    ],
)  # fmt: skip
def test_a_stable_tag_without_effect_is_warned_of(lines: list[str], at: int, sentence: str) -> None:
    assert warnings(tags("stable:", *lines, 'ignore: ["pr-*"]')) == [(at, sentence)]


def test_a_stable_tag_that_follows_versions_where_there_are_none_is_warned_of() -> None:
    text = rule("tags:", "  unique: [sha]", "  stable:", "  - {tag: latest, follows: highest}")
    assert warnings(text) == [
        (7, "`latest` follows versions, but no kind under `unique` carries one; it is never moved.")
    ]


@pytest.mark.parametrize(
    "entry", ['tag: "m-{major}", follows: highest', 'tag: x, follows: newest, within: "2026"']
)
def test_a_stable_tag_that_asks_for_the_numbers_of_dates_is_warned_of(entry: str) -> None:
    ((_, said),) = warnings(tags(f"stable: [{{{entry}}}]", unique="[timestamp, sha]"))
    assert "asks for the numbers of versions, but all that `unique` has are dates" in said


def test_a_stable_tag_that_only_sometimes_is_unique_too_is_warned_of() -> None:
    text = tags(
        'stable: [{tag: "{major}", follows: highest}]', unique="[semver, {pattern: '[0-9]{2}'}]"
    )
    assert warnings(text) == [
        (6, "`{major}` can be a unique tag of this scheme itself, such as 27; it is skipped there.")
    ]


def test_a_literal_before_a_template_that_could_render_it_is_not_warned_of() -> None:
    for number in (8, 27):
        lines = (f'- tag: "{number}"', '- {tag: "{major}", follows: highest}')
        assert warnings(tags("stable:", *lines)) == []


def test_a_thousand_rules_of_twenty_globs_are_judged_without_trying_each_against_each() -> None:
    globs = ([f"team{i}/app{j}-*" for j in range(20)] for i in range(1000))
    entries = [{"repositories": each} for each in (*globs, ["team999/app7-x"])]
    ruleset = Ruleset.from_document({"version": 1, "rules": entries})
    document = parse("a: b")
    start = time.process_time()
    found = list(advice(ruleset, document))
    assert time.process_time() - start < 5
    assert [path for path, _ in found] == [("rules", 1000)]


PARTS_2 = "[{version: {parts: 2}}]"
NO_VERSION = "follows versions, but no kind under `unique` carries one; it is never moved."
STABLE = [
    ("[sha]", "{tag: latest, follows: highest}", f"`latest` {NO_VERSION}"),
    ("[build, sha]", "{tag: latest, follows: highest}", f"`latest` {NO_VERSION}"),
    ('[{pattern: "n-[0-9]+"}]', "{tag: latest, follows: highest}", f"`latest` {NO_VERSION}"),
    ("[sha]", '{tag: "{major}-edge", follows: newest}', f"`{{major}}-edge` {NO_VERSION}"),
    ("[sha]", '{tag: edge, follows: newest, within: "8"}', f"`edge` {NO_VERSION}"),
    (PARTS_2, '{tag: "{major}.{minor}", follows: highest}',
     "`{major}.{minor}` is itself a unique tag of this scheme; it is skipped."),
    ("[{version: {parts: [1, 3]}}]", '{tag: "{major}", follows: highest}',
     "`{major}` is itself a unique tag of this scheme; it is skipped."),
    ("[semver, build]", '{tag: "{major}", follows: highest}',
     "`{major}` is itself a unique tag of this scheme; it is skipped."),
    ("[timestamp]", '{tag: "20261123"}',
     "`20261123` is itself a unique tag of this scheme; it is skipped."),
    (PARTS_2, '{tag: "v-{patch}", follows: highest}',
     ("`v-{patch}` asks for versions of 3 numbers, but no kind under `unique` has as many; it is "
     "never moved.")),
    ("[semver]", '{tag: old, follows: highest, within: ["1.2.3.4", "2.0.0.0"]}',
     ("`old` asks for versions of 4 numbers, but no kind under `unique` has as many; it is never "
     "moved.")),
    ("[semver]", '{tag: a, follows: highest, within: "8.1", not_within: "8"}',
     "`not_within` takes away all that `within` allows: `a` is never moved."),
    ("[semver]", '{tag: a, follows: highest, within: ["8", "9"], not_within: ["08", "9"]}',
     "`not_within` takes away all that `within` allows: `a` is never moved."),
    ("[semver]", '{tag: a, follows: highest, within: ["8.1", "9"], not_within: "8"}',
     "`8.1` has no effect: `8` in `not_within` takes it away."),
    ("[semver]", '{tag: a, follows: highest, within: "8", not_within: ["8.1", "9"]}',
     "`9` has no effect: it is not part of `within`."),
    ("[semver]", '{tag: a, follows: highest, within: "8.1", not_within: "8.10"}',
     "`8.10` has no effect: it is not part of `within`."),
    ("[semver]", "{tag: main, prereleases: true}",
     "`prereleases` has no effect on `main`, which follows nothing: your pipeline alone moves it."),
    ("[semver]", '{tag: main, within: "8"}',
     "`within` has no effect on `main`, which follows nothing: your pipeline alone moves it."),
    ("[semver]", '{tag: main, not_within: "8"}',
     "`not_within` has no effect on `main`, which follows nothing: your pipeline alone moves it."),
    ("[semver]", '{tag: main, of: ["1.*"]}',
     "`of` has no effect on `main`, which follows nothing: your pipeline alone moves it."),
    ("[semver]", "{tag: edge, follows: newest, prereleases: true}",
     "`prereleases` has no effect on `edge`: `newest` counts pre-releases always."),
    ("[sha]", '{tag: edge, follows: newest, not_within: "8"}',
     "`not_within` has no effect on `edge`: no kind under `unique` has versions."),
    ('[{pattern: "r-(?P<version>[0-9]+)"}]', "{tag: next, follows: highest, prereleases: true}",
     "`prereleases` has no effect on `next`: no kind under `unique` has any."),
]  # fmt: skip


@pytest.mark.parametrize(("unique", "entry", "sentence"), STABLE)
def test_what_a_stable_tag_says_in_vain_is_warned_of(
    unique: str, entry: str, sentence: str
) -> None:
    assert warnings(tags("stable:", f"- {entry}", unique=unique)) == [(7, sentence)]


@pytest.mark.parametrize(
    ("unique", "entry"),
    [
        ("[semver]", '{tag: a, follows: highest, within: "8", not_within: "8.1"}'),
        ("[semver]", '{tag: a, follows: highest, within: ["8.1", "9"], not_within: ["8.1.3"]}'),
        ("[semver]", '{tag: a, follows: highest, within: "8.10", not_within: "8.10.1"}'),
        ("[semver]", "{tag: a, follows: highest, prereleases: [rc, beta]}"),
        ("[semver]", "{tag: a, prereleases: false, within: []}"),
        ("[semver]", '{tag: a, follows: highest, within: "1.2.3"}'),
        ("[semver]", '{tag: edge, follows: newest, not_within: "8"}'),
        ("[sha]", "{tag: edge, follows: newest}"),
        ("[sha, semver]", '{tag: edge, follows: newest, within: "8"}'),
        (PARTS_2, '{tag: "{major}", follows: highest}'),
        ("[{version: {parts: [2, 3]}}]", '{tag: "{patch}-x", follows: highest}'),
        ('[{pattern: "r-(?P<version>[0-9]+)"}]', '{tag: "{major}", follows: highest}'),
        ('[{pattern: "(?P<version>[0-9]+)(?P<prerelease>rc)?"}]',
         "{tag: next, follows: highest, prereleases: true}"),
        ("[semver]", '{tag: lts, follows: highest, of: [{pattern: "(?!10)[0-9]{2}[.].*"}]}'),
        ("[semver]", r"{tag: odd, follows: highest, of: [{pattern: '([0-9])[.].*[.]\1'}]}"),
    ],
)  # fmt: skip
def test_a_stable_tag_that_can_be_moved_is_not_warned_of(unique: str, entry: str) -> None:
    assert warnings(tags("stable:", f"- {entry}", unique=unique)) == []


KINDS = [
    ("[{version: {parts: 3}}, semver]", "`semver`"),
    ("[{version: {parts: [2, 4]}}, {version: {parts: 2}}]", "`{version: {parts: 2}}`"),
    ("[{version: {parts: 2}}, {version: {parts: 4}}, {version: {parts: [4, 2]}}]",
     "`{version: {parts: [4, 2]}}`"),
    ("[{pattern: '.+'}, sha]", "`sha`"),
    ("[{version: {parts: 3}}, {pattern: '[0-9]+[.][0-9]+[.][0-9]+'}]",
     "`{pattern: [0-9]+[.][0-9]+[.][0-9]+}`"),
    ("[build, {pattern: 'build-[0-9]+'}]", "`{pattern: build-[0-9]+}`"),
    ("[{pattern: '(sha|git)?-?[0-9a-f]+([-_].*)?'}, sha]", "`sha`"),
    ("[sha, {pattern: '[0-9a-f]{8}-arm64'}]", "`{pattern: [0-9a-f]{8}-arm64}`"),
    ("[{pattern: '[a-m].*'}, {pattern: '[n-z].*'}, {pattern: '[a-z]+-[0-9]+'}]",
     "`{pattern: [a-z]+-[0-9]+}`"),
    ("[{pattern: '[a-z]+-[0-9]+'}, {pattern: '(?!main)[a-z]+-[0-9]{4}'}]",
     "`{pattern: (?!main)[a-z]+-[0-9]{4}}`"),
]  # fmt: skip


@pytest.mark.parametrize(("unique", "kind"), KINDS)
def test_a_kind_whose_tags_all_go_to_kinds_above_is_warned_of(unique: str, kind: str) -> None:
    assert warnings(tags(unique=unique)) == [
        (5, f"{kind} has no effect: kinds above it take all its tags.")
    ]


def test_where_languages_do_not_tell_it_is_said_that_tags_were_tried() -> None:
    unique = "[{pattern: '(?!main)[a-z]{2}-[0-9]+'}, {pattern: '[b-l]{2}-[0-9]{4}'}]"
    ((line, said),) = warnings(tags(unique=unique))
    assert line == 5
    tried = "may have no effect: kinds above it take each of its tags that was tried, such as "
    assert f"`{{pattern: [b-l]{{2}}-[0-9]{{4}}}}` {tried}" in said


@pytest.mark.parametrize(
    "unique",
    ["[semver, {version: {parts: 3}}]", "[{version: {parts: 2}}, {version: {parts: [2, 4]}}]",
     "[{version: {parts: 2}}, semver]", "[build, timestamp, sha, {version: {parts: 1}}]",
     "[{version: {parts: 3}}, {pattern: 'v?(?P<version>[0-9]+[.][0-9]+)'}]",
     "[{pattern: '[0-9]+[.][0-9]+[.][0-9]+'}, semver]", "[{pattern: '[0-9a-f]{7}'}, sha]",
     "[build, {pattern: '(?:build|b_x)-[0-9]+[a-z]?'}]",
     "[{pattern: 'a.+'}, sha]", "[sha, {pattern: '[0-9a-f]{8,41}'}]",
     "[{pattern: '[A-Z]{1,20}'}, {pattern: '[A-Z]{1,21}'}]",
     "[{pattern: '(?:(?:sha|git)-)?[0-9a-f]{7,40}'}, sha]"],
)  # fmt: skip
def test_a_kind_that_has_tags_of_its_own_is_not_warned_of(unique: str) -> None:
    assert warnings(tags(unique=unique)) == []


_SEMVER_LIKE = r"v?(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}([-_][0-9A-Za-z._-]{0,12})?"


@given(st.from_regex(_SEMVER_LIKE, fullmatch=True))
@example("1.4.2-rc.1_linux-alpine")
def test_three_dotted_numbers_take_every_tag_that_semver_takes(tag: str) -> None:
    variants = Suffixes(("alpine", "a*"))
    if make("semver", variants).read(tag) is not None:
        assert make({"version": {"parts": 3}}, variants).read(tag) is not None


def test_groups_of_a_pattern_that_give_no_order_are_warned_of() -> None:
    assert warnings(tags(unique="[{pattern: 'a(?P<prerelease>b)'}]")) == [
        (5, "The group `prerelease` has no effect without the group `version`.")
    ]
    assert warnings(tags(unique="[{pattern: '(?P<branch>[a-z]+)-[0-9]+'}]")) == []


@pytest.mark.parametrize("version", ["[a-z]{3}", "[0-9]+x", "release-[0-9]+"])
def test_a_group_version_that_never_gives_numbers_is_warned_of(version: str) -> None:
    found = warnings(tags(unique=f"[{{pattern: '(?P<version>{version})'}}]"))
    says = "The group `version` gives no version"
    assert [sentence.startswith(says) for _, sentence in found] == [True]


@pytest.mark.parametrize(
    "version", ["v?[0-9.]+", "[0-9]{8}-[0-9]+", "[0-9_]+", "[0-9T-]+Z", ".+", "[a-z0-9]{9}"]
)
def test_a_group_version_that_can_give_numbers_is_not_warned_of(version: str) -> None:
    assert warnings(tags(unique=f"[{{pattern: 'a-(?P<version>{version})'}}]")) == []


def test_a_group_for_variants_that_gives_none_of_them_is_warned_of() -> None:
    unique = "[{pattern: '(?P<version>[0-9]+)-(?P<variant>slim|debug)'}]"
    ((_, said),) = warnings(tags('variants: ["alpine*"]', unique=unique))
    assert "`variants` names nothing that it matches: no stable tag follows" in said
    assert warnings(tags('variants: ["alpine*", "s*"]', unique=unique)) == []


def test_a_group_for_variants_without_variants_is_warned_of() -> None:
    unique = "[{pattern: '(?P<version>[0-9]+)-(?P<variant>[a-z]+)'}]"
    assert warnings(tags(unique=unique)) == [
        (5, ("The pattern has a group `variant`, but `variants` is empty: no stable tag follows a "
         "version with a variant."))
    ]  # fmt: skip
    assert warnings(tags("variants: [slim]", unique=unique)) == []


@pytest.mark.parametrize("unique", ["[{pattern: 'n-[0-9]+'}]"])
def test_variants_that_no_kind_can_carry_are_warned_of(unique: str) -> None:
    edge = ("stable: [{tag: edge, follows: newest}]", "variants: [slim]")
    assert warnings(tags(*edge, unique=unique)) == [
        (7, "`variants` has no effect: no kind under `unique` can carry one.")
    ]


def test_variants_of_a_tag_that_the_pipeline_moves_have_an_effect_whatever_the_kinds() -> None:
    assert warnings(tags("stable: [{tag: main}]", "variants: [slim]", unique="[sha]")) == []


@pytest.mark.parametrize(
    ("glob", "known"),
    [("*", "rc.1"), ("rc*", "rc.1"), ("beta", "beta"), ("alpha.*", "alpha.1"),
     ("*1", "rc.1"), ("SNAP*", "SNAPSHOT")],
)  # fmt: skip
def test_a_variant_that_looks_like_a_pre_release_is_warned_of(glob: str, known: str) -> None:
    assert warnings(tags("variants:", "- slim", f'- "{glob}"')) == [
        (8, (f"`{glob}` matches what is often a pre-release: with it, 1.4.2-{known} is a release "
         "of a variant."))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("glob", "suffix"), [("slim-*", "slim-rc.1"), ("*-slim", "rc.1-slim"), ("a-b-*", "a-b-rc.1")]
)
def test_a_variant_that_takes_in_pre_releases_of_another_is_warned_of(
    glob: str, suffix: str
) -> None:
    base = glob.strip("*").strip("-")
    assert warnings(tags(f'variants: ["{glob}"]')) == [
        (6, (f"`{glob}` matches what is often a pre-release: with it, 1.4.2-{suffix} is a release "
         f"of the variant {suffix}. With `{base}` among `variants` it is a pre-release of that."))
    ]  # fmt: skip
    assert warnings(tags(f'variants: ["{glob}", "{base}"]')) == []


@pytest.mark.parametrize("glob", ["alpine", "alpine3.*", "alpine*", "windows*", "dev", "a-*-b"])
def test_a_variant_that_looks_like_none_is_not_warned_of(glob: str) -> None:
    assert warnings(tags(f'variants: ["{glob}"]')) == []


def test_a_literal_that_is_the_name_of_a_variant_already_is_warned_of() -> None:
    text = tags("variants: [alpine]", "stable:", "- {tag: latest, follows: highest}",
                "- {tag: alpine, follows: highest}", "- tag: latest-alpine")  # fmt: skip
    assert warnings(text) == [
        (9, "`alpine` already belongs to `latest` above; this entry has no effect.")
    ]


@pytest.mark.parametrize(
    ("lines", "missing"),
    [
        (["stable: [{tag: latest, follows: highest}]"], "there are no `variants`"),
        (["variants: [slim]"],
         "there is no stable tag without placeholders that follows `highest`"),
        (["variants: [slim]", 'stable: [{tag: "{major}", follows: highest}, {tag: main}]'],
         "there is no stable tag without placeholders that follows `highest`"),
    ],
)  # fmt: skip
def test_a_name_for_variants_of_the_first_literal_without_any_is_warned_of(
    lines: list[str], missing: str
) -> None:
    assert warnings(tags('variant_latest: "{variant}"', *lines)) == [
        (6, f"`variant_latest` has no effect: {missing}.")
    ]


@pytest.mark.parametrize(
    ("unique", "pin", "sample"),
    [("[sha]", "{digest}", "9f1c2ab3d4e5"), ("[sha]", "sha-{digest}", "sha-9f1c2ab3d4e5"),
     ("[semver]", "0.0.1-{digest}", "0.0.1-9f1c2ab3d4e5")],
)  # fmt: skip
def test_a_pin_that_looks_like_a_unique_tag_is_warned_of(
    unique: str, pin: str, sample: str
) -> None:
    assert warnings(tags(f'pin: "{pin}"', unique=unique)) == [
        (6, (f"Pins such as {sample} look like unique tags, for a kind under `unique` fits them; "
         "put a word before {digest}."))
    ]  # fmt: skip


@pytest.mark.parametrize(
    "pin", ["{tag}-{digest}", "pin-{digest}", "{tag}-{pushed:%Y%m%d}-{digest}"]
)
def test_a_pin_that_looks_like_no_unique_tag_is_not_warned_of(pin: str) -> None:
    assert warnings(tags(f'pin: "{pin}"', unique="[semver, sha, build]")) == []


def test_a_pin_that_looks_like_a_commit_of_a_branch_is_warned_of() -> None:
    unique = "[{pattern: '(?P<branch>[a-z]+)-[0-9a-f]{7,40}'}]"
    stable = 'stable: [{tag: "{branch}", follows: newest}]'
    (found,) = warnings(tags('pin: "{tag}-{digest}"', stable, unique=unique))
    assert found[0] == 6
    assert found[1].endswith("put a word before {digest}.")
    assert warnings(tags('pin: "pin-{tag}.{digest}"', stable, unique=unique)) == []


@pytest.mark.parametrize(
    ("lines", "warned"),
    [
        ("prereleases: true", True),
        ("prereleases: [rc]", False),
        ("prereleases: [cache]", False),
        ('prereleases: true, of: ["*-rc*"]', False),
    ],
)
def test_a_suffix_that_nobody_listed_and_that_would_lead_is_warned_of(
    lines: str, warned: bool
) -> None:
    found = warnings(tags("stable:", f"- {{tag: next, follows: highest, {lines}}}"))
    says = (
        "A tag such as 1.4.2-cache is a pre-release here, and `next` goes to it. Name what counts"
    )
    assert [(line, said.startswith(says)) for line, said in found] == [(7, True)] * warned


@pytest.mark.parametrize("lines", ['ignore: ["*cache"]', "variants: [cache]", "revisions: [cache]"])
def test_a_suffix_that_is_listed_is_not_warned_of(lines: str) -> None:
    entry = "stable: [{tag: next, follows: highest, prereleases: true}]"
    assert warnings(tags(entry, lines)) == []


MAINLINE = "{tag: mainline, follows: highest}"
LATEST = "{tag: latest, follows: highest}"
BETA = "{tag: beta, follows: highest, prereleases: [beta]}"
RC = "{tag: next, follows: highest, prereleases: [rc]}"
STABLE_ONE = "{tag: stable, follows: highest}"


@pytest.mark.parametrize(
    ("stable", "extra", "bare"),
    [
        ([MAINLINE, LATEST], ["variants: [alpine]"], "latest"),
        ([BETA, STABLE_ONE], ["variants: [alpine]"], "stable"),
        ([LATEST, MAINLINE], ["variants: [alpine]"], None),
        ([MAINLINE, STABLE_ONE], ["variants: [alpine]"], None),
        ([BETA, RC], ["variants: [alpine]"], None),
        (["{tag: main}", LATEST], ["variants: [alpine]"], None),
        (
            ["{tag: '{major}', follows: highest}", MAINLINE, LATEST],
            ["variants: [alpine]"],
            "latest",
        ),
        ([MAINLINE, LATEST], [], None),
        ([MAINLINE, LATEST], ["variants: [alpine]", 'variant_latest: "{tag}-{variant}"'], None),
    ],
)
def test_a_literal_that_takes_the_bare_names_of_the_variants_from_another_is_warned_of(
    stable: list[str], extra: list[str], bare: str | None
) -> None:
    found = warnings(tags(f"stable: [{', '.join(stable)}]", *extra))
    assert [
        said.endswith(f"List `{bare}` first, or set `variant_latest`.") for _, said in found
    ] == ([] if bare is None else [True])


def test_an_entry_that_no_unique_tag_can_move_is_warned_of() -> None:
    text = tags("stable:", '- {tag: edge, follows: newest, of: ["main-*"]}')
    ((line, said),) = warnings(text)
    assert line == 7
    assert said.startswith("`edge` is moved by no unique tag that was found: what `of` names")
    odd = "- {tag: edge, follows: newest, of: [{pattern: '(?=x)1.*'}]}"
    ((_, said),) = warnings(tags("stable:", odd))
    assert said.startswith("`edge` is moved by none of the unique tags that were tried; `of` may")
    branch = "[semver, {pattern: '(?P<branch>[a-z]+)-[0-9a-f]{7}'}]"
    (found,) = warnings(tags('stable: [{tag: "{branch}-{major}", follows: newest}]', unique=branch))
    assert found[1] == (
        "`{branch}-{major}` asks for {branch} and a version, which no kind under `unique` gives at "
        "once; it is never moved."
    )


@pytest.mark.parametrize(
    ("unique", "of"),
    [
        ("[semver]", '["1.4.*"]'),
        ("[semver, sha]", '["*-alpine", "9*"]'),
        ("[{pattern: '(?:main|develop)-[0-9a-f]{7}'}]", '["main-*"]'),
        ("[semver]", "[{pattern: '[0-9]+[.][0-9]*[13579][.].*'}]"),
        ("[{version: {parts: [2, 3]}}]", '["*.*.*"]'),
        ("[timestamp]", '["2026*"]'),
        ("[{version: {parts: 6}}]", '["3.12.*"]'),
        ("[{pattern: '[a-z]+-[0-9a-f]{7}-[0-9]{10}'}]", '["zeta-0*"]'),
    ],
)
def test_an_entry_of_some_unique_tags_is_not_warned_of(unique: str, of: str) -> None:
    text = tags(f"stable: [{{tag: edge, follows: newest, of: {of}}}]", unique=unique)
    assert warnings(text) == []


def test_an_entry_within_versions_that_a_pattern_cannot_give_is_warned_of() -> None:
    unique = "[{pattern: '(?P<version>2[0-9]{3}[.][0-9]{2})'}]"
    ((_, said),) = warnings(
        tags('stable: [{tag: x, follows: highest, within: "8"}]', unique=unique)
    )
    assert said == (
        "`x` asks for versions within 8, which no kind under `unique` gives; it is never moved."
    )
    able = 'stable: [{tag: x, follows: highest, within: ["8", "2026.4"]}]'
    assert warnings(tags(able, unique=unique)) == []


def test_an_entry_that_follows_versions_and_dates_at_once_is_warned_of() -> None:
    unique = "[semver, timestamp, sha]"
    latest = 'stable: [{tag: latest, follows: highest, of: ["*"]}]'
    assert warnings(tags(latest, unique=unique)) == [
        (6, ("`latest` follows versions and dates in one order, in which 20261123T0224Z is above "
         "1.4.2; pick one of them with `of`."))
    ]  # fmt: skip
    apart = 'stable: [{tag: latest, follows: highest, of: ["*.*.*"]}, {tag: edge, follows: newest}]'
    assert warnings(tags(apart, unique=unique)) == []


def test_removing_unknown_tags_brings_a_reminder_of_what_the_stack_must_allow() -> None:
    assert warnings(tags("overwritten: restore", "unknown: remove")) == [
        (7, ("`unknown: remove` acts only where the stack parameter AllowTagRemoval allows it; "
         "elsewhere such tags are reported."))
    ]  # fmt: skip


def test_the_scheme_that_shows_everything_has_no_warning_but_the_reminder() -> None:
    text = tags(
        'variants: [alpine, "alpine3.*", slim, "slim-*"]',
        "stable:",
        '- {tag: "{major}.{minor}", follows: highest}',
        '- {tag: "{major}", follows: highest}',
        '- {tag: latest, follows: highest, within: "8"}',
        "- {tag: next, follows: highest, prereleases: [alpha, beta, rc]}",
        "- {tag: edge, follows: newest}",
        "- {tag: main}",
        'pin: "{tag}-{pushed:%Y%m%dT%H%M%SZ}-{digest}"',
        'ignore: ["buildcache*", "pr-*", "99.*"]',
        "overwritten: restore",
    )
    assert warnings(text) == []


# Channels and routes

CHANNELS = """
channels:
  platform: {type: slack, url: "ssm:/ecr-steward/slack"}
  audit: {type: webhook, url: "ssm:/ecr-steward/hook", secret: "ssm:/ecr-steward/hmac"}
"""


def routed(notify: str, file: str = "[]", channels: str = CHANNELS) -> list[str]:
    text = f"version: 1\nnotify: {file}\nrules: [{{repositories: [redis], notify: {notify}}}]"
    return [sentence for _, sentence in warnings(text + channels)]


def test_a_channel_that_no_route_leads_to_is_warned_of() -> None:
    found = routed("[]", file='[{on: ["*"], to: [platform]}]')
    assert found == ["No route leads to `audit`; only resource tags of repositories can add it."]
    assert routed('[{on: ["*"], to: [audit]}]', file='[{on: ["*"], to: [platform]}]') == []
    assert routed("[]") == []


def test_requests_without_a_signature_are_warned_of() -> None:
    (found,) = routed("[]", channels='\nchannels: {hook: {type: webhook, url: "ssm:/hook"}}')
    assert found.startswith("`hook` has no `secret`, so its requests are not signed")


@pytest.mark.parametrize(
    ("on", "missing"),
    [
        (
            "[tag.moved]",
            "tag.rejected, tag.overwritten, tag.stale, repository.drifted, steward.failed",
        ),
        ("[tag.*, repository.*]", "steward.failed"),
        ("[loud]", ""),
        ('["*"]', ""),
        ("[tag.rejected, tag.overwritten, tag.stale, repository.drifted, steward.failed]", ""),
    ],
)
def test_what_nobody_would_be_told_of_is_warned_of(on: str, missing: str) -> None:
    route = f"[{{on: {on}, to: [email]}}]"
    said = f"No route takes {missing} here; `loud` under `on` stands for them all."
    expected = [said] if missing else []
    assert routed(route, channels="") == expected
    assert routed("[]", file=route, channels="") == expected


def test_to_tell_nobody_is_a_choice() -> None:
    assert routed('[{on: ["*"], to: []}]') == []


def test_a_sweep_among_the_routes_of_a_rule_is_warned_of() -> None:
    sentence = "A sweep belongs to no rule; name it under the `notify` of the file."
    assert routed("[{on: [loud, sweep.completed], to: [email]}]") == [sentence]
    assert routed("[]", file="[{on: [loud, sweep.completed], to: [email, platform, audit]}]") == []


NO_VERSIONS = "`highest` keeps nothing: no kind under `unique` has versions."


@pytest.mark.parametrize(
    ("unique", "keep", "told"),
    [
        ("[sha]", "[{highest: 3}]", [NO_VERSIONS]),
        ("[sha]", "[{newest: 3}, {highest: 3}]", [NO_VERSIONS]),
        ("[sha]", "[{newest: 3}]", []),
        ("[semver]", "[{highest: 3}]", []),
        ("[sha, semver]", "[{highest: 3}]", []),
    ],
)
def test_keeping_the_highest_where_nothing_has_versions_is_warned_of(
    unique: str, keep: str, told: list[str]
) -> None:
    text = rule("tags:", f"  unique: {unique}", "images:", "  others: report", f"  keep: {keep}")
    assert [said for _, said in warnings(text)] == told
