from __future__ import annotations

import pytest

from ecr_steward_cli.given.names import is_repository
from ecr_steward_cli.rules_file.explain import explain
from ecr_steward_cli.rules_file.load import inspect_text

RULES = """\
version: 1
rules:
  - repositories: ["base/*"]
    mode: enforce
    tags:
      unique: [semver]
      stable:
        - {tag: "{major}.{minor}", follows: highest}
        - {tag: "{major}", follows: highest}
        - {tag: latest, follows: highest}
        - {tag: main}
        - {tag: "{major}.{minor}.{patch}", follows: highest}
      ignore: ["pr-*"]
      unknown: allow
  - repositories: ["apps/*"]
    tags:
      unique: [sha]
      stable: [{tag: latest, follows: highest}]
      overwritten: allow
  - repositories: [tools]
    tags:
      unique: [semver]
      stable: [{tag: latest, follows: highest}]
  - repositories: ["*-raw"]
"""


UNLESS = "on its image unless a higher release holds them."
UNLESS_IT = "on its image unless a higher release holds it."
NEWEST = "in any case, as the newest."
PIN = "an image that would lose its last tag gets a unique tag such as"
PUSHED = "20261123T022400Z-9f1c2ab3d4e5"


LOUD = "what somebody should know (refused, overwritten, public, failed …)"


def said(repository: str, rules: str = RULES) -> list[str]:
    return [line.strip() for line in explain(inspect_text(rules, "x"), repository).splitlines()]


@pytest.mark.parametrize(
    "name",
    ["redis", "a1", "base/redis", "a.b_c-d/e", "a__b", "a---b", "0/1", "a" * 256],
)
def test_names_that_ecr_accepts_are_names_of_repositories(name: str) -> None:
    assert is_repository(name)


@pytest.mark.parametrize(
    "name",
    ["", "a", "Redis", "/a", "a/", "a//b", "-ab", "ab-", "a..b", "a___b", "a._b", "base/*", "a b",
     "ab\n", "a" * 257],
)  # fmt: skip
def test_names_that_ecr_refuses_are_none(name: str) -> None:
    assert not is_repository(name)


def test_a_repository_that_no_rule_matches_is_left_alone() -> None:
    assert said("redis") == ["redis: no rule matches; the repository is left alone."]


def test_the_rule_that_wins_is_named_by_its_line_and_its_globs() -> None:
    assert said("base/redis")[0] == "base/redis: the rule on line 3 wins (base/*)."
    assert said("apps/shop")[0] == "apps/shop: the rule on line 15 wins (apps/*)."


def test_a_rule_is_told_in_full() -> None:
    assert said("base/redis")[1:] == [
        "mode         enforce: the steward changes the registry, if the stack's Mode allows.",
        "unique       semver (versions such as 1.4.2 or v1.4.2-rc.1)",
        "stable       {major}.{minor}          such as 1.4, the highest of 1.4.*",
        "{major}                  such as 1, the highest of 1.*",
        "latest                   the highest of all releases",
        "main                     moved by your pipeline only",
        "{major}.{minor}.{patch}  no example was found of a unique tag that moves it",
        f"example      a push of 1.4.2 puts 1.4, 1 and latest {UNLESS}",
        f"pin          {PIN} latest-{PUSHED}",
        "ignored      pr-*, tags of signatures and attestations",
        "unknown      a tag that is neither unique nor stable is allowed",
        "overwritten  a unique tag that moves to another image is reported",
        "settings     The rule says nothing about settings, so they are left alone.",
        f"messages     {LOUD} to email, at once",
        "the rest (moved, pinned, held …) to email, in a digest every hour",
    ]  # fmt: skip


def test_in_audit_the_example_says_would() -> None:
    found = said("tools")
    assert "mode         audit: the steward reports what it would do and changes nothing." in found
    assert f"example      a push of 1.4.2 would put latest {UNLESS_IT}" in found


def test_where_no_unique_tag_carries_a_version_nothing_moves_and_there_is_no_example() -> None:
    found = said("apps/shop")
    assert "unique       sha (commits such as 9f1c2ab or sha-9f1c2ab)" in found
    assert "stable       latest  never moved: no unique tag here carries a version" in found
    assert not any(line.startswith("example") for line in found)


