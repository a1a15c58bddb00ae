"""A first rules file, from the tags that repositories have: what a person would have written."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_steward.tags.kinds import make
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.tags.state import Image, tops
from ecr_steward.tags.suffixes import Suffixes
from ecr_steward.words.grammar import is_referrer

_VERSION = re.compile(
    r"(?P<v>v?)(?P<numbers>[0-9]+(?:\.[0-9]+){0,3})(?:_[0-9.]+)?(?:-(?P<suffix>[A-Za-z0-9_.-]+))?"
)
_SHA = re.compile(r"(?:(?:sha|git)-)?(?=[0-9]*[a-f])[0-9a-f]{7,40}")
_DATE = re.compile(
    r"20[0-9]{2}(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])(?:[T_.-]?[0-9:.-]{4,8}Z?)?"
)
_WORD = r"[A-Za-z](?:[A-Za-z0-9_.]|-(?=[A-Za-z]))*?"
_OF_A_DATE = re.compile(rf"(?P<word>{_WORD})-20[0-9]{{6}}(?:\.[0-9]+)?(?:-[a-z0-9-]+)?")
_OF_A_COMMIT = re.compile(
    rf"(?P<word>{_WORD})-(?:[0-9]+-)?(?:sha-)?(?=[0-9]*[a-f])[0-9a-f]{{7,40}}"
)
_OF_A_BUILD = re.compile(rf"(?P<word>{_WORD})-[0-9]{{1,7}}")
_OF_A_VERSION = re.compile(rf"(?P<word>{_WORD})-v?[0-9]+\.[0-9]+\.[0-9]+(?:[-_].*)?")
_EARLY = re.compile(
    r"(?:alpha|beta|rc|preview|pre|snapshot|dev|nightly|m|cr|ea)[.-]?[0-9.]*", re.IGNORECASE
)
_REVISION = re.compile(r"r[0-9]+")
_IGNORED = (
    "buildcache",
    "cache",
    "pr-",
    "mr-",
    "pull-",
    "dependabot-",
    "renovate-",
    "feature-",
    "feat-",
    "fix-",
)
_NAMED = 12
"""Most stable tags by a name of their own, and most variants; more are something else."""

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class SeenRepository:
    """A repository as it was seen; without `with_digests` nobody knows which image a tag is on."""

    name: str
    images: tuple[Image, ...]
    with_digests: bool = False

    @property
    def tags(self) -> list[str]:
        return [tag for image in self.images for tag in image.tags if not is_referrer(tag)]


@dataclass(frozen=True, slots=True)
class Fit:
    """What a scheme makes of tags: how many it knows, and which it does not."""

    tags: int
    unknown: tuple[str, ...]

    @property
    def share(self) -> int:
        """The whole percent of tags that fit, rounded down."""
        return 100 * (self.tags - len(self.unknown)) // self.tags if self.tags else 100


@dataclass(slots=True)
class _Shapes:
    """The tags of a repository, by what they look like."""

    versions: dict[str, re.Match[str]] = field(default_factory=dict)
    dates: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    words: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


_WORDED = {
    "date": _OF_A_DATE,
    "version": _OF_A_VERSION,
    "commit": _OF_A_COMMIT,
    "build": _OF_A_BUILD,
}

_PATTERNS = {
    "date": (
        "name",
        r"-(?P<version>20[0-9]{6}(?:\.[0-9]+)?)",
        "highest",
    ),
    "version": ("component", r"-(?P<version>v?[0-9]+\.[0-9]+\.[0-9]+)", "highest"),
    "commit": ("branch", "-(?:[0-9]+-)?(?:sha-)?[0-9a-f]{7,40}", "newest"),
}
"""By shape, the group of its pattern, the rest of that, and what its stable tags follow."""


def _shapes(tags: Iterable[str]) -> _Shapes:
    found = _Shapes()
    for tag in tags:
        version = _VERSION.fullmatch(tag)
        if _DATE.fullmatch(tag):
            found.dates.append(tag)
        elif _SHA.fullmatch(tag):
            found.commits.append(tag)
        elif version is not None:
            found.versions[tag] = version
        else:
            _note_worded(found, tag)
    return found


def _note_worded(found: _Shapes, tag: str) -> None:
    for what, expression in _WORDED.items():
        match = expression.fullmatch(tag)
        if match is not None:
            found.words.setdefault(what, {}).setdefault(match["word"], []).append(tag)
            return
    found.names.append(tag)


# The scheme


def scheme_of(repository: SeenRepository) -> dict[str, Any] | None:
    """What `tags:` says of a repository; None where its tags show no scheme."""
    tags = repository.tags
    shapes = _shapes(tag for tag in tags if not _ignored(tag))
    unique: list[Any] = []
    stable: list[dict[str, Any]] = []
    variants, revisions = _of_versions(shapes, unique, stable)
    _of_words(shapes, unique, stable)
    if shapes.dates:
        unique.append("timestamp")
    if shapes.commits:
        unique.append("sha")
    if not unique:
        return None
    made: dict[str, Any] = {"unique": unique}
    if variants:
        made["variants"] = variants
    if revisions:
        made["revisions"] = revisions
    made["stable"] = stable
    _name_the_rest(made, shapes, tags)
    ignored = sorted({glob for tag in tags if (glob := _ignored(tag))})
    if ignored:
        made["ignore"] = ignored
    made["stable"] = [_as_seen(made, each, repository) for each in made["stable"]]
    if not made["stable"]:
        del made["stable"]
    return made


def _ignored(tag: str) -> str | None:
    """The glob of what every registry has beside its images: caches, and builds of branches."""
    start = next((each for each in _IGNORED if tag.startswith(each)), None)
    return None if start is None else f"{start}*"


def _of_versions(
    shapes: _Shapes, unique: list[Any], stable: list[dict[str, Any]]
) -> tuple[list[str], list[str]]:
    """The kinds and stable tags of versions; returns the variants and the revisions."""
    counts = Counter(len(match["numbers"].split(".")) for match in shapes.versions.values())
    whole = {tag: m for tag, m in shapes.versions.items() if "." in m["numbers"]}
    if not whole:
        if counts[1]:
            unique.append("build")
        return [], []
    most = max(len(match["numbers"].split(".")) for match in whole.values())
    if most == 2 and not counts[1] and "date" in shapes.words:
        return [], []  # releases by name, whose numbers are other names: 22.04 is jammy
    if most == 4 and counts[3] and not _are_lines(whole, 3):
        parts: Any = [3, 4]
    else:
        parts = most
    unique.append(_kind(parts, whole.values()))
    v = "v" if 2 * sum(bool(m["v"]) for m in whole.values()) > len(whole) else ""
    least = min(parts) if isinstance(parts, list) else parts
    for number in range(least - 1, 0, -1):
        if counts[number]:
            template = ".".join(("{major}", "{minor}", "{patch}")[:number])
            stable.append({"tag": v + template, "follows": "highest"})
    return _suffixes(shapes, least)


def _are_lines(whole: Mapping[str, re.Match[str]], number: int) -> bool:
    """Whether most versions of `number` parts are the beginning of a longer one."""
    short = [m["numbers"] for m in whole.values() if len(m["numbers"].split(".")) == number]
    long = {".".join(m["numbers"].split(".")[:number]) for m in whole.values()
            if len(m["numbers"].split(".")) > number}  # fmt: skip
    return 2 * sum(each in long for each in short) > len(short)


def _kind(parts: Any, matches: Collection[re.Match[str]]) -> Any:
    """SemVer where all of them are; with leading zeros, as in 2026.04, they are none."""
    zeros = any(re.search(r"(?:^|\.)0[0-9]", match["numbers"]) for match in matches)
    return "semver" if parts == 3 and not zeros else {"version": {"parts": parts}}


def _suffixes(shapes: _Shapes, parts: int) -> tuple[list[str], list[str]]:
    """The variants and revisions among what stands after versions."""
    seen: dict[str, set[str]] = {}
    revised = False
    for match in shapes.versions.values():
        pieces = [each for each in (match["suffix"] or "").split("-") if each]
        if Suffixes().read(f"-{'-'.join(pieces)}").platform is not None:
            pieces = [p for p in pieces if Suffixes().read(f"-{p}").platform is None]
        rest = [p for p in pieces if not _EARLY.fullmatch(p) and not _REVISION.fullmatch(p)]
        if len(match["numbers"].split(".")) >= parts:
            revised = revised or any(map(_REVISION.fullmatch, pieces))
        if rest and not rest[0].isdigit() and "_" not in "-".join(rest):
            seen.setdefault("-".join(rest), set()).add(match["numbers"])
    names = {*shapes.names, *(word for each in shapes.words.values() for word in each)}
    families = Counter(map(_family, seen))
    sure = [
        each
        for each, numbers in seen.items()
        if len(numbers) > 1 or each in names or families[_family(each)] > 1
    ]
    return _globs(sure), ["r*"] if revised else []


def _globs(suffixes: Iterable[str]) -> list[str]:
    """Variants as globs: those that differ in their last number alone are one."""
    groups: dict[str, list[str]] = {}
    for each in sorted(suffixes):
        groups.setdefault(each if _family(each) == each else f"{_family(each)}0", []).append(each)
    globs: list[str] = []
    for alike in groups.values():
        globs += alike if len(alike) == 1 else [f"{_beginning(alike)}*"]
    firsts = Counter(each.split("-")[0] for each in globs if "-" in each)
    if len(globs) <= _NAMED:
        return sorted(globs)
    wide = {first for first, count in firsts.items() if count > 2}
    return sorted(
        {f"{g.split('-')[0]}-*" if "-" in g and g.split("-")[0] in wide else g for g in globs}
    )


def _family(suffix: str) -> str:
    """A suffix without the number at its end: of `alpine3.19` it is `alpine`."""
    match = re.fullmatch(r"(.*?[A-Za-z])[0-9][0-9.]*", suffix)
    return suffix if match is None else match[1]


def _beginning(texts: Sequence[str]) -> str:
    """What all texts begin with, up to a number in which they differ."""
    first, last = min(texts), max(texts)
    same = next(
        (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first)
    )
    return re.sub(r"[0-9]+$", "", first[:same]) or first[:same]


def _of_words(shapes: _Shapes, unique: list[Any], stable: list[dict[str, Any]]) -> None:
    """What begins with a word: releases by name and date, components, branches and their builds."""
    builds = shapes.words.get("build", {})
    if builds:
        if "build" not in unique:
            unique.append("build")
        for word in sorted(builds.keys() & set(shapes.names))[:_NAMED]:
            stable.append({"tag": word, "follows": "newest", "of": [f"{word}-*"]})
            shapes.names.remove(word)
    for what, (group, rest, follows) in _PATTERNS.items():
        found = shapes.words.get(what, {})
        if not found:
            continue
        pattern = f"(?P<{group}>{_word(found)}){rest}"
        if not all(re.fullmatch(pattern, tag) for tags in found.values() for tag in tags):
            pattern += "(?:-[a-z0-9-]+)?"
        unique.append({"pattern": pattern})
        end = "-latest" if what == "version" else ""
        if any(f"{each}{end}" in shapes.names for each in found):
            stable.append({"tag": f"{{{group}}}{end}", "follows": follows})


def _word(found: Iterable[str]) -> str:
    """The narrowest plain expression that all these words fit."""
    words = list(found)
    plain = ("[a-z]+", "[a-z0-9]+", "[a-z][a-z0-9-]*", _WORD)
    return next(each for each in plain if all(re.fullmatch(each, word) for word in words))


def _name_the_rest(made: dict[str, Any], shapes: _Shapes, tags: Sequence[str]) -> None:
    """Stable tags by their own names: `latest`, and what only the pipeline moves."""
    by_version = any(make(each, Suffixes()).counts for each in made["unique"])
    worded = any("{" in each["tag"] for each in made["stable"] if each["tag"][1:-1] in _GROUPS)
    if "latest" in shapes.names and not worded:
        follows = "highest" if by_version else "newest"
        made["stable"].append({"tag": "latest", "follows": follows})
    elif made.get("variants") and any(name in _bare(made) for name in shapes.names):
        made["stable"].append({"tag": "latest", "follows": "highest"})
    rest = fit(made, tags).unknown
    if worded:
        # What has a name of its own stands before what takes every name.
        made["stable"][:0] = [{"tag": "latest"}] if "latest" in shapes.names else []
    names = [tag for tag in rest if tag in shapes.names or tag in shapes.versions]
    simple = [
        tag for tag in names if re.fullmatch(r"[A-Za-z][A-Za-z-]*", tag) or tag in shapes.versions
    ]
    if len(simple) <= _NAMED:
        made["stable"] += [{"tag": tag} for tag in sorted(simple)]
        made["stable"] = _owning(made)


def _owning(made: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The stable tags without those that entries above render already."""
    kept: list[dict[str, Any]] = []
    for entry in made["stable"]:
        scheme = Scheme.from_document({**made, "stable": kept})
        if "{" in entry["tag"] or scheme.owner(entry["tag"]) is None:
            kept.append(entry)
    return kept


