"""The rules of the stack on which acts are played: something of each kind for the steward to do."""

from __future__ import annotations

from typing import Any

from tests.support.settings_world import OURS, UNTAGGED_GO
from tests.template.support import EVERYTHING

TEMPLATE_ROLE: str = EVERYTHING["CreationTemplateRole"]
TEAM_TOPIC: str = EVERYTHING["ChannelTopics"]
SHARED: dict[str, Any] = {
    "Sid": "Shared",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": ["ecr:ReplicateImage"],
    "Resource": "arn:aws:ecr:eu-west-1:123456789012:repository/*",
}
_STABLE = [
    {"tag": "{major}.{minor}", "follows": "highest"},
    {"tag": "{major}", "follows": "highest"},
    {"tag": "latest", "follows": "highest"},
]


def _told(repository: str, *to: str) -> dict[str, Any]:
    return {
        "repositories": [repository],
        "tags": {"unique": ["semver"], "stable": _STABLE},
        "notify": [{"on": ["*"], "to": list(to)}],
    }


REGISTRY: dict[str, Any] = {
    "scanning": {
        "type": "ENHANCED",
        "rules": [{"frequency": "CONTINUOUS_SCAN", "filters": ["base/made*"]}],
    },
    "creation_templates": [
        {"prefix": "base/made", "applied_for": ["CREATE_ON_PUSH"], "role": TEMPLATE_ROLE}
    ],
    "policy": {"statements": [SHARED], "others": "remove"},
    "replication": {
        "rules": [{"destinations": [{"region": "eu-central-1", "registryId": "123456789012"}],
                   "repositoryFilters": [{"filter": "copied/", "filterType": "PREFIX_MATCH"}]}]
    },
    "pull_time_exclusions": ["self"],
}  # fmt: skip

RULES: dict[str, Any] = {
    "version": 1,
    "channels": {
        "slack": {"type": "slack", "url": "ssm:/ecr-steward/slack"},
        "hook": {"type": "webhook", "url": "secretsmanager:ecr-steward/hook"},
        "chat": {"type": "sns", "form": "chat"},
        "team": {"type": "sns", "topic": TEAM_TOPIC},
    },
    "rules": [
        {
            "repositories": ["base/settings"],
            "mode": "enforce",
            "repository": {
                "policy": {"statements": [OURS], "others": "remove", "public": "remove"},
                "lifecycle": UNTAGGED_GO,
                "immutability": "IMMUTABLE",
                "scan_on_push": True,
                "resource_tags": {"owner": "platform"},
            },
        },
        {
            "repositories": ["base/bare"],
            "mode": "enforce",
            "repository": {
                "policy": {"others": "remove", "public": "remove"},
                "lifecycle": {"rules": []},
            },
        },
        {
            "repositories": ["base/made*"],
            "mode": "enforce",
            "repository": {"immutability": "IMMUTABLE", "resource_tags": {"owner": "platform"}},
        },
        {
            "repositories": ["base/going"],
            "mode": "enforce",
            "tags": {"unique": ["semver"], "stable": [{"tag": "main"}], "unknown": "allow"},
            "images": {
                "keep": [{"newest": 1}, {"pulled_within": "1d"}],
                "others": "expire",
                "notice": "0h",
                "at_most": "100%",
            },
        },
        _told("base/by-slack", "slack"),
        _told("base/by-hook", "hook"),
        _told("base/by-chat", "chat"),
        _told("base/by-team", "team"),
        _told("base/owned"),
        {
            "repositories": ["base/*"],
            "mode": "enforce",
            "tags": {
                "unique": ["semver"],
                "stable": _STABLE,
                "unknown": "remove",
                "overwritten": "restore",
            },
            "notify": [{"on": ["*"], "to": ["email"]}],
        },
    ],
}  # fmt: skip
