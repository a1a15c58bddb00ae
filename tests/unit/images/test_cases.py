"""Which images stay: each case through `ecr-steward retention`, as people play it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from ecr_steward_cli.main import main

REPOSITORY = "team/app"
NOW = datetime(2026, 11, 28, tzinfo=UTC)
CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(
    (Path(__file__).parent / "cases.yaml").read_text("utf-8")
)


def digest(name: str) -> str:
    return f"sha256:{name * 64}"


def ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def line(name: str, image: Mapping[str, Any]) -> str:
    found: dict[str, Any] = {"repository": REPOSITORY, "digest": digest(name), "bytes": 1000}
    for key, given in (("age", "pushed_at"), ("pulled", "pulled_at"), ("untagged", "untagged_at")):
        if key in image:
            found[given] = ago(image[key])
    for key in ("left", "ran"):
        if key in image:
            found[key] = {what: ago(days) for what, days in image[key].items()}
    if "children" in image:
        found["children"] = [digest(each) for each in image["children"]]
    if "subject" in image:
        found["subject"] = digest(image["subject"])
    tags = image.get("tags", ())
    found["tags"] = [re.sub(r"\{(.)\}", lambda m: m[1] * 64, str(tag)) for tag in tags]
    alike = ("running", "status", "held", "media_type")
    return json.dumps(found | {key: image[key] for key in alike if key in image})


def rules(case: Mapping[str, Any]) -> str:
    rule: dict[str, Any] = {"repositories": ["team/*"], "mode": "enforce"}
    if "tags" in case:
        rule["tags"] = {**case["tags"], **({"unique": case["unique"]} if "unique" in case else {})}
    if "images" in case:
        rule["images"] = {"others": "expire", **case["images"]}
    return json.dumps({"version": 1, "rules": [rule]})


@pytest.mark.parametrize("case", CASES, ids=lambda each: each["name"])
def test_the_images_that_stay_are_those_of_the_case(case: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(rules(case))
    lines = "\n".join(line(*each) for each in case["has"].items())
    asked = ["retention", "--rules", str(file), "--at", NOW.isoformat(), "--json", "-"]
    played = CliRunner().invoke(main, asked, input=lines)
    said = json.loads(played.stdout)["repositories"][REPOSITORY]
    kept = {each["digest"]: each["by"] for each in said["images"] if each["keep"]}
    assert kept == {digest(name): by for name, by in case["keep"].items()}
    assert all(each["reason"] for each in said["images"])
    going = len(case["has"]) - len(kept)
    assert said["totals"] == {
        "images": len(case["has"]), "bytes": 1000 * len(case["has"]),
        "expire": going, "expire_bytes": 1000 * going,
    }  # fmt: skip
    assert played.exit_code == bool(going)


@pytest.mark.parametrize("case", CASES, ids=lambda each: each["name"])
def test_the_order_of_the_images_changes_nothing(case: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(rules(case))
    asked = ["retention", "--rules", str(file), "--at", NOW.isoformat(), "--json", "-"]
    lines = [line(*each) for each in case["has"].items()]
    ways = ("\n".join(each) for each in (lines, lines[::-1]))
    one, other = (CliRunner().invoke(main, asked, input=each).stdout for each in ways)

    def verdicts(said: str) -> dict[str, Any]:
        return {
            each["digest"]: (each["keep"], each["by"])
            for each in json.loads(said)["repositories"][REPOSITORY]["images"]
        }

    assert verdicts(one) == verdicts(other)
