"""A first rules file, from the tags that repositories have: what a person would have written."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecr_steward_cli.rules_file.shown_scheme import (
    Fit,
    SeenRepository,
    are_candidates,
    completed,
    fewer,
    fit,
    owning,
    scheme_of,
)

_SHOWN = 5
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class _Group:
    """Repositories of one scheme; `elsewhere` are stable tags that are not where that scheme has
    them, such as `base/redis:latest`."""

    made: Mapping[str, Any]
    repositories: Sequence[SeenRepository]
    elsewhere: Sequence[str] = ()


def _groups(repositories: Iterable[SeenRepository]) -> tuple[list[_Group], list[SeenRepository]]:
    """The repositories by their schemes, and those whose tags show none."""
    found: dict[str, list[tuple[SeenRepository, Mapping[str, Any]]]] = {}
    bare = []
    for each in repositories:
        made = scheme_of(each)
        if made is None:
            bare.append(each)
        else:
            found.setdefault(_key(made), []).append((each, made))
    groups = [_together(each) for each in found.values()]
    return sorted(groups, key=lambda group: -len(group.repositories)), bare


def _key(made: Mapping[str, Any]) -> str:
    """What repositories of one rule have in common: kinds, and the lines that the steward keeps."""
    kinds = [each for each in made["unique"] if not are_candidates(each)]
    return json.dumps(
        [kinds, [s for s in made.get("stable", ()) if "{" in s["tag"] and "follows" in s]]
    )


def _together(members: Sequence[tuple[SeenRepository, Mapping[str, Any]]]) -> _Group:
    """One scheme for repositories that show the same lines.

    A tag with a name of its own follows what it follows in more than half of those that have it,
    and else nothing.
    """
    made: dict[str, Any] = {}
    for _, each in members:
        for key, value in each.items():
            if isinstance(value, list) and key != "stable":
                made[key] = [*made.get(key, ()), *(v for v in value if v not in made.get(key, ()))]
            else:
                made.setdefault(key, value)
    if "variants" in made:
        made["variants"] = fewer(made["variants"])
    stable = _most_common([each.get("stable", ()) for _, each in members])
    made["stable"] = owning(made, stable)
    kept = {each["tag"]: each for each in stable}
    repositories = [each for each, _ in members]
    elsewhere = [
        f"{repository.name}:{entry['tag']}"
        for repository, each in members
        for entry in each.get("stable", ())
        if "follows" in kept[entry["tag"]] and entry != kept[entry["tag"]]
    ]
    tags = [tag for each in repositories for tag in each.tags]
    return _Group(completed(made, tags), repositories, elsewhere)


def _most_common(lists: Iterable[Sequence[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """For each tag the entry that more than half of the lists with this tag have."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entries in lists:
        for entry in entries:
            found.setdefault(entry["tag"], []).append(entry)
    return [
        next((each for each in every if 2 * every.count(each) > len(every)), {"tag": tag})
        for tag, every in found.items()
    ]


def globs(names: Collection[str], others: Collection[str]) -> list[str]:
    """The widest globs on whole parts of names that match `names` and none of `others`."""
    if not others and len(names) > 1:
        return ["*"]
    return sorted(_below("", list(names), list(others)))