def test_an_example_is_never_a_tag_that_the_rule_ignores() -> None:
    rules = RULES.replace('["pr-*"]', '["1.*"]')
    assert any("a push of 2.7.1 puts 2.7, 2 and latest" in line for line in said("base/a", rules))


def test_a_scheme_without_stable_tags_says_so() -> None:
    rules = "version: 1\nrules: [{repositories: [redis], tags: {unique: [semver]}}]"
    assert "stable       none" in said("redis", rules)
    assert "example      a push of 1.4.2 moves no stable tag." in said("redis", rules)


def test_a_rule_without_tags_leaves_them_alone_and_a_leading_star_names_no_cache() -> None:
    assert said("a/b-raw")[1:] == [
        "mode         audit: the steward reports what it would do and changes nothing.",
        "If it is a pull-through cache it is left alone: only globs that begin",
        "with `*` match it.",
        "tags         The rule says nothing about tags, so they are left alone.",
        "settings     The rule says nothing about settings, so they are left alone.",
        f"messages     {LOUD} to email, at once",
        "the rest (moved, pinned, held …) to email, in a digest every hour",
    ]


CHANNELS = """
channels:
  platform: {type: slack, url: "ssm:/ecr-steward/slack"}
  audit: {type: webhook, url: "ssm:/ecr-steward/hook", secret: "ssm:/ecr-steward/hmac"}
"""
TOO = "also to channels that its resource tags steward:notify and owner name"


def messages(notify: str) -> list[str]:
    rules = f"version: 1\nrules: [{{repositories: [redis], {notify}}}]\n{CHANNELS}"
    found = said("redis", rules)
    start = next(i for i, line in enumerate(found) if line.startswith("messages"))
    return [found[start].removeprefix("messages").strip(), *found[start + 1 :]]


def test_where_messages_go_is_told_route_by_route() -> None:
    routes = (
        "notify: [{on: [tag.rejected, tag.overwritten], to: [platform, email]}, "
        '{on: ["*"], to: [audit], every: 24h}, {on: [tag.held], to: []}]'
    )
    assert messages(routes) == [
        "tag.rejected, tag.overwritten to platform and email, at once",
        "everything to audit, in a digest every 24 hours",
        "tag.held to nobody",
        TOO,
    ]


def test_the_usual_routes_are_told_too() -> None:
    assert messages("mode: audit") == [
        f"{LOUD} to email, platform and audit, at once",
        "the rest (moved, pinned, held …) to email, platform and audit, in a digest every hour",
        TOO,
    ]


def scheme(*lines: str) -> list[str]:
    """What is said of a scheme in enforce with `lines`, without the lines that are always there."""
    head = ["version: 1", "rules:", "- repositories: [redis]", "  mode: enforce", "  tags:"]
    return said("redis", "\n".join([*head, *(f"    {line}" for line in lines)]))


@pytest.mark.parametrize(
    ("kind", "words", "example"),
    [
        ("semver", "semver (versions such as 1.4.2 or v1.4.2-rc.1)", "1.4.2"),
        ("{version: {parts: 1}}", "version of 1 part (such as 17)", "17"),
        ("{version: {parts: 2}}", "version of 2 parts (such as 16.4)", "16.4"),
        ("{version: {parts: [2, 3, 4]}}",
         "version of 2, 3 or 4 parts (such as 16.4, 1.4.2 or 10.0.20348.1)", "16.4"),
        ("{version: {parts: 6}}", "version of 6 parts (such as 1.4.2.7.1.1)", "1.4.2.7.1.1"),
        ("{pattern: '(?P<version>[0-9.]+)-ee'}",
         "pattern (tags that match `(?P<version>[0-9.]+)-ee`, versions by its group `version`)",
         "1.4.2-ee"),
        ("{pattern: 'v?(?P<version>[0-9]{4}[.][0-9]{2})(?:-(?P<prerelease>rc[0-9]+))?'}", None,
         "2026.11"),
        ("{pattern: 'release[.](?P<version>[0-9]+)'}", None, "release.17"),
        (r"{pattern: 'r\.(?P<version>([0-9]+)\.([0-9]+))'}", None, "r.16.4"),
    ],
)  # fmt: skip
def test_each_kind_that_has_versions_is_told_with_a_push(
    kind: str, words: str | None, example: str
) -> None:
    found = scheme(f"unique: [{kind}]", "stable: [{tag: latest, follows: highest}]")
    assert words is None or f"unique       {words}" in found
    assert f"example      a push of {example} puts latest {UNLESS_IT}" in found
    assert "stable       latest  the highest of all releases" in found


