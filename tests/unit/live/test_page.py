"""A plan as a page: what is in it, that nothing gets in, and what Chromium makes of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ecr_steward_cli.live.look import RepositoryPlan
from ecr_steward_cli.live.page import page
from tests.unit.live.plans import plan_of, repository

EVIL = "</script><img src=x onerror=alert(1)>"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
browser = pytest.mark.skipif(CHROMIUM is None, reason="left out: there is no Chromium here")


def page_of(*repositories: RepositoryPlan) -> str:
    plan = plan_of(*repositories, unread=EVIL)
    plan.without_rule.append("team/app")
    return page([plan], "0123456789ab", "2026-11-28T00:00:00Z")


def test_the_page_says_in_one_sentence_what_would_happen() -> None:
    said = page_of(repository("base/redis"))
    assert "<h1>1 repositories looked at, 1 without a rule: 1 tags would move" in said
    assert "Before you switch on" in said
    assert "team/app" in said


def test_nothing_from_outside_is_markup() -> None:
    said = page_of(repository(EVIL, reason=EVIL))
    assert "<img" not in said
    assert said.count("</script>") == 2
    data = re.search(r'id="data">(.*?)</script>', said, re.S)
    assert data is not None
    assert "<" not in data[1]
    assert json.loads(data[1])["repositories"][0]["changes"][0][-1] == EVIL


def test_the_page_may_fetch_nothing() -> None:
    said = page_of(repository("base/redis"))
    assert "default-src 'none'" in said
    assert "unsafe" not in said
    assert re.findall(r"(?:https?:)?//\w+\.\w+|@import|url\(", said) == []


def test_five_hundred_repositories_of_two_hundred_tags_fit_into_three_megabytes() -> None:
    every = [repository(f"base/app-{number}", moves=20) for number in range(500)]
    assert len(page_of(*every)) < 3_000_000


def shown(folder: Path, fragment: str, made: str) -> str:
    """What is in Chromium once the page has run; whatever the console says fails the test."""
    file = folder / "plan.html"
    file.write_text(made, encoding="utf-8")
    options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000")
    where = (f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--dump-dom")
    ran = subprocess.run(
        [str(CHROMIUM), *options, *where, f"{file.as_uri()}#{fragment}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert [line for line in ran.stderr.splitlines() if "CONSOLE" in line] == []
    return ran.stdout


def places(dom: str) -> list[str]:
    """The repositories of the table, in order."""
    return re.findall(r'aria-expanded="false">([^<]+)</button>', dom)


@browser
@pytest.mark.enable_socket
def test_a_browser_sorts_and_filters_by_the_fragment_of_the_address(tmp_path: Path) -> None:
    many = page_of(repository("a", 1), repository("b", 3), repository("other", 2))
    assert places(shown(tmp_path, "sort=changes&down=1", many)) == ["b", "other", "a"]
    dom = shown(tmp_path, "q=oth", many)
    assert places(dom) == ["other"]
    assert "1 of 3" in dom


CLICK = """<script>
URL.createObjectURL = (blob) => { blob.text().then((text) => {
  const shown = document.createElement("pre"); shown.id = "saved"; shown.textContent = text;
  document.body.append(shown); }); return "#"; };
document.getElementById("csv").click();
</script>"""


@browser
@pytest.mark.enable_socket
def test_a_cell_of_the_csv_is_no_formula(tmp_path: Path) -> None:
    made = page_of(repository("base/redis", reason="+1"))
    # Without its policy, so that the test can click.
    made = re.sub("<meta http-equiv[^>]*>", "", made).replace("</body>", f"{CLICK}</body>")
    saved = re.search(r'<pre id="saved">(.*?)</pre>', shown(tmp_path, "", made), re.S)
    assert saved is not None
    assert "\"'=cmd" in saved[1]
    assert '"\'+1"' in saved[1]
