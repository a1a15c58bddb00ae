"""Registries in the style of the Docker Official Images, and of applications, as they are when all
is right: each line an image or several, as `names | variant, variant`.

Of `8.4.0 8.4 latest | =trixie, alpine3.22 alpine` the first image is named `8.4.0`, `8.4`, `latest`
and, since `=`, `8.4.0-trixie`, `8.4-trixie`, `trixie`; the second `8.4.0-alpine3.22`,
`8.4.0-alpine`, and so on. The first line is the newest. `python -m tests.support.registries` writes
the golden files again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ecr_steward.rules import Ruleset
from ecr_steward.tags.look import concern_all
from ecr_steward.tags.plan import TagChange, plan_changes
from ecr_steward.tags.state import Image, Observed
from ecr_steward.words.causes import Cause
from ecr_steward.words.hints import Action, Hint
from ecr_steward_cli.rules_file.first import suggested, written
from ecr_steward_cli.rules_file.shown_scheme import SeenRepository
from tests.support.world import image

_NOW = datetime(2026, 11, 28, tzinfo=UTC)
GOLDEN = Path(__file__).with_name("first_rules")

OFFICIAL = {
    "redis": """
        8.4.0 8.4 8 latest | =trixie, alpine3.22 alpine
        8.2.3 8.2 | =bookworm, alpine3.22 alpine
        8.0.5 8.0 | =bookworm, alpine3.21 alpine
        7.4.7 7.4 7 | =bookworm, alpine3.21 alpine
        7.2.12 7.2 | =bookworm, alpine3.21 alpine
        6.2.21 6.2 6 | =bookworm, alpine3.21 alpine
    """,
    "mariadb": """
        12.1.2 12.1 12 latest | =noble, ubi10 ubi
        11.8.5 11.8 11 lts | =noble, ubi9 ubi
        11.4.9 11.4 | =noble, ubi9 ubi
        10.11.15 10.11 10 | =jammy, ubi9 ubi
        10.6.24 10.6 | =jammy, ubi9 ubi
    """,
    "mongo": """
        8.2.2 8.2 8 latest | =noble, windowsservercore-ltsc2025 windowsservercore, nanoserver
        8.0.16 8.0 | =noble, windowsservercore-ltsc2025 windowsservercore, nanoserver
        7.0.26 7.0 7 | =jammy, windowsservercore-ltsc2022 windowsservercore, nanoserver
    """,
    "debian": """
        trixie trixie-20251117 13.2 13 latest
        trixie-slim trixie-20251117-slim 13.2-slim 13-slim
        trixie-20251103
        trixie-20251103-slim
        bookworm bookworm-20251117 12.12 12
        bookworm-slim bookworm-20251117-slim 12.12-slim 12-slim
        sid sid-20251117
        stable stable-20251117
        stable-slim stable-20251117-slim
    """,
    "ubuntu": """
        25.10 questing-20251029 questing rolling
        24.04 noble-20251013 noble latest
        noble-20250925
        22.04 jammy-20251013 jammy
    """,
    "alpine": """
        3.22.2 3.22 3 latest
        3.21.5 3.21
        3.20.8 3.20
        20250108 edge
        20240923
    """,
    "python": """
        3.15.0a2 3.15-rc | =trixie, slim-trixie slim, alpine3.22 alpine
        3.14.0 3.14 3 latest | =trixie, slim-trixie slim, bookworm, slim-bookworm, alpine3.22 alpine
        3.13.9 3.13 | =trixie, slim-trixie slim, bookworm, slim-bookworm, alpine3.22 alpine
        3.12.12 3.12 | =trixie, slim-trixie slim, bookworm, slim-bookworm, alpine3.22 alpine
    """,
    "node": """
        25.2.1 25.2 25 latest current | bookworm, bookworm-slim slim, alpine3.22 alpine
        24.11.1 24.11 24 krypton lts | bookworm, bookworm-slim slim, bullseye, alpine3.22 alpine
        22.21.1 22.21 22 jod | bookworm, bookworm-slim slim, bullseye, alpine3.22 alpine
    """,
    "golang": """
        tip-20251122 tip | =trixie, alpine3.22 alpine
        1.25.4 1.25 1 latest | =trixie, bookworm, alpine3.22 alpine, alpine3.21
        1.24.10 1.24 | =trixie, bookworm, alpine3.22 alpine, alpine3.21
    """,
    "postgres": """
        18.1 18 latest | =trixie, bookworm, alpine3.22 alpine
        17.7 17 | =trixie, bookworm, alpine3.22 alpine
        16.11 16 | =trixie, bookworm, alpine3.22 alpine
    """,
    "mysql": """
        9.5.0 9.5 9 innovation latest | =oraclelinux9 oracle
        8.4.7 8.4 8 lts | =oraclelinux9 oracle
        8.0.44 8.0 | =oraclelinux9 oracle, bookworm debian
    """,
    "nginx": """
        1.29.3 1.29 1 mainline latest | =trixie, perl, alpine3.22 alpine, alpine-slim
        1.28.0 1.28 stable | =bookworm, perl, alpine3.21 alpine, alpine-slim
    """,
    "httpd": "2.4.65 2.4 2 latest | =trixie, alpine3.22 alpine",
    "php": """
        8.5.0 8.5 8 latest | cli cli-trixie trixie, apache apache-trixie, fpm fpm-trixie, fpm-alpine
        8.4.15 8.4 | cli cli-trixie trixie, apache apache-trixie, fpm fpm-trixie, fpm-alpine
        8.3.28 8.3 | cli cli-trixie trixie, apache apache-trixie, fpm fpm-trixie, fpm-alpine
    """,
    "ruby": """
        3.5.0-preview1 3.5-rc | =trixie, slim
        3.4.7 3.4 3 latest | =trixie, slim, bookworm, alpine3.22 alpine
        3.3.10 3.3 | =trixie, slim, bookworm, alpine3.22 alpine
    """,
    "rabbitmq": """
        4.2.1 4.2 4 latest | management, alpine, management-alpine
        4.1.6 4.1 | management, alpine, management-alpine
        3.13.7 3.13 3 | management, alpine, management-alpine
    """,
    "memcached": "1.6.39 1.6 1 latest | =trixie, alpine3.22 alpine",
    "traefik": """
        v3.6.2 v3.6 v3 latest | windowsservercore-ltsc2022
        v2.11.31 v2.11 v2 | windowsservercore-ltsc2022
    """,
    "eclipse-temurin": """
        25.0.1_8-jdk 25-jdk 25 latest 25.0.1_8-jdk-noble 25-jdk-noble
        25.0.1_8-jre 25-jre 25.0.1_8-jre-noble 25-jre-noble
        25_36-jdk 25_36-jdk-noble
        25_36-jre 25_36-jre-noble
        21.0.9_10-jdk 21-jdk 21 21.0.9_10-jdk-noble 21-jdk-noble
        21.0.9_10-jre 21-jre 21.0.9_10-jre-noble 21-jre-noble
        8u472-b08-jdk 8-jdk 8 8u472-b08-jdk-noble 8-jdk-noble
        8u472-b08-jre 8-jre 8u472-b08-jre-noble 8-jre-noble
        8u462-b08-jdk 8u462-b08-jdk-noble
        8u462-b08-jre 8u462-b08-jre-noble
    """,
    "amazonlinux": """
        2023 latest 2023.9.20251117.1
        2023.9.20251105.0
        2 2.0.20251108.0
        2.0.20251027.1
    """,
}

"""Twenty conventions, as of November 2025."""

APPLICATIONS = {
    "by-commit": "9f3c2ab main prod\n1c0ffee staging\n7ab3d91\ne02f5c4",
    "by-sha": "sha-9f3c2ab latest\nsha-1c0ffee\nsha-7ab3d91",
    "by-branch": "main-9f3c2ab main\ndevelop-7ab3d91 develop\nmain-1c0ffee\nfix-login-02f5c41",
    "by-branch-and-build": "main-119-1c0ffee main\nmain-118-9f3c2ab\nrelease-7-7ab3d91 release",
    "by-build": "build-1189 latest\nbuild-1188 staging\nbuild-1187 prod",
    "by-number": "1189 latest\n1188\n1187",
    "by-day": "20241128 latest\n20241127\n20241126",
    "by-time": "20241128T0224Z nightly\n20241127T0224Z\n20241126T0224Z",
    "by-month": "2024.12.1 2024.12 latest\n2024.11.2 2024.11\n2024.11.1",
    "by-version-and-commit": "1.5.0-7ab3d91 1.5 latest\n1.4.3-1c0ffee 1.4\n1.4.2-9f3c2ab",
    "by-day-and-commit": "20241127-1c0ffee prod\n20241126-9f3c2ab",
    "by-component": "web-2.0.0 web-latest\napi-1.4.3 api-latest\napi-1.4.2",
}
"""Twelve applications, by commit, branch, build and date."""

VENDORS = {
    "letters": "r2026a-u2 r2026a latest\nr2026a-u1\nr2025b-u7 r2025b\nr2025b-u6",
    "rebuilt": "24.04-20261101 24.04 latest\n24.04-20261001\n22.04-20261003 22.04",
    "patched": "3.0.2b 3.0.2 3.0 latest\n3.0.2a\n1.1.1w 1.1.1 1.1\n1.1.1k",
    "prefixed": "release-43.1 release-43 latest\nrelease-43.0\nrelease-42.7 release-42",
    "named": "jdk-21.0.1 jdk-21.0 jdk-21 latest\njdk-17.0.10 jdk-17.0 jdk-17\njdk-17.0.9",
    "numbered": "1.4.3-build.47 1.4 latest\n1.4.2-build.46\n1.4.2-build.45",
    "long-term": "2026R2-sp3 latest\n2026R2-sp1\n2025R1-sp4\n2025R1-sp2",
}
"""Shapes that no kind knows."""


def seen(name: str, text: str) -> SeenRepository:
    """The repository that the lines describe."""
    lines = [line for line in text.splitlines() if line.strip()]
    tags = [each for line in reversed(lines) for each in _images(line)]
    return SeenRepository(
        name,
        tuple(
            Image(image(f"{name}:{each[0]}"), each, _NOW + timedelta(minutes=number))
            for number, each in enumerate(tags)
        ),
        with_digests=True,
    )


def _images(line: str) -> Iterator[tuple[str, ...]]:
    """The tags of each image of a line, the plain one first."""
    plain, _, variants = line.partition("|")
    names = plain.split()
    groups = [each.split() for each in variants.split(",") if each.strip()]
    same = [each for each in groups if each[0].startswith("=")]
    yield (*names, *(tag for each in same for tag in _of(names, each)))
    yield from (tuple(_of(names, each)) for each in groups if each not in same)


def _of(names: list[str], variants: list[str]) -> Iterator[str]:
    for variant in (each.removeprefix("=") for each in variants):
        yield from (variant if name == "latest" else f"{name}-{variant}" for name in names)


def planned(rules: Ruleset, repository: SeenRepository) -> list[TagChange]:
    """What `plan` would do with the tags of a repository; nothing where no rule has any."""
    rule = rules.rule_for(repository.name)
    if rule is None or rule.tags is None:
        return []
    sweep = Hint(repository.name, Action.SWEEP, None, None, Cause("1", "Plan"), _NOW)
    about = concern_all(rule.tags, repository.images, (), sweep)
    images = {each.digest: each for each in repository.images}
    return [*plan_changes(rule.tags, about, Observed(images, {}, {})).changes]


def golden() -> dict[Path, str]:
    """The rules for each of these registries, were it the only one, and those for all in one."""
    every = [seen(name, text) for name, text in {**OFFICIAL, **APPLICATIONS, **VENDORS}.items()]
    alone = "\n\n".join(rule.text for each in every for rule in suggested([each])[0])
    return {
        GOLDEN / "alone.yaml": f"rules:\n{alone}\n",
        GOLDEN / "together.yaml": written(every, "a test"),
    }


if __name__ == "__main__":
    for file, rules in golden().items():
        file.write_text(rules, encoding="utf-8")
