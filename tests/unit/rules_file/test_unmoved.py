"""Why a push moves nothing: a sentence for each reason, and what a push of a tag does."""

from __future__ import annotations

import pytest

from ecr_steward_cli.rules_file.explain import explain
from ecr_steward_cli.rules_file.load import inspect_text
from ecr_steward_cli.rules_file.unmoved import unmoving

RULES = """\
version: 1
rules:
  - repositories: [versions]
    mode: enforce
    tags:
      unique: [semver, sha]
      stable:
        - {tag: "{major}.{minor}", follows: highest, within: ["1", "2"]}
        - {tag: beta, follows: highest, within: ["1", "2"], prereleases: [beta]}
        - {tag: main}
      ignore: ["pr-*"]
  - repositories: [variants]
    tags:
      unique: [semver]
      variants: [alpine]
      stable: [{tag: latest, follows: highest}, {tag: edge, follows: newest}]
  - repositories: [releases]
    tags: {unique: [semver], stable: [{tag: latest, follows: highest}]}
  - repositories: [plain]
    tags:
      unique: [semver]
      variants: [alpine]
      stable: [{tag: latest, follows: highest}]
  - repositories: [silent]
"""
LOADED = inspect_text(RULES, "rules.yaml")
READ = "`{}` is read as the pre-release `{}` of 1.4.2"
MEANT = "if it is a variant, name it there."

REASONS: list[tuple[str, str, str, str]] = [
    ("other", "1.4.2", "no rule", "no rule matches other; it is left alone."),
    ("silent", "1.4.2", "no tags", "rule 4: silent says nothing about tags."),
    ("versions", "pr-7", "ignored", "`pr-7` is ignored: `ignore` has `pr-*`."),
    ("versions", f"sha256-{'0' * 64}.sig", "ignored",
     f"`sha256-{'0' * 64}.sig` is the tag of a signature or attestation, which is ignored."),
    ("versions", "steward-expire-20261128-0123456789ab", "expiry",
     "`steward-expire-20261128-0123456789ab` is an expiry tag, which only the steward puts."),
    ("versions", "main", "pipeline", "`main` follows nothing here; only your pipeline moves it."),
    ("versions", "nightly", "unknown", "`nightly` is neither a unique nor a stable tag here."),
    ("versions", "9f1c2ab", "no version",
     "`9f1c2ab` carries no version, and no stable tag follows the newest image of it."),
    ("versions", "3.4.2", "no line", "`3.4.2` is a version that no entry of `stable` follows."),
    ("versions", "1.4.2-rc.1", "pre-release rc",
     (f"{READ.format('1.4.2-rc.1', 'rc.1')}, which no stable tag here takes (`prereleases: true` "
     "would).")),
    ("releases", "1.4.2-slim", "pre-release slim",
     f"{READ.format('1.4.2-slim', 'slim')}, because there are no `variants`: {MEANT}"),
    ("plain", "1.4.2-slim", "pre-release slim",
     f"{READ.format('1.4.2-slim', 'slim')}, because no glob of `variants` matches: {MEANT}"),
]  # fmt: skip


@pytest.mark.parametrize(("repository", "tag", "kind", "reason"), REASONS)
def test_a_push_that_moves_nothing_has_its_reason(
    repository: str, tag: str, kind: str, reason: str
) -> None:
    found = unmoving(LOADED.ruleset, repository, tag)
    assert found is not None
    assert (found.kind, found.reason) == (kind, reason)
    told = explain(LOADED, repository, tag).splitlines()[-1]
    assert told == f"A push of {tag} moves nothing: {reason}"


@pytest.mark.parametrize(
    ("repository", "tag", "told"),
    [
        ("versions", "1.4.2",
         "A push of 1.4.2 puts 1.4 and beta on its image unless a higher release holds them."),
        ("versions", "1.4.2-beta.1",
         "A push of 1.4.2-beta.1 puts beta on its image unless a higher version holds it."),
        ("versions", "1.4", ("A push of 1.4 by hand does not last: `1.4` follows the highest of "
         "1.4.* within 1, 2.")),
        ("variants", "edge", ("A push of edge by hand does not last: `edge` follows the newest of "
         "all images.")),
        ("variants", "1.4.2", ("A push of 1.4.2 would put latest on its image unless a higher "
         "release holds it; edge in any case, as the newest.")),
        ("variants", "1.4.2-rc.1",
         "A push of 1.4.2-rc.1 would put edge on its image, as the newest."),
    ],
)  # fmt: skip
def test_a_push_that_moves_something_is_told_with_what_it_moves(
    repository: str, tag: str, told: str
) -> None:
    assert unmoving(LOADED.ruleset, repository, tag) is None
    assert explain(LOADED, repository, tag).splitlines()[-1] == told
