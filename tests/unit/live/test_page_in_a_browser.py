"""What Chromium makes of the page: sorting, filter, keyboard, dark mode, what can be taken out."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Download, Page, expect

from ecr_steward_cli.live.page import page
from tests.support.browser import chromium, needs_chromium
from tests.support.plan_page import made, planned, registry
from tests.unit.live.plans import plan_of, repository

pytestmark = [needs_chromium, pytest.mark.enable_socket, pytest.mark.xdist_group("chromium")]

EVIL = "</script><img src=https://example.com/x onerror=alert(1)>"


@dataclass
class Opened:
    """A page from the disk, with what it asked for and what the console said."""

    tab: Page
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def go(self, file: Path, fragment: str = "") -> Page:
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.tab.on("console", lambda message: self.said.append(message.text))
        self.tab.on("pageerror", lambda error: self.said.append(str(error)))
        self.tab.goto(f"{file.as_uri()}#{fragment}")
        return self.tab


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a registry as companies have it."""
    found = tmp_path_factory.mktemp("page") / "plan.html"
    found.write_text(made([planned(registry())]), encoding="utf-8")
    return found


@pytest.fixture
def opened(browser: Browser, file: Path) -> Iterator[Opened]:
    """Whatever a test does, nothing but the file is asked for, and the console stays silent."""
    found = Opened(browser.new_page())
    yield found
    found.tab.close()
    assert [each for each in found.asked if not each.startswith(("file:", "blob:"))] == []
    assert found.said == []


def places(tab: Page) -> list[str]:
    """The repositories of the table, in order."""
    return tab.locator("#table button[aria-expanded]").all_inner_texts()


def test_the_address_says_what_is_shown_and_in_which_order(opened: Opened, file: Path) -> None:
    tab = opened.go(file, "q=SHOP&sort=size&down=1")
    assert places(tab) == ["shop/api", "shop/checkout", "shop/search", "shop/web"]
    expect(tab.get_by_role("columnheader", name="GB at most")).to_have_attribute(
        "aria-sort", "descending"
    )
    expect(tab.get_by_role("status")).to_have_text("4 of 11")
    expect(tab.get_by_label("Search")).to_have_value("SHOP")
    tab.evaluate("location.hash = 'show=alone'")
    expect(tab.get_by_role("status")).to_have_text("4 of 11")
    assert "playground" in places(tab)


def test_a_heading_sorts_one_way_and_then_the_other(opened: Opened, file: Path) -> None:
    tab = opened.go(file)
    heading = tab.locator("#table").get_by_role("columnheader", name="repository", exact=True)
    heading.get_by_role("button").click()
    up = places(tab)
    expect(heading).to_have_attribute("aria-sort", "ascending")
    heading.get_by_role("button").click()
    assert places(tab) == up[::-1] == sorted(up, reverse=True)
    assert tab.url.endswith("#sort=place&down=1")


@pytest.mark.parametrize(
    ("show", "count"), [("with changes", 7), ("to look at first", 2), ("without a rule", 4)]
)
def test_a_filter_is_in_the_address(opened: Opened, file: Path, show: str, count: int) -> None:
    tab = opened.go(file)
    tab.get_by_label("Show").select_option(show)
    expect(tab.get_by_role("status")).to_have_text(f"{count} of 11")
    address = tab.url
    tab.goto("about:blank")
    tab.goto(address)
    assert len(places(tab)) == count


def test_a_repository_opens_to_its_changes(opened: Opened, file: Path) -> None:
    tab = opened.go(file, "q=base/redis")
    tab.get_by_role("button", name="base/redis").click()
    day = r"\(2025-1[01]-\d\d\)"
    moved = tab.get_by_role("row", name=re.compile(rf"^move 8\.0 8\.0\.6 {day} 8\.0\.8 {day} .+"))
    expect(moved).to_be_visible()
    expect(tab.get_by_role("columnheader", name="image that nothing keeps")).to_be_visible()
    tab.get_by_role("button", name="base/redis").click()
    expect(moved).to_have_count(0)


def test_everything_can_be_done_by_keyboard(opened: Opened, file: Path) -> None:
    tab = opened.go(file)
    tab.keyboard.press("/")
    tab.keyboard.type("checkout")
    assert places(tab) == ["shop/checkout"]
    while tab.evaluate("document.activeElement.textContent") != "shop/checkout":
        tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("button", name="shop/checkout")).to_have_attribute(
        "aria-expanded", "true"
    )
    tab.keyboard.press("/")
    tab.keyboard.press("Escape")
    assert len(places(tab)) == 11


def test_it_is_dark_where_people_ask_for_it(opened: Opened, file: Path) -> None:
    tab = opened.go(file)
    assert [lightness(tab, each) for each in ("light", "dark")] == [(255, 0), (18, 255)]


def lightness(tab: Page, scheme: Literal["light", "dark"]) -> tuple[int, int]:
    """The red of the ground and of the text."""
    tab.emulate_media(color_scheme=scheme)
    found = tab.evaluate(
        "(({backgroundColor, color}) => [backgroundColor, color])(getComputedStyle(document.body))"
    )
    ground, text = (int(re.findall(r"\d+", each)[0]) for each in found)
    return ground, text


def test_on_paper_everything_that_changes_is_open(opened: Opened, file: Path) -> None:
    tab = opened.go(file)
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(tab.locator('#table button[aria-expanded="true"]')).to_have_count(7)
    expect(tab.get_by_label("Search")).to_be_hidden()


def test_what_is_shown_can_be_taken_out(opened: Opened, file: Path) -> None:
    tab = opened.go(file, "q=shop/api")
    (row,) = csv.DictReader(saved(tab, "CSV of repositories").splitlines())
    assert (row["repository"], row["images"], row["ECR.1"]) == ("shop/api", "25", "yes")
    changes = list(csv.DictReader(saved(tab, "CSV of changes").splitlines()))
    assert {each["kind"] for each in changes} == {"tag", "setting", "image"}
    every = json.loads(saved(tab, "JSON"))["repositories"]
    assert len(every) == 11
    assert every[0]["changes"][0].keys() >= {"tag", "from", "from_pushed", "to", "reason"}


def saved(tab: Page, button: str) -> str:
    """What a button hands out."""
    with tab.expect_download() as found:
        tab.get_by_role("button", name=button, exact=True).click()
    download: Download = found.value
    return download.path().read_text(encoding="utf-8")


def test_what_comes_from_outside_does_nothing(opened: Opened, tmp_path: Path) -> None:
    evil = tmp_path / "evil.html"
    plan = plan_of(repository(EVIL, reason=f"={EVIL}"), unread=EVIL)
    plan.without_rule.append(EVIL)
    evil.write_text(page([plan], EVIL, "2026-11-28T00:00:00Z"), encoding="utf-8")
    tab = opened.go(evil)
    tab.get_by_role("button", name=EVIL).first.click()
    assert tab.locator("img").count() == 0
    cells = {
        cell for line in csv.reader(saved(tab, "CSV of changes").splitlines()) for cell in line
    }
    assert f"'={EVIL}" in cells
    assert [each for each in cells if each.startswith(("=", "+", "-", "@", "\t"))] == []
