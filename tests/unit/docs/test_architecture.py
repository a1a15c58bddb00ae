"""docs/architecture.md explains the words of the code, and names its rooms."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.support.pages import ROOT, read, table

PAGE = read("docs/architecture.md")
LIBRARY = ROOT / "layers/steward/src/ecr_steward"
CLI = ROOT / "cli/src/ecr_steward_cli"

OWN_ROOMS = ("functions", "local", "bench", "tests/support", "tests/soak")

MANY = 4
"""A word in so many public names is one that a reader must know."""

PLAIN = """
    all and at by check complete count duration ecr error for from get has in is it known make name
    new notify of on out own parse put read request schema send set take text time to with within
    write
"""
"""What English, Python and AWS mean by them, in whatever project."""


def test_the_words_that_many_public_names_use_are_explained() -> None:
    explained = set(re.findall(r"[a-z]+", " ".join(_glossary()).lower()))
    explained |= {f"{word}s" for word in explained}
    plain = set(PLAIN.split())
    assert {w: names for w, names in _frequent().items() if w not in explained | plain} == {}


def test_words_are_explained_once_and_in_order() -> None:
    assert _glossary() == sorted(set(_glossary()))


def test_no_two_public_classes_share_a_name() -> None:
    roots = (LIBRARY, CLI, *(ROOT / each for each in OWN_ROOMS))
    names = [
        node.name
        for root in roots
        for path in root.rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name[0] != "_"
    ]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def _glossary() -> list[str]:
    return [word for word, _ in table(PAGE, "Word", "Meaning")]


def _frequent() -> dict[str, list[str]]:
    """The words in MANY public names or more, each with some of these names."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in _public_names():
        for word in re.findall(r"[A-Z]?[a-z]+", name):
            found[word.lower()].add(name)
    return {word: sorted(names)[:4] for word, names in found.items() if len(names) >= MANY}


def _public_names() -> Iterator[str]:
    """Classes, functions and methods; not the methods of clients, which are ECR's own words."""
    for root in (LIBRARY, CLI):
        for path in root.rglob("*.py"):
            if path.parent.name == "in_memory" and path.name != "simulation.py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name[0] != "_":
                    yield node.name


def test_every_room_of_the_library_is_listed() -> None:
    assert _listed("Room") == _modules(LIBRARY)


def test_every_room_of_the_command_line_is_listed() -> None:
    assert _listed("Room of the command line") == _modules(CLI)


def test_every_folder_of_the_repository_is_listed() -> None:
    ignored = set(re.findall(r"^([^*\n]+)/$", read(".gitignore"), re.M))
    folders = {f"{path.name}/" for path in ROOT.iterdir() if path.is_dir()}
    shown = {each for each in folders if not each.startswith(".") and each[:-1] not in ignored}
    listed = {
        re.sub(r"^\[([^]]+)\].*", r"\1", cell) for cell, _ in table(PAGE, "Where", "What is in it")
    }
    assert shown - {each.split("/")[0] + "/" for each in listed} == set()


def _listed(heading: str) -> set[str]:
    return {cell.strip("`") for cell, _ in table(PAGE, heading, "What is in it")}


def _modules(package: Path) -> set[str]:
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    files = {path.stem for path in package.glob("*.py") if path.stem != "__init__"}
    return folders | files
