from __future__ import annotations

from typing import Any

import pytest

from ecr_steward.tags.kinds import Unique, make
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.tags.stable import SchemeError, StableTag, Template
from ecr_steward.tags.suffixes import Suffixes
from ecr_steward.tags.versions import Version

HEX64 = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX64}"
FOLLOWED = ("{major}.{minor}", "{major}", "latest")


def following(*templates: str) -> tuple[StableTag, ...]:
    return tuple(StableTag(template, "highest") for template in templates)


def scheme(**changes: Any) -> Scheme:
    return Scheme(**{"unique": ("semver",), "stable": following(*FOLLOWED), **changes})


def release(tag: str) -> Unique:
    read = make("semver", Suffixes()).read(tag)
    assert read is not None
    return read


def tags(of: Scheme, tag: str) -> list[str]:
    return [line.tag for line in of.lines(release(tag))]


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
    assert judged.judge(tag, DIGEST) is verdict


@pytest.mark.parametrize(
    "tag", ["99.1.0", "1.4.2-20261123T022400Z-0123456789ab", f"sha256-{HEX64}", "edge", "latest"]
)
def test_what_is_ignored_pinned_stable_or_unknown_is_no_unique_tag(tag: str) -> None:
    assert scheme(ignore=("99.*",)).read_unique(tag, DIGEST) is None


def test_a_unique_tag_comes_with_its_version_and_a_commit_without() -> None:
    both = scheme(unique=("sha", "semver"))
    tagged, commit = both.read_unique("v1.4.2"), both.read_unique("9f1c2ab")
    assert tagged is not None
    assert tagged.version == release("1.4.2").version
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
    assert [str(line) for line in template_first.lines(release("9.0.1"))] == ["9.*"]
    assert [str(line) for line in template_first.lines(release("8.0.1"))] == ["8.*"]


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
    assert StableTag(template, "highest").render(release(tag)) == rendered


def test_a_template_renders_nothing_where_the_version_lacks_a_number() -> None:
    assert StableTag("{major}.{minor}", "highest").render(Unique("7", Version(("7",)))) is None


def test_leading_zeros_make_a_line_of_their_own() -> None:
    template = StableTag("{major}.{minor}", "highest")
    padded, plain = Version(("24", "04")), Version(("24", "4"))
    assert template.render(Unique("24.04", padded)) == "24.04"
    line = scheme(stable=(template,)).line("24.04")
    assert line is not None
    assert line.holds(Unique("24.04", padded))
    assert not line.holds(Unique("24.4", plain))
    assert padded.precedence == plain.precedence


@pytest.mark.parametrize(
    ("template", "tag", "readings"),
    [
        ("{major}.{minor}", "1.4", [{"major": "1", "minor": "4"}]),
        ("{major}.{minor}", "1", []),
        ("{major}.{minor}", "1x4", []),
        ("{major}.{minor}", "1.4.2", []),
        ("{major}-{major}", "12-12", [{"major": "12"}]),
        ("{major}-{major}", "12-13", []),
        ("latest", "latest", [{}]),
        ("latest", "latest-2", []),
        ("{a}", "api", [{"a": "api"}]),
        ("{a}", "foo", []),
        ("{a}-{major}.x", "web-1.x", [{"a": "web", "major": "1"}]),
        ("{a}-{a}", "api-api", [{"a": "api"}]),
        ("{a}-{a}", "api-web", []),
        ("{b}-{c}", "x-y", [{"b": "x", "c": "y"}]),
        ("{b}-{c}", "x-y-z", [{"b": "x", "c": "y-z"}, {"b": "x-y", "c": "z"}]),
        ("{b}-{c}", "-x", []),
    ],
)
def test_a_template_is_read_backwards(
    template: str, tag: str, readings: list[dict[str, str]]
) -> None:
    groups = {"a": "(?:api|web)", "b": "[a-z-]+", "c": "[a-z-]+"}
    assert Template(template, groups).readings(tag) == readings


def test_a_name_that_can_be_read_in_several_ways_is_one_line_that_is_inside_none() -> None:
    pattern = {"pattern": "(?P<b>[a-z-]+)[.](?P<c>[a-z-]+)[.](?P<version>[0-9]+)"}
    of = scheme(unique=(pattern,), stable=following("{b}-{c}", "{b}"))
    assert lines_of(of, "x.y-z.1") == ["x-y-z", "x"]
    assert lines_of(of, "x-y.z.1") == ["x-y-z"]
    line, wider = (of.line(tag) for tag in ("x-y-z", "x"))
    assert line is not None
    assert wider is not None
    assert not line.inside(wider)


