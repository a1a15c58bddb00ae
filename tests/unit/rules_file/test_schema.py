from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from ecr_steward.messages.channels.table import TYPES
from ecr_steward.messages.whom.routing import INTERVALS
from ecr_steward.rules.model import Ruleset
from ecr_steward.tags.kinds import KINDS, MOST_PARTS, Kind, Unique, make
from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.stable import StableTag
from ecr_steward.tags.suffixes import Suffixes
from ecr_steward.words.events import WORDS
from ecr_steward_cli.rules_file.load import schema

FULL: dict[str, Any] = {
    "version": 1,
    "rules": [
        {
            "repositories": ["base/*", "redis"],
            "mode": "enforce",
            "tags": {
                "unique": [
                    "semver",
                    "sha",
                    "build",
                    "timestamp",
                    {"version": {"parts": 2}},
                    {"version": {"parts": [1, 8]}},
                    {"pattern": "r-(?P<version>[0-9]+)(?P<variant>-x)?(?P<prerelease>rc)?"},
                    {"pattern": "(?P<branch>[a-z]+)-(?P<version>[0-9]+)-(?P<revision>[0-9]+)"},
                ],
                "variants": ["alpine", "slim-*"],
                "revisions": ["r*", "hotfix"],
                "variant_latest": "{tag}-{variant}",
                "stable": [
                    {"tag": "{major}", "follows": "highest", "within": "8", "not_within": ["8.1"]},
                    {"tag": "next", "follows": "highest", "prereleases": True, "within": ["9"]},
                    {"tag": "beta", "follows": "highest", "prereleases": ["beta", "rc"]},
                    {"tag": "{branch}", "follows": "newest", "of": ["m*", {"pattern": "d.*"}]},
                    {"tag": "edge", "follows": "newest"},
                    {"tag": "main"},
                ],
                "pin": "{tag}-{digest}",
                "ignore": ["pr-*"],
                "unknown": "remove",
                "overwritten": "restore",
            },
            "repository": {
                "policy": {
                    "statements": [
                        {
                            "Sid": "Pull",
                            "Effect": "Allow",
                            "Principal": {"AWS": "111122223333"},
                            "Action": "ecr:BatchGetImage",
                        }
                    ],
                    "others": "remove",
                    "public": "remove",
                    "accounts": ["111122223333", "o-abc123"],
                },
                "lifecycle": {
                    "rules": [
                        {
                            "rulePriority": 1,
                            "selection": {
                                "tagStatus": "untagged",
                                "countType": "sinceImagePushed",
                                "countUnit": "days",
                                "countNumber": 14,
                            },
                            "action": {"type": "expire"},
                        }
                    ],
                    "allow_expiring_stable": True,
                },
                "immutability": {"immutable_except": ["latest"]},
                "scan_on_push": True,
                "encryption": "KMS",
                "resource_tags": {"owner": "platform"},
            },
            "notify": [{"on": ["tag.rejected", "tag.*", "*"], "to": ["platform", "email"]}],
        },
        {"repositories": ["a*"], "tags": {"unique": ["sha"], "pin": None}},
        {"repositories": ["*"], "repository": {"immutability": "IMMUTABLE"}},
    ],
    "registry": {
        "scanning": {
            "type": "ENHANCED",
            "rules": [{"frequency": "CONTINUOUS_SCAN", "filters": ["base/*"]}],
        },
        "creation_templates": [
            {
                "prefix": "ROOT",
                "applied_for": ["CREATE_ON_PUSH"],
                "role": "arn:aws:iam::111122223333:role/ecr-template",
            }
        ],
        "policy": {"others": "keep", "public": "remove"},
        "replication": {
            "rules": [{"destinations": [{"region": "eu-west-1", "registryId": "111122223333"}]}]
        },
        "pull_time_exclusions": ["self"],
    },
    "channels": {
        "platform": {"type": "slack", "url": "ssm:/ecr-steward/slack"},
        "office": {"type": "teams", "url": "secretsmanager:steward/teams#url"},
        "audit": {"type": "webhook", "url": "ssm:hook", "secret": "secretsmanager:steward/hmac"},
        "all": {"type": "sns", "topic": "arn:aws:sns:eu-west-1:123456789012:images"},
        "chat": {"type": "sns", "form": "chat"},
    },
    "notify": [{"on": ["loud"], "to": []}, {"on": ["quiet"], "to": ["chat"], "every": "1h"}],
}


def properties(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each key that the schema describes, with what it says of the key, references followed."""
    if isinstance(node, list):
        for i, child in enumerate(node):
            yield from properties(child, f"{path}.{i}")
    if isinstance(node, dict):
        for name, said in node.get("properties", {}).items():
            target = said.get("$ref", "").rpartition("/")[2]
            yield f"{path}.{name}", {**said, **schema()["$defs"].get(target, {})}
        for key, child in node.items():
            yield from properties(child, f"{path}.{key}")


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Each mapping whose keys are ours: not the statements and rules of AWS's own grammar, which
    are checked where they are understood, nor those that people name: channels, resource tags."""
    if isinstance(node, dict) and "properties" in node:
        yield node
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict | list):
            yield from objects(child)


def test_the_schema_is_a_schema_of_its_draft_and_has_an_id() -> None:
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema()["$id"] == "urn:ecr-steward:rules:1"
    jsonschema.Draft202012Validator.check_schema(schema())


def test_everything_that_the_format_has_is_accepted_by_the_schema_and_by_the_model() -> None:
    jsonschema.validate(FULL, schema())
    ruleset = Ruleset.from_document(FULL)
    assert len(ruleset.rules) == 3
    assert len(ruleset.rules[0].baseline.reads) == 6
    assert len(ruleset.registry_baseline.wishes) == 5


