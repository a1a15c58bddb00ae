"""`ecr-steward simulate`, as a person and as a program call it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecr_steward_cli.commands.simulate import MOST_ROWS
from ecr_steward_cli.main import main
from ecr_steward_cli.terminal.progress import Progress

RULES = """
version: 1
rules:
  - repositories: ["base/*"]
    mode: audit
    tags:
      unique: [semver]
      stable:
        - {tag: "{major}.{minor}", follows: highest}
        - {tag: latest, follows: highest}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)
    return file


def run(rules: Path, lines: Sequence[object], *options: str) -> Result:
    text = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines)
    return CliRunner().invoke(main, ["simulate", "--rules", str(rules), *options, "-"], input=text)


def push(tag: str, **more: object) -> dict[str, object]:
    return {"repository": "base/redis", "tag": tag, **more}


def test_json_says_where_tags_are_what_changed_and_what_it_cost(rules: Path) -> None:
    digest = "sha256:" + "a" * 64
    result = run(rules, [push("1.4.2", digest=digest), push("odd")], "--json")
    assert result.exit_code == 0
    found = json.loads(result.output)
    assert found["repositories"]["base/redis"]["tags"]["1.4"] == digest
    first, second, third = found["repositories"]["base/redis"]["changes"]
    assert first == {
        "line": 1,
        "kind": "move",
        "tag": "1.4",
        "from": None,
        "to": digest,
        "reason": "`1.4` goes to 1.4.2, the highest of 1.4.*; it was on no image (rule 0: base/*).",
    }
    assert (second["tag"], third["kind"], third["line"]) == ("latest", "reject", 2)
    # 1.4.2, its two echoes, and the odd tag; two reads and a listing, and one for both echoes.
    assert found["totals"] == {"events": 4, "reads": 4, "writes": 2}


def test_without_digest_and_time_both_derive_from_the_line(rules: Path) -> None:
    story = [push("1.4.2"), push("latest")]
    one, two = (run(rules, story, "--json").output for _ in range(2))
    assert one == two
    tags = json.loads(one)["repositories"]["base/redis"]["tags"]
    assert len(set(tags.values())) == 2


def test_the_table_is_markdown_that_no_terminal_folds(rules: Path) -> None:
    result = run(rules, [push("1.4.2")])
    lines = result.output.splitlines()
    assert lines[0].startswith("| line | repository | what | tag ")
    assert set(lines[1]) == {"|", "-"}
    assert "| 1    | base/redis | move | latest | no image | sha256:" in result.output
    assert lines[-1] == "3 events, 4 reads and 2 writes of ECR."


def test_as_configured_lets_an_audit_rule_only_report(rules: Path) -> None:
    result = run(rules, [push("1.4.2")], "--json", "--as-configured")
    found = json.loads(result.output)
    assert set(found["repositories"]["base/redis"]["tags"]) == {"1.4.2"}
    assert [each["kind"] for each in found["repositories"]["base/redis"]["changes"]] == ["move"] * 2
    assert found["totals"]["writes"] == 0


def test_why_tells_the_story_of_one_tag_only(rules: Path) -> None:
    story = [push("1.4.2"), push("1.5.0")]
    result = run(rules, story, "--why", "base/redis:latest")
    assert (
        "`latest` goes to 1.5.0, the highest of all releases: 1.4.2 is lower (rule 0: base/*)."
        in result.output
    )
    assert "| 1.4 " not in result.output
    quiet = run(rules, story, "--why", "base/redis:nothing")
    assert quiet.output == (
        "Nothing happened to base/redis:nothing: no push in the story names or moves it.\n"
    )


