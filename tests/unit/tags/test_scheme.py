from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.tags.scheme import Line, Scheme, SchemeError, StableTag, Verdict
from ecr_steward.tags.versions import Version, parse_semver

HEX64 = "0123456789abcdef" * 4
FOLLOWED = ("{major}.{minor}", "{major}", "latest")


def following(*templates: str) -> tuple[StableTag, ...]:
    return tuple(StableTag(template, "highest") for template in templates)


def scheme(**changes: Any) -> Scheme:
    return Scheme(**{"unique": ("semver",), "stable": following(*FOLLOWED), **changes})


def version(tag: str) -> Version:
    read = parse_semver(tag)
    assert read is not None
    return read


def tags(of: Scheme, tag: str) -> list[str]:
    return [line.tag for line in of.lines(version(tag))]


@pytest.mark.parametrize(
    ("tag", "verdict"),
    [
        ("1.4.2", Verdict.UNIQUE),
        ("v1.4.2-rc.1", Verdict.UNIQUE),
        ("9f1c2ab", Verdict.UNIQUE),
        ("1.4", Verdict.STABLE),
        ("1", Verdict.STABLE),
        ("latest", Verdict.STABLE),
        ("main", Verdict.STABLE),
        ("0", Verdict.STABLE),
        ("edge", Verdict.UNKNOWN),
        ("1.4-alpine", Verdict.UNKNOWN),
        ("Latest", Verdict.UNKNOWN),
        ("buildcache-arm64", Verdict.IGNORED),
        ("99.1.0", Verdict.IGNORED),
        (f"sha256-{HEX64}.sig", Verdict.IGNORED),
        (f"sha256-{HEX64}", Verdict.IGNORED),
        ("latest-20261123T022400Z-0123456789ab", Verdict.PIN),
        ("99.1-20261123T022400Z-0123456789ab", Verdict.PIN),
        ("1.4.2-20261123T022400Z-0123456789ab", Verdict.PIN),
    ],
)
def test_each_tag_has_one_verdict_and_pins_come_before_all_else(tag: str, verdict: Verdict) -> None:
    judged = scheme(
        unique=("semver", "sha"),
        stable=(*following(*FOLLOWED), StableTag("main")),
        ignore=("buildcache*", "99.*"),
    )
    assert judged.judge(tag) is verdict


@pytest.mark.parametrize(
    "tag", ["99.1.0", "1.4.2-20261123T022400Z-0123456789ab", f"sha256-{HEX64}", "edge", "latest"]
)
def test_what_is_ignored_pinned_stable_or_unknown_is_no_unique_tag(tag: str) -> None:
    assert scheme(ignore=("99.*",)).read_unique(tag) is None


def test_a_unique_tag_comes_with_its_version_and_a_commit_without() -> None:
    both = scheme(unique=("sha", "semver"))
    release, commit = both.read_unique("v1.4.2"), both.read_unique("9f1c2ab")
    assert release is not None
    assert release.version == version("1.4.2")
    assert commit is not None
    assert commit.version is None


@pytest.mark.parametrize(
    ("glob", "tag", "ignored"),
    [
        ("pr-*", "pr-7", True),
        ("pr-*", "pr-", True),
        ("pr-*", "my-pr-7", False),
        ("99.*", "99x1", False),
        ("*-dev*", "1.4-dev.2", True),
        ("*", "latest", True),
        ("latest", "latest2", False),
    ],
)
def test_ignore_matches_whole_tags_and_only_the_star_is_special(
    glob: str, tag: str, ignored: bool
) -> None:
    assert scheme(ignore=(glob,)).is_ignored(tag) is ignored


@pytest.mark.parametrize(
    ("tag", "lines"),
    [
        ("1.4.2", ["1.4", "1", "latest"]),
        ("v1.4.2", ["1.4", "1", "latest"]),
        ("1.4.2_linux", ["1.4", "1", "latest"]),
        ("10.0.0", ["10.0", "10", "latest"]),
        ("1.4.2-rc.1", []),
    ],
)
def test_a_release_belongs_to_each_line_in_the_order_of_the_rules_and_a_pre_release_to_none(
    tag: str, lines: list[str]
) -> None:
    assert tags(scheme(), tag) == lines


