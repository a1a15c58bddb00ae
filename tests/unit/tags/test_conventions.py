"""Known conventions come out right: each test names where its convention is written down."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import World, image, ruleset


class Played(World):
    """A world that knows the first tag that each image was pushed under."""

    def __init__(self, tags: dict[str, Any]) -> None:
        super().__init__(ruleset({"repositories": ["base/*"], "mode": "enforce", "tags": tags}))
        self.first: dict[str, str] = {}


def play(tags: dict[str, Any], *pushes: tuple[str, str]) -> Played:
    """Push unique tags under `tags:`, each as (tag, image), and let the steward settle."""
    world = Played(tags)
    for tag, name in pushes:
        world.first.setdefault(world.push(tag, name), tag)
        world.settle()
    return world


def aliases(world: Played) -> dict[str, list[str]]:
    """The tags of each image in alphabetical order, by the first it was pushed under."""
    found: dict[str, list[str]] = {}
    for tag, digest in world.tags().items():
        found.setdefault(world.first[digest], []).append(tag)
    return {first: sorted(tags) for first, tags in found.items()}


ROLLUP = [
    {"tag": "{major}.{minor}", "follows": "highest"},
    {"tag": "{major}", "follows": "highest"},
    {"tag": "latest", "follows": "highest"},
]

# docker-library/official-images, library/redis at 03199a3: the Tags lines of 7.0 and 6.2, and of
# the candidate 7.2-rc3, whose aliases are of its own kind.
REDIS = {
    "7.0.12": "7.0.12, 7.0, 7, latest, 7.0.12-bookworm, 7.0-bookworm, 7-bookworm, bookworm",
    "7.0.12-alpine": "7.0.12-alpine, 7.0-alpine, 7-alpine, alpine, 7.0.12-alpine3.18, "
    "7.0-alpine3.18, 7-alpine3.18, alpine3.18",
    "6.2.13": "6.2.13, 6.2, 6, 6.2.13-bookworm, 6.2-bookworm, 6-bookworm",
    "6.2.13-alpine": "6.2.13-alpine, 6.2-alpine, 6-alpine, 6.2.13-alpine3.18, 6.2-alpine3.18, "
    "6-alpine3.18",
}


@pytest.mark.parametrize("oldest_first", [True, False])
def test_docker_official_images_redis_has_the_aliases_of_its_library_file(
    oldest_first: bool,
) -> None:
    """docker-library/official-images, library/redis."""
    pushes = [
        (tag, entry)
        for entry, line in sorted(REDIS.items(), reverse=not oldest_first)
        for tag in line.split(", ")
        if tag.split("-")[0].count(".") == 2
    ]
    world = play(
        {"unique": ["semver"], "variants": ["bookworm", "alpine", "alpine3.*"], "stable": ROLLUP},
        *pushes,
        ("7.2.0-rc3", "candidate"),
        ("7.2.0-rc3-alpine", "alpine candidate"),
    )
    candidates = {"7.2.0-rc3": ["7.2.0-rc3"], "7.2.0-rc3-alpine": ["7.2.0-rc3-alpine"]}
    expected = {entry: sorted(line.split(", ")) for entry, line in REDIS.items()}
    assert aliases(world) == {**expected, **candidates}


def test_docker_official_images_postgres_has_two_part_versions() -> None:
    """docker-library/official-images, library/postgres at 00e7c7a: `11.5, 11, latest`."""
    world = play(
        {
            "unique": [{"version": {"parts": 2}}],
            "variants": ["alpine"],
            "stable": ROLLUP,
        },
        ("11.5", "11"),
        ("11.5-alpine", "11 alpine"),
        ("10.10", "10"),
        ("10.10-alpine", "10 alpine"),
        ("10.9", "older"),
    )
    assert aliases(world) == {
        "11.5": ["11", "11.5", "latest"],
        "11.5-alpine": ["11-alpine", "11.5-alpine", "alpine"],
        "10.10": ["10", "10.10"],
        "10.10-alpine": ["10-alpine", "10.10-alpine"],
        "10.9": ["10.9"],
    }


def test_docker_official_images_candidates_have_a_channel_and_never_latest() -> None:
    """docker-library/official-images, README.md, "Tags and aliases"; library/postgres `12-beta3`,
    which `12` may follow where the rule lets it."""
    world = play(
        {
            "unique": [{"version": {"parts": [1, 2]}}],
            "variants": ["alpine"],
            "stable": [
                {"tag": "latest", "follows": "highest"},
                {"tag": "beta", "follows": "highest", "prereleases": True},
            ],
        },
        ("11.5", "release"),
        ("12-beta10", "candidate"),
        ("12-beta9", "older candidate"),
        ("12-beta3-alpine", "alpine candidate"),
    )
    assert aliases(world) == {
        "11.5": ["11.5", "latest"],
        "12-beta10": ["12-beta10", "beta"],
        "12-beta9": ["12-beta9"],
        "12-beta3-alpine": ["12-beta3-alpine", "beta-alpine"],
    }


def test_docker_official_images_share_tags_across_systems_by_leaving_the_variant_out() -> None:
    """docker-library/official-images, README.md, SharedTags: `3.9.1` is one index of the Linux and
    the Windows image, `3.9.1-bookworm` and `3.9.1-windowsservercore` are one of them each."""
    world = play(
        {
            "unique": ["semver"],
            "variants": ["bookworm", "windowsservercore*"],
            "stable": ROLLUP,
        },
        ("3.9.1-bookworm", "linux"),
        ("3.9.1-windowsservercore-ltsc2022", "windows"),
        ("3.9.1-windowsservercore", "windows"),
        ("3.9.1", "index of both"),
    )
    assert aliases(world)["3.9.1"] == ["3", "3.9", "3.9.1", "latest"]
    assert aliases(world)["3.9.1-bookworm"] == [
        "3-bookworm", "3.9-bookworm", "3.9.1-bookworm", "bookworm",
    ]  # fmt: skip
    assert {"windowsservercore", "windowsservercore-ltsc2022"} < set(
        aliases(world)["3.9.1-windowsservercore-ltsc2022"]
    )


def test_docker_official_images_keep_latest_on_a_chosen_line_and_skip_development_lines() -> None:
    """docker-library/official-images, library/amazoncorretto (`latest` is the LTS 8) and
    library/perl (odd minors are for development)."""
    world = play(
        {
            "unique": ["semver"],
            "stable": [{"tag": "latest", "follows": "highest", "within": "8"}],
        },
        ("8.0.1", "lts"),
        ("21.0.0", "new"),
    )
    assert world.tags()["latest"] == image("lts")
    world = play(
        {
            "unique": ["semver"],
            "stable": [
                {"tag": "{major}", "follows": "highest", "not_within": ["5.37", "5.39"]},
                {"tag": "devel", "follows": "highest"},
            ],
        },
        ("5.38.2", "release"),
        ("5.39.1", "development"),
    )
    assert world.tags()["5"] == image("release")
    assert world.tags()["devel"] == image("development")


@pytest.mark.parametrize(
    ("unique", "outputs", "others"),
    [
        # `type=semver` with {{version}}, {{major}}.{{minor}}, {{major}}, for v1.2.3.
        (["semver"], ["1.2.3", "1.2", "1", "latest"], []),
        # `type=semver` with {{raw}}.
        (["semver"], ["v1.2.3", "1.2", "1", "latest"], []),
        # `type=sha` beside it.
        (["semver", "sha"], ["1.2.3", "sha-860c190", "1.2", "1", "latest"], []),
        # `type=ref,event=pr` and `type=schedule,pattern=nightly` name no version.
        (["semver"], ["1.2.3", "1.2", "1", "latest"], ["pr-2", "nightly"]),
    ],
)
def test_metadata_action_and_the_steward_agree_on_one_release(
    unique: list[str], outputs: list[str], others: list[str]
) -> None:
    """docker/metadata-action, README.md, `type=semver`, `type=sha`: what one run pushes is where
    the steward would put it, so nothing moves."""
    tags = {"unique": unique, "stable": ROLLUP, "ignore": ["pr-*", "nightly"]}
    world = play(tags, *((tag, "build") for tag in [*outputs, *others]))
    assert world.tags() == dict.fromkeys([*outputs, *others], image("build"))
    assert world.calls(world.settle) == {}


def test_metadata_action_on_a_backport_is_put_right() -> None:
    """docker/metadata-action#80, #326, #407: `latest` goes back with every backport there."""
    tags = {"unique": ["semver"], "stable": ROLLUP}
    new = [(tag, "2.0.0") for tag in ("2.0.0", "2.0", "2", "latest")]
    backport = [(tag, "1.9.1") for tag in ("1.9.1", "1.9", "1", "latest")]
    world = play(tags, *new, *backport)
    assert aliases(world) == {
        "2.0.0": ["2", "2.0", "2.0.0", "latest"],
        "1.9.1": ["1", "1.9", "1.9.1"],
    }


