"""Reading the team's rules file where it is written: every fault with its line, in plain words.

Functions never come here: they read what `ecr-steward compile` made of the file.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib.resources
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from ecr_steward.images import rule as images
from ecr_steward.messages.channels import table
from ecr_steward.messages.whom.routing import faults as routing_faults
from ecr_steward.rules.model import RulesError, Ruleset
from ecr_steward.settings import kinds as settings_kinds
from ecr_steward.settings.registry_kinds import REGISTRY_KINDS
from ecr_steward.tags.kinds import KINDS, MOST_PARTS, Kind, KindError, known, make
from ecr_steward.tags.scheme import Scheme
from ecr_steward.tags.stable import SchemeError, StableTag
from ecr_steward.tags.suffixes import Suffixes
from ecr_steward_cli.rules_file.compose import composed
from ecr_steward_cli.rules_file.document import (
    Document,
    Fault,
    Path,
    RulesFault,
    Scalar,
    clipped,
    parse,
    shown,
    written,
)
from ecr_steward_cli.rules_file.files import Whole, whole
from ecr_steward_cli.rules_file.images_faults import images_faults
from ecr_steward_cli.rules_file.obeys import obeys
from ecr_steward_cli.rules_file.settings_faults import settings_faults
from ecr_steward_cli.rules_file.slow import slow

__all__ = ["Fault", "Loaded", "RulesFault", "inspect", "inspect_text", "load", "loads", "schema"]

MAX_BYTES = 1024 * 1024
"""Largest rules file, in bytes; a thousand rules need about a tenth of it."""

if TYPE_CHECKING:
    import jsonschema
    from jsonschema.protocols import Validator

_Error = Any
"""A jsonschema.ValidationError; what its fields hold depends on the keyword that failed."""


@dataclass(frozen=True)
class Loaded:
    """A rules file without fault.

    `document` is its data as JSON can hold it, with the content of the files it names, `warnings`
    what it says in vain, and `rule_places` where each rule stands.
    """

    ruleset: Ruleset
    document: Mapping[str, Any]
    warnings: tuple[Fault, ...]
    rule_places: tuple[str, ...]


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the rules file, with the part of each kind of unique
    tag, of each setting and of each type of channel."""
    text = importlib.resources.files(__package__).joinpath("schema.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    document["$defs"]["kind"]["anyOf"] = [kind.schema() for kind in KINDS]
    document["$defs"]["channel"]["properties"] = table.properties()
    settings = document["$defs"]["rule"]["properties"]["repository"]["properties"]
    for setting in settings_kinds.KINDS:
        settings.update(setting.schema)
    document["$defs"]["rule"]["properties"]["images"]["properties"] = dict(images.SCHEMA)
    own = document["properties"]["registry"]["properties"]
    own.update({kind.name: kind.schema for kind in REGISTRY_KINDS})
    return document


def load(path: str | FilePath) -> Ruleset:
    """The rules in the file `path`; raises RulesFault with everything that is wrong with it."""
    name = str(path)
    return loads(_read(FilePath(path), name), name)


def loads(text: str, name: str) -> Ruleset:
    """The rules in `text`; `name` is what faults call it. Raises RulesFault."""
    return _read_rules(text, name)[0]


def inspect(path: str | FilePath) -> Loaded:
    """Like `load`, with all that is known of the file."""
    name = str(path)
    return inspect_text(_read(FilePath(path), name), name)


def inspect_text(text: str, name: str) -> Loaded:
    """Like `loads`, with all that is known of the text."""
    # Whoever only needs the rules does not load what advises on them.
    from ecr_steward_cli.rules_file.advice import advice
    from ecr_steward_cli.rules_file.images_advice import images_advice
    from ecr_steward_cli.rules_file.settings_advice import settings_advice

    ruleset, document, found = _read_rules(text, name)
    said = (*advice(ruleset, document), *settings_advice(ruleset), *images_advice(ruleset))
    return Loaded(
        ruleset=ruleset,
        document=found.data,
        warnings=tuple(sorted(found.fault(*each) for each in said)),
        rule_places=tuple(document.where(("rules", rule.index)) for rule in ruleset.rules),
    )


def _read_rules(text: str, name: str) -> tuple[Ruleset, Document, Whole]:
    """The rules in `text`, the document that they stand in, and that with all it includes."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise RulesFault(name, [_TOO_LARGE])
    try:
        document = parse(text)
    except ValueError as error:
        raise RulesFault(name, [error.args[0]]) from error
    document = composed(document, name, _read)
    faults = [*document.faults, *_faults(document)]
    faults = faults or [*_channel_faults(document), *_slow_faults(document)]
    if faults:
        raise RulesFault(name, faults)
    found = whole(document, name, _read)
    try:
        ruleset = Ruleset.from_document(found.data)
    except RulesError as error:
        raise RulesFault(name, [found.fault(error.path, error.sentence)]) from error
    wrong = (*settings_faults(ruleset), *images_faults(ruleset))
    faults = [found.fault(error.path, error.sentence) for error in wrong]
    if faults:
        raise RulesFault(name, faults)
    return ruleset, document, found


def _channel_faults(document: Document) -> list[Fault]:
    """What is wrong with channels and routes that the schema takes."""
    return [
        document.fault(path, sentence, key=True) for path, sentence in routing_faults(document.data)
    ]


_TOO_LARGE = Fault(1, "The file is larger than 1 MiB, which is the most that rules may take.")


def _read(path: FilePath, name: str) -> str:
    try:
        content = _content(path)
    except FileNotFoundError:
        raise RulesFault(name, [Fault(0, "There is no such file.")]) from None
    except IsADirectoryError:
        raise RulesFault(name, [Fault(0, "This is a directory; name a file.")]) from None
    except (OSError, ValueError) as error:  # ValueError: the name has a NUL
        sentence = f"The file cannot be read: {getattr(error, 'strerror', None) or error}."
        raise RulesFault(name, [Fault(0, sentence)]) from error
    if len(content) > MAX_BYTES:
        raise RulesFault(name, [_TOO_LARGE])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        sentence = "The file is not UTF-8 text from here on; save it as UTF-8."
        raise RulesFault(name, [Fault(line, sentence)]) from error


def _content(path: FilePath) -> bytes:
    """The bytes of a file, or of standard input where it is named `-`; a few more than may be."""
    if str(path) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _faults(document: Document) -> Iterator[Fault]:
    if not isinstance(document.data, dict):
        sentence = "The file must be a mapping with the keys `version` and `rules`; it is "
        yield document.fault((), f"{sentence}{shown(document.data)}.")
        return
    told = set()
    errors = () if obeys(document.data, schema()) else _validator().iter_errors(document.data)
    for error in errors:
        path = tuple(error.absolute_path)
        if _is_of_images(path):
            continue  # The room of the images knows more than the schema.
        told.add(path)
        yield from _SENTENCES[str(error.validator)](document, path, error)
    found = list(_images_faults(document))
    yield from (document.fault(*each) for each in found)
    yield from document.unquoted({*told, *(path for path, _ in found)})
    yield from _text_faults(document)


def _is_of_images(path: Path) -> bool:
    return path[2:3] == ("images",)


def _images_faults(document: Document) -> Iterator[tuple[Path, str]]:
    """What is wrong with which images stay."""
    rules = document.data.get("rules")
    for i, rule in enumerate(rules if isinstance(rules, list) else ()):
        if isinstance(rule, dict) and "images" in rule:
            tags = rule.get("tags")
            known = tags if isinstance(tags, dict) else {}
            for path, sentence in images.faults(rule["images"], known):
                whole = ("rules", i, "images", *path)
                if not isinstance(_at(document.data, whole), Scalar):
                    yield whole, sentence


def _text_faults(document: Document) -> Iterator[Fault]:
    """Faults within texts of a scheme, which the schema has no words for."""
    for path in document.places:
        probe = _probe(document.data, path)
        value = _at(document.data, path) if probe else None
        if probe is None or not isinstance(value, str):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of expressions that may come to mean something
                probe(value)
        except SchemeError as error:
            yield document.fault(path, str(error))


def _slow_faults(document: Document) -> Iterator[Fault]:
    """Expressions over which a function would sit, once all of them mean something."""
    patterns = {path: _at(document.data, path) for path in document.places if _is_pattern(path)}
    guilty = slow(list(patterns.values()))
    for path, pattern in patterns.items():
        if pattern in guilty:
            yield document.fault(
                path,
                f"{shown(pattern)} can take forever over a tag that it does not match: it has "
                "repeats within or beside repeats that take the same letters, such as (a+)+. "
                "Write it so that every letter can be taken in one way only.",
            )


def _is_pattern(path: Path) -> bool:
    match path:
        case ("rules", int(), "tags", "unique", int(), str(name)):
            return any(kind.name == name and kind.is_expression for kind in KINDS)
        case ("rules", int(), "tags", "stable", int(), "of", int(), "pattern"):
            return True
    return False


def _probe(data: Any, path: Path) -> Callable[[str], object] | None:
    """What raises SchemeError if the text at `path` means nothing there."""
    match path:
        case ("rules", int(), "tags", "stable", int(), "tag"):
            groups = _groups(_at(data, path[:3]).get("unique"))
            return lambda text: StableTag(text).check(groups)
        case ("rules", int(), "tags", "stable", int(), "of", int(), "pattern"):
            return lambda text: StableTag("x", of=({"pattern": text},))
        case ("rules", int(), "tags", "unique", int(), str(name)):
            return lambda text: Scheme(unique=({name: text},))
        case ("rules", int(), "tags", "pin"):
            return lambda text: Scheme(unique=(), pin=text)
        case ("rules", int(), "tags", "variant_latest"):
            return lambda text: Scheme(unique=(), variant_latest=text)
    return None


def _groups(unique: Any) -> dict[str, str]:
    """The placeholders of the kinds under `unique`, as far as these mean something."""
    found: dict[str, str] = {}
    for definition in unique if isinstance(unique, list) else ():
        with contextlib.suppress(KindError):
            found |= make(definition, Suffixes()).placeholders
    return found


def _at(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


def _validator() -> Any:
    """The schema's validator, with whole-text patterns, one error for each repeated entry, and
    the errors of the kind of unique tag that an entry names."""
    import jsonschema

    extend: Callable[..., Any] = jsonschema.validators.extend
    extended = extend(
        jsonschema.Draft202012Validator,
        {"pattern": _whole_pattern, "uniqueItems": _each_once, "anyOf": _as_named},
    )
    return extended(schema())


def _whole_pattern(
    _: Validator, pattern: str, instance: object, __: object
) -> Iterator[jsonschema.ValidationError]:
    import jsonschema

    # In Python `$` also matches before a line break at the end.
    if isinstance(instance, str) and not re.fullmatch(pattern, instance):
        yield jsonschema.ValidationError(pattern)


def _each_once(
    _: Validator, __: object, instance: object, ___: object
) -> Iterator[jsonschema.ValidationError]:
    import jsonschema

    seen: set[str] = set()
    for i, each in enumerate(instance if isinstance(instance, list) else ()):
        if isinstance(each, str | int | dict):
            key = json.dumps(each, sort_keys=True, default=repr)
            if key in seen:
                yield jsonschema.ValidationError("repeated", path=[i], instance=each)
            seen.add(key)


def _as_named(
    validator: Any, kinds: list[dict[str, Any]], instance: object, _: object
) -> Iterator[jsonschema.ValidationError]:
    import jsonschema

    for kind in kinds:
        if "const" in kind and instance == kind["const"]:
            return
        if isinstance(instance, dict) and any(key in instance for key in kind.get("required", ())):
            yield from validator.descend(instance, kind)
            return
    yield jsonschema.ValidationError("none of them")


def _unknown_keys(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    allowed = list(error.schema.get("properties", {}))
    for key in error.instance:
        if key not in allowed:
            sentence = _unknown_key(str(key), allowed)
            yield document.fault((*path, key), sentence, key=True)


def _unknown_key(key: str, allowed: list[str]) -> str:
    close = difflib.get_close_matches(key, allowed)
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
        if key not in error.instance and not difflib.get_close_matches(key, unknown):
            yield document.fault(path, f"`{key}` is missing.", key=True)


def _wrong_type(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    wanted = error.validator_value
    first = wanted[0] if isinstance(wanted, list) else wanted
    said = _TYPES[str(first)](error.instance, document.text(path), path)
    yield document.fault(path, f"{_name(path)} must be {said}.")


def _not_text(value: object, text: str, path: Path) -> str:
    if isinstance(value, dict) and value and all(each is None for each in value.values()):
        text = "{" + ", ".join(value) + "}"
    elif value is None or isinstance(value, dict | list):
        other = {"pin": " or null", "within": " or a list", "not_within": " or a list"}
        return f"a string{other.get(str(path[-1]), '')}; it is {shown(value)}"
    return f'a string; put it in quotes: "{clipped(text)}"'


def _not_true_or_false(value: object, text: str, path: Path) -> str:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return "true or false, without quotes"
    return f"true or false; it is {shown(value)}"


def _not_a_count(value: object, text: str, path: Path) -> str:
    if isinstance(value, str) and value.isdecimal():
        return "a whole number, without quotes"
    either = "" if isinstance(path[-1], int) else " or a list of such numbers"
    return f"a whole number from 1 to {MOST_PARTS}{either}; it is {shown(value)}"


def _not_a_list(value: object, text: str, path: Path) -> str:
    hint = f'; write ["{clipped(text)}"]' if isinstance(value, str) else ""
    return f"a list; it is {shown(value)}{hint}"


def _not_a_mapping(value: object, text: str, path: Path) -> str:
    hint = ""
    if isinstance(value, str) and _keys(path)[-1:] == ("stable",):
        hint = f'; write {{tag: "{clipped(text)}"}}'
    elif _keys(path)[-2:-1] == ("unique",):
        said = _kind(_keys(path)[-1]).hint(value)
        hint = f"; write {said}" if said else ""
    return f"a mapping of keys; it is {shown(value)}{hint}"


_TYPES: Mapping[str, Callable[[object, str, Path], str]] = {
    "string": _not_text,
    "array": _not_a_list,
    "object": _not_a_mapping,
    "boolean": _not_true_or_false,
    "integer": _not_a_count,
}


def _wrong_value(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    allowed = ", ".join(error.validator_value)
    close = difflib.get_close_matches(str(error.instance), error.validator_value)
    meant = f" Did you mean `{close[0]}`?" if close and isinstance(path[-1], int) else ""
    sentence = f"{_name(path)} must be one of {allowed}; it is {shown(error.instance)}.{meant}"
    yield document.fault(path, sentence)


def _no_kind(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    yield document.fault(path, _no_kind_sentence(error.instance))


def _no_kind_sentence(value: object) -> str:
    if value is None:
        return f"An entry of `unique` is empty; {_known_kinds()}"
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value))
        if value in [kind.name for kind in KINDS if kind.name == kind.written]:
            return f"`{value}` has no settings; write it as a word of its own, without `:`."
    words = {each: kind.written for kind in KINDS for each in (kind.name, *kind.synonyms)}
    word = value.lower() if isinstance(value, str) else ""
    close = difflib.get_close_matches(word, words)
    known = _known_kinds()
    if close:
        known = f"did you mean `{words[close[0]]}`? {known[0].upper()}{known[1:]}"
    return f"{written(value)} is not a kind of unique tag; {known}"


def _known_kinds() -> str:
    return f"there are {known()}."


def _kind(name: str) -> type[Kind]:
    return next(kind for kind in KINDS if kind.name == name)


def _wrong_count(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    sentence = f"{_name(path)} must be {_not_a_count(error.instance, '', path)}."
    yield document.fault(path, sentence)


def _wrong_version(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    if error.instance == "1":
        sentence = "`version` must be the number 1, without quotes."
    else:
        sentence = f"`version` must be 1; it is {shown(error.instance)}."
    yield document.fault(path, sentence)


def _no_entries(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    wanted = {"repositories": "name at least one repository or glob",
              "unique": "name at least one kind of unique tag",
              "on": 'name at least one event, or `"*"`',
              "parts": f"name at least one number from 1 to {MOST_PARTS}"}  # fmt: skip
    yield document.fault(path, f"`{path[-1]}` is empty; {wanted[str(path[-1])]}.")


def _repeated(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    sentence = f"{written(error.instance)} is listed twice under `{path[-2]}`; remove one."
    yield document.fault(path, sentence)


def _wrong_text(document: Document, path: Path, error: _Error) -> Iterator[Fault]:
    key, text = _keys(path)[-1], str(error.instance)
    if path[0] == "channels":
        sentence = table.keys()[key].fault(text) or ""
    elif key in _GLOBS:
        sentence = _not_a_glob(key, text, error)
    elif key == "prereleases":
        sentence = f"{shown(text)} is no word of a pre-release; use letters only, such as rc."
    else:
        sentence = _not_a_prefix(text)
    yield document.fault(path, sentence)


_GLOBS: Mapping[str, tuple[str, str]] = {
    "repositories": ("repositories", "lowercase letters, digits, `.`, `_`, `-`, `/` and `*`"),
    "ignore": ("tags", "letters, digits, `.`, `_`, `-` and `*`"),
    "variants": ("variants", "letters, digits, `.`, `_`, `-` and `*`"),
    "revisions": ("revisions", "letters, digits, `.`, `_`, `-` and `*`"),
    "of": ("tags", "letters, digits, `.`, `_`, `-` and `*`"),
}


def _not_a_glob(key: str, text: str, error: _Error) -> str:
    names, characters = _GLOBS[key]
    if len(text) > int(error.schema["maxLength"]):
        return f"{shown(text)} is longer than names of {names} can be."
    bare = text.lstrip("-")
    if key in ("variants", "revisions") and re.fullmatch(error.schema["pattern"], bare):
        return f'The `-` before a {key[:-1]} is no part of it: write "{bare}" for {shown(text)}.'
    return f"{shown(text)} can match no {names}; use {characters}."


def _not_a_prefix(text: str) -> str:
    meant = re.fullmatch(r"v?([0-9]{1,9}(?:\.[0-9]{1,9})*)(?:\.[x*]?)*", text)
    write = f'"{meant[1]}"' if meant else '"8" or "8.1"'
    return f"{shown(text)} is no beginning of a version; write {write}."


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
    "uniqueItems": _repeated,
    "pattern": _wrong_text,
    "maxLength": _wrong_text,
    "anyOf": _no_kind,
    "minimum": _wrong_count,
    "maximum": _wrong_count,
}
