"""A plan as a page: what is in it, that nothing gets in, and what Chromium makes of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ecr_steward_cli.planning.outlook import (
    Outlooks,
    PlannedTag,
    RegistryOutlook,
    RepositoryOutlook,
    Unread,
)
from ecr_steward_cli.planning.page import page
from tests.unit.planning.registries import behind, one

EVIL = "</script><img src=x onerror=alert(1)>"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
browser = pytest.mark.skipif(CHROMIUM is None, reason="left out: there is no Chromium here")


def outlooks(*repositories: RepositoryOutlook) -> Outlooks:
    unread = (Unread(EVIL, EVIL),)
    registry = RegistryOutlook("123456789012", "eu-west-1", repositories, unread)
    return Outlooks("0123456789ab", "2026-11-23T02:24:00Z", (registry,))


def repository(name: str, changes: int = 1, reason: str = "`1.4` goes on.") -> RepositoryOutlook:
    change = PlannedTag("move", "1.4", f"sha256:{1:064}", f"sha256:{2:064}", reason, writes=True)
    exposed = {"setting": "policy", "problem": "public", "subject": f"=cmd {EVIL}"}
    setting = {**exposed, "action": "correct", "reason": reason}
    return RepositoryOutlook(name, "0: *", changes=(change,) * changes, settings=(setting,))


def test_the_page_says_in_one_sentence_what_would_happen(tmp_path: Path) -> None:
    file = tmp_path / "plan.html"
    one(behind()).plan(tmp_path, "--html", str(file))
    said = file.read_text(encoding="utf-8")
    assert "<h1>In 2 repositories: 2 tags would move" in said
    assert "Before you switch on" in said
    assert "team/app" in said


def test_nothing_from_outside_is_markup() -> None:
    said = page(outlooks(repository(EVIL, reason=EVIL)))
    assert "<img" not in said
    assert said.count("</script>") == 2
    data = re.search(r'id="data">(.*?)</script>', said, re.S)
    assert data is not None
    assert "<" not in data[1]
    assert json.loads(data[1])["repositories"][0]["changes"][0][-1] == EVIL


def test_the_page_may_fetch_nothing() -> None:
    said = page(outlooks(repository("base/redis")))
    assert "default-src 'none'" in said
    assert "unsafe" not in said
    assert re.findall(r"(?:https?:)?//\w+\.\w+|@import|url\(", said) == []


def test_five_hundred_repositories_of_two_hundred_tags_fit_into_three_megabytes() -> None:
    every = [repository(f"base/app-{number}", changes=20) for number in range(500)]
    assert len(page(outlooks(*every))) < 3_000_000


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
    many = page(outlooks(repository("a", 1), repository("b", 3), repository("other", 2)))
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
    made = page(outlooks(repository("base/redis", reason="+1")))
    # Without its policy, so that the test can click.
    made = re.sub("<meta http-equiv[^>]*>", "", made).replace("</body>", f"{CLICK}</body>")
    saved = re.search(r'<pre id="saved">(.*?)</pre>', shown(tmp_path, "", made), re.S)
    assert saved is not None
    assert "\"'=cmd" in saved[1]
    assert '"\'+1"' in saved[1]