def test_metadata_action_pre_releases_extend_the_version_only() -> None:
    """docker/metadata-action, README.md, `type=semver`: v2.0.8-beta.67 gives that version alone."""
    tags = {"unique": ["semver"], "stable": ROLLUP}
    world = play(tags, ("2.0.7", "release"), ("2.0.8-beta.67", "beta"))
    assert aliases(world) == {
        "2.0.7": ["2", "2.0", "2.0.7", "latest"],
        "2.0.8-beta.67": ["2.0.8-beta.67"],
    }


PEP440 = r"v?(?P<version>\d+\.\d+\.\d+)(?P<prerelease>(?:a|b|rc|\.dev)\d+)?"


def test_metadata_action_pep440_versions_are_read_by_a_pattern() -> None:
    """docker/metadata-action, README.md, `type=pep440`: 1.2.3rc2 gives 1.2.3rc2 alone; and
    __tests__/meta.test.ts, tag23: v1.1.1 gives v1.1.1, 1.1 and latest."""
    world = play(
        {
            "unique": [{"pattern": PEP440}],
            "stable": [*ROLLUP, {"tag": "pre", "follows": "highest", "prereleases": True}],
        },
        ("v1.1.1", "release"),
        ("1.2.3rc10", "candidate 10"),
        ("1.2.3rc9", "candidate 9"),
        ("1.2.3b11", "beta"),
        ("1.2.3.dev4", "development"),
    )
    assert aliases(world) == {
        "v1.1.1": ["1", "1.1", "latest", "v1.1.1"],
        "1.2.3rc10": ["1.2.3rc10", "pre"],
        "1.2.3rc9": ["1.2.3rc9"],
        "1.2.3b11": ["1.2.3b11"],
        "1.2.3.dev4": ["1.2.3.dev4"],
    }


