"""A YAML text as plain data, with the line of every key and value and the faults met on the way."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from ecr_steward_cli.terminal.text import printable

Path = tuple[str | int, ...]

MAX_DEPTH = 32
MAX_VALUES = 100_000
MAX_MERGES = 10_000
_MAX_SHOWN = 60
_JSON_TAGS = "tag:yaml.org,2002:"
_COLLECTIONS = (_JSON_TAGS + "map", _JSON_TAGS + "seq")


@dataclass(frozen=True, order=True)
class Fault:
    """What is wrong on a line of the file, in one printable sentence; line 0 stands for all of it.

    `file` is a file that the rules file includes, empty for the rules file itself.
    """

    line: int
    sentence: str
    file: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sentence", printable(self.sentence))


class RulesFault(Exception):
    """The file holds no usable rules: every fault that was found, by line.

    `name` is the file as the caller spelled it; `str()` gives a line `NAME:LINE: sentence` for
    each fault.
    """

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        self.name = name
        self.faults = tuple(sorted(set(faults)))
        super().__init__(
            "\n".join(
                f"{each.file or name}:{f'{each.line}:' if each.line else ''} {each.sentence}"
                for each in self.faults
            )
        )


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value that JSON has no like of or that would not survive it: a float, a date, `!tagged`."""

    text: str


@dataclass(frozen=True, slots=True)
class Position:
    """Where a value stands: its own line, its key's line, a scalar's text as written, and the file
    if it is not the rules file itself."""

    line: int
    key_line: int
    text: str
    file: str = ""


@dataclass(frozen=True)
class Document:
    """The data at the top of the file and the place of everything in it."""

    data: Any
    places: Mapping[Path, Position]
    faults: tuple[Fault, ...]

    def fault(self, path: Path, sentence: str, *, key: bool = False) -> Fault:
        """A fault of the value at `path`, or of its key."""
        place = self._place(path)
        return Fault(place.key_line if key else place.line, sentence, place.file)

    def line(self, path: Path) -> int:
        """The line of the value at `path`, or of the nearest thing around it."""
        return self._place(path).line

    def key_line(self, path: Path) -> int:
        return self._place(path).key_line

    def where(self, path: Path) -> str:
        """Where the value at `path` stands, in words: its line, and its file if that is one that is
        included."""
        found = self._place(path)
        return f"line {found.line} of {found.file}" if found.file else f"line {found.line}"

    def text(self, path: Path) -> str:
        return self._place(path).text

    def unquoted(self, but: Collection[Path] = ()) -> Iterator[Fault]:
        """A fault for each value that would lose what is written if it were taken as a number or a
        date; those at the paths `but` are told already, and once is enough for what is merged into
        several places."""
        told = {self._place(path) for path in but}
        for path, value in _scalars(self.data, ()):
            if self._place(path) not in told:
                yield self.fault(path, _not_kept(path, value.text))

    def _place(self, path: Path) -> Position:
        while path not in self.places:
            path = path[:-1]
        return self.places[path]


def _scalars(data: Any, path: Path) -> Iterator[tuple[Path, Scalar]]:
    if isinstance(data, Scalar):
        yield path, data
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(data, dict):
        items = data.items()
    elif isinstance(data, list):
        items = enumerate(data)
    for step, each in items:
        yield from _scalars(each, (*path, step))


_WHOLE = ("rulePriority", "countNumber")
"""Keys in AWS's own documents that have a whole number."""


def _not_kept(path: Path, text: str) -> str:
    """What is wrong with a value that is no text, and would lose what is written as a number."""
    if path and path[-1] in _WHOLE:
        return f"`{path[-1]}` must be a whole number from 1 on; it is {shown(Scalar(text))}."
    if re.fullmatch("[-+]?0[0-9_]+", text) and not re.fullmatch("[0-9]{12}", text):
        return (
            f"{shown(Scalar(text))} is a number to some and text to others: put it in quotes, "
            f'"{clipped(text)}", or write it without the zero before it.'
        )
    return f'{shown(Scalar(text))} must be a string; put it in quotes: "{clipped(text)}".'