@pytest.mark.parametrize(
    ("tag", "pushed", "held"),
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
def test_a_line_holds_the_releases_that_have_its_numbers(tag: str, pushed: str, held: bool) -> None:
    line = scheme().line(tag)
    assert line is not None
    assert line.holds(release(pushed)) is held


def test_a_line_is_inside_each_wider_one() -> None:
    by_tag = {line.tag: line for line in scheme().lines(release("1.4.2"))}
    assert by_tag["1.4"].inside(by_tag["1"])
    assert by_tag["1"].inside(by_tag["latest"])
    assert by_tag["1"].inside(by_tag["1"])
    assert not by_tag["1"].inside(by_tag["1.4"])
    other = scheme().line("2")
    assert other is not None
    assert not by_tag["1.4"].inside(other)


def test_a_line_reads_as_the_versions_it_holds() -> None:
    lines = scheme(stable=following(*FOLLOWED, "m{minor}")).lines(release("1.4.2"))
    assert [str(line) for line in lines] == ["1.4.*", "1.*", "all releases", "*.4.*"]


@pytest.mark.parametrize("tag", ["edge", "1.4.2", "1.4-alpine", "main"])
def test_a_tag_that_is_no_stable_tag_has_no_line(tag: str) -> None:
    assert scheme().line(tag) is None


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{majr}", "`{majr}` is not a placeholder; there are {major}, {minor}, {patch}, and the"),
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
        scheme(stable=(StableTag(template),))
    assert said in str(caught.value)


def test_the_first_kind_that_takes_a_tag_decides() -> None:
    assert scheme(unique=("sha",)).judge("1.4.2") is Verdict.UNKNOWN
    assert scheme(unique=("semver",)).judge("9f1c2ab") is Verdict.UNKNOWN


def test_an_unknown_kind_is_refused_with_the_path_that_leads_to_it() -> None:
    with pytest.raises(SchemeError) as caught:
        scheme(unique=("semver", "calver"))
    assert str(caught.value).startswith("`calver` is not a kind of unique tag; there are semver, ")
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


def lines_of(of: Scheme, tag: str) -> list[str]:
    unique = of.read_unique(tag)
    assert unique is not None, f"{tag} is no unique tag"
    return [line.tag for line in of.lines(unique)]


VARIANTS = ("alpine", "alpine3.*", "slim-*", "scala_2.12")


@pytest.mark.parametrize(
    ("tag", "lines"),
    [
        ("1.4.2", ["1.4", "1", "latest", "next"]),
        ("1.4.2-alpine", ["1.4-alpine", "1-alpine", "alpine", "next-alpine"]),
        ("1.4.2-alpine3.20", ["1.4-alpine3.20", "1-alpine3.20", "alpine3.20", "next-alpine3.20"]),
        ("2.3.0-scala_2.12", ["2.3-scala_2.12", "2-scala_2.12", "scala_2.12", "next-scala_2.12"]),
        ("1.4.2-rc.1", ["next"]),
        ("1.4.2-rc.1-alpine", ["next-alpine"]),
        ("1.4.2-alpine-rc.1", ["next-alpine"]),
        ("0.3.1-alpine", ["0.3-alpine", "alpine", "next-alpine"]),
        ("1.4.2-bookworm", ["next"]),
    ],
)
def test_every_variant_has_its_own_line_of_every_template(tag: str, lines: list[str]) -> None:
    channel = StableTag("next", "highest", prereleases=True)
    of = scheme(stable=(*following(*FOLLOWED), channel), variants=VARIANTS)
    assert lines_of(of, tag) == lines
    for line in lines:
        assert of.judge(line) is Verdict.STABLE
        assert of.line(line) in of.lines(unique_of(of, tag))


def unique_of(of: Scheme, tag: str) -> Unique:
    unique = of.read_unique(tag)
    assert unique is not None
    return unique


@pytest.mark.parametrize(
    ("variant_latest", "name", "no_longer"),
    [
        (None, "alpine", "latest-alpine"),
        ("{tag}-{variant}", "latest-alpine", "alpine"),
        ("{variant}-{tag}", "alpine-latest", "alpine"),
        ("{variant}-default", "alpine-default", "alpine"),
    ],
)
def test_the_first_literal_has_the_bare_name_of_a_variant_unless_the_rule_says_otherwise(
    variant_latest: str | None, name: str, no_longer: str
) -> None:
    of = scheme(variants=VARIANTS, variant_latest=variant_latest)
    assert lines_of(of, "1.4.2-alpine")[-1] == name
    assert of.judge(name) is Verdict.STABLE
    assert of.judge(no_longer) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{tag}", "must have {variant} once"),
        ("{variant}{variant}", "must have {variant} once"),
        ("{variant}-{x}", "must have {variant} once, and may have {tag}"),
        ("-{variant}", "renders to no valid tag"),
    ],
)
def test_a_name_for_variants_that_means_nothing_is_refused(template: str, said: str) -> None:
    with pytest.raises(SchemeError) as caught:
        scheme(variants=VARIANTS, variant_latest=template)
    assert said in str(caught.value)
    assert caught.value.path == ("variant_latest",)


