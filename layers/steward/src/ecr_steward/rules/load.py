"""Reading the team's rules file where it is written: every fault with its line, in plain words.

Functions never come here: they read what `ecr-steward compile` made of the file.
"""

from __future__ import annotations

import difflib
import importlib.resources
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from ecr_steward.rules.advice import advice
from ecr_steward.rules.document import (
    Document,
    Fault,
    Path,
    RulesFault,
    clipped,
    parse,
    shown,
)
from ecr_steward.rules.model import RulesError, Ruleset
from ecr_steward.tags.scheme import SchemeError, StableTag

__all__ = ["Fault", "Loaded", "RulesFault", "inspect", "inspect_text", "load", "loads", "schema"]

MAX_BYTES = 1024 * 1024
"""Largest rules file, in bytes; a thousand rules need about a tenth of it."""

_Error = Any
"""A jsonschema.ValidationError; what its fields hold depends on the keyword that failed."""

_LATER = "is not supported by this version of ECR Steward"

# What the rules format has and this version does not, by the keys that lead there.
_LATER_KEYS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("rules", "tags"): ("variants", "variant_latest"),
    ("rules", "tags", "stable"): ("within", "not_within", "prereleases"),
    ("rules", "repository"): (
        "policy", "lifecycle", "immutability", "scan_on_push", "resource_tags",
    ),
}  # fmt: skip
_LATER_VALUES: Mapping[str, tuple[str, ...]] = {
    "unique": ("version", "build", "timestamp", "pattern"),
    "follows": ("newest",),
    "unknown": ("remove",),
    "overwritten": ("restore",),
}


@dataclass(frozen=True)
class Loaded:
    """A rules file without fault.

    `document` is its data as JSON can hold it, `warnings` what it says in vain, and `rule_lines`
    the line of each rule.
    """

    ruleset: Ruleset
    document: Mapping[str, Any]
    warnings: tuple[Fault, ...]
    rule_lines: tuple[int, ...]


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the rules file."""
    text = importlib.resources.files("ecr_steward.rules").joinpath("schema.json").read_text("utf-8")
    return dict(json.loads(text))


def load(path: str | FilePath) -> Ruleset:
    """The rules in the file `path`; raises RulesFault with everything that is wrong with it."""
    return inspect(path).ruleset


def loads(text: str, name: str) -> Ruleset:
    """The rules in `text`; `name` is what faults call it. Raises RulesFault."""
    return inspect_text(text, name).ruleset


def inspect(path: str | FilePath) -> Loaded:
    """Like `load`, with all that is known of the file."""
    name = str(path)
    return inspect_text(_read(FilePath(path), name), name)


def inspect_text(text: str, name: str) -> Loaded:
    """Like `loads`, with all that is known of the text."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise RulesFault(name, [_TOO_LARGE])
    try:
        document = parse(text)
    except ValueError as error:
        raise RulesFault(name, [error.args[0]]) from error
    faults = [*document.faults, *_faults(document)]
    if faults:
        raise RulesFault(name, faults)
    try:
        ruleset = Ruleset.from_document(document.data)
    except RulesError as error:
        raise RulesFault(name, [Fault(document.line(error.path), error.sentence)]) from error
    return Loaded(
        ruleset=ruleset,
        document=document.data,
        warnings=tuple(
            sorted(Fault(document.line(path), said) for path, said in advice(ruleset, document))
        ),
        rule_lines=tuple(document.line(("rules", rule.index)) for rule in ruleset.rules),
    )


_TOO_LARGE = Fault(1, "The file is larger than 1 MiB, which is the most that rules may take.")