_GROUPS = frozenset(group for group, _, _ in _PATTERNS.values())


def _bare(made: Mapping[str, Any]) -> set[str]:
    return {each for each in made["variants"] if "*" not in each}


def _as_seen(
    made: Mapping[str, Any], entry: dict[str, Any], repository: SeenRepository
) -> dict[str, Any]:
    """An entry as the registry shows it: a tag that is elsewhere than what it would follow may be
    moved by somebody, so that it follows nothing here."""
    if "follows" not in entry or "{" in entry["tag"] or not repository.with_digests:
        return entry
    for follows in (entry["follows"], "newest"):
        tried = {**entry, "follows": follows}
        scheme = Scheme.from_document({**made, "stable": [tried]})
        line = scheme.line(entry["tag"])
        top = (
            None
            if line is None
            else tops(scheme, {line.tag: line}, repository.images).get(line.tag)
        )
        if top is not None and entry["tag"] in top.image.tags:
            return tried
    return {"tag": entry["tag"]}


def fit(made: Mapping[str, Any], tags: Iterable[str]) -> Fit:
    """How well a scheme fits tags."""
    scheme, every = Scheme.from_document(made), list(tags)
    return Fit(len(every), tuple(t for t in every if scheme.judge(t) is Verdict.UNKNOWN))