def test_the_bare_name_belongs_to_the_first_literal_and_a_later_one_cannot_have_it() -> None:
    of = scheme(stable=(*following("latest"), StableTag("alpine")), variants=VARIANTS)
    assert lines_of(of, "1.4.2-alpine") == ["alpine"]
    other = scheme(stable=(StableTag("alpine"), *following("latest")), variants=VARIANTS)
    assert lines_of(other, "1.4.2-alpine") == []
    assert other.line("alpine") is None


def test_a_literal_that_follows_the_newest_is_not_the_first_that_follows_versions() -> None:
    of = scheme(stable=(StableTag("edge", "newest"), *following("latest")), variants=VARIANTS)
    assert lines_of(of, "1.4.2-alpine") == ["edge-alpine", "alpine"]


@pytest.mark.parametrize(
    ("limits", "inside", "outside"),
    [
        ({"within": "8"}, ["8.0.0", "8.9.1"], ["7.9.9", "80.0.0", "9.0.0", "0.8.0"]),
        ({"within": "8.1"}, ["8.1.0", "8.1.9"], ["8.10.0", "8.0.0", "8.2.0"]),
        ({"within": ["8", "10.2"]}, ["8.3.0", "10.2.1"], ["9.0.0", "10.3.0"]),
        ({"not_within": "9"}, ["8.9.0", "10.0.0", "90.0.0"], ["9.0.0", "9.9.9"]),
        ({"not_within": ["5.37", "5.39"]}, ["5.38.0", "5.36.9"], ["5.37.1", "5.39.0"]),
        ({"within": "8", "not_within": "8.1"}, ["8.0.0", "8.2.0"], ["8.1.5", "7.0.0"]),
    ],
)
def test_a_line_can_be_limited_to_versions_and_without_others(
    limits: dict[str, Any], inside: list[str], outside: list[str]
) -> None:
    of = Scheme.from_document(
        {
            "unique": ["semver"],
            "variants": ["alpine"],
            "stable": [{"tag": "latest", "follows": "highest", **limits}],
        }
    )
    for tag in inside:
        assert lines_of(of, tag) == ["latest"]
        assert lines_of(of, f"v{tag}-alpine") == ["alpine"]
    for tag in outside:
        assert lines_of(of, tag) == []
        assert lines_of(of, f"{tag}-alpine") == []


def test_limits_look_at_numbers_and_not_at_how_they_are_written() -> None:
    of = Scheme.from_document(
        {
            "unique": [{"version": {"parts": 2}}],
            "stable": [{"tag": "lts", "follows": "highest", "within": ["24.4", "022.4"]}],
        }
    )
    assert lines_of(of, "24.04") == lines_of(of, "24.4") == lines_of(of, "22.04") == ["lts"]
    assert lines_of(of, "24.10") == lines_of(of, "24.40") == []


@pytest.mark.parametrize("prefix", ["", "8.", "v8", "8.x", "8-alpine", ".8"])
def test_a_limit_that_is_no_beginning_of_a_version_is_refused(prefix: str) -> None:
    with pytest.raises(SchemeError) as caught:
        StableTag("latest", "highest", within=(prefix,))
    assert str(caught.value) == f'`{prefix}` is no beginning of a version; write "8" or "8.1".'


def test_the_whole_of_major_version_zero_is_a_line_only_where_the_rule_asks_for_it() -> None:
    asked = scheme(stable=(StableTag("{major}", "highest", within=("0",)),), variants=VARIANTS)
    assert lines_of(asked, "0.3.1") == ["0"]
    assert lines_of(asked, "0.3.1-alpine") == ["0-alpine"]
    assert lines_of(asked, "1.0.0") == []
    both = scheme(stable=(StableTag("{major}", "highest", within=("0", "1")),))
    assert lines_of(both, "0.3.1") == ["0"]
    assert lines_of(both, "1.0.0") == ["1"]
    assert lines_of(scheme(variants=VARIANTS), "0.3.1-alpine") == ["0.3-alpine", "alpine"]