def test_what_a_push_does_not_get_is_told_with_what_it_lost_against(rules: Path) -> None:
    story = [push("2.0.0"), push("1.4.2"), push("1.4.1"), push("1.4.1-rc.1")]
    result = run(rules, story, "--why", "base/redis:latest")
    kept = [line.split("|") for line in result.output.splitlines() if "| stay " in line]
    stays = "`latest` stays on 2.0.0, the highest of all releases"
    assert [(row[1].strip(), row[5] == row[6], row[7].strip()) for row in kept] == [
        ("2", True, f"{stays}: 1.4.2 is lower (rule 0: base/*)."),
        ("3", True, f"{stays}: 1.4.1 is lower (rule 0: base/*)."),
    ]
    changes = json.loads(run(rules, story, "--json").output)["repositories"]["base/redis"]
    assert {each["kind"] for each in changes["changes"]} == {"move"}


def test_lines_without_a_time_are_too_far_apart_for_a_quarrel(rules: Path) -> None:
    story = [push("1.4.2"), *(push("latest", digest=f"sha256:{n:064}") for n in range(9))]
    tags = json.loads(run(rules, story, "--json").output)["repositories"]["base/redis"]["tags"]
    assert tags["latest"] == tags["1.4.2"]


def test_a_tag_that_is_taken_away_again_and_again_is_held(rules: Path) -> None:
    story = [
        push("1.4.2"),
        *(
            push("latest", digest=f"sha256:{n:064}", pushed_at=f"2026-11-23T02:2{n}:00Z")
            for n in range(4)
        ),
    ]
    found = json.loads(run(rules, story, "--json").output)["repositories"]["base/redis"]
    (held,) = (each for each in found["changes"] if each["kind"] == "held")
    assert (held["line"], held["tag"], held["from"]) == (4, "latest", f"sha256:{2:064}")
    assert "taken away three times within ten minutes; by whom is not known)" in held["reason"]
    assert found["tags"]["latest"] == f"sha256:{3:064}"


@pytest.mark.parametrize("unknown", ["report", "remove"])
def test_every_reason_names_the_tag_and_the_rule(tmp_path: Path, unknown: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(
        RULES
        + f"""
      variants: [alpine]
      overwritten: restore
      unknown: {unknown}
      pin: "{{tag}}-{{digest}}"
  - repositories: ["apps/*", "other"]
    tags:
      unique: [sha]
      stable: [{{tag: edge, follows: newest}}, {{tag: main}}]
"""
    )
    gone = f"sha256:{'a' * 64}"
    app = {"repository": "apps/shop"}
    story: list[object] = [
        push("1.4.1"), push("1.4.2", digest=gone), push("1.4.0"), push("v1.4.1"), push("latest"),
        push("1.4.1"), push("nightly"), push("odd", digest=gone), push("1.4.2-alpine"),
        {"repository": "base/redis", "action": "DELETE", "digest": gone},
        {**app, "tag": "9f1c2ab"}, {**app, "tag": "8e1c2ab"}, {**app, "tag": "main"},
        {**app, "tag": "edge"},
    ]  # fmt: skip
    told = json.loads(run(file, story, "--json").output)["repositories"]
    changes = [each for found in told.values() for each in found["changes"]]
    assert {"move", "pin", "reject", "overwrite", "restore"} <= {each["kind"] for each in changes}
    for each in changes:
        tag = each["tag"]  # a pin's reason names the tag that led to it
        named = [tag, tag.rpartition("-")[0], tag.partition("-")[0]]
        assert any(f"`{tag}`" in each["reason"] for tag in named), each
        assert re.search(r" \(rule [01]: (base/\*|apps/\*, …)\)\.$", each["reason"]), each
        if each["kind"] == "move":
            against = "is lower|is older|is gone|on no image|no version of it|its equal"
            assert re.search(f" ({against}) ", each["reason"]), each


def test_a_repeated_line_is_a_repeated_event_and_changes_nothing(rules: Path) -> None:
    digest = "sha256:" + "a" * 64
    once = run(rules, [push("1.4.2", digest=digest)], "--json")
    twice = run(rules, [push("1.4.2", digest=digest)] * 2, "--json")
    changes = [
        json.loads(each.output)["repositories"]["base/redis"]["changes"] for each in (once, twice)
    ]
    assert changes[0] == changes[1]


def test_a_deleted_image_gives_its_tags_to_the_highest_left(rules: Path) -> None:
    digest = "sha256:" + "a" * 64
    gone = {"repository": "base/redis", "action": "DELETE", "digest": digest}
    result = run(rules, [push("1.4.1"), push("1.4.2", digest=digest), gone], "--json")
    tags = json.loads(result.output)["repositories"]["base/redis"]["tags"]
    assert set(tags) == {"1.4.1", "1.4", "latest"}
    assert len(set(tags.values())) == 1


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "This is not JSON"),
        ("[]", "This is not an object"),
        ({"tag": "1"}, "`repository` is missing."),
        ({"repository": "a/b"}, "`tag` is missing."),
        ({"repository": "a/b", "action": "DELETE"}, "`tag` is missing."),
        (push("1", tga="x"), "`tga` is no key here; there are "),
        (push("1", action="PULL"), "`action` must be PUSH or DELETE; it is "),
        (push("1", digest="abc"), "`digest` must be `sha256:` and 64 hex digits"),
        (push("-x"), "`-x` is no valid tag."),
        (push("1", pushed_at="soon"), "`pushed_at` is not a time"),
        (push("1", pushed_at="2026-11-23T02:24:00"), "has no time zone"),
        ({"repository": "A B", "tag": "1"}, "`A B` is no valid repository name."),
        ({"repository": 7, "tag": "1"}, "`repository` must be a string; it is 7."),
    ],
)
def test_a_bad_line_is_named_with_its_number(rules: Path, line: object, sentence: str) -> None:
    result = run(rules, [push("1.4.2"), "", line])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"-:3: {sentence}") or sentence in result.stderr
    assert result.stdout == ""


