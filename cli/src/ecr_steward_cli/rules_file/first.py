"""A first rules file, from the tags that repositories have: what a person would have written."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecr_steward_cli.rules_file.as_it_is import Settled, Where, settled, shown_lines
from ecr_steward_cli.rules_file.proposed import scheme_of
from ecr_steward_cli.rules_file.shown_scheme import (
    Fit,
    SeenRepository,
    are_candidates,
    fewer,
    fit,
    owning,
)

_SHOWN = 5
_WIDTH = 100
_LEFT = (
    "# Nothing makes or moves the tags with a reason beside them. Take one away, and it follows."
)


@dataclass(frozen=True, slots=True)
class _Group:
    """Repositories of one scheme."""

    scheme: Settled
    repositories: Sequence[SeenRepository]


_Member = tuple[SeenRepository, Mapping[str, Any]]
"""A repository, and the scheme that its tags show."""


def _groups(repositories: Iterable[SeenRepository]) -> tuple[list[_Group], list[SeenRepository]]:
    """The repositories by their schemes, and those whose tags show none."""
    found: dict[str, list[_Member]] = {}
    bare = []
    for each in repositories:
        made = scheme_of(each)
        if made is None:
            bare.append(each)
        else:
            found.setdefault(_key(made, each), []).append((each, made))
    groups = [group for each in found.values() for group in _grouped(each)]
    return sorted(groups, key=lambda group: -len(group.repositories)), bare


def _key(made: Mapping[str, Any], repository: SeenRepository) -> str:
    """What repositories of one rule have in common: kinds, and the lines that the steward keeps."""
    kinds = [each for each in made["unique"] if not are_candidates(each)]
    return json.dumps([kinds, shown_lines(made, repository)])


def _grouped(members: Sequence[_Member]) -> list[_Group]:
    """One scheme for repositories that show the same lines, and another for those in which that
    would move what is right."""
    group = _together(members)
    names = {each.repository for each in group.scheme.moved if each.where is not Where.BEHIND}
    odd = [each for each in members if each[0].name in names]
    alike = [each for each in members if each[0].name not in names]
    if not odd or len(members) == 1:
        return [group]
    if not alike:
        return [_together([each]) for each in members]
    return [*_grouped(alike), *_grouped(odd)]


def _together(members: Sequence[_Member]) -> _Group:
    made: dict[str, Any] = {}
    for _, each in members:
        for key, value in each.items():
            if isinstance(value, list):
                made[key] = [*made.get(key, ()), *(v for v in value if v not in made.get(key, ()))]
            else:
                made[key] = value
    if "variants" in made:
        made["variants"] = fewer(made["variants"])
    made["stable"] = owning(made, made.get("stable", ()))
    repositories = [each for each, _ in members]
    return _Group(settled(made, repositories), repositories)


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
    whose tags show none. No rule matches any of those, or any of `others`."""
    groups, bare = _groups(repositories)
    tagged = {each.name for group in groups for each in group.repositories}
    tagged |= {each.name for each in bare} | {*others}
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
        "rules:",
    ]
    for number, each in enumerate(rules):
        lines += [*([""] if number else []), *each.lines]
    if not rules:
        lines += _without_scheme(bare)
    elif bare:
        lines += ["", *_comment(f"No tags that show a scheme, and so no rule: {_some(bare)}.")]
    return "\n".join(lines) + "\n"


def _without_scheme(names: Sequence[str]) -> Iterator[str]:
    """The rule for repositories of whose tags nothing can be said: who has access."""
    shown = f"The tags of {_some(names)} show no scheme" if names else "There are no tags yet"
    yield from _comment(
        f"{shown}, so this rule says nothing of tags. It reports repositories that anyone may pull "
        "from or push to. To go on: run `ecr-steward init` again once there are more tags, or say "
        "yourself what is pushed, such as `tags: {unique: [sha]}` for commits or `[semver]` for "
        "versions; docs/tags.md has the rest."
    )
    yield from ('  - repositories: ["*"]', "    repository:", "      policy: {public: remove}")


def _count(number: int) -> str:
    return "1 repository" if number == 1 else f"{number:,} repositories"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _rule(group: _Group, repositories: Sequence[str]) -> Iterator[str]:
    made = group.scheme.made
    fits = {each.name: fit(made, each.tags) for each in group.repositories}
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
    if group.scheme.moved:
        moved = [each.named if several else each.tag for each in group.scheme.moved]
        yield from _comment(f"Not where this rule has them, so that `plan` moves: {_some(moved)}.")
    yield from _entry("  - repositories: ", list(repositories))
    yield "    tags:"
    for key, value in made.items():
        if key == "stable":
            yield "      stable:"
            yield from _stable(value, group.scheme.left)
        elif key == "ignore":
            yield from _ignored(value, group.scheme.left)
        else:
            yield from _entry(f"      {key}: ", value)


def _stable(entries: Sequence[Mapping[str, Any]], left: Mapping[str, str]) -> Iterator[str]:
    """The entries, those first that are left as they are, each with why."""
    if any(each["tag"] in left for each in entries):
        yield f"        {_LEFT}"
    for each in entries:
        limited = "of these there are no such tags" if "not_within" in each else None
        why = left.get(each["tag"], limited)
        yield f"        - {_flow(each)}{'' if why is None else f'  # {why}'}"


def _ignored(globs: Sequence[str], left: Mapping[str, str]) -> Iterator[str]:
    """What is ignored, and of stable tags why."""
    for each in globs:
        if each in left:
            yield f"      # {each}: {left[each]}."
    yield from _entry("      ignore: ", globs)


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
    return json.dumps(value)


_MEANT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""Words that YAML readers take for something else than a text."""