def test_the_whole_of_major_version_zero_is_no_line_but_literals_include_it() -> None:
    assert tags(scheme(), "0.9.3") == ["0.9", "latest"]
    assert scheme().line("0") is None
    assert not Line("0", ((0, "0"),)).holds(version("0.9.3"))
    assert tags(scheme(stable=following("v{major}", "{major}-x")), "0.9.3") == []


def test_a_stable_tag_without_follows_is_stable_and_has_no_line() -> None:
    own = scheme(stable=(StableTag("main"), *following("latest")))
    assert own.judge("main") is Verdict.STABLE
    assert own.line("main") is None
    assert tags(own, "1.4.2") == ["latest"]


def test_a_stable_tag_belongs_to_the_first_template_that_can_render_it() -> None:
    literal_first = scheme(stable=(StableTag("8"), *following("{major}")))
    assert tags(literal_first, "8.0.1") == []
    assert tags(literal_first, "9.0.1") == ["9"]
    template_first = scheme(stable=following("{major}", "8"))
    assert [str(line) for line in template_first.lines(version("9.0.1"))] == ["9.*"]
    assert [str(line) for line in template_first.lines(version("8.0.1"))] == ["8.*"]


def test_the_same_template_twice_gives_one_line() -> None:
    assert tags(scheme(stable=following("latest", "latest")), "1.4.2") == ["latest"]


def test_a_template_that_renders_to_a_unique_tag_is_skipped() -> None:
    assert tags(scheme(stable=following("{major}.{minor}.{patch}", "latest")), "1.4.2") == [
        "latest"
    ]
    assert scheme(stable=following("{major}.{minor}.{patch}")).line("1.4.2") is None


def test_a_template_that_renders_to_an_ignored_tag_is_skipped() -> None:
    assert tags(scheme(ignore=("lat*",)), "1.4.2") == ["1.4", "1"]


@pytest.mark.parametrize(
    ("template", "tag", "rendered"),
    [
        ("{major}.{minor}", "1.4.2", "1.4"),
        ("v{major}", "1.4.2", "v1"),
        ("{patch}-{minor}-{major}", "1.4.2", "2-4-1"),
        ("{major}-{major}", "12.0.0", "12-12"),
        ("latest", "1.4.2", "latest"),
        ("{major}", "v1.4.2", "1"),
    ],
)
def test_placeholders_render_the_numbers_as_written_without_a_leading_v(
    template: str, tag: str, rendered: str
) -> None:
    assert StableTag(template, "highest").render(version(tag)) == rendered


def test_a_template_renders_nothing_where_the_version_lacks_a_number() -> None:
    assert StableTag("{major}.{minor}", "highest").render(Version(("7",))) is None


def test_leading_zeros_make_a_line_of_their_own() -> None:
    template = StableTag("{major}.{minor}", "highest")
    padded, plain = Version(("24", "04")), Version(("24", "4"))
    assert template.render(padded) == "24.04"
    line = template.line("24.04")
    assert line is not None
    assert line.holds(padded)
    assert not line.holds(plain)
    assert padded.precedence == plain.precedence


@pytest.mark.parametrize(
    ("template", "tag", "line"),
    [
        ("{major}.{minor}", "1.4", Line("1.4", ((0, "1"), (1, "4")))),
        ("{major}.{minor}", "1", None),
        ("{major}.{minor}", "1x4", None),
        ("{major}.{minor}", "1.4.2", None),
        ("{major}-{major}", "12-12", Line("12-12", ((0, "12"),))),
        ("{major}-{major}", "12-13", None),
        ("latest", "latest", Line("latest", ())),
        ("latest", "latest-2", None),
    ],
)
def test_a_template_knows_the_line_of_each_tag_that_it_renders(
    template: str, tag: str, line: Line | None
) -> None:
    assert StableTag(template, "highest").line(tag) == line


