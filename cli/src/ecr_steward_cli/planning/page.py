"""A plan as one page that asks for nothing from anywhere, to open, search, print and hand on."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any

from jinja2 import Environment

from ecr_steward_cli.planning import words
from ecr_steward_cli.planning.outlook import Outlooks, RegistryOutlook, RepositoryOutlook

_COLUMNS = (
    ("place", "repository"),
    ("rule", "rule"),
    ("mode", "mode"),
    ("tags", "tags"),
    ("changes", "changes of tags"),
    ("settings", "changes of settings"),
    ("exposed", "lets others in"),
)

_SIX = ("moved", "pinned", "restored", "refused", "settings", "without_rule")
"""The counts on top; removals and what could not be read have a block of their own."""


def page(outlooks: Outlooks) -> str:
    """The page; everything that comes from outside is text in it, never markup.

    Its policy lets nothing run but the page's own script, known by its hash, and lets nothing be
    fetched at all.
    """
    style, script = _file("page.css"), _file("page.js")
    removals, exposures = words.urgent(outlooks)
    template = Environment(autoescape=True).from_string(_file("page.html.j2"))
    return template.render(
        style=_trusted(style),
        script=_trusted(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        verdict=words.verdict(outlooks),
        where=", ".join(map(words.heading, outlooks.registries)),
        fingerprint=outlooks.fingerprint,
        at=outlooks.at,
        numbers=words.numbers(outlooks.totals(), _SIX),
        removals=removals,
        exposures=exposures,
        unread=words.unread(outlooks),
        alone=words.left_alone(outlooks),
        columns=_COLUMNS,
        tag_headings=words.TAG_HEADINGS,
        setting_headings=words.SETTING_HEADINGS,
        data=_data(outlooks),
    )


def _data(outlooks: Outlooks) -> dict[str, Any]:
    """What the script makes the table from; what jinja's `tojson` writes has no `<`, `>` or `&`."""
    return {
        "repositories": [_row(outlooks, *each) for each in outlooks.each()],
        "tag_headings": words.TAG_HEADINGS[1:],
        "setting_headings": words.SETTING_HEADINGS[1:],
    }


def _row(
    outlooks: Outlooks, registry: RegistryOutlook, repository: RepositoryOutlook
) -> dict[str, Any]:
    return {
        "place": words.place(outlooks, registry, repository),
        "rule": repository.rule or "",
        "mode": repository.mode if repository.rule else "",
        "tags": len(repository.tags),
        "changes": [words.tag_row("", each)[1:] for each in repository.changes],
        "settings": [words.setting_row("", each)[1:] for each in repository.settings],
        "exposed": len(repository.exposures),
    }


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _trusted(text: str) -> Any:
    """The page's own style or script, which is markup."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704


def _hash(text: str) -> str:
    """As a Content-Security-Policy names a script that may run (CSP Level 3: hash-source)."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