def test_no_object_takes_keys_that_it_does_not_describe() -> None:
    found = list(objects(schema()))
    assert len(found) == 32
    assert all(each["additionalProperties"] is False for each in found)


def test_every_key_has_a_title_a_description_and_examples_for_editors() -> None:
    found = dict(properties(schema()))
    assert len(found) > 50
    for path, said in found.items():
        assert {"title", "description", "examples"} <= set(said), path


def test_every_key_that_may_be_left_out_says_what_then_holds() -> None:
    optional = ["mode", "repository", "notify", "variants", "variant_latest", "stable", "pin",
                "ignore", "unknown", "overwritten", "within", "not_within",
                "prereleases", "statements", "others", "public", "accounts",
                "allow_expiring_stable", "registry", "creation_templates",
                "channels", "form"]  # fmt: skip
    found = {
        path.rpartition(".")[2]: said
        for path, said in properties(schema())
        if ".images." not in path
    }
    defaults = {name: found[name]["default"] for name in optional}
    assert defaults == {
        "mode": "audit", "repository": {}, "notify": [], "variants": [],
        "variant_latest": "{variant}", "stable": [], "pin": None, "ignore": [],
        "unknown": "report", "overwritten": "report", "within": [], "not_within": [],
        "prereleases": False, "statements": [], "others": "report", "public": "report",
        "accounts": [], "allow_expiring_stable": False, "registry": {}, "creation_templates": [],
        "channels": {}, "form": "text",
    }  # fmt: skip


def test_every_example_and_default_fits_its_own_key() -> None:
    for path, said in properties(schema()):
        validator = jsonschema.Draft202012Validator({**said, "$defs": schema()["$defs"]})
        values = [*said["examples"], *([said["default"]] if "default" in said else [])]
        for value in values:
            assert validator.is_valid(value), (path, value)


def test_channels_and_routes_have_the_words_that_are_understood() -> None:
    defs = schema()["$defs"]
    channel, route = defs["channel"]["properties"], defs["route"]["properties"]
    assert channel["type"]["enum"] == list(TYPES)
    assert route["on"]["items"]["enum"] == list(WORDS)
    assert route["every"]["enum"] == list(INTERVALS)


def kinds() -> list[dict[str, Any]]:
    return list(schema()["$defs"]["kind"]["anyOf"])


def test_the_schema_has_the_part_of_every_kind_and_its_examples_are_of_it() -> None:
    assert [each["title"] for each in kinds()] == [kind.name for kind in KINDS]
    for each, kind in zip(kinds(), KINDS, strict=True):
        for example in each["examples"]:
            made = make(example, Suffixes())
            assert isinstance(made, Kind)
            assert type(made) is kind


def test_every_kind_says_what_it_is_with_tags_that_are_of_this_kind() -> None:
    for each in kinds():
        definitions = each["examples"]
        tags = re.findall(r"`([^`]+)`", each["description"].rpartition(" Such as ")[2])
        assert tags, each["title"]
        for tag in tags:
            read = [make(definition, Suffixes()).read(tag) for definition in definitions]
            assert any(isinstance(unique, Unique) for unique in read), tag


@pytest.mark.parametrize("parts", [0, MOST_PARTS + 1, True, 2.5, "2", [], [0], [2, 2], None])
def test_parts_are_counts_that_the_kinds_take(parts: object) -> None:
    document = {"unique": [{"version": {"parts": parts}}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, {"$ref": "#/$defs/tags", "$defs": schema()["$defs"]})


def test_what_the_schema_takes_as_a_default_means_the_same_as_leaving_it_out() -> None:
    tags = schema()["$defs"]["tags"]["properties"]
    said = {name: each["default"] for name, each in tags.items() if "default" in each}
    without = Scheme.from_document({"unique": ["semver"], "variants": ["slim"]})
    with_defaults = Scheme.from_document({"unique": ["semver"], **said, "variants": ["slim"]})
    assert with_defaults == replace(without, variant_latest="{variant}")
    entry = schema()["$defs"]["stable"]["properties"]
    said = {name: each["default"] for name, each in entry.items() if "default" in each}
    assert StableTag.from_document({"tag": "a", **said}) == StableTag("a")


@pytest.mark.parametrize("prefix", ["8", "8.1", "08", "1.2.3.4", ["8", "9.1"], []])
def test_prefixes_are_numbers_in_quotes(prefix: object) -> None:
    for key in ("within", "not_within"):
        entry = {"tag": "a", key: prefix}
        jsonschema.validate(entry, {"$ref": "#/$defs/stable", "$defs": schema()["$defs"]})
        assert StableTag.from_document(entry).template == "a"


@pytest.mark.parametrize(
    "prefix", ["", "v8", "8.", ".8", "8.x", "8 ", 8, 8.1, None, [8], ["8", "8"]]
)
def test_what_begins_no_version_is_no_prefix(prefix: object) -> None:
    for key in ("within", "not_within"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(
                {"tag": "a", key: prefix}, {"$ref": "#/$defs/stable", "$defs": schema()["$defs"]}
            )


@pytest.mark.parametrize("glob", ["*", "base/*", "a.b_c-d/e", "*-dev", "0/x"])
def test_a_glob_of_repositories_has_the_characters_of_repository_names(glob: str) -> None:
    document = {"version": 1, "rules": [{"repositories": [glob]}]}
    jsonschema.validate(document, schema())


@pytest.mark.parametrize("glob", ["", "Base", "/a", "a b", "a:b", "-a", "a" * 257])
def test_a_glob_that_matches_no_repository_is_no_glob(glob: str) -> None:
    document = {"version": 1, "rules": [{"repositories": [glob]}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema())