@pytest.mark.parametrize(
    ("tag", "release", "held"),
    [
        ("1.4", "1.4.9", True),
        ("1.4", "1.40.0", False),
        ("1.4", "11.4.0", False),
        ("1.4", "1.4.9-rc.1", False),
        ("1", "1.99.0", True),
        ("latest", "0.0.1", True),
        ("latest", "3.0.0-rc.1", False),
    ],
)
def test_a_line_holds_the_releases_that_have_its_numbers(
    tag: str, release: str, held: bool
) -> None:
    line = scheme().line(tag)
    assert line is not None
    assert line.holds(version(release)) is held


def test_a_line_is_within_each_wider_one() -> None:
    by_tag = {line.tag: line for line in scheme().lines(version("1.4.2"))}
    assert by_tag["1.4"].within(by_tag["1"])
    assert by_tag["1"].within(by_tag["latest"])
    assert by_tag["1"].within(by_tag["1"])
    assert not by_tag["1"].within(by_tag["1.4"])
    other = scheme().line("2")
    assert other is not None
    assert not by_tag["1.4"].within(other)


def test_a_line_reads_as_the_versions_it_holds() -> None:
    lines = scheme(stable=following(*FOLLOWED, "m{minor}")).lines(version("1.4.2"))
    assert [str(line) for line in lines] == ["1.4.*", "1.*", "all releases", "*.4.*"]


@pytest.mark.parametrize("tag", ["edge", "1.4.2", "1.4-alpine", "main"])
def test_a_tag_that_is_no_stable_tag_has_no_line(tag: str) -> None:
    assert scheme().line(tag) is None


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{majr}", "`{majr}` is not a placeholder; there are {major}, {minor}, {patch}."),
        ("{}", "`{}` is not a placeholder"),
        ("{major", "renders to no valid tag"),
        ("", "renders to no valid tag"),
        ("-{major}", "renders to no valid tag"),
        ("{major}+1", "renders to no valid tag"),
        ("a" * 129, "renders to no valid tag"),
    ],
)
def test_a_template_that_makes_no_tag_is_refused(template: str, said: str) -> None:
    with pytest.raises(SchemeError) as caught:
        StableTag(template)
    assert said in str(caught.value)


def test_the_first_kind_that_takes_a_tag_decides() -> None:
    assert scheme(unique=("sha",)).judge("1.4.2") is Verdict.UNKNOWN
    assert scheme(unique=("semver",)).judge("9f1c2ab") is Verdict.UNKNOWN


def test_an_unknown_kind_is_refused_with_the_path_that_leads_to_it() -> None:
    with pytest.raises(SchemeError) as caught:
        scheme(unique=("semver", "calver"))
    assert str(caught.value) == "`calver` is not a kind of unique tag; there are semver, sha."
    assert caught.value.path == ("unique", 1)


def test_a_document_becomes_a_scheme_with_the_defaults_of_the_format() -> None:
    assert Scheme.from_document({"unique": ["semver"]}) == Scheme(
        unique=("semver",), stable=(), ignore=(), unknown="report", overwritten="report"
    )
    full = Scheme.from_document(
        {
            "unique": ["sha"],
            "stable": [{"tag": "latest", "follows": "highest"}, {"tag": "main"}],
            "ignore": ["pr-*"],
            "unknown": "allow",
            "overwritten": "allow",
        }
    )
    assert full == Scheme(
        unique=("sha",),
        stable=(StableTag("latest", "highest"), StableTag("main", None)),
        ignore=("pr-*",),
        unknown="allow",
        overwritten="allow",
    )


def test_the_path_of_a_faulty_template_leads_to_it() -> None:
    with pytest.raises(SchemeError) as caught:
        Scheme.from_document({"unique": ["semver"], "stable": [{"tag": "ok"}, {"tag": "{x}"}]})
    assert caught.value.path == ("stable", 1, "tag")
