"""A plan as one page that asks for nothing from anywhere, to open, search, print and hand on."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment

from ecr_steward_cli.live import words
from ecr_steward_cli.live.look import RepositoryPlan
from ecr_steward_cli.live.survey import RegistryPlan

_COLUMNS = (
    ("place", "repository"),
    ("rule", "rule"),
    ("tags", "tags"),
    ("changes", "changes of tags"),
    ("settings", "changes of settings"),
    ("images", "images nothing keeps"),
    ("first", "to look at first"),
)


def page(plans: Sequence[RegistryPlan], fingerprint: str, at: str) -> str:
    """The page; `fingerprint` is of the rules, `at` is when it was looked.

    Everything that comes from outside is text in it, never markup. Its policy lets nothing run but
    the page's own script, known by its hash, and lets nothing be fetched at all.
    """
    style, script = _file("page.css"), _file("page.js")
    template = Environment(autoescape=True).from_string(_file("page.html.j2"))
    return template.render(
        style=_trusted(style),
        script=_trusted(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        verdict=words.verdict(words.totals(plans)),
        where=", ".join(map(words.heading, plans)),
        fingerprint=fingerprint,
        at=at,
        numbers=words.six(plans),
        removals=words.tag_rows(plans, removals=True),
        exposures=words.setting_rows(plans, exposures=True),
        unread=words.unread(plans),
        alone=words.left_alone(plans),
        columns=_COLUMNS,
        tag_headings=words.TAG_HEADINGS,
        setting_headings=words.SETTING_HEADINGS,
        data=_data(plans),
    )


def _data(plans: Sequence[RegistryPlan]) -> dict[str, Any]:
    """What the script makes the table from; what jinja's `tojson` writes has no `<`, `>` or `&`."""
    return {
        "repositories": [_row(*each) for each in words.each_repository(plans)],
        "tag_headings": words.TAG_HEADINGS[1:],
        "setting_headings": words.SETTING_HEADINGS[1:],
        "image_headings": words.IMAGE_HEADINGS[1:],
    }


def _row(place: str, plan: RepositoryPlan) -> dict[str, Any]:
    return {
        "place": place,
        "rule": plan.rule,
        "tags": len(plan.tags),
        "changes": [words.tag_row("", each)[1:] for each in plan.changes],
        "settings": [words.setting_row("", each)[1:] for each in plan.settings],
        "images": [row[1:] for row in words.going("", plan)],
        "first": sum(map(words.is_removal, plan.changes))
        + sum(map(words.is_exposure, plan.settings)),
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