def test_a_pattern_that_nothing_usual_fits_has_an_example_of_its_own() -> None:
    found = scheme("unique: [{pattern: '(?P<version>9{7})'}]",
                   "stable: [{tag: latest, follows: highest}]")  # fmt: skip
    assert f"example      a push of 9999999 puts latest {UNLESS_IT}" in found
    assert "stable       latest  the highest of all releases" in found


def test_several_kinds_are_told_one_below_the_other_with_a_push_each() -> None:
    found = scheme("unique: [semver, {version: {parts: 2}}, build, timestamp, sha, {pattern: x}]",
                   "stable: [{tag: '{major}-x', follows: highest}]")  # fmt: skip
    assert found[2:10] == [
        "unique       semver (versions such as 1.4.2 or v1.4.2-rc.1)",
        "version of 2 parts (such as 16.4)",
        "build (numbers such as 1187 or build-1187)",
        "timestamp (times such as 20261123 or 20261123T0224Z)",
        "sha (commits such as 9f1c2ab or sha-9f1c2ab)",
        "pattern (tags that match `x`)",
        "stable       {major}-x  such as 1-x, the highest of 1.*",
        f"example      a push of 1.4.2 puts 1-x {UNLESS_IT}",
    ]
    assert found[10] == f"a push of 16.4 puts 16-x {UNLESS_IT}"


VARIANTS = (
    "unique: [semver]",
    'variants: [alpine, "alpine3.*", "slim-*"]',
    "stable:",
    '- {tag: "{major}.{minor}", follows: highest}',
    '- {tag: "{major}", follows: highest}',
    "- {tag: latest, follows: highest}",
)


def test_each_variant_has_a_push_of_its_own() -> None:
    found = scheme(*VARIANTS)
    assert "variants     alpine, alpine3.*, slim-*: each has stable tags of its own" in found
    for variant in ("alpine", "alpine3.20", "slim-x"):
        tags = f"1.4-{variant}, 1-{variant} and {variant}"
        assert f"a push of 1.4.2-{variant} puts {tags} {UNLESS}" in found
    found = scheme(*VARIANTS, 'variant_latest: "{tag}-{variant}"')
    assert f"a push of 1.4.2-alpine puts 1.4-alpine, 1-alpine and latest-alpine {UNLESS}" in found


def test_many_variants_are_named_and_the_first_are_shown() -> None:
    names = ", ".join(f"v{i}" for i in range(40))
    found = scheme("unique: [semver]", f"variants: [{names}]",
                   "stable: [{tag: latest, follows: highest}]")  # fmt: skip
    assert any(line.startswith(f"variants     {names}:") for line in found)
    assert sum("a push of" in line for line in found) == 6


def test_pre_releases_are_told_with_a_push_where_they_count() -> None:
    found = scheme("unique: [semver]", "stable:", "- {tag: latest, follows: highest}",
                   "- {tag: next, follows: highest, prereleases: true}")  # fmt: skip
    assert "next    the highest of all versions, pre-releases too" in found
    assert "a push of 1.4.2-rc.1 puts next on its image unless a higher version holds it." in found
    assert not any("rc.1 puts" in line for line in scheme(*VARIANTS))