# The file


@dataclass(slots=True)
class _Group:
    """Repositories of one scheme."""

    made: dict[str, Any]
    repositories: list[SeenRepository]


def _groups(repositories: Iterable[SeenRepository]) -> tuple[list[_Group], list[SeenRepository]]:
    """The repositories by their schemes, and those whose tags show none."""
    found: dict[str, _Group] = {}
    bare = []
    for each in repositories:
        made = scheme_of(each)
        if made is None:
            bare.append(each)
            continue
        key = json.dumps([made["unique"], [s for s in made.get("stable", ()) if "{" in s["tag"]]])
        group = found.setdefault(key, _Group(made, []))
        group.repositories.append(each)
        if len(group.repositories) > 1:
            group.made = _both(group.made, made)
    return sorted(found.values(), key=lambda group: -len(group.repositories)), bare


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A scheme for the repositories of both; a tag that follows in one of them alone follows in
    none."""
    made = dict(one)
    for key in ("variants", "revisions", "ignore"):
        if one.get(key) or other.get(key):
            made[key] = sorted({*one.get(key, ()), *other.get(key, ())})
    stable = {each["tag"]: each for each in one.get("stable", ())}
    for each in other.get("stable", ()):
        known = stable.setdefault(each["tag"], each)
        if known != each:
            stable[each["tag"]] = {"tag": each["tag"]}
    if stable:
        made["stable"] = list(stable.values())
        made["stable"] = _owning(made)
    return {key: made[key] for key in _ORDER if key in made}


_ORDER = ("unique", "variants", "revisions", "stable", "ignore")


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
    for each in rules:
        lines += ["", *each.lines]
    if bare:
        lines += [f"  # No tags that show a scheme: {_some(bare)}."]
    return "\n".join(lines) + "\n"


def _count(number: int) -> str:
    return "1 repository" if number == 1 else f"{number:,} repositories"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _rule(group: _Group, repositories: Sequence[str]) -> Iterator[str]:
    fits = {each.name: fit(group.made, each.tags) for each in group.repositories}
    unknown = (f"{name}:{tag}" for name, each in fits.items() for tag in each.unknown)
    whole = Fit(sum(each.tags for each in fits.values()), tuple(unknown))
    first = group.repositories[0].name
    such = f", such as {first}" if len(fits) > 1 else f": {first}"
    yield f"  # {_count(len(fits))}{such}; {whole.share} % of {whole.tags:,} tags fit."
    if whole.unknown:
        yield f"  # These do not: {_some(whole.unknown)}."
    yield f"  - repositories: {_flow(list(repositories))}"
    yield "    tags:"
    for key, value in group.made.items():
        if key == "stable":
            yield "      stable:"
            yield from (f"        - {_flow(each)}" for each in value)
        else:
            yield f"      {key}: {_flow(value)}"


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