def test_the_newest_is_of_any_kind_and_each_variant_has_its_own() -> None:
    of = scheme(
        unique=("semver", "sha", "build"),
        stable=(StableTag("edge", "newest"),),
        variants=VARIANTS,
    )
    for tag in ("1.4.2", "1.4.2-rc.1", "9f1c2ab", "build-7"):
        assert lines_of(of, tag) == ["edge"]
    assert lines_of(of, "1.4.2-alpine") == ["edge-alpine"]


def test_the_newest_within_versions_leaves_what_has_none_out() -> None:
    of = scheme(unique=("semver", "sha"), stable=(StableTag("edge", "newest", within=("8",)),))
    assert lines_of(of, "8.0.0-rc.1") == ["edge"]
    assert lines_of(of, "7.0.0") == lines_of(of, "9f1c2ab") == []
    other = scheme(
        unique=("semver", "sha"), stable=(StableTag("edge", "newest", not_within=("7",)),)
    )
    assert lines_of(other, "9f1c2ab") == ["edge"]
    assert lines_of(other, "7.0.0") == []


def test_a_template_can_follow_the_newest_of_each_line() -> None:
    of = scheme(stable=(StableTag("{major}-edge", "newest"),), unique=("semver", "sha"))
    assert lines_of(of, "1.4.2-rc.1") == ["1-edge"]
    assert lines_of(of, "9f1c2ab") == []


@pytest.mark.parametrize(
    ("unique", "tag", "numbers"),
    [
        (["semver", {"version": {"parts": 3}}], "1.4.2-rc.01", ("1", "4", "2")),
        (["semver"], "1.4.2-rc.01", None),
        ([{"pattern": r"(?P<version>\d+)\.\d+\.\d+"}, "semver"], "7.4.2", ("7",)),
        (["semver", {"pattern": r"(?P<version>\d+)\.\d+\.\d+"}], "7.4.2", ("7", "4", "2")),
        ([{"version": {"parts": 1}}, "build"], "1187", ("1187",)),
        (["build", {"version": {"parts": 1}}], "1187", ()),
        (["timestamp", {"version": {"parts": 1}}], "20261123", ("2026", "11", "23")),
        ([{"version": {"parts": 1}}, "timestamp"], "20261123", ("20261123",)),
        (["sha", "build"], "1234567", ()),
        (["sha"], "1234567", ()),
        (["sha"], "123456a", ()),
        ([{"version": {"parts": 3}}, "semver"], "01.4.2", ("01", "4", "2")),
    ],
)
def test_where_a_tag_fits_several_kinds_the_first_decides(
    unique: list[Any], tag: str, numbers: tuple[str, ...] | None
) -> None:
    """`numbers` are None for a tag of no kind, and empty for one without a version."""
    read = Scheme.from_document({"unique": unique}).read_unique(tag)
    if numbers is None:
        assert read is None
    else:
        assert read is not None
        assert (read.version.written if read.version else ()) == numbers


def test_two_part_versions_have_no_line_that_is_named_like_one_of_them() -> None:
    of = scheme(unique=({"version": {"parts": 2}},), variants=("alpine",))
    assert lines_of(of, "16.4") == ["16", "latest"]
    assert lines_of(of, "16.4-alpine") == ["16-alpine", "alpine"]
    assert of.judge("16.4") is Verdict.UNIQUE


def test_versions_of_one_and_of_three_parts_have_the_lines_that_their_numbers_allow() -> None:
    of = scheme(unique=({"version": {"parts": [1, 3]}},))
    assert lines_of(of, "17") == ["latest"]
    assert lines_of(of, "17.1.2") == ["17.1", "latest"]
    four = scheme(unique=({"version": {"parts": 4}},), stable=following("{major}.{minor}.{patch}"))
    assert lines_of(four, "1.2.3.4") == ["1.2.3"]


def test_leading_zeros_have_a_line_of_their_own_and_one_order() -> None:
    of = scheme(unique=({"version": {"parts": 3}},))
    assert lines_of(of, "24.04.1") == ["24.04", "24", "latest"]
    assert lines_of(of, "24.4.1") == ["24.4", "24", "latest"]
    line = of.line("24.04")
    assert line is not None
    assert not line.holds(unique_of(of, "24.4.1"))


@pytest.mark.parametrize("tag", ["1.4-alpine", "alpine", "next-alpine", "1.4-slim-x"])
def test_names_with_a_variant_are_unknown_where_no_variant_is_named(tag: str) -> None:
    assert scheme().judge(tag) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "tag", ["latest-alpine", "alpine-latest", "1.4.-alpine", "1.4-alpine-x", "-alpine", "slim-"]
)
def test_what_no_template_renders_for_a_variant_is_unknown(tag: str) -> None:
    of = scheme(variants=("alpine", "slim-x"))
    assert of.judge(tag) is Verdict.UNKNOWN


