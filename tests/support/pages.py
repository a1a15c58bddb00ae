"""The pages of the documentation, read as Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
DECISIONS = DOCS / "decisions"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(DOCS.glob("*.md")),
    *sorted(DECISIONS.glob("*.md")),
    ROOT / "events/README.md",
]


def read(path: Path | str) -> str:
    """The text of a page, named by its path from the root of the repository."""
    return (ROOT / path).read_text(encoding="utf-8")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def tables(text: str, *headings: str) -> list[list[list[str]]]:
    """The rows of each table with these headings, a list of cells each."""
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if line == row(*headings)]
    return [_rows(lines[start + 2 :]) for start in starts]


def table(text: str, *headings: str) -> list[list[str]]:
    """The rows of the one table with these headings."""
    found = tables(text, *headings)
    assert len(found) == 1, f"there must be one table that begins with {row(*headings)}"
    return found[0]


def _rows(lines: list[str]) -> list[list[str]]:
    end = next((i for i, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:end]]


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def code(value: Any) -> str:
    """A value as tables show it."""
    if value == "":
        return "empty"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def blocks(text: str, language: str, start: str = "") -> list[str]:
    """The blocks of code in a language whose first line begins with `start`."""
    return re.findall(rf"^```{language}\n({re.escape(start)}.*?)^```$", text, re.M | re.S)


def prose(text: str) -> str:
    """The text without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", prose(text))


def pictures(text: str) -> list[str]:
    return re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)


def anchors(text: str) -> set[str]:
    """What headings can be linked to by, as GitHub makes it."""
    titles = re.findall(r"^#+ (.+)$", prose(text), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(text: str) -> Iterator[str]:
    """What a reader may type: the lines of shell blocks, continued ones joined, and code in prose
    (a sentence may break it over two lines)."""
    for block in blocks(text, "sh"):
        yield from block.replace("\\\n", " ").splitlines()
    for span in re.findall(r"`([^`]+)`", prose(text)):
        yield " ".join(span.split())