def _read(path: FilePath, name: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise RulesFault(name, [Fault(1, "There is no such file.")]) from None
    except IsADirectoryError:
        raise RulesFault(name, [Fault(1, "This is a directory; name the rules file.")]) from None
    except OSError as error:
        sentence = f"The file cannot be read: {error.strerror}."
        raise RulesFault(name, [Fault(1, sentence)]) from error
    if len(content) > MAX_BYTES:
        raise RulesFault(name, [_TOO_LARGE])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        sentence = "The file is not UTF-8 text from here on; save it as UTF-8."
        raise RulesFault(name, [Fault(line, sentence)]) from error


def _faults(document: Document) -> Iterator[Fault]:
    if not isinstance(document.data, dict):
        sentence = "The file must be a mapping with the keys `version` and `rules`; it is "
        yield Fault(document.line(()), f"{sentence}{shown(document.data)}.")
        return
    for error in _validator().iter_errors(document.data):
        yield from _SENTENCES[str(error.validator)](document, tuple(error.absolute_path), error)
    yield from _template_faults(document)


def _template_faults(document: Document) -> Iterator[Fault]:
    """Faults of stable tags, which the schema has no words for."""
    for path in document.places:
        match path:
            case ("rules", int(), "tags", "stable", int(), "tag"):
                value = _at(document.data, path)
                try:
                    StableTag(value if isinstance(value, str) else "fine")
                except SchemeError as error:
                    yield Fault(document.line(path), str(error))


def _at(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


def _validator() -> Any:
    """The schema's validator, with whole-text patterns and one error for each repeated entry."""
    extend: Callable[..., Any] = jsonschema.validators.extend
    extended = extend(
        jsonschema.Draft202012Validator, {"pattern": _whole_pattern, "uniqueItems": _each_once}
    )
    return extended(schema())


def _whole_pattern(
    _: Validator, pattern: str, instance: object, __: object
) -> Iterator[jsonschema.ValidationError]:
    # In Python `$` also matches before a line break at the end.
    if isinstance(instance, str) and not re.fullmatch(pattern, instance):
        yield jsonschema.ValidationError(pattern)


def _each_once(
    _: Validator, __: object, instance: object, ___: object
) -> Iterator[jsonschema.ValidationError]:
    seen: set[str] = set()
    for i, each in enumerate(instance if isinstance(instance, list) else ()):
        if isinstance(each, str):
            if each in seen:
                yield jsonschema.ValidationError("repeated", path=[i], instance=each)
            seen.add(each)


def _unknown_keys(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    allowed = list(error.schema.get("properties", {}))
    for key in error.instance:
        if key not in allowed:
            sentence = _unknown_key(str(key), _keys(path), allowed)
            yield Fault(document.key_line((*path, key)), sentence)


def _unknown_key(key: str, where: tuple[str, ...], allowed: list[str]) -> str:
    if where == ("channels",):
        return f"The channel {shown(key)} {_LATER}; remove it."
    if key in _LATER_KEYS.get(where, ()):
        return f"`{key}` {_LATER}; remove it."
    if not allowed:
        return f"{shown(key)} is not a key here; `{where[-1]}` must be empty in this version."
    close = difflib.get_close_matches(key, allowed, n=1)
    meant = f"did you mean `{close[0]}`? There" if close else "there"
    return f"{shown(key)} is not a key here; {meant} {_are(allowed)}."


def _are(names: Iterable[object]) -> str:
    listed = [f"`{each}`" for each in names]
    return f"is only {listed[0]}" if len(listed) == 1 else f"are {', '.join(listed)}"


def _missing_keys(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    # jsonschema has an error for each missing key and names the key in its message alone; that
    # the same fault is found more than once does no harm.
    unknown = set(error.instance) - set(error.schema["properties"])
    for key in error.validator_value:
        if key not in error.instance and not difflib.get_close_matches(key, unknown, n=1):
            yield Fault(document.key_line(path), f"`{key}` is missing.")


def _wrong_type(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    if error.validator_value == "null":
        sentence = f"`{path[-1]}` {_LATER}; remove it or write null."
    else:
        said = _TYPES[str(error.validator_value)](error.instance, document.text(path), path)
        sentence = f"{_name(path)} must be {said}."
    yield Fault(document.line(path), sentence)


def _not_text(value: object, written: str, path: Path) -> str:
    if isinstance(value, dict) and value and all(each is None for each in value.values()):
        written = "{" + ", ".join(value) + "}"
    elif value is None or isinstance(value, dict | list):
        return f"text; it is {shown(value)}"
    return f'text; put it in quotes: "{clipped(written)}"'


def _not_a_list(value: object, written: str, path: Path) -> str:
    hint = f'; write ["{clipped(written)}"]' if isinstance(value, str) else ""
    return f"a list; it is {shown(value)}{hint}"


def _not_a_mapping(value: object, written: str, path: Path) -> str:
    in_stable = isinstance(value, str) and _keys(path)[-1:] == ("stable",)
    hint = f'; write {{tag: "{clipped(written)}"}}' if in_stable else ""
    return f"a mapping of keys; it is {shown(value)}{hint}"


_TYPES: Mapping[str, Callable[[object, str, Path], str]] = {
    "string": _not_text,
    "array": _not_a_list,
    "object": _not_a_mapping,
}


def _wrong_value(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    allowed: list[str] = error.validator_value
    key = _keys(path)[-1]
    later = _later_value(error.instance, _LATER_VALUES.get(key, ()))
    if later is not None:
        subject = f"The kind `{later}`" if key == "unique" else f"`{key}: {later}`"
        sentence = f"{subject} {_LATER}; use {_one_of(allowed)}."
    elif key == "unique":
        known = f"there are {', '.join(allowed)}"
        close = difflib.get_close_matches(str(error.instance), allowed, n=1)
        meant = f"did you mean `{close[0]}`? T{known[1:]}" if close else known
        sentence = f"{shown(error.instance)} is not a kind of unique tag; {meant}."
    else:
        sentence = f"`{key}` must be {_one_of(allowed)}; it is {shown(error.instance)}."
    yield Fault(document.line(path), sentence)


def _one_of(allowed: list[str]) -> str:
    return allowed[0] if len(allowed) == 1 else f"one of {', '.join(allowed)}"


def _later_value(value: object, later: tuple[str, ...]) -> str | None:
    """The value of `later` that `value` is, or, for a kind with settings, has as its key."""
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value))
    return value if isinstance(value, str) and value in later else None


def _wrong_version(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    if error.instance == "1":
        sentence = "`version` must be the number 1, without quotes."
    else:
        sentence = f"`version` must be 1; it is {shown(error.instance)}."
    yield Fault(document.line(path), sentence)


def _no_entries(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    wanted = {"repositories": "name at least one repository or glob",
              "unique": "name at least one kind of unique tag"}  # fmt: skip
    yield Fault(document.line(path), f"`{path[-1]}` is empty; {wanted[str(path[-1])]}.")


def _any_entries(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    yield Fault(document.key_line(path), f"`{path[-1]}` {_LATER}; leave it empty or remove it.")


def _repeated(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    sentence = f"{shown(error.instance)} is listed twice under `{_keys(path)[-1]}`; remove one."
    yield Fault(document.line(path), sentence)


def _not_a_glob(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    names, characters = {
        "repositories": ("repositories", "small letters, digits, `.`, `_`, `-`, `/` and `*`"),
        "ignore": ("tags", "letters, digits, `.`, `_`, `-` and `*`"),
    }[_keys(path)[-1]]
    sentence = f"{shown(error.instance)} can match no {names}; use {characters}"
    if isinstance(error.instance, str) and len(error.instance) > int(error.schema["maxLength"]):
        sentence = f"{shown(error.instance)} is longer than names of {names} can be"
    yield Fault(document.line(path), f"{sentence}.")


def _name(path: Path) -> str:
    if isinstance(path[-1], int):
        return f"An entry of `{_keys(path)[-1]}`"
    return f"`{path[-1]}`"


def _keys(path: Path) -> tuple[str, ...]:
    return tuple(step for step in path if isinstance(step, str))


_SENTENCES: Mapping[str, Callable[[Document, Path, _Error], Iterator[Fault]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_keys,
    "type": _wrong_type,
    "enum": _wrong_value,
    "const": _wrong_version,
    "minItems": _no_entries,
    "maxItems": _any_entries,
    "uniqueItems": _repeated,
    "pattern": _not_a_glob,
    "maxLength": _not_a_glob,
}