def test_a_line_within_limits_is_told_with_a_push_inside_them() -> None:
    found = scheme("unique: [semver]", "stable:",
                   '- {tag: "{major}", follows: highest, within: ["0"]}',
                   '- {tag: lts, follows: highest, within: ["8.1", "9"], not_within: "9.9"}',
                   '- {tag: all, follows: highest, not_within: ["9", "10.1"]}')  # fmt: skip
    assert "lts      the highest of all releases within 8.1, 9, but not 9.9" in found
    assert "all      the highest of all releases, but not 9 or 10.1" in found
    assert f"a push of 8.1.2 puts lts and all {UNLESS}" in found
    assert "stable       {major}  such as 0, the highest of 0.* within 0" in found
    assert f"a push of 0.4.2 puts 0 and all {UNLESS}" in found


def test_the_newest_image_is_told_with_a_push_of_every_kind() -> None:
    found = scheme("unique: [semver, sha, build, timestamp]", "stable:",
                   "- {tag: latest, follows: highest}",
                   "- {tag: edge, follows: newest}",
                   '- {tag: "{major}-edge", follows: newest}',
                   '- {tag: e8, follows: newest, within: "8"}')  # fmt: skip
    assert "edge          the newest image of all with a unique tag" in found
    assert "{major}-edge  such as 1-edge, the newest image of 1.*" in found
    assert "e8            the newest image of all versions within 8" in found
    assert any(
        line.endswith(f"puts latest {UNLESS_IT[:-1]}; edge and 1-edge {NEWEST}") for line in found
    )
    for tag in ("9f1c2ab", "1187"):
        assert f"a push of {tag} puts edge on its image, as the newest." in found


def test_a_template_that_makes_unique_tags_is_told_as_not_moved() -> None:
    found = scheme("unique: [{version: {parts: 2}}]",
                   'stable: [{tag: "{major}.{minor}", follows: highest}]')  # fmt: skip
    assert (
        "stable       {major}.{minor}  no example was found of a unique tag that moves it" in found
    )
    assert "example      a push of 16.4 moves no stable tag." in found


def test_a_pin_is_told_with_the_tag_that_it_would_be() -> None:
    found = scheme("unique: [sha]", "stable: [{tag: main}]", 'pin: "{tag}-{digest}"')
    assert (
        "pin          an image that only stable tags name gets a unique tag such as "
        "main-9f1c2ab3d4e5" in found
    )
    assert f"pin          {PIN} latest-{PUSHED}" in scheme("unique: [sha]")


def test_what_removing_and_restoring_need_and_do_is_told() -> None:
    found = scheme("unique: [sha]", "unknown: remove", "overwritten: restore")
    assert (
        "unknown      a tag that is neither unique nor stable is taken off its image, where the "
        "stack parameter AllowTagRemoval allows it; elsewhere, and as an image's last tag, it is "
        "reported" in found
    )
    assert (
        "overwritten  a unique tag that moves to another image is reported and put back where it "
        "was; the other image gets a pin if no unique tag names it then" in found
    )


