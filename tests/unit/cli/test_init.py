"""A first rules file from what a registry shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.state import Image
from ecr_steward_cli.commands.init import of_file
from ecr_steward_cli.given.pushes import read
from ecr_steward_cli.in_memory.simulation import Simulation
from ecr_steward_cli.main import main
from ecr_steward_cli.rules_file.first import globs, written
from ecr_steward_cli.rules_file.load import inspect_text, loads
from ecr_steward_cli.rules_file.proposed import scheme_of
from ecr_steward_cli.rules_file.shown_scheme import SeenRepository, fit
from tests.support.world import image, manifest
from tests.unit.cli.stack_fakes import Deployed

NOW = datetime(2026, 11, 28, tzinfo=UTC)
COMMITS = "9f3c2ab 1c0ffee 7ab3d91 e02f5c4"
MINOR, MAJOR = "{major}.{minor}", "{major}"

# In the style of the Docker Official Images: the tags, and what must be found.
OFFICIAL: dict[str, tuple[str, list[Any], list[str]]] = {
    "python": (
        ("3.12.8 3.12.7 3.13.1 3.12 3.13 3 latest 3.13.1-slim-bookworm 3.12.8-slim-bookworm "
        "3.13-slim slim 3.13.1-alpine3.20 3.13.1-alpine3.21 3.12.8-alpine3.20 alpine 3.13-alpine "
        "3.14.0-rc.1 bookworm 3.13.1-bookworm 3.12.8-bookworm 3.15.0rc1 3.15.0b4-slim 3.15-rc "
        "3.15-rc-slim 3.13.1-windowsservercore-1809 3.13-windowsservercore-1809 "
        "windowsservercore-1809 windowsservercore"),
        ["semver", "pattern"], [MINOR, MAJOR, f"{MINOR}-rc", "latest"],
    ),
    "node": (
        ("22.12.0 20.18.1 22.11.0 22.12 20.18 22 20 latest 22.12.0-alpine 20.18.1-alpine 22-alpine "
        "22.12.0-bookworm-slim 20.18.1-bookworm-slim 22-slim lts jod "
        "lts-alpine current-slim current"),
        ["semver"], [MINOR, MAJOR, "latest", "lts", "current"],
    ),
    "redis": (
        ("7.4.1 7.2.6 7.4 7.2 7 latest 7.4.1-alpine3.20 7.2.6-alpine3.20 7.4-alpine alpine "
        "7.4.1-bookworm 7.2.6-bookworm bookworm 8.0-rc.1 8.10-rc2-alpine 8.0-M01"),
        ["semver", "pattern"], [MINOR, MAJOR, "latest"],
    ),
    "nginx": (
        ("1.27.3 1.26.2 1.27 1.26 1 latest mainline stable 1.27.3-alpine 1.26.2-alpine "
        "1.27.3-alpine-slim 1.26.2-alpine-slim stable-alpine 1.27.3-perl 1.26.2-perl "
        "1.27.3-alpine3.20-perl 1.26.2-alpine3.19-otel 1.27-alpine3.20-slim "
        "mainline-alpine3.20-perl 1.27.3-bookworm 1.27.3-bookworm-perl "
        "1.26.2-bookworm-otel bookworm 1.27.3-otel otel"),
        ["semver"], [MINOR, MAJOR, "latest", "mainline", "stable"],
    ),
    "golang": (
        ("1.23.4 1.22.10 1.23 1.22 1 latest 1.23.4-alpine3.21 1.23.4-alpine3.20 1.22.10-alpine3.21 "
        "alpine 1.23.4-bookworm 1.22.10-bookworm 1.24.0-rc.1 1.27rc3 1.27rc3-alpine3.21 1.27-rc "
        "tip-20260815-bookworm tip-20260815 tip-bookworm tip"),
        ["semver", "pattern", "pattern"], ["latest", MINOR, MAJOR, f"{MINOR}-rc", "{name}"],
    ),
    "alpine": ("3.21.0 3.20.3 3.20.2 3.21 3.20 3 latest edge 20240923 20240807",
               ["semver", "timestamp"], [MINOR, MAJOR, "latest"]),
    "postgres": (
        ("17.2 17.1 16.6 17 16 latest 17.2-alpine 16.6-alpine 17-alpine alpine 17.2-bookworm "
        "16.6-bookworm 17-bookworm"),
        [{"version": {"parts": 2}}], [MAJOR, "latest"],
    ),
    "mysql": (("9.1.0 8.4.3 8.0.40 9.1 8.4 8.0 9 8 latest lts innovation 9.1.0-oraclelinux9 "
              "8.4.3-oraclelinux9 8.0.40-oraclelinux9"),
              ["semver"], [MINOR, MAJOR, "latest"]),
    "mariadb": ("11.6.2 11.4.4 10.11.10 11.6 11.4 10.11 11 10 latest lts 11.6.2-noble 11.4.4-noble",
                ["semver"], [MINOR, MAJOR, "latest"]),
    "mongo": ("8.0.4 7.0.16 8.0 7.0 8 7 latest 8.0.4-noble 7.0.16-jammy 8.0.3-noble 7.0.15-jammy",
              ["semver"], [MINOR, MAJOR, "latest"]),
    "ubuntu": (("jammy-20241126 jammy-20241009 noble-20241118 jammy noble 22.04 24.04 "
               "latest rolling devel"),
               ["pattern"], ["{name}"]),
    "debian": (("bookworm-20241202 bookworm-20241111 bookworm bullseye-20241202 bullseye "
               "bookworm-20241202-slim bookworm-slim latest stable"),
               ["pattern"], ["{name}"]),
    "amazonlinux": ("2023.6.20241121.0 2023.6.20241111.0 2023.6.20241031.0 2023 latest",
                    [{"version": {"parts": 4}}], [MAJOR, "latest"]),
    "httpd": ("2.4.62 2.4.61 2.4 2 latest 2.4.62-alpine3.20 2.4.61-alpine3.20 alpine",
              ["semver"], [MINOR, MAJOR, "latest"]),
    "php": (("8.4.1-cli 8.3.14-cli 8.4.1-fpm-alpine 8.3.14-fpm-alpine 8.4.1 8.3.14 8.4 8 latest "
            "8.4-fpm fpm cli apache 8.4.1-apache 8.3.14-apache 8.5.10RC1-fpm 8.6.0beta1"),
            ["semver", "pattern"], [MINOR, MAJOR, "latest"]),
    "ruby": ("3.3.6 3.2.6 3.3 3.2 3 latest 3.3.6-slim-bookworm 3.2.6-slim-bookworm slim 3.4.0-rc1",
             ["semver"], [MINOR, MAJOR, "latest"]),
    "rabbitmq": (("4.0.4 3.13.7 4.0 3.13 4 3 latest 4.0.4-management 3.13.7-management management "
                 "4.0.4-management-alpine 3.13.7-management-alpine"),
                 ["semver"], [MINOR, MAJOR, "latest"]),
    "memcached": ("1.6.33 1.6.32 1.6 1 latest 1.6.33-alpine 1.6.32-alpine alpine",
                  ["semver"], [MINOR, MAJOR, "latest"]),
    "traefik": (("v3.2.1 v3.2.0 v2.11.14 v3.2 v2.11 v3 v2 latest v3.2.1-windowsservercore-ltsc2022 "
                "v3.2.0-windowsservercore-ltsc2022"),
                ["semver"], ["v{major}.{minor}", "v{major}", "latest"]),
    "eclipse-temurin": ("21.0.5_11-jdk 21.0.4_7-jdk 17.0.13_11-jdk 21 17 latest 21-jdk 17-jdk",
                        ["semver"], [MAJOR, "latest"]),
}  # fmt: skip

# Applications by commit, branch, build and date.
APPLICATIONS: dict[str, tuple[str, list[Any], list[str]]] = {
    "commit": (f"{COMMITS} main prod", ["sha"], ["main", "prod"]),
    "sha-commit": ("sha-9f3c2ab sha-1c0ffee latest", ["sha"], ["latest"]),
    "branch-commit": ("main-9f3c2ab main-1c0ffee develop-7ab3d91 main develop",
                      ["pattern"], ["{branch}"]),
    "branch-build-commit": ("main-118-9f3c2ab main-119-1c0ffee release-7-7ab3d91 main release",
                            ["pattern"], ["{branch}"]),
    "build": ("build-1187 build-1188 build-1189 latest", ["build"], ["latest"]),
    "number": ("1187 1188 1189 latest staging", ["build"], ["latest", "staging"]),
    "date": ("20241126 20241127 20241128 latest", ["timestamp"], ["latest"]),
    "time": ("20241126T0224Z 20241127T0224Z nightly", ["timestamp"], ["nightly"]),
    "calver": ("2024.11.1 2024.11.2 2024.12.1 2024.11 2024.12 latest", ["semver"],
               [MINOR, "latest"]),
    "version-commit": ("1.4.2-9f3c2ab 1.4.3-1c0ffee 1.5.0-7ab3d91 1.4 1.5 latest",
                       ["pattern", "semver"], [MINOR, "latest"]),
    "date-commit": ("20241126-9f3c2ab 20241127-1c0ffee prod", ["pattern"], ["prod"]),
    "branch-date-commit": ("main-20241126-9f3c2ab main-20241127-1c0ffee main",
                           ["pattern"], ["{name}"]),
    "component": ("api-1.4.2 api-1.4.3 web-2.0.0 api-latest web-latest",
                  ["pattern"], ["{component}-latest"]),
    "pull-requests": (f"{COMMITS} pr-7 pr-8 buildcache-main main", ["sha"], ["main"]),
}  # fmt: skip
EVERY = {**OFFICIAL, **APPLICATIONS}


def repository(name: str, tags: str) -> SeenRepository:
    (found,) = of_file("tags", [f"apps/{name}:{tag}\n" for tag in tags.split()], None)
    return found


@pytest.mark.parametrize("name", EVERY)
def test_the_scheme_of_every_convention_is_found(name: str) -> None:
    tags, unique, stable = EVERY[name]
    made = scheme_of(repository(name, tags))
    assert made is not None
    kinds = [next(iter(u)) if isinstance(u, dict) and isinstance(k, str) else u
             for u, k in zip(made["unique"], unique, strict=True)]  # fmt: skip
    assert kinds == unique
    assert {each["tag"] for each in made["stable"]} >= set(stable)
    assert fit(made, tags.split()).share >= 90, fit(made, tags.split()).unknown


@pytest.mark.parametrize("name", EVERY)
def test_what_is_written_passes_check_without_warnings(name: str) -> None:
    text = written([repository(name, EVERY[name][0])], "a test")
    loaded = inspect_text(text, "rules.yaml")
    assert loaded.warnings == ()
    assert {rule.mode.value for rule in loaded.ruleset.rules} == {"audit"}


def test_all_of_them_make_one_file_without_warnings() -> None:
    every = [repository(name, tags) for name, (tags, _, _) in EVERY.items()]
    loaded = inspect_text(written(every, "a test"), "rules.yaml")
    assert loaded.warnings == ()
    for each in every:
        rule = loaded.ruleset.rule_for(each.name)
        assert rule is not None
        assert rule.tags is not None, each.name


@pytest.mark.parametrize(
    ("names", "others", "wide"),
    [
        (["a/x", "b/y"], [], ["*"]),
        (["base/x", "base/y"], ["apps/z"], ["base/*"]),
        (["team/a/x", "team/a/y", "team/b"], ["team/c"], ["team/a/*", "team/b"]),
        (["base"], ["base/x"], ["base"]),
        (["base/x"], ["apps/x"], ["base/x"]),
    ],
)
def test_globs_are_as_wide_as_they_are_true(
    names: list[str], others: list[str], wide: list[str]
) -> None:
    assert globs(names, others) == wide


def seen(name: str, *images: tuple[str, ...]) -> SeenRepository:
    """A repository with images of these tags, each pushed a minute after the one before."""
    return SeenRepository(
        name,
        tuple(
            Image(image(tags[0]), tags, NOW + timedelta(minutes=n)) for n, tags in enumerate(images)
        ),
        with_digests=True,
    )


def run(*arguments: str, text: str = "", deployed: Deployed | None = None) -> Result:
    obj = None if deployed is None else deployed.outside
    return CliRunner().invoke(main, ["init", *arguments], input=text, obj=obj)


def shown(*tags: str) -> str:
    return run("-", text="".join(f"a/b:{tag}\n" for tag in tags)).stdout


def test_where_variants_have_bare_names_latest_is_what_they_are_the_variants_of() -> None:
    variant = ("1.0.1-alpine", "1.0.2-alpine", "1.1.0-alpine", "1.0-alpine", "1.1-alpine")
    plain = ("1.0.1", "1.0.2", "1.1.0", "1.0", "1.1")
    assert "- {tag: latest}" in shown("alpine", *variant, *plain)
    assert "latest" not in shown(*variant, *plain)


def test_what_does_not_fit_is_named() -> None:
    said = run("-", text="".join(f"a/b:{t}\n" for t in ("1.0.0", "1.1.0", "x_y", "1.0"))).stdout
    assert "# 1 repository: a/b; 75 % of 4 tags fit.\n  # These do not: x_y.\n" in said


@pytest.mark.parametrize(
    ("name", "tag", "lines"),
    [
        ("version-commit", "1.5.0-7ab3d91", ["1.5", "latest"]),
        ("branch-date-commit", "main-20241127-1c0ffee", ["main"]),
        ("golang", "1.23.4-alpine3.21", ["alpine3.21", "1.23-alpine3.21", "1-alpine3.21"]),
        ("debian", "bookworm-20241202-slim", ["bookworm-slim"]),
    ],
)
def test_the_stable_tags_follow_what_is_pushed(name: str, tag: str, lines: list[str]) -> None:
    made = scheme_of(repository(name, EVERY[name][0]))
    assert made is not None
    scheme = Scheme.from_document(made)
    unique = scheme.read_unique(tag)
    assert unique is not None
    assert [line.tag for line in scheme.lines(unique)] == lines


def test_beside_versions_a_date_makes_no_line_of_its_own() -> None:
    """As a version it would be the highest of all, and `20260815` a stable tag."""
    made = scheme_of(repository("golang", EVERY["golang"][0]))
    assert made is not None
    scheme = Scheme.from_document(made)
    tip = scheme.read_unique("tip-20260815")
    assert tip is not None
    assert [line.tag for line in scheme.lines(tip)] == ["tip"]
    assert {each["tag"]: each for each in made["stable"]}["{name}"]["follows"] == "newest"


def test_what_most_repositories_of_a_rule_show_is_the_rule_and_the_others_are_named() -> None:
    right = (("1.4.2", "1.4", "latest"), ("1.4.2-alpine", "alpine"))
    late = (("1.4.1", "1.4", "latest"), ("1.4.2",))
    text = written(
        [seen("base/a", *right), seen("base/b", *right), seen("base/c", *late)], "a test"
    )
    assert "{tag: latest, follows: highest}" in text
    moved = "base/c:1.4, base/c:latest"
    assert f"# Not where this rule has them, so that `plan` moves: {moved}.\n" in text
    assert "100 % of 14 tags fit" in text


def test_what_the_aws_cli_prints_is_read_too() -> None:
    images = [{"repositoryName": "a/b", "imageTags": ["1.0.0", "latest"], "imagePushedAt": 1.0,
               "imageDigest": image("1")}]  # fmt: skip
    said = run("-", text=json.dumps({"imageDetails": images}, indent=1)).stdout
    assert "unique: [semver]" in said
    assert "{tag: latest, follows: highest}" in said


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "rules.yaml"
    out.write_text("mine")
    result = run("-", "--out", str(out), text="a/b:1.0.0\n")
    assert (result.exit_code, out.read_text()) == (2, "mine")
    assert result.stderr.startswith(f"{out} exists: ")


def test_a_line_that_is_no_tag_is_one_sentence() -> None:
    result = run("-", text="a/b:1.0.0\nA/B\n")
    assert (result.exit_code, result.stderr) == (2, "-:2: `A/B` is not REPOSITORY:TAG.\n")


@pytest.fixture
def live() -> Deployed:
    """A registry in which `latest` is where it belongs, and `stable` is held back by hand."""
    made = Deployed()
    made.ecr.create_repository(repositoryName="base/redis")
    for tags in (("1.4.1", "stable"), ("1.4.2", "1.4", "latest")):
        made.now += timedelta(minutes=1)
        for tag in tags:
            made.ecr.put_image(
                repositoryName="base/redis", imageManifest=manifest(tags[0]), imageTag=tag
            )
    return made


def test_a_live_registry_is_read_and_what_somebody_else_moves_follows_nothing(
    live: Deployed, tmp_path: Path
) -> None:
    out = tmp_path / "rules.yaml"
    result = run("--out", str(out), deployed=live)
    assert (result.exit_code, result.stderr) == (0, "")
    text = out.read_text()
    assert "{tag: latest, follows: highest}" in text
    assert "{tag: stable}" in text
    assert "123456789012, eu-west-1." in text


def test_the_rules_are_quiet_about_what_is_right_already(live: Deployed) -> None:
    rules = loads(run(deployed=live).stdout, "rules.yaml")
    simulation = Simulation(rules)
    listed = live.ecr.describe_images(repositoryName="base/redis")["imageDetails"]
    text = json.dumps({"imageDetails": listed}, default=str, indent=1)
    result = simulation.run(read([text], rules))
    assert result.tags["base/redis"] == live.ecr.tags("base/redis")