def _below(prefix: str, names: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    parts: dict[str, list[str]] = {}
    for name in names:
        head, slash, _ = name[len(prefix) :].partition("/")
        parts.setdefault(f"{prefix}{head}{slash}", []).append(name)
    for part, inside in parts.items():
        rivals = [each for each in others if each.startswith(part)]
        if not part.endswith("/"):
            yield part
        elif not rivals and len(inside) > 1:
            yield f"{part}*"
        else:
            yield from _below(part, inside, rivals)


@dataclass(frozen=True, slots=True)
class SuggestedRule:
    """A rule for repositories of one scheme: their names, and its lines of YAML with comments."""

    repositories: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as they stand under `rules:`."""
        return "\n".join(self.lines)


def suggested(
    repositories: Iterable[SeenRepository], others: Iterable[str] = ()
) -> tuple[list[SuggestedRule], list[str]]:
    """A rule for each scheme that tags show, those of most repositories first; and the repositories
    whose tags show none. No rule matches any of `others`."""
    groups, bare = _groups(repositories)
    tagged = {each.name for group in groups for each in group.repositories} | {*others}
    rules = []
    for group in groups:
        names = tuple(each.name for each in group.repositories)
        lines = _rule(group, globs(names, sorted(tagged - {*names})))
        rules.append(SuggestedRule(names, tuple(lines)))
    return rules, [each.name for each in bare]


def written(repositories: Sequence[SeenRepository], source: str) -> str:
    """The rules file: everything in audit, one rule for each scheme, what does not fit named."""
    rules, bare = suggested(repositories)
    seen = sum(len(each.tags) for each in repositories)
    lines = [
        "# yaml-language-server: $schema=rules.schema.json",
        f"# A first rules file, from the {seen:,} tags of {_count(len(repositories))} in {source}.",
        "# Everything is in audit: the steward reports what it would do, and changes nothing.",
        "# For the first line run `ecr-steward schema > rules.schema.json`: editors then complete.",
        "version: 1",
        "defaults: {mode: audit}",
        "rules:" if rules else "rules: []",
    ]
    for number, each in enumerate(rules):
        lines += [*([""] if number else []), *each.lines]
    if bare:
        lines += ["", *_comment(f"No tags that show a scheme: {_some(bare)}.")]
    return "\n".join(lines) + "\n"


def _count(number: int) -> str:
    return "1 repository" if number == 1 else f"{number:,} repositories"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _rule(group: _Group, repositories: Sequence[str]) -> Iterator[str]:
    fits = {each.name: fit(group.made, each.tags) for each in group.repositories}
    several = len(fits) > 1
    unknown = (
        f"{name}:{tag}" if several else tag for name, each in fits.items() for tag in each.unknown
    )
    whole = Fit(sum(each.tags for each in fits.values()), tuple(unknown))
    first = group.repositories[0].name
    such = f", such as {first}" if several else f": {first}"
    yield f"  # {_count(len(fits))}{such}; {whole.share} % of {whole.tags:,} tags fit."
    if whole.unknown:
        yield from _comment(f"These do not: {_some(whole.unknown)}.")
    if group.elsewhere:
        yield from _comment(f"Not where this rule has them: {_some(group.elsewhere)}.")
    yield from _entry("  - repositories: ", list(repositories))
    yield "    tags:"
    for key, value in group.made.items():
        if key == "stable":
            yield "      stable:"
            yield from (f"        - {_flow(each)}" for each in value)
        else:
            yield from _entry(f"      {key}: ", value)


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent="  # ", subsequent_indent="  # ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _entry(key: str, value: Any) -> Iterator[str]:
    """A key and its value: a list that is too long for a line has an entry on each, or several
    names."""
    line = f"{key}{_flow(value)}"
    if len(line) <= _WIDTH or not isinstance(value, list):
        yield line
        return
    indent = " " * (len(key) - len(key.lstrip(" -")) + 2)
    yield key.rstrip()
    if not all(isinstance(each, str) for each in value):
        yield from (f"{indent}- {_flow(each)}" for each in value)
        return
    names = ", ".join(map(_flow, value))
    yield from textwrap.wrap(
        f"[{names}]", _WIDTH, initial_indent=indent, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_flow(each)}' for key, each in value.items())}}}"
    if (
        isinstance(value, str)
        and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", value)
        and value not in _MEANT
    ):
        return value
    if isinstance(value, str) and "\\" in value and "'" not in value:
        return f"'{value}'"  # an expression, as people write it
    return json.dumps(value)


_MEANT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""Words that YAML readers take for something else than a text."""
