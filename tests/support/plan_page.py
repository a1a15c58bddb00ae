"""A registry as a company has it, and the page that a plan of it becomes.

`python -m tests.support.plan_page FOLDER` writes the page's pictures there; needs a Chromium.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ecr_steward_cli.in_memory.settings import MemorySettings
from ecr_steward_cli.in_memory.table import MemoryTable
from ecr_steward_cli.live.look import LiveRegistry
from ecr_steward_cli.live.page import page
from ecr_steward_cli.live.survey import RegistryPlan, survey
from ecr_steward_cli.rules_file.load import loads
from tests.support.browser import chromium
from tests.support.settings_world import ANYONE, OURS, UNTAGGED_GO, policy
from tests.support.world import MEDIA_TYPE, digest_of

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
ACCOUNT = "123456789012"
RULES = """\
version: 1
rules:
  - repositories: ["base/*"]
    tags:
      unique: [semver]
      variants: ["alpine*"]
      stable:
        - {tag: "{major}.{minor}", follows: highest}
        - {tag: "{major}", follows: highest}
        - {tag: latest, follows: highest}
    repository:
      policy: {others: keep, accounts: ["111122223333"], public: remove}
      scan_on_push: true
      lifecycle: {when: absent, rules: [{rulePriority: 1, selection: {tagStatus: untagged,
        countType: sinceImagePushed, countUnit: days, countNumber: 14}, action: {type: expire}}]}
    images: {keep: [{highest: 4}, {pushed_within: 90d}], others: report}
  - repositories: ["shop/*"]
    tags:
      unique: [sha]
      stable: [{tag: main, follows: newest}]
      unknown: remove
    repository: {immutability: scheme, scan_on_push: true}
    images: {keep: [{newest: 5}], others: report}
"""


class _Registry:
    """ECR in memory, whose clock goes on with each push."""

    def __init__(self) -> None:
        self.now = NOW - timedelta(days=420)
        self.ecr = MemorySettings(clock=lambda: self.now, account=ACCOUNT, region="eu-west-1")

    def make(self, name: str, *, scanned: bool = True, mutability: str = "MUTABLE") -> None:
        self.ecr.create_repository(
            repositoryName=name,
            imageTagMutability=mutability,
            imageScanningConfiguration={"scanOnPush": scanned},
            encryptionConfiguration={"encryptionType": "KMS" if scanned else "AES256"},
        )

    def push(self, name: str, *tags: str, megabytes: int) -> None:
        self.now += timedelta(hours=19)
        text = _manifest(f"{name}:{tags[0]}", megabytes * 10**6)
        for tag in tags:
            self.ecr.put_image(repositoryName=name, imageManifest=text, imageTag=tag)


def _manifest(name: str, size: int) -> str:
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": size}
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2}
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MEDIA_TYPE,
            "config": {**config, "digest": digest_of(name)},
            "layers": [{**layer, "digest": digest_of(f"layer of {name}")}],
        }
    )


def registry() -> MemorySettings:
    """Images of a platform team, of two teams that build from commits, and some of nobody."""
    held = _Registry()
    bases = {"redis": ("7.4", "8.0"), "postgres": ("16.4", "17.2"), "nginx": ("1.27", "1.29")}
    for number, (name, lines) in enumerate(bases.items()):
        held.make(f"base/{name}", scanned=number != 1)
        for line in lines:
            _versions(held, f"base/{name}", line, 40 + 70 * number)
    held.ecr.set_repository_policy(repositoryName="base/redis", policyText=policy(OURS, ANYONE))
    for name in ("api", "checkout", "search", "web"):
        held.make(f"shop/{name}", mutability="IMMUTABLE" if name == "web" else "MUTABLE")
        _commits(held, f"shop/{name}", 24)
    held.push("shop/api", "9f1c2ab04d", "test-please-ignore", megabytes=410)
    for name in ("churn", "forecast", "ranking"):
        held.make(f"data/{name}", scanned=False)
        _builds(held, f"data/{name}", 12)
    held.make("playground", scanned=False)
    held.push("playground", "wip", "latest", megabytes=900)
    held.ecr.put_lifecycle_policy(
        repositoryName="shop/web", lifecyclePolicyText=json.dumps(UNTAGGED_GO)
    )
    return held.ecr


def _versions(held: _Registry, name: str, line: str, megabytes: int) -> None:
    """Releases of one line, whose stable tags somebody stopped to move before the last two."""
    major = line.partition(".")[0]
    for patch in range(9):
        stable = (line, major, "latest") if patch < 7 else ()
        held.push(name, f"{line}.{patch}", *stable, megabytes=megabytes + patch)
        held.push(name, f"{line}.{patch}-alpine3.20", megabytes=megabytes // 3)


def _commits(held: _Registry, name: str, builds: int) -> None:
    for build in range(builds):
        commit = hashlib.sha1(f"{name} {build}".encode(), usedforsecurity=False).hexdigest()[:10]
        stable = ("main",) if build == builds - 3 else ()
        held.push(name, f"a{commit}", *stable, megabytes=380 + build)


def _builds(held: _Registry, name: str, builds: int) -> None:
    for build in range(builds):
        held.push(name, f"2026.{1 + build // 3:02}.{build % 3}", "prod", megabytes=2100)


def planned(ecr: Any) -> RegistryPlan:
    """What the rules would change there, with what a page tells."""
    found = LiveRegistry(ecr, ACCOUNT, "eu-west-1", MemoryTable)
    rules = loads(RULES, "rules.yaml")
    return survey(rules, found, clock=lambda: NOW, grace=timedelta(days=7), further=True)


def made(plans: Iterable[RegistryPlan]) -> str:
    """The page of these plans."""
    return page([*plans], "3f2a9c1be047", "2026-11-27T09:00:00Z")


def draw(folder: Path) -> None:
    """The page as people see it: light from above, and dark with a repository open."""
    file = Path(tempfile.mkdtemp()) / "plan.html"
    file.write_text(made([planned(registry())]), encoding="utf-8")
    with chromium() as browser:
        tab = browser.new_page(color_scheme="light", viewport={"width": 1280, "height": 720})
        tab.goto(f"{file.as_uri()}#sort=first&down=1")
        tab.screenshot(path=folder / "plan-light.png")
        tab.emulate_media(color_scheme="dark")
        tab.get_by_role("button", name="base/redis").click()
        tab.evaluate("document.getElementById('repositories').scrollIntoView()")
        tab.screenshot(path=folder / "plan-dark.png")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
