"""One document of several: `defaults` under each rule, and the rules of files that are included.

Everything keeps the file and the line in which it is written, so that faults name them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from ecr_steward_cli.rules_file.document import (
    Document,
    Fault,
    Path,
    Position,
    RulesFault,
    parse,
    shown,
)

_Read = Callable[[FilePath, str], str]

OF_TEAMS = ("prefixes", "rules")
"""What a file that is included may have."""

_MAIN_ONLY: tuple[tuple[Path, Any], ...] = (
    (("repository", "policy", "public"), "allow"),
    (("images", "others"), "expire"),
)
"""What a rule of a file that is included may not say."""


def composed(main: Document, name: str, read: _Read) -> Document:
    """The document with the rules of the files that it includes first, and with its defaults in
    every rule; raises RulesFault.

    `name` is the rules file, beside or below which the others are; `read` gives a file's text.
    """
    if not isinstance(main.data, dict) or not {"defaults", "include"} & set(main.data):
        return main
    builder = _Composer(main)
    include = main.data.get("include")
    for i, each in enumerate(include if isinstance(include, list) else ()):
        if isinstance(each, str):
            builder.include(each, ("include", i), name, read)
    own = main.data.get("rules")
    for i, rule in enumerate(own if isinstance(own, list) else ()):
        builder.add(main, rule, ("rules", i))
    if builder.faults:
        raise RulesFault(name, builder.faults)
    return builder.document()


class _Composer:
    """Puts the rules of several documents together."""

    def __init__(self, main: Document) -> None:
        self._main = main
        self._rules: list[Any] = []
        kept = {path: place for path, place in main.places.items() if path[:1] != ("rules",)}
        self._places: dict[Path, Position] = kept
        if ("rules",) in main.places:
            self._places["rules",] = main.places["rules",]
        self.faults: list[Fault] = []

    def document(self) -> Document:
        data = {**self._main.data, "rules": self._rules}
        if not self._rules and not isinstance(self._main.data.get("rules"), list):
            data = self._main.data
        return Document(data, self._places, self._main.faults)

    def add(self, source: Document, rule: Any, path: Path) -> None:
        """Put a rule in, with the defaults in it; `path` is where it stands in its document."""
        at = ("rules", len(self._rules))
        defaults = self._main.data.get("defaults")
        if isinstance(rule, dict) and isinstance(defaults, dict):
            self._place(self._main, ("defaults",), at)
            self._rules.append(self._merged(defaults, rule, source, path, at))
        else:
            self._rules.append(rule)
        self._place(source, path, at)

    def _merged(self, under: Any, over: Any, source: Document, path: Path, at: Path) -> Any:
        """`over` with what `under` has besides: mappings key by key, all else is replaced."""
        if not (isinstance(under, dict) and isinstance(over, dict)):
            # What is replaced leaves no places behind.
            gone = [each for each in self._places if each[: len(at)] == at]
            for each in gone:
                del self._places[each]
            return over
        found = copy.deepcopy(under)
        for key, value in over.items():
            step = (*at, key)
            if key in under:
                value = self._merged(under[key], value, source, (*path, key), step)
            found[key] = value
        return found

    def _place(self, source: Document, path: Path, at: Path) -> None:
        """Remember where everything below `path` of a document is written, as below `at`."""
        for each, place in source.places.items():
            if each[: len(path)] == path:
                self._places[(*at, *each[len(path) :])] = place

    def include(self, file: str, path: Path, name: str, read: _Read) -> None:
        """Put in the rules of another file, narrowed to its prefixes."""
        try:
            source = _included(file, FilePath(name).parent, self._main.fault, path, read)
        except RulesFault as fault:
            self.faults += fault.faults
            return
        prefixes = source.data["prefixes"]
        for i, rule in enumerate(source.data["rules"]):
            at: Path = ("rules", i)
            self.faults += _forbidden(source, rule, at)
            if isinstance(rule, dict) and isinstance(rule.get("repositories"), list):
                rule["repositories"] = list(self._narrowed(source, rule, prefixes, at))
            self.add(source, rule, at)

    def _narrowed(
        self, source: Document, rule: Mapping[str, Any], prefixes: list[str], path: Path
    ) -> Iterator[Any]:
        """The globs under the prefixes, each once: two that were written may become the same."""
        seen: set[str] = set()
        for i, glob in enumerate(rule["repositories"]):
            if not isinstance(glob, str):
                yield glob
                continue
            found = list(dict.fromkeys(each for p in prefixes for each in narrowed(glob, p)))
            if not found:
                sentence = f"{shown(glob)} names nothing under the prefixes of this file."
                self.faults.append(source.fault((*path, "repositories", i), sentence))
            yield from (each for each in found if each not in seen)
            seen.update(found)


def narrowed(glob: str, prefix: str) -> Iterator[str]:
    """Globs of the names that `glob` matches and that begin with `prefix`."""
    rests = {glob}
    for letter in prefix:
        rests = {after for rest in rests for after in _after(rest, letter)}
    yield from sorted(prefix + rest for rest in rests if not _is_wider(rest, rests))


def _after(glob: str, letter: str) -> Iterator[str]:
    """What of a glob is left to match after one letter."""
    if glob.startswith("*"):
        yield glob
        yield from _after(glob.lstrip("*"), letter)
    elif glob[:1] == letter:
        yield glob[1:]


def _is_wider(rest: str, rests: set[str]) -> bool:
    """Whether another one of these globs takes in all that this one matches."""
    return any(each == f"*{rest.lstrip('*')}" and each != rest for each in rests) or (
        "*" in rests and rest != "*"
    )


def _forbidden(source: Document, rule: Any, path: Path) -> Iterator[Fault]:
    for keys, value in _MAIN_ONLY:
        found = rule
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if found == value:
            sentence = f"`{keys[-1]}: {value}` stands in the main rules file only."
            yield source.fault((*path, *keys), sentence)


def _included(
    file: str,
    folder: FilePath,
    fault: Callable[[Path, str], Fault],
    path: Path,
    read: _Read,
) -> Document:
    """The document of a file that is included, with its prefixes and its rules."""
    given = FilePath(file)
    name = str(folder / given)
    if "://" in file or given.is_absolute() or ".." in given.parts:
        sentence = f"{shown(file)} must be beside the rules file, or in a folder below it."
        raise RulesFault("", [fault(path, sentence)])
    if any((folder / each).is_symlink() for each in (given, *given.parents)):
        sentence = f"{shown(file)} is a link; name the file itself."
        raise RulesFault("", [fault(path, sentence)])
    try:
        found = parse(read(FilePath(name), name), "`prefixes:` and `rules:`", name)
    except RulesFault as error:
        raise RulesFault("", [unread(error.faults[0], name, fault(path, ""), file)]) from error
    except ValueError as error:
        told: Fault = error.args[0]
        raise RulesFault("", [Fault(told.line, told.sentence, name)]) from error
    faults = [*found.faults, *_misplaced(found)]
    if faults:
        raise RulesFault("", faults)
    return found


def unread(found: Fault, name: str, where: Fault, file: str) -> Fault:
    """Why a file cannot be read: on its own line where it has one, else where it is named."""
    if found.line:
        return Fault(found.line, found.sentence, name)
    return replace(where, sentence=f"{shown(file)}: {found.sentence}")


def _misplaced(found: Document) -> Iterator[Fault]:
    """What is wrong with the outermost keys of a file that is included."""
    known = " and ".join(f"`{each}`" for each in OF_TEAMS)
    if not isinstance(found.data, dict):
        yield found.fault((), f"A file that is included must be a mapping with {known}.")
        return
    for key in found.data:
        if key not in OF_TEAMS:
            sentence = f"{shown(key)} stands in the main rules file only; here are {known}."
            yield found.fault((key,), sentence, key=True)
    for key in OF_TEAMS:
        value = found.data.get(key)
        if not isinstance(value, list) or not value:
            yield found.fault((key,), f"`{key}` must be a list with at least one entry.")
    for i, each in enumerate(found.data.get("prefixes") or ()):
        if not isinstance(each, str) or not each or "*" in each:
            sentence = "A prefix is the beginning of a repository's name as text, without `*`."
            yield found.fault(("prefixes", i), sentence)
