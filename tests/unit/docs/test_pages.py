"""Every page: its links lead somewhere, its lines are short, and the front page names it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.pages import (
    DECISIONS,
    PAGES,
    README,
    ROOT,
    anchors,
    links,
    name,
    pictures,
    read,
    table,
)

EACH = pytest.mark.parametrize("page", PAGES, ids=name)


@EACH
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [link for link in links(read(page)) if not _leads(page, link)] == []


def _leads(page: Path, link: str) -> bool:
    if urlsplit(link).scheme:
        return link.startswith("https://")
    file, _, anchor = link.partition("#")
    target = page.parent / file if file else page
    return target.exists() and (not anchor or anchor in anchors(target.read_text("utf-8")))


@EACH
def test_lines_are_short_except_in_tables(page: Path) -> None:
    lines = read(page).splitlines()
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []


PUZZLING = re.compile(
    r"\b(set back|for ever(?!y)|small letters|errand|must be a text|no longer open to)\b"
)
"""What readers had to read twice: corrected, forever, lowercase, retry, a string, not public."""


def test_nothing_has_to_be_read_twice() -> None:
    rooms = ("cli/src", "functions", "layers/steward/src", "local")
    sources = (file for room in rooms for file in (ROOT / room).rglob("*.py"))
    pages = (page for page in PAGES if page.name != "CHANGELOG.md")
    found = {
        name(file): PUZZLING.findall(" ".join(read(file).split()))
        for file in (*pages, ROOT / "template.yaml", *sources)
    }
    assert {file: words for file, words in found.items() if words} == {}


@EACH
def test_a_page_has_one_title_and_it_comes_first(page: Path) -> None:
    titles = re.findall(r"^# .+$", re.sub(r"^```.*?^```$", "", read(page), flags=re.M | re.S), re.M)
    assert titles == [read(page).splitlines()[0]]


@EACH
def test_every_sample_event_that_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"\bevents/(\w+\.json)", read(page)))
    assert {each for each in named if not (ROOT / "events" / each).is_file()} == set()


@EACH
def test_every_file_that_a_page_names_by_its_path_exists(page: Path) -> None:
    """Python files are named without their ending, so that a file may become a folder."""
    paths = re.findall(r"`((?:layers|cli|functions|tests|local|docs)/[\w./-]+)`", read(page))
    assert [path for path in paths if not (ROOT / path).exists() and not _python(path)] == []


def _python(path: str) -> bool:
    return (ROOT / f"{path}.py").is_file()


def test_the_front_page_fits_on_a_few_screens() -> None:
    assert len(read(README).splitlines()) <= 150


def test_the_front_page_lists_every_page() -> None:
    linked = {
        link for cell, _ in table(read(README), "Page", "What is in it") for link in links(cell)
    }
    pages = {name(page) for page in PAGES if page.parent != DECISIONS and page != README}
    assert linked == pages
    assert "docs/decisions/README.md" in links(read(README))


def test_the_front_page_shows_one_message() -> None:
    assert len(pictures(read(README))) == 1


def test_decisions_are_numbered_in_order_and_dated() -> None:
    files = sorted(DECISIONS.glob("0*.md"))
    assert files
    for number, file in enumerate(files, start=1):
        assert file.name.startswith(f"{number:04}-")
        assert _title(file).startswith(f"{number:04}. ")
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", _date(file))


def _title(file: Path) -> str:
    return read(file).splitlines()[0].removeprefix("# ")


def _date(file: Path) -> str:
    return read(file).splitlines()[2]