@pytest.mark.parametrize("suffix", ["", ".sig", ".att", ".sbom"])
def test_referrers_are_ignored_under_every_scheme(suffix: str) -> None:
    of = scheme(unique=("semver", {"pattern": ".+"}), stable=following("latest"), variants=("*",))
    tag = f"sha256-{HEX64}{suffix}"
    assert of.judge(tag) is Verdict.IGNORED
    assert of.read_unique(tag) is None
    assert of.line(tag) is None


def test_a_pin_is_recognised_before_everything_else() -> None:
    of = scheme(
        unique=("semver", "sha", {"pattern": ".+"}),
        pin="{digest}",
        ignore=("0*", "latest-*"),
        stable=(StableTag("edge", "newest"),),
    )
    for tag in ("0123456789ab", "latest-20261123T022400Z-0123456789ab"):
        assert of.judge(tag, DIGEST) is Verdict.PIN
        assert of.read_unique(tag, DIGEST) is None
    assert of.judge("0123456789abc", DIGEST) is Verdict.IGNORED
    assert of.judge("f123456789abc", DIGEST) is Verdict.UNIQUE


@pytest.mark.parametrize(
    ("unique", "tag", "verdict"),
    [
        ("sha", "sha-9f1c2ab3d4e5", Verdict.UNIQUE),
        ("sha", "main-9f1c2ab3d4e5", Verdict.UNKNOWN),
        ("semver", "1.5.0-20240102T120000Z-abcdef123457", Verdict.UNIQUE),
        ("semver", "latest-20240102T120000Z-abcdef123457", Verdict.UNKNOWN),
    ],
)
def test_a_pin_is_one_of_the_image_that_carries_it_alone(
    unique: str, tag: str, verdict: Verdict
) -> None:
    of = scheme(unique=(unique,), pin="{tag}-{digest}")
    assert of.judge(tag, DIGEST) is verdict
    assert of.judge(tag) is verdict
    assert of.judge(tag, f"sha256:{tag[-12:]}{HEX64[:52]}") is Verdict.PIN


def test_pins_of_the_default_template_stay_pins_under_a_template_of_ones_own() -> None:
    of = scheme(pin="pin-{digest}")
    assert of.judge("pin-0123456789ab", DIGEST) is Verdict.PIN
    assert of.judge("1.4-20261123T022400Z-0123456789ab", DIGEST) is Verdict.PIN


def test_a_name_that_would_be_longer_than_a_tag_may_be_is_skipped() -> None:
    variant = "a" * 122
    of = scheme(stable=following("latest", "next", "nightly", "{major}"), variants=("a*",))
    tag = f"1.4.2-{variant}"
    assert len(tag) == 128
    assert lines_of(of, tag) == [variant, f"next-{variant}", f"1-{variant}"]


def test_a_pin_template_at_fault_is_refused_with_the_path_that_leads_to_it() -> None:
    with pytest.raises(SchemeError) as caught:
        Scheme.from_document({"unique": ["semver"], "pin": "{tag}"})
    assert caught.value.path == ("pin",)


@pytest.mark.parametrize(
    ("stable", "words"),
    [
        (StableTag("{major}.{minor}", "highest"), "1.4.*-alpine"),
        (StableTag("{major}", "highest", within=("1",)), "1.*-alpine within 1"),
        (
            StableTag("latest", "highest", within=("1.4", "2")),
            "all releases of `alpine` within 1.4, 2",
        ),
        (StableTag("next", "highest", prereleases=True), "all versions of `alpine`"),
        (StableTag("edge", "newest"), "all `alpine` images"),
    ],
)
def test_a_line_of_a_variant_reads_as_the_versions_it_holds(stable: StableTag, words: str) -> None:
    of = scheme(stable=(stable,), variants=("alpine",))
    assert [str(line) for line in of.lines(unique_of(of, "1.4.2-alpine"))] == [words]


def test_a_line_holds_the_versions_of_its_own_variant_alone() -> None:
    of = scheme(variants=("alpine", "slim-*"))
    for name, tag in (("1.4", "1.4.2"), ("1.4-alpine", "1.4.2-alpine"), ("slim-x", "1.4.2-slim-x")):
        line = of.line(name)
        assert line is not None
        held = [
            each
            for each in ("1.4.2", "1.4.2-alpine", "1.4.2-slim-x", "1.4.2-slim-y")
            if line.holds(unique_of(of, each))
        ]
        assert held == [tag]
