"""`ecr-steward retention`: its report, and what it says of input that is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ecr_steward_cli.main import main

DIGEST = f"sha256:{'a' * 64}"
RULES = """\
version: 1
rules:
  - repositories: ["team/*"]
    tags: {unique: [semver], stable: [{tag: "{major}.{minor}", follows: highest}, {tag: main}]}
    images: {keep: [{pushed_within: 30d}], others: report}
"""


def play(tmp_path: Path, *lines: str, rules: str = RULES, options: tuple[str, ...] = ()) -> Result:
    file = tmp_path / "rules.yaml"
    file.write_text(rules)
    asked = ["retention", "--rules", str(file), "--at", "2026-11-28T00:00:00Z", *options, "-"]
    return CliRunner().invoke(main, asked, input="\n".join(lines))


def line(**given: Any) -> str:
    return json.dumps({"repository": "team/app", "digest": DIGEST, **given})


def test_the_report_says_what_holds_each_image_and_what_goes(tmp_path: Path) -> None:
    old = line(digest=f"sha256:{'b' * 64}", tags=["1.4.2"], pushed_at="2025-01-01T00:00:00Z",
               bytes=52_400_000)  # fmt: skip
    played = play(tmp_path, line(tags=["main"], pushed_at=1_764_000_000), old)
    assert played.exit_code == 1
    assert "The stable tag `main` is on it." in played.stdout
    assert played.stdout.endswith(
        "1 of 2 images go (52.4 MB, layers that others share not taken off).\n"
    )


def test_a_repository_without_a_rule_is_left_alone(tmp_path: Path) -> None:
    played = play(tmp_path, line(repository="other/app"))
    assert played.output == "other/app: no rule matches; the repository is left alone.\n"
    assert played.exit_code == 0


def test_no_images_are_said_to_be_none(tmp_path: Path) -> None:
    assert play(tmp_path).output == "There are no images.\n"


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("{", "This is not JSON: Expecting property name enclosed in double quotes."),
        ("[]", "An image must be a JSON object."),
        ('{"digest": "x"}', "`repository` is missing or not a string."),
        (line(repository="A"), "`A` is no name of a repository."),
        (line(digest="sha256:1"), "`digest` is not `sha256:` and 64 hex digits: `sha256:1`."),
        (line(tags="1.4"), "`tags` is not a list of texts."),
        (line(pushed_at="yesterday"), "`pushed_at` is not a time"),
        (line(pushed_at=True), "`pushed_at` is not a time."),
        (line(pushed_at=1e300), "`pushed_at` is not a time"),
        (line(left={"main": "soon"}), "`main` is not a time"),
        (line(left=["main"]), "`left` is missing or not an object."),
        (line(bytes=-1), "`bytes` is not a whole number."),
        (line(size=1), "`size` is not a key here; there are repository, digest,"),
        (line(children=["x"]), "`children` is not `sha256:` and 64 hex digits: `x`."),
        ('{"tags": 1, "tags": 2}', "`tags` occurs twice in one object."),
        ('{"bytes": NaN}', "`NaN` is not JSON."),
        ("[" * 100_000, "The JSON is nested too deeply to be read."),
        (line(), f"`{DIGEST}` of `team/app` is on line 1 already."),
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path: Path, bad: str, sentence: str) -> None:
    played = play(tmp_path, line(), bad)
    assert played.exit_code == 2
    assert played.stderr.startswith(f"-:2: {sentence}")


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ("{keep: [{newest: 0}]}", "`newest` must be a whole number from 1 to 10,000; it is `0`."),
        ("{keep: [{newest: 1, within: 3d}]}", "`within` is not a key here; there is `newest`."),
        ("{keep: [{}]}", "An entry of `keep` must have one of"),
        ("{keep: [newest]}", "An entry of `keep` must be a mapping with one of"),
        ("{keep: newest}", "`keep` must be a list; it is `newest`."),
        ("{keep: [{newest: 1, pushed_within: 3d}]}", "An entry of `keep` has one keeper; write"),
        ("{keep: [{pushed_within: 30}]}", "`pushed_within` must be a number of days or hours"),
        ("{keep: [{highest: 1, of: latest}]}", "`latest` is no entry of the rule's `stable`"),
        ("{keep: [{highest: 1, of: main}]}", "`main` follows nothing"),
        ("{keep: [{highest: 1, prereleases: rc}]}", "`prereleases` must be true, false or a list"),
        ("{keep: [{tags: [a b]}]}", "`a b` can match no tags"),
        ("{keep: [{tags: []}]}", "`tags` must be a list of globs on tags"),
        ("{not_kept_by: [latest]}", "`latest` is no entry of the rule's `ignore`"),
        ("{others: delete}", "`others` must be one of keep, report, expire; it is `delete`."),
        ("{others: expire}", "`others: expire` with an empty `keep` would let everything go"),
        ("{notice: soon}", "`notice` must be a number of days or hours"),
        ("{at_most: 120%}", '`at_most` must be a share such as "25%"'),
        ("[keep]", "`images` must be a mapping of keys"),
        ("{keeps: []}", "`keeps` is not a key here"),
    ],
)
def test_a_fault_of_the_rule_is_named_with_its_line(
    tmp_path: Path, images: str, sentence: str
) -> None:
    rules = RULES.replace("{keep: [{pushed_within: 30d}], others: report}", images)
    played = play(tmp_path, line(), rules=rules)
    assert played.exit_code == 2
    assert f"rules.yaml:5: {sentence}" in played.stderr
    assert len(played.stderr.splitlines()) == 1


@pytest.mark.parametrize("tags", [
    'ignore: ["*"]', "unique: [{pattern: '.+'}]",
    'unique: [{pattern: "(?P<name>[a-z-]+)-x"}], stable: [{tag: "{name}-20261128-0123456789ab"}]',
])  # fmt: skip
def test_a_rule_that_expires_may_write_no_expiry_tag_itself(tmp_path: Path, tags: str) -> None:
    whole = tags if "unique" in tags else f"unique: [semver], {tags}"
    rules = f"version: 1\nrules:\n  - repositories: [team/app]\n    tags: {{{whole}}}\n"
    rules += "    images: {keep: [{newest: 1}], others: expire}\n"
    played = play(tmp_path, line(), rules=rules)
    assert played.exit_code == 2
    assert "which is how an expiry tag looks" in played.stderr
