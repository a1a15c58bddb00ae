"""The rules of a soak: five kinds of repository, told apart by the first part of their names."""

from __future__ import annotations

from typing import Any

from ecr_steward.rules import Ruleset
from tests.soak import settings

KINDS = ("report", "restore", "tidy", "vary", "audit")
CHANNELS = ("chat", "hook", "email")

_PIN = "{tag}-{pushed:%Y%m%dT%H%M%SZ}-{digest}"
_LINES = [
    {"tag": "{major}.{minor}", "follows": "highest"},
    {"tag": "{major}", "follows": "highest"},
    {"tag": "latest", "follows": "highest"},
]


def _tags(**more: Any) -> dict[str, Any]:
    return {"unique": ["semver"], "stable": [*_LINES, {"tag": "main"}], **more}


_TAGS: dict[str, dict[str, Any]] = {
    "report": _tags(),
    "restore": _tags(overwritten="restore"),
    "tidy": _tags(unknown="remove", pin=_PIN),
    "vary": _tags(
        variants=["alpine"],
        stable=[
            _LINES[0],
            _LINES[2],
            {"tag": "next", "follows": "highest", "prereleases": True},
            {"tag": "edge", "follows": "newest"},
        ],
    ),
    "audit": _tags(),
}


def ruleset() -> Ruleset:
    """Every event goes to every channel at once."""
    return Ruleset.from_document(
        {
            "version": 1,
            "channels": {
                "chat": {"type": "slack", "url": "ssm:/ecr-steward/chat"},
                "hook": {"type": "webhook", "url": "ssm:/ecr-steward/hook"},
            },
            "notify": [{"on": ["*"], "to": list(CHANNELS)}],
            "rules": [
                {
                    "repositories": [f"{kind}/*"],
                    "mode": "audit" if kind == "audit" else "enforce",
                    "tags": _TAGS[kind],
                    **({"repository": settings.BASELINE} if kind in settings.KINDS else {}),
                }
                for kind in KINDS
            ],
        }
    )


def names(repositories: int) -> list[str]:
    """So many repositories, of each kind in turn."""
    return [f"{KINDS[i % len(KINDS)]}/{i:03}" for i in range(repositories)]