def test_a_faulty_rules_file_a_missing_one_and_a_strange_why_are_refused(
    rules: Path, tmp_path: Path
) -> None:
    rules.write_text(RULES.replace("semver", "semvr"))
    faulty = run(rules, [push("1.4.2")])
    assert faulty.exit_code == 2
    assert faulty.stderr.startswith(f"{rules}:7: ")
    assert run(tmp_path / "none.yaml", []).exit_code == 2
    rules.write_text(RULES)
    assert "takes REPOSITORY:TAG" in run(rules, [], "--why", "latest").stderr


def test_a_push_that_moves_nothing_says_why(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES + "      variants: [slim]\n      ignore: ['pr-*']\n")
    other = {"repository": "apps/web", "tag": "1.0.0"}
    story = [push("1.4.2-alpine"), push("1.4.3-alpine"), push("pr-7"), push("1.4.2-rc.1"), other]
    said = run(file, story).output.split("\n")
    reasons = [line.split(": ", 1) for line in said if "moved nothing" in line]
    assert reasons == [
        [
            "2 pushes moved nothing in base/redis (line 1, 1.4.2-alpine)",
            (
                "`1.4.2-alpine` is read as the pre-release `alpine` of 1.4.2, because no glob of "
                "`variants` matches: if it is a variant, name it there."
            ),
        ],
        [
            "A push moved nothing in base/redis (line 3, pr-7)",
            "`pr-7` is ignored: `ignore` has `pr-*`.",
        ],
        [
            "A push moved nothing in base/redis (line 4, 1.4.2-rc.1)",
            (
                "`1.4.2-rc.1` is read as the pre-release `rc.1` of 1.4.2, which no stable tag here "
                "takes (`prereleases: true` would)."
            ),
        ],
        [
            "A push moved nothing in apps/web (line 5, 1.0.0)",
            "no rule matches apps/web; it is left alone.",
        ],
    ]
    why = run(file, story, "--why", "base/redis:pr-7").output
    assert why == "Nothing happened to base/redis:pr-7: `pr-7` is ignored: `ignore` has `pr-*`.\n"


def test_audit_rules_are_said_to_have_only_reported(rules: Path) -> None:
    said = run(rules, [push("1.4.2")], "--as-configured").output
    assert "Rules in audit mode only report: what is told of them was not done.\n" in said
    assert "audit" not in run(rules, [push("1.4.2")]).output