@pytest.mark.parametrize(
    ("unique", "pushed", "ended"),
    [
        # pattern=\d.\d.\d and pattern=\d.\d of v1.2.3.
        (["semver"], ["1.2.3", "1.2", "latest"], {"1.2.3", "1.2", "1", "latest"}),
        # pattern=\d+ of 20200110-RC2: a day, which has an order and no numbers to render.
        (["timestamp"], ["20200110"], {"20200110", "latest"}),
        # pattern=.*-RC(.*) of 20200110-RC2 gives a bare number: a build's.
        (["build"], ["2"], {"2"}),
    ],
)
def test_metadata_action_matches_are_unique_tags_of_the_kind_they_look_like(
    unique: list[str], pushed: list[str], ended: set[str]
) -> None:
    """docker/metadata-action, README.md, `type=match`."""
    world = play({"unique": unique, "stable": ROLLUP}, *((tag, "build") for tag in pushed))
    assert set(world.tags()) == ended
    assert not [fact for fact in world.told() if fact.kind.value == "reject"]


def test_kubernetes_tags_have_a_leading_v_and_so_may_their_stable_tags() -> None:
    """kubernetes.io, "Version Skew Policy" and "Releases": v1.31.2, v1.32.0-alpha.3, patch releases
    of three minors at once."""
    world = play(
        {
            "unique": ["semver"],
            "stable": [
                {"tag": "v{major}.{minor}", "follows": "highest"},
                {"tag": "v{major}", "follows": "highest"},
            ],
        },
        ("v1.31.2", "31"),
        ("v1.32.0-alpha.3", "alpha"),
        ("v1.30.6", "30"),
        ("v1.29.10", "29.10"),
        ("v1.29.9", "29.9"),
    )
    assert aliases(world) == {
        "v1.31.2": ["v1", "v1.31", "v1.31.2"],
        "v1.32.0-alpha.3": ["v1.32.0-alpha.3"],
        "v1.30.6": ["v1.30", "v1.30.6"],
        "v1.29.10": ["v1.29", "v1.29.10"],
        "v1.29.9": ["v1.29.9"],
    }