TOLD: list[tuple[list[str], str]] = [
    (["unique: [sha]", "stable: [{tag: edge, follows: newest}, {tag: main}]"], """\
        unique       sha (commits such as 9f1c2ab or sha-9f1c2ab)
        stable       edge  the newest image of all with a unique tag
        main  moved by your pipeline only
        example      a push of 9f1c2ab puts edge on its image, as the newest.
        """),
    (["unique: [sha]",
      'stable: [{tag: latest, follows: highest}, {tag: "{major}-e", follows: newest}]'], """\
        unique       sha (commits such as 9f1c2ab or sha-9f1c2ab)
        stable       latest     never moved: no unique tag here carries a version
        {major}-e  never moved: no unique tag here carries a version
        example      a push of 9f1c2ab moves no stable tag.
        """),
    (["unique: [semver]", 'variants: ["slim-*"]',
      'stable: [{tag: edge, follows: newest, of: ["*-slim-*"]}]'], ("""\
        unique       semver (versions such as 1.4.2 or v1.4.2-rc.1)
        variants     slim-*: each has stable tags of its own
        stable       edge  such as edge-slim-x, the newest image of all with a unique tag of """
     """`slim-x` among `*-slim-*`
        example      a push of 1.4.2 moves no stable tag.
        a push of 1.4.2-slim-x puts edge-slim-x on its image, as the newest.
        """)),
    (["unique: [semver]", "stable: []"], """\
        unique       semver (versions such as 1.4.2 or v1.4.2-rc.1)
        stable       none
        example      a push of 1.4.2 moves no stable tag.
        """),
    (["unique: [semver]", 'stable: [{tag: only, follows: highest, of: ["*-rc*"]}]'], """\
        unique       semver (versions such as 1.4.2 or v1.4.2-rc.1)
        stable       only  no example was found of a unique tag that moves it
        example      a push of 1.4.2 moves no stable tag.
        """),
    (["unique: [semver]",
      "stable: [{tag: next, follows: highest, prereleases: [rc]}, {tag: edge, follows: newest}]"],
     """\
        unique       semver (versions such as 1.4.2 or v1.4.2-rc.1)
        stable       next  the highest of all releases and rc
        edge  the newest image of all with a unique tag
        example      a push of 1.4.2 puts next {UNLESS_IT}; edge {NEWEST}
        a push of 1.4.2-rc.1 puts next {UNLESS_IT_VERSION}; edge {NEWEST}
        """),
    (["unique: [semver]", "stable:", "- {tag: next, follows: highest, prereleases: true}",
      "- {tag: edge, follows: newest, prereleases: true}"], """\
        unique       semver (versions such as 1.4.2 or v1.4.2-rc.1)
        stable       next  the highest of all versions, pre-releases too
        edge  the newest image of all with a unique tag
        example      a push of 1.4.2 puts next {UNLESS_IT}; edge {NEWEST}
        a push of 1.4.2-rc.1 puts next {UNLESS_IT_VERSION}; edge {NEWEST}
        """),
    (["unique: [semver, sha]", "variants: [alpine]", "stable:", "- {tag: latest, follows: highest}",
      '- {tag: "{major}", follows: highest}',
      '- {tag: e8, follows: newest, within: "8", not_within: ["8.1", "8.2", "8.3"]}'], """\
        unique       semver (versions such as 1.4.2 or v1.4.2-rc.1)
        sha (commits such as 9f1c2ab or sha-9f1c2ab)
        variants     alpine: each has stable tags of its own
        stable       latest   the highest of all releases
        {major}  such as 1, the highest of 1.*
        e8       the newest image of all versions within 8, but not 8.1, 8.2 or 8.3
        example      a push of 1.4.2 puts latest and 1 {UNLESS}
        a push of 9f1c2ab moves no stable tag.
        a push of 8.4.2 puts latest and 8 {UNLESS_THEM}; e8 {NEWEST}
        a push of 1.4.2-alpine puts alpine and 1-alpine {UNLESS}
        """),
]  # fmt: skip
ENDS = {
    "{UNLESS}": UNLESS,
    "{UNLESS_THEM}": UNLESS.rstrip("."),
    "{UNLESS_IT}": UNLESS_IT.rstrip("."),
    "{UNLESS_IT_VERSION}": UNLESS_IT.rstrip(".").replace("release", "version"),
    "{NEWEST}": NEWEST,
}


@pytest.mark.parametrize(("lines", "told"), TOLD)
def test_a_scheme_is_told_line_by_line(lines: list[str], told: str) -> None:
    for name, words in ENDS.items():
        told = told.replace(name, words)
    found = scheme(*lines)
    pin = next(i for i, each in enumerate(found) if each.startswith("pin "))
    assert found[2:pin] == [each.strip() for each in told.splitlines() if each.strip()]


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ("keep", ["images that nothing keeps stay all the same"]),
        ("report", ["images that nothing keeps are reported"]),
        ("expire", ["images that nothing keeps get an expiry tag, where the stack allows it",
                    "an image that nothing keeps is told 2 days before its expiry tag"]),
    ],
)  # fmt: skip
def test_what_becomes_of_an_image_that_nothing_keeps_is_told(others: str, told: list[str]) -> None:
    images = f"images: {{keep: [{{newest: 3}}], others: {others}, notice: 2d}}"
    head = "version: 1\nrules:\n- repositories: [redis]\n  tags: {unique: [semver]}\n  "
    lines = [each.removeprefix("images       ") for each in said("redis", f"{head}{images}\n")]
    assert [each for each in lines if "nothing keeps" in each] == told