@pytest.mark.parametrize("options", [(), ("--why", "base/redis:latest")])
def test_an_empty_story_is_said_to_be_empty(rules: Path, options: tuple[str, ...]) -> None:
    result = run(rules, ["", "  "], *options)
    assert result.exit_code == 0
    assert result.output.startswith(
        "Nothing happened to base/redis:latest" if options else "- has no push: the story is empty."
    )


def listing(*images: dict[str, object]) -> list[object]:
    """What `aws ecr describe-images` prints."""
    return [json.dumps({"imageDetails": list(images)}, indent=4)]


def test_what_describe_images_prints_is_a_story(rules: Path) -> None:
    one, two = "sha256:" + "a" * 64, "sha256:" + "b" * 64
    name = {"registryId": "123456789012", "repositoryName": "base/redis"}
    newer = {"imageTags": ["latest", "1.5.0"], "imagePushedAt": "2026-11-27T09:00:00+01:00"}
    older = {"imageTags": ["1.4.2"], "imagePushedAt": 1764144000.5}
    untagged = {**name, "imageDigest": "sha256:" + "c" * 64, "imagePushedAt": 1764144000}
    story = listing(
        {**name, **newer, "imageDigest": two}, {**name, **older, "imageDigest": one}, untagged
    )
    found = json.loads(run(rules, story, "--json").output)["repositories"]["base/redis"]
    assert found["tags"] == {"1.4.2": one, "1.4": one, "1.5.0": two, "1.5": two, "latest": two}
    assert [each["line"] for each in found["changes"]] == [1, 1, 2, 2]


def test_list_images_needs_the_name_of_its_repository(rules: Path) -> None:
    story = [json.dumps({"imageIds": [{"imageDigest": "sha256:" + "a" * 64, "imageTag": "1.4.2"}]})]
    bare = run(rules, story)
    assert (bare.exit_code, bare.stdout) == (2, "")
    assert "give it with --repository." in bare.stderr
    found = json.loads(run(rules, story, "--json", "--repository", "base/redis").output)
    assert "1.4" in found["repositories"]["base/redis"]["tags"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "-:1: This is not JSON"),
        ('{"imageIds": 7}', "-:1: `imageIds` is not a list."),
        ('\n{"imageDetails": [7]}', "-:2: An image in the list is no object."),
        ('{"imageDetails": [\n{"repositoryName": "a/b", "imageTags": 3}]}', "-:1: `imageTags`"),
        ('{"repository": "base/redis", "tag": "1", "pushed_at": 1e99}', "-:1: `pushed_at` is no"),
        ('{"repository": "base/redis", "tag": "1", "pushed_at": true}', "-:1: `pushed_at` is no"),
    ],
)
def test_a_bad_listing_is_one_sentence_with_its_line(rules: Path, text: str, said: str) -> None:
    result = run(rules, [text])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1


def test_a_long_story_is_summed_up_unless_somebody_wants_it_whole(rules: Path) -> None:
    story = [push(f"1.{n}.0") for n in range(MOST_ROWS)]
    brief = run(rules, story).output
    assert "| base/redis | 400  |" in brief
    assert "400 rows: --verbose prints each, --why REPOSITORY:TAG those of one tag." in brief
    assert len(brief.splitlines()) < 10
    assert len(run(rules, story, "--verbose").output.splitlines()) > 2 * MOST_ROWS


def test_progress_is_drawn_on_a_terminal_alone(capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter(range(1000)).__next__
    progress = Progress("simulate", "events", lambda: float(clock()), shown=True)
    for _ in range(128):
        progress.step()
    progress.end()
    assert "simulate: 128 events, 64 a second" in capsys.readouterr().err
    quiet = Progress("simulate", "events", lambda: float(clock()), shown=False)
    for _ in range(128):
        quiet.step()
    assert capsys.readouterr().err == ""
