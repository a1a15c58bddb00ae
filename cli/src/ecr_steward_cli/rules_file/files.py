"""Files that a rules file names: policies and lifecycle policies, put where their names stand.

What the functions get holds the content, so the fingerprint of the rules changes with it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from ecr_steward.settings.kinds import KINDS
from ecr_steward_cli.rules_file.compose import unread
from ecr_steward_cli.rules_file.document import Document, Fault, Path, RulesFault, parse, shown

_Read = Callable[[FilePath, str], str]


@dataclass(frozen=True)
class _Included:
    """A file's document: what is at `within` there stands at `path` of the rules."""

    name: str
    document: Document
    path: Path
    within: Path


@dataclass(frozen=True)
class Whole:
    """The rules with the content of every file they name, and where each part was written."""

    data: Mapping[str, Any]
    _document: Document
    _included: tuple[_Included, ...] = ()

    def fault(self, path: Path, sentence: str) -> Fault:
        """A fault of what stands at `path`, with its line, in whichever file it is."""
        for each in self._included:
            if path[: len(each.path)] == each.path:
                inner = (*each.within, *path[len(each.path) :])
                return Fault(each.document.line(inner), sentence, each.name)
        return self._document.fault(path, sentence)


def whole(document: Document, name: str, read: _Read) -> Whole:
    """The document with what it includes; raises RulesFault.

    `name` is the rules file, whose folder the names of files begin at; `read` gives a file's text.
    """
    data = copy.deepcopy(document.data)
    for key in ("defaults", "include"):
        data.pop(key, None)
    included: list[_Included] = []
    faults: list[Fault] = []
    for path, setting in _settings(data):
        try:
            each = _include(setting, path, document, FilePath(name).parent, read)
        except RulesFault as fault:
            faults += fault.faults
        else:
            included += [] if each is None else [each]
    if faults:
        raise RulesFault(name, faults)
    return Whole(data, document, tuple(included))


_FILES = {kind.name: kind.file for kind in KINDS if kind.file is not None}
"""By the name of a setting, how it stands in a file of its own."""


def _settings(data: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each setting of a rule that can be a file, and the registry's policy, with its path."""
    for i, rule in enumerate(data["rules"]):
        for key in _FILES:
            found = rule.get("repository", {}).get(key)
            if found is not None:
                yield ("rules", i, "repository", key), found
    own = data.get("registry", {}).get("policy")
    if own is not None:
        yield ("registry", "policy"), own


def _include(
    setting: dict[str, Any], path: Path, document: Document, folder: FilePath, read: _Read
) -> _Included | None:
    """Put the content of a setting's file in its place."""
    kind = str(path[-1])
    where, content = (*path, "file"), _FILES[kind].content
    if "file" not in setting:
        return None
    if content in setting:
        sentence = f"`{kind}` has both `file` and `{content}`; keep one of them."
        raise RulesFault("", [document.fault(where, sentence)])
    file = FilePath(setting.pop("file"))
    if file.is_absolute() or ".." in file.parts:
        sentence = f"{shown(str(file))} must be beside the rules file, or in a folder below it."
        raise RulesFault("", [document.fault(where, sentence)])
    stated_in = document.fault(where, "").file
    name = str((FilePath(stated_in).parent if stated_in else folder) / file)
    found = _parsed(name, where, document, f"`{_FILES[kind].key}`", read)
    within = _content(kind, found, name)
    listed = _at(found.data, within)
    # A policy may have one statement in place of a list.
    setting[content] = listed if isinstance(listed, list) else [listed]
    one = () if isinstance(listed, list) else (0,)
    return _Included(name, found, (*path, content, *one), within)


def _parsed(name: str, where: Path, stated: Document, needs: str, read: _Read) -> Document:
    try:
        # JSON may be indented with tabs, which YAML refuses; no text in JSON can hold one.
        text = read(FilePath(name), name)
        found = parse(text.replace("\t", " ") if name.endswith(".json") else text, needs)
    except RulesFault as fault:
        told = unread(fault.faults[0], name, stated.fault(where, ""), stated.text(where))
        raise RulesFault("", [told]) from fault
    except ValueError as error:
        fault_: Fault = error.args[0]
        raise RulesFault("", [Fault(fault_.line, fault_.sentence, name)]) from error
    faults = (*found.faults, *found.unquoted())
    if faults:
        raise RulesFault("", [Fault(each.line, each.sentence, name) for each in faults])
    return found


def _content(kind: str, found: Document, name: str) -> Path:
    """Where in a file the list is that the rules want: alone, or in a document as AWS has it."""
    key = _FILES[kind].key
    if isinstance(found.data, list):
        return ()
    if not isinstance(found.data, dict) or key not in found.data:
        sentence = f"The file must be a mapping with `{key}`; it is {shown(found.data)}."
        raise RulesFault("", [Fault(found.line(()), sentence, name)])
    for other in found.data:
        if other not in _FILES[kind].keys:
            known = ", ".join(f"`{each}`" for each in _FILES[kind].keys)
            sentence = f"{shown(other)} has no place here; there are {known}."
            raise RulesFault("", [Fault(found.key_line((other,)), sentence, name)])
    wrong = _FILES[kind].version_fault(found.data)
    if wrong is not None:
        raise RulesFault("", [Fault(found.line(("Version",)), wrong, name)])
    return (key,)


def _at(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data