def test_ubuntu_versions_are_years_and_months_with_leading_zeros() -> None:
    """calver.org, "Ubuntu": YY.0M; docker-library/official-images, library/ubuntu: `latest` is the
    latest LTS and `rolling` the latest release."""
    world = play(
        {
            "unique": [{"version": {"parts": [2, 3]}}],
            "stable": [
                {"tag": "latest", "follows": "highest", "within": ["22.04", "24.04"]},
                {"tag": "rolling", "follows": "highest"},
            ],
        },
        ("24.10", "oracular"),
        ("22.04", "jammy"),
        ("24.04.1", "noble.1"),
        ("24.04", "noble"),
    )
    assert aliases(world) == {
        "24.10": ["24.10", "rolling"],
        "22.04": ["22.04"],
        "24.04.1": ["24.04.1", "latest"],
        "24.04": ["24.04"],
    }


@pytest.mark.parametrize(
    "unique_tag", ["1.0.1", "9f1c2ab", "20261123T0224Z", "build-1187", "1187", "2026-11-23"]
)
def test_microsoft_says_deploy_unique_tags_and_build_on_stable_ones(unique_tag: str) -> None:
    """learn.microsoft.com, Azure Container Registry, "Recommendations for tagging and versioning
    container images": stable are `1`, `1.0`, `latest`; unique are a version, a time, a commit, a
    build. Stable tags go on being serviced while a unique tag never moves."""
    tags = {
        "unique": ["semver", "sha", "timestamp", "build"],
        "stable": [{"tag": "latest", "follows": "newest"}],
        "overwritten": "restore",
    }
    world = play(tags, (unique_tag, "first"), (unique_tag, "second"))
    assert world.tags()[unique_tag] == image("first")
    assert [tag for tag, digest in world.tags().items() if digest == image("second")]


def test_microsoft_moves_the_stable_tags_when_the_base_image_is_serviced() -> None:
    """learn.microsoft.com, as above: `1.0` and `1` go from 1.0.0 to 1.0.1; 1.0 stays serviced after
    1.1 and 2.0 are out."""
    tags = {"unique": ["semver"], "stable": ROLLUP[:2]}
    pushes = ["1.0.0", "1.1.0", "2.0.0", "1.0.1"]
    world = play(tags, *((tag, tag) for tag in pushes))
    assert aliases(world) == {
        "1.0.0": ["1.0.0"],
        "1.1.0": ["1", "1.1", "1.1.0"],
        "2.0.0": ["2", "2.0", "2.0.0"],
        "1.0.1": ["1.0", "1.0.1"],
    }


def test_helm_charts_have_an_underscore_where_their_version_has_a_plus() -> None:
    """helm.sh, "Use OCI-based registries": a `+` in a chart's version is `_` in its tag."""
    world = play(
        {
            "unique": ["semver"],
            "stable": [
                {"tag": "{major}", "follows": "highest"},
                {"tag": "next", "follows": "highest", "prereleases": True},
            ],
        },
        ("1.2.3_build.7", "release"),
        ("1.2.4-rc.10_git.9f1c2ab", "candidate 10"),
        ("1.2.4-rc.9_git.0000000", "candidate 9"),
        ("1.2.2_build.99", "older"),
    )
    assert aliases(world) == {
        "1.2.3_build.7": ["1", "1.2.3_build.7"],
        "1.2.4-rc.10_git.9f1c2ab": ["1.2.4-rc.10_git.9f1c2ab", "next"],
        "1.2.4-rc.9_git.0000000": ["1.2.4-rc.9_git.0000000"],
        "1.2.2_build.99": ["1.2.2_build.99"],
    }


def test_helm_charts_that_differ_in_build_metadata_without_numbers_are_twins() -> None:
    """semver.org, item 10: build metadata has no precedence; so the image pushed later leads."""
    tags = {"unique": ["semver"], "stable": [{"tag": "latest", "follows": "highest"}]}
    world = play(tags, ("1.2.3_a", "one"), ("1.2.3_g9f1c2ab", "other"), ("1.2.3_c", "one"))
    assert world.tags()["latest"] == image("other")
    assert [fact.tag for fact in world.told() if fact.kind.value == "reject"] == [
        "1.2.3_a",
        "1.2.3_c",
    ]


def test_charts_and_images_with_build_numbers_are_in_the_order_of_these() -> None:
    """adoptium.net, tags such as 17.0.9_9-jdk: here numbers break the tie, unlike in SemVer."""
    tags = {"unique": ["semver"], "stable": [{"tag": "latest", "follows": "highest"}]}
    world = play(tags, ("1.2.3_b9", "one"), ("1.2.3_b10", "other"), ("1.2.3_b1", "third"))
    assert world.tags()["latest"] == image("other")
    assert [fact for fact in world.told() if fact.kind.value == "reject"] == []
