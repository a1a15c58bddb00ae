"""A plan as one page that asks for nothing from anywhere, to open, search, print and hand on."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib import resources
from typing import Any

from jinja2 import Environment

from ecr_steward.images import Kept
from ecr_steward.tags.plan import TagChange
from ecr_steward_cli.live import storage, words
from ecr_steward_cli.live.controls import CONTROLS, Met
from ecr_steward_cli.live.look import RepositoryContents, RepositoryPlan
from ecr_steward_cli.live.survey import RegistryPlan
from ecr_steward_cli.live.without_rule import schemes

_COLUMNS = (
    ("place", "repository"),
    ("rule", "rule"),
    ("first", "to look at first"),
    ("changes", "tags change"),
    ("settings", "settings differ"),
    ("going", "images nothing keeps"),
    ("images", "images"),
    ("size", "GB at most"),
)

_MOST_FIRST = 200
"""Rows above the table, which has them all."""


def page(plans: Sequence[RegistryPlan], fingerprint: str, at: str) -> str:
    """The page; `fingerprint` is of the rules, `at` is when it was looked.

    Everything that comes from outside is text in it, never markup. Its policy lets nothing run but
    the page's own script, known by its hash, and lets nothing be fetched at all.
    """
    style, script = _file("page.css"), _file("page.js")
    environment = Environment(autoescape=True)
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    rows = [*_rows(plans)]
    return environment.from_string(_file("page.html.j2")).render(
        style=_trusted(style),
        script=_trusted(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        verdict=words.verdict(words.totals(plans)),
        where=", ".join(map(words.heading, plans)),
        registries=words.registries(plans),
        fingerprint=fingerprint,
        at=at,
        numbers=words.six(plans),
        first=_first(plans),
        most_first=_MOST_FIRST,
        unread=words.unread(plans),
        reserved=words.reserved(plans),
        without_rule=schemes(plans),
        columns=_COLUMNS,
        controls=CONTROLS,
        met=_met(rows),
        storage=_storage(plans, rows),
        data=_data(rows),
    )


def _first(plans: Sequence[RegistryPlan]) -> list[tuple[words.Row, list[words.Row]]]:
    """What to look at before anything is switched on: headings and rows, of tags and settings."""
    tables = [
        (words.TAG_HEADINGS, words.tag_rows(plans, removals=True)),
        (words.SETTING_HEADINGS, words.setting_rows(plans, exposures=True)),
    ]
    return [each for each in tables if each[1]]


# ---------------------------------------------------------------------------- the table
class _Texts:
    """Sentences, each kept once and named by its number: thousands of images go for one reason."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


def _data(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the script makes the table from; what jinja's `tojson` writes has no `<`, `>` or `&`.

    The last cell of a change, a setting and an image is the number of its sentence in `texts`.
    """
    texts = _Texts()
    repositories = [
        {
            key: [[*cells[:-1], texts(cells[-1])] for cells in value]
            if key in ("changes", "settings", "going")
            else value
            for key, value in row.items()
        }
        for row in rows
    ]
    return {
        "columns": [key for key, _ in _COLUMNS],
        "controls": list(CONTROLS),
        "repositories": repositories,
        "texts": list(texts.numbers),
    }


def _rows(plans: Sequence[RegistryPlan]) -> Iterator[dict[str, Any]]:
    """Every repository, those without a rule last."""
    met = {
        words.named(plans, plan, name): found
        for plan in plans
        for name, found in plan.further.controls.items()
    }
    for place, each in words.each_repository(plans):
        yield _row(place, each, met.get(place), each.contents if each.name else None)
    for plan in plans:
        contents = {each.seen.name: each.contents for each in plan.further.ungoverned}
        for name in plan.without_rule:
            place = words.named(plans, plan, name)
            yield _row(place, RepositoryPlan(name, ""), met.get(place), contents.get(name))


def _row(
    place: str, plan: RepositoryPlan, met: Met | None, contents: RepositoryContents | None
) -> dict[str, Any]:
    return {
        "place": place,
        "rule": plan.rule,
        "first": sum(map(words.is_removal, plan.changes))
        + sum(map(words.is_exposure, plan.settings)),
        "changes": [_change(each, plan.contents.pushed) for each in plan.changes],
        "settings": [words.setting_row("", each)[1:] for each in plan.settings],
        "going": [_image(*each) for each in zip(words.going("", plan), plan.going, strict=True)],
        "images": None if contents is None else contents.images,
        "size": None if contents is None else contents.size,
        "met": None if met is None else [met[each] for each in CONTROLS],
    }


def _change(change: TagChange, pushed: Mapping[str, datetime]) -> list[str | int | None]:
    """What, tag, from, when that was pushed, to, when that was pushed, why."""
    _, what, tag, before, after, why = words.tag_row("", change)
    dates = [
        _day(pushed.get(digest or "")) if shown else None
        for shown, digest in ((before, change.before), (after, change.after))
    ]
    return [what, tag, before, dates[0], after, dates[1], why]


def _image(row: words.Row, verdict: Kept) -> list[str | int | None]:
    """Image, when it was pushed, its bytes, why."""
    _, named, why = row
    return [named, _day(verdict.image.pushed_at), verdict.image.size, why]


def _day(time: datetime | None) -> int | None:
    """The day of a time as a number, for there may be a hundred thousand of them."""
    return None if time is None else int(time.timestamp()) // _DAY


_DAY = 24 * 60 * 60


# ---------------------------------------------------------------------------- what stands around it
def _met(rows: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    """Of each control its name, what it asks for, and how many repositories meet it, miss it, and
    cannot be judged."""
    found = [row["met"] for row in rows if row["met"] is not None]
    return [
        (name, asks, *(sum(met[place] is each for met in found) for each in (True, False, None)))
        for place, (name, asks) in enumerate(CONTROLS.items())
    ] if found else []  # fmt: skip


def _storage(plans: Sequence[RegistryPlan], rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What is kept and what it costs, in words."""
    size = sum(row["size"] or 0 for row in rows)
    going = [
        storage.layers(each.image.media_type, each.image.size)
        for _, plan in words.each_repository(plans)
        for each in plan.going
    ]
    return {
        "images": sum(row["images"] or 0 for row in rows),
        "size": storage.gigabytes(size),
        "cost": storage.dollars(size),
        "going": len(going),
        "going_size": storage.gigabytes(sum(going)),
        "going_cost": storage.dollars(sum(going)),
        "price": f"${storage.PRICE:.2f}",
        "priced": storage.PRICED,
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