def shown(value: object) -> str:
    """`value` as a sentence quotes it: short, and in words where it is no scalar."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "empty"
    text = value.text if isinstance(value, Scalar) else value
    return f"`{clipped(str(text).lower() if isinstance(text, bool) else str(text))}`"


def written(value: object) -> str:
    """`value` as a sentence quotes it, lists and mappings written out on one line."""
    return f"`{clipped(_flow(value))}`"


def _flow(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return "null" if value is None else shown(value)[1:-1]


def clipped(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def parse(text: str, needs: str = "`version: 1` and `rules:`", file: str = "") -> Document:
    """Read `text` as one YAML 1.2 document, of which an empty one is told what it `needs`.

    `file` is what faults call a file that is not the rules file itself.

    Duplicate keys and the like are collected in `faults`; ValueError with a Fault as its only
    argument is raised where nothing can be read at all.
    """
    node = _compose(text)
    if node is None:
        raise ValueError(Fault(1, f"The file is empty; it needs {needs}."))
    builder = _Builder(file)
    data = builder.build(node, (), node.start_mark.line + 1)
    return Document(data, builder.places, tuple(builder.faults))


def _compose(text: str) -> Node | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of style, such as an anchor used again
            return YAML(typ="safe", pure=True).compose(text)  # type: ignore[no-any-return]
    except RecursionError:
        raise ValueError(Fault(1, "The file is nested too deeply to be read.")) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        sentence = "A control character stands here; remove it or save the file as plain text."
        raise ValueError(Fault(line, sentence)) from error
    except MarkedYAMLError as error:
        raise ValueError(_syntax_fault(error, text.splitlines())) from error
    except ValueError as error:  # how ruamel.yaml meets "\U00110000"
        line = text.count("\n", 0, max(text.find("\\U"), 0)) + 1
        raise ValueError(Fault(line, _NO_CHARACTER)) from error


_NO_CHARACTER = "An escape such as `\\U` names no character."

_HINTS: tuple[tuple[str, str], ...] = (
    (r"'\\t'", "A tab stands where YAML needs spaces; indent with spaces."),
    (r"scanning an alias", 'A value that begins with `*` needs quotes: `"*"`.'),
    (r"undefined alias",
     "No anchor of this file has this name; a value that begins with `*` as text needs quotes."),
    (r"mapping values are not allowed|simple key",
     "No key may stand here; check the indentation, or put the value in quotes."),
    (r"another document", "The file holds more than one document; keep the first `---` only."),
    (r"quoted scalar",
     "A quoted text is not closed, or has a `\\` that YAML does not know; try single quotes."),
    (r"cannot start any token|scanning a directive",
     "A value begins with a character that YAML keeps for itself; put it in quotes."),
    (r"flow (sequence|mapping|node)",
     "A bracket is not closed, a comma is missing, or a value with `{` needs quotes."),
    (r"block end|block collection|block mapping|could not find expected",
     "The indentation or the punctuation does not fit the lines above."),
    (r"incompatible YAML document|directive",
     "The `%` line at the top is not understood; remove it."),
)  # fmt: skip


def _syntax_fault(error: MarkedYAMLError, lines: list[str]) -> Fault:
    said = f"{error.context or ''} {error.problem or ''}"
    mark = error.problem_mark or error.context_mark
    if "end of stream" in said or "<stream end>" in said:
        mark = error.context_mark or mark
    line = min(mark.line + 1, max(len(lines), 1)) if mark else 1
    written = lines[line - 1] if line <= len(lines) else ""
    if re.search(r":\s*\{\s*\w+\s*(:%[^{}]*)?\}\s*[^\s,}\]]", written):
        return Fault(line, 'A value with `{` needs quotes, such as `"{major}.{minor}"`.')
    for pattern, sentence in _HINTS:
        if re.search(pattern, said):
            return Fault(line, sentence)
    return Fault(line, f"The file is not valid YAML: {error.problem or error.context}.")


class _Builder:
    """Turns nodes into data. An alias is built again at each use, so places are never shared."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.places: dict[Path, Position] = {}
        self.faults: list[Fault] = []
        self._depth = self._merges = 0

    def build(self, node: Node, path: Path, key_line: int) -> Any:
        line = node.start_mark.line + 1
        if len(path) > MAX_DEPTH:
            raise ValueError(Fault(line, f"The file is nested deeper than {MAX_DEPTH} levels."))
        if len(self.places) >= MAX_VALUES:
            raise ValueError(Fault(line, f"The file holds more than {MAX_VALUES:,} values."))
        if not isinstance(node, ScalarNode) and node.tag not in _COLLECTIONS:
            self.faults.append(
                self._fault(line, f"{shown(str(node.tag))} is no YAML tag that rules use.")
            )
        text = _text_of(node) if isinstance(node, ScalarNode) else ""
        self.places[path] = Position(line, key_line, text, self._file)
        if isinstance(node, MappingNode):
            return {
                key: self.build(value, (*path, key), at) for key, value, at in self._entries(node)
            }
        if isinstance(node, SequenceNode):
            return [
                self.build(each, (*path, i), each.start_mark.line + 1)
                for i, each in enumerate(node.value)
            ]
        return _scalar(node)

    def _entries(self, node: MappingNode) -> Iterator[tuple[str, Node, int]]:
        seen: dict[str, int] = {}
        merged: list[tuple[Node, int]] = []
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                self.faults.append(
                    self._fault(line, "A key must be a word, not a list or a mapping.")
                )
            elif key.tag == _JSON_TAGS + "merge":
                merged.append((value, line))
            elif (name := _text_of(key)) in seen:
                sentence = f"{shown(name)} is here twice; it is on line {seen[name]} too."
                self.faults.append(self._fault(line, sentence))
            else:
                seen[name] = line
                yield name, value, line
        for value, line in merged:
            yield from self._merged(value, line, seen)

    def _fault(self, line: int, sentence: str) -> Fault:
        return Fault(line, sentence, self._file)

    def _merged(
        self, node: Node, line: int, seen: dict[str, int]
    ) -> Iterator[tuple[str, Node, int]]:
        """What a merge key (`<<`) brings in: the keys that are not there yet, the first first."""
        for each in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(each, MappingNode):
                self.faults.append(
                    self._fault(line, "`<<` takes a mapping, or a list of mappings.")
                )
                continue
            self._merges += 1
            if self._merges > MAX_MERGES:
                raise ValueError(Fault(line, f"The file merges more than {MAX_MERGES:,} mappings."))
            if self._depth > MAX_DEPTH:
                raise ValueError(Fault(line, f"The file is nested deeper than {MAX_DEPTH} levels."))
            self._depth += 1
            for key, value, at in list(self._entries(each)):
                if key not in seen:
                    seen[key] = at
                    yield key, value, at
            self._depth -= 1


def _text_of(node: ScalarNode) -> str:
    """What a scalar says; raises ValueError for half a character, which no file can hold."""
    text: str = node.value
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError(Fault(node.start_mark.line + 1, _NO_CHARACTER))
    return text


_PLAIN = {"null": None, "true": True, "false": False}


def _scalar(node: Node) -> Any:
    kind = str(node.tag).removeprefix(_JSON_TAGS)
    text: str = node.value
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in _PLAIN:
        return _PLAIN[text.lower()]
    if kind == "int" and re.fullmatch(r"[-+]?(?:0|[1-9][0-9]{0,17})", text):
        return int(text)
    return Scalar(text)
