"""The scheme that the tags of a repository show, as `tags:` of a rule says it."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_steward.tags.kinds import make
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.tags.state import Image
from ecr_steward.tags.suffixes import Suffixes, Variants
from ecr_steward.words.grammar import is_referrer
from ecr_steward_cli.rules_file.shown_shape import EARLY, TagShape

_VERSION = re.compile(
    r"(?P<v>v?)(?P<numbers>[0-9]+(?:\.[0-9]+){0,3})(?:_[0-9.]+)?(?:-(?P<suffix>[A-Za-z0-9_.-]+))?"
)
_SHA = re.compile(r"(?:(?:sha|git)-)?(?=[0-9]*[a-f])[0-9a-f]{7,40}")
_COMMIT = "(?:g|sha-)?[0-9a-f]{7,40}"
_DATE = re.compile(
    r"20[0-9]{2}(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])(?:[T_.-]?[0-9:.-]{4,8}Z?)?"
)
_DATE_AND_COMMIT = f"(?P<version>20[0-9]{{2}}-?[0-9]{{2}}-?[0-9]{{2}})-{_COMMIT}"
_VERSION_AND_COMMIT = f"v?(?P<version>[0-9]+(?:[.][0-9]+)+)-{_COMMIT}"
"""What `semver` takes for a pre-release: 1.4.2-9f3c2ab."""
_WORD = r"[A-Za-z](?:[A-Za-z0-9_.]|-(?=[A-Za-z]))*?"
_OF_A_DATE = re.compile(rf"(?P<word>{_WORD})-20[0-9]{{6}}(?:\.[0-9]+)?(?:-[a-z0-9-]+)?")
_OF_A_COMMIT = re.compile(
    rf"(?P<word>{_WORD})-(?:[0-9]+-)?(?:sha-)?(?=[0-9]*[a-f])[0-9a-f]{{7,40}}"
)
_OF_A_BUILD = re.compile(rf"(?P<word>{_WORD})-[0-9]{{1,7}}")
_OF_A_VERSION = re.compile(rf"(?P<word>{_WORD})-v?[0-9]+\.[0-9]+\.[0-9]+(?:[-_].*)?")
_EARLY = re.compile(f"{EARLY}[.-]?[0-9.]*", re.IGNORECASE)
_END = re.compile(
    f"(?:(?P<revision>[0-9]+)(?:-|$))?(?:(?P<early>{EARLY})[.]?[0-9]*(?:-|$))?(?P<variant>.*)",
    re.IGNORECASE,
)
"""What stands behind a version and a `-`: 20261101-slim, rc1."""
_REVISION = re.compile(r"r[0-9]+")
_CANDIDATE = "(?i:a|b|m|rc|alpha|beta)[.]?[0-9]+"
_GLUED = re.compile(rf"v?[0-9]+(?:[.][0-9]+){{0,3}}{_CANDIDATE}(?:-(?P<suffix>[A-Za-z0-9_.-]+))?")
_CANDIDATES = {"pattern": f"v?(?P<version>[0-9]+(?:[.][0-9]+)*)-?(?P<prerelease>{_CANDIDATE})"}
"""Candidates that no other kind takes: 3.15.0rc1, 19beta3, 8.10-rc2."""
_CANDIDATES_OF_VARIANTS = {"pattern": _CANDIDATES["pattern"] + "(?:-(?P<variant>[A-Za-z].*))?"}
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
"""Most stable tags by a name of their own; more are something else."""

_VARIANTS = 8
"""Most variants that are listed one by one."""


def are_candidates(kind: Any) -> bool:
    """Whether it is the kind for candidates alone, which says nothing of how releases look."""
    return kind in (_CANDIDATES, _CANDIDATES_OF_VARIANTS)


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
        return 100 * (self.tags - len(self.unknown)) // self.tags


@dataclass(slots=True)
class _Shapes:
    """The tags of a repository, by what they look like."""

    versions: dict[str, re.Match[str]] = field(default_factory=dict)
    dates: list[str] = field(default_factory=list)
    dated_commits: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    glued: dict[str, re.Match[str]] = field(default_factory=dict)
    words: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


_WORDED = {
    "date": _OF_A_DATE,
    "version": _OF_A_VERSION,
    "commit": _OF_A_COMMIT,
    "build": _OF_A_BUILD,
}

_PATTERNS = {
    "date": ("name", "-(?P<version>20[0-9]{6}(?:[.][0-9]+)?)", "highest"),
    "version": ("component", "-(?P<version>v?[0-9]+[.][0-9]+[.][0-9]+)", "highest"),
    "commit": ("branch", "-(?:[0-9]+-)?(?:sha-)?[0-9a-f]{7,40}", "newest"),
}
"""By shape, the group of its pattern, the rest of that, and what its stable tags follow."""

_DATE_BESIDE_VERSIONS = ("name", "-20[0-9]{6}(?:[.][0-9]+)?", "newest")
"""As a version, a date would be the highest of all, and `{major}` of its own."""


def _shapes(tags: Iterable[str]) -> _Shapes:
    found = _Shapes()
    rest = [tag for tag in tags if not _note_plain(found, tag)]
    suffixes = {match["suffix"] for match in (*found.versions.values(), *found.glued.values())}
    for tag in rest:
        if tag in suffixes:
            found.names.append(tag)  # a variant, whatever it looks like: windowsservercore-1809
        else:
            _note_worded(found, tag)
    _mend_decimal(found)
    return found


def _mend_decimal(found: _Shapes) -> None:
    """Take numbers of the length of commits for commits, where others are: one in 27 commits of
    seven digits has decimal digits alone."""
    lengths = {*map(len, found.commits)}
    decimal = [tag for tag in found.versions if tag.isdigit() and len(tag) in lengths]
    for tag in decimal:
        del found.versions[tag]
    found.commits += decimal
    commits, builds = found.words.get("commit", {}), found.words.get("build", {})
    for word in commits.keys() & builds.keys():
        lengths = {*map(len, commits[word])}
        commits[word] += [tag for tag in builds[word] if len(tag) in lengths]
        builds[word] = [tag for tag in builds[word] if len(tag) not in lengths]
        if not builds[word]:
            del builds[word]


def _note_plain(found: _Shapes, tag: str) -> bool:
    """Note a date, a commit or a version; whether it is one."""
    if _DATE.fullmatch(tag):
        found.dates.append(tag)
    elif re.fullmatch(_DATE_AND_COMMIT, tag):
        found.dated_commits.append(tag)
    elif _SHA.fullmatch(tag):
        found.commits.append(tag)
    elif version := _VERSION.fullmatch(tag):
        found.versions[tag] = version
    elif glued := _GLUED.fullmatch(tag):
        found.glued[tag] = glued
    else:
        return False
    return True


def _note_worded(found: _Shapes, tag: str) -> None:
    for what, expression in _WORDED.items():
        match = expression.fullmatch(tag)
        if match is not None:
            found.words.setdefault(what, {}).setdefault(match["word"], []).append(tag)
            return
    found.names.append(tag)


# The scheme


def drafted(repository: SeenRepository, found: Sequence[TagShape] = ()) -> dict[str, Any]:
    """What `tags:` says of a repository whose tags have these shapes beside what kinds take; its
    `unique` is empty where its tags show no scheme."""
    tags = repository.tags
    taken = _taken(found, tags)
    shapes = _shapes(tag for tag in tags if tag not in taken and not _ignored(tag))
    unique: list[Any] = []
    stable: list[dict[str, Any]] = []
    variants, revisions = _of_versions(shapes, unique, stable)
    by_version = bool(unique)
    variants += _of_words(shapes, unique, stable)
    variants += [each for shape in found for each in shape.variants]
    stable += _of_shapes(found, {each["tag"] for each in stable})
    unique += [*({"pattern": shape.pattern} for shape in found), *_of_times_and_commits(shapes)]
    made: dict[str, Any] = {"unique": unique}
    if variants:
        made["variants"] = _globs(variants)
    if revisions:
        made["revisions"] = revisions
    if _variants_behind_latest(made, tags):
        made["variant_latest"] = "{tag}-{variant}"
    made["unique"] = _used(made, tags)
    stable = [each for each in stable if _is_known(each["tag"], made["unique"])]
    made["stable"] = _with_latest(made, stable, shapes, by_version=by_version)
    ignored = sorted({glob for tag in tags if (glob := _ignored(tag))})
    if ignored:
        made["ignore"] = ignored
    return made


def _used(made: Mapping[str, Any], tags: Iterable[str]) -> list[Any]:
    """The kinds that take a tag which is not ignored: `5-alpine` looks like the number of a build,
    and is none."""
    kinds = _unique(made)
    readers = scheme_from({**made, "unique": kinds}).kinds
    own = [tag for tag in tags if not _ignored(tag)]
    return [
        each
        for each, reader in zip(kinds, readers, strict=True)
        if any(reader.read(tag) is not None for tag in own)
    ]


def _is_known(template: str, kinds: Iterable[Any]) -> bool:
    """Whether a pattern has the word that a template begins with, if it begins with one."""
    word = template[1:].partition("}")[0]
    is_word = template.startswith("{") and word not in ("major", "minor", "patch")
    return not is_word or any(f"(?P<{word}>" in str(each) for each in kinds)


def _taken(found: Iterable[TagShape], tags: Iterable[str]) -> set[str]:
    """The tags of these shapes, and the stable tags that go with them."""
    taken: set[str] = set()
    for shape in found:
        scheme = scheme_from(
            {
                "unique": [{"pattern": shape.pattern}],
                "variants": shape.variants,
                "stable": [{"tag": each} for each in shape.stable],
            }
        )
        taken |= {*shape.tags, *(tag for tag in tags if scheme.owner(tag) is not None)}
    return taken


def _of_shapes(found: Iterable[TagShape], known: Collection[str]) -> Iterator[dict[str, Any]]:
    """The stable tags of shapes that are not known yet."""
    for tag in dict.fromkeys(each for shape in found for each in shape.stable):
        if tag not in known:
            yield {"tag": tag, "follows": "highest"}


def _of_times_and_commits(shapes: _Shapes) -> Iterator[Any]:
    if shapes.dates:
        yield "timestamp"
    if shapes.dated_commits:
        yield {"pattern": _DATE_AND_COMMIT}
    if shapes.commits:
        yield "sha"


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
    if any(_SHA.fullmatch(match["suffix"] or "") for match in whole.values()):
        unique.append({"pattern": _VERSION_AND_COMMIT})
    unique.append(_kind(parts, whole.values()))
    least = min(parts) if isinstance(parts, list) else parts
    short = [m for m in shapes.versions.values() if len(m["numbers"].split(".")) < least]
    stable += _lines(short)
    early = {m["suffix"].split("-")[0] for m in short if m["suffix"]}
    if shapes.glued or any(_EARLY.fullmatch(each) and each[-1].isdigit() for each in early):
        unique.append(_CANDIDATES)
    if builds := _word_of_builds(shapes, least):
        return [], [f"{builds}*"]
    variants, revisions = _suffixes(shapes, least)
    return [*variants, *(m["suffix"] for m in shapes.glued.values() if m["suffix"])], revisions


def _lines(short: Collection[re.Match[str]]) -> Iterator[dict[str, Any]]:
    """The stable tags of versions with fewer numbers: those that follow, longest first, and those
    of candidates (`3.15-rc`), of which nobody knows whether a release should take them over."""
    shown = {(len(m["numbers"].split(".")), m["v"], _word_of(m["suffix"])) for m in short}
    for number, v in sorted({(number, v) for number, v, word in shown if not word}, reverse=True):
        yield {"tag": _template(number, v), "follows": "highest"}
    for number, v, word in sorted(shown):
        if word:
            yield {"tag": f"{_template(number, v)}-{word}"}


def _template(number: int, v: str) -> str:
    return v + ".".join(("{major}", "{minor}", "{patch}")[:number])


def _word_of(suffix: str | None) -> str:
    """The word for candidates that a suffix begins with, if it is a word alone."""
    word = (suffix or "").split("-")[0]
    return word if word.isalpha() and _EARLY.fullmatch(word) else ""


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


def _word_of_builds(shapes: _Shapes, parts: int) -> str:
    """The word before the number of a build that all versions end in, as in 1.4.2-build.45, and no
    stable tag."""
    suffixes: dict[bool, list[str]] = {True: [], False: list(shapes.names)}
    for match in shapes.versions.values():
        is_whole = len(match["numbers"].split(".")) >= parts
        suffixes[is_whole].append(match["suffix"] or "")
    found = [re.fullmatch("([A-Za-z]+)[._]?[0-9]+", each) for each in suffixes[True]]
    words = {"" if match is None else match[1] for match in found}
    word = min(words)
    differ = len({*suffixes[True]}) == len(found) > 1
    if len(words) > 1 or not differ or any(each.startswith(word) for each in suffixes[False]):
        return ""
    return "" if _EARLY.fullmatch(word) else word


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
    return sure, ["r*"] if revised else []


def _globs(suffixes: Iterable[str]) -> list[str]:
    """Variants as globs: those that differ in their last number alone are one, and so are those
    that begin with the same word, where there are many. The number after a dot is one that
    changes: of `alpine3.22` alone it is `alpine3.*`."""
    groups: dict[str, list[str]] = {}
    for each in sorted({*suffixes}):
        groups.setdefault(each if _family(each) == each else f"{_family(each)}0", []).append(each)
    globs: list[str] = []
    for alike in groups.values():
        one = re.sub(r"(?<=[0-9][.])[0-9]+$", "*", alike[0])
        globs.append(one if len(alike) == 1 else f"{_beginning(alike)}*")
    return fewer(globs)


def fewer(globs: Collection[str]) -> list[str]:
    """Variants without those that another takes in; of many, those that begin with the same word
    are one."""
    firsts = Counter(map(_first_word, globs)) if len(globs) > _VARIANTS else Counter()
    wide = {f"{_first_word(g)}*" if firsts[_first_word(g)] > 2 else g for g in globs}
    starred = [each for each in wide if each.endswith("*")]
    return sorted(
        each for each in wide if not any(each != g and each.startswith(g[:-1]) for g in starred)
    )


def _first_word(glob: str) -> str:
    """`alpine` of `alpine3.*` and of `alpine-slim`."""
    return re.sub("[-0-9*].*", "", glob)


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


def _of_words(shapes: _Shapes, unique: list[Any], stable: list[dict[str, Any]]) -> list[str]:
    """What begins with a word: releases by name and date, components, branches and their builds.

    Returns the variants.
    """
    patterns = {**_PATTERNS, "date": _DATE_BESIDE_VERSIONS} if unique else _PATTERNS
    variants_alone = {match["suffix"] for match in shapes.versions.values()}
    lines = _lines_of_components(shapes)
    builds = shapes.words.get("build", {})
    if builds:
        if "build" not in unique:
            # Beside versions a number alone is the line of a major version.
            unique.append({"pattern": f"{_word(builds)}-[0-9]{{1,7}}"} if unique else "build")
        for word in sorted(builds.keys() & set(shapes.names))[:_NAMED]:
            stable.append({"tag": word, "follows": "newest", "of": [f"{word}-*"]})
            shapes.names.remove(word)
    variants: list[str] = []
    shown = {what: found for what in patterns if (found := shapes.words.get(what))}
    for what, found in shown.items():
        group, rest, _ = patterns[what]
        begins = next(iter(found)) if what == "date" and len(found) == 1 else _word(found)
        pattern, left = _pattern(f"(?P<{group}>{begins}){rest}", found)
        unique.append({"pattern": pattern})
        variants += left
    stable += [{"tag": each, "follows": "highest"} for each in lines]
    for what, found in shown.items():
        group, _, follows = patterns[what]
        end = "-latest" if what == "version" else ""
        names = {f"{each}{end}" for each in found.keys() - variants_alone} & {*shapes.names}
        owner = scheme_from({"unique": unique, "stable": stable}).owner
        if any(owner(each) is None for each in names):
            stable.append({"tag": f"{{{group}}}{end}", "follows": follows})
    return variants


def _lines_of_components(shapes: _Shapes) -> list[str]:
    """The stable tags of components, such as `api-1.4` and `api-1` of `api-1.4.2`, taken from among
    the builds and names that they look like."""
    builds = shapes.words.get("build", {})
    numbers: set[int] = set()
    for word, tags in shapes.words.get("version", {}).items():
        own = [*builds.get(word, ()), *(each for each in shapes.names if each.startswith(word))]
        lines = {each for each in own if any(tag.startswith(f"{each}.") for tag in tags)}
        numbers |= {each[len(word) :].count(".") + 1 for each in lines}
        shapes.names[:] = [each for each in shapes.names if each not in lines]
        builds[word] = [each for each in builds.get(word, ()) if each not in lines]
        if not builds[word]:
            del builds[word]
    return [f"{{component}}-{_template(number, '')}" for number in sorted(numbers, reverse=True)]


def _pattern(pattern: str, found: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """The pattern with what else stands behind it in these tags, and the variants among that.

    Numbers, such as a date, are revisions, and candidates pre-releases: no variant of a release.
    """
    ends = {tag: re.match(pattern, tag) for tags in found.values() for tag in tags}
    left = {tag[match.end() + 1 :] for tag, match in ends.items() if match} - {""}
    commits = {each for each in left if _SHA.fullmatch(each)}
    read = [match for each in left - commits if (match := _END.fullmatch(each))]
    variants = sorted({match["variant"] for match in read} - {""})
    early = sorted({f"{match['early']}[.]?[0-9]*" for match in read if match["early"]})
    ends_in = [f"(?:-{_COMMIT})?"] if commits else []
    if "(?P<version>" in pattern:
        ends_in += ["(?:-(?P<revision>[0-9]+))?"] if any(m["revision"] for m in read) else []
        ends_in += [f"(?:-(?P<prerelease>{'|'.join(early)}))?"] if early else []
    ends_in += ["(?:-(?P<variant>[A-Za-z0-9._-]+))?"] if variants else []
    return "".join([pattern, *ends_in]), variants


def _word(found: Iterable[str]) -> str:
    """The narrowest plain expression that all these words fit."""
    words = list(found)
    plain = ("[a-z]+", "[a-z0-9]+", "[a-z][a-z0-9-]*", _WORD)
    return next(each for each in plain if all(re.fullmatch(each, word) for word in words))


def _with_latest(
    made: Mapping[str, Any], stable: Sequence[dict[str, Any]], shapes: _Shapes, *, by_version: bool
) -> list[dict[str, Any]]:
    """The stable tags, and `latest` where it is there or gives variants their bare names.

    It stands before what takes every name, and follows nothing beside that without versions.
    """
    bare = any(map(Variants(tuple(made.get("variants", ()))).has, shapes.names))
    if "latest" not in shapes.names and not bare:
        return list(stable)
    counts = any(make(each, Suffixes()).counts for each in made["unique"])
    alone = any(each["tag"] == "{release}" for each in stable)
    latest = {"tag": "latest", "follows": "highest" if counts and not alone else "newest"}
    if not any(each["tag"][1:-1] in PLACEHOLDERS_OF_WORDS for each in stable):
        return [*stable, latest]
    return [latest if by_version else {"tag": "latest"}, *stable]


def _variants_behind_latest(made: Mapping[str, Any], tags: Collection[str]) -> bool:
    """Whether the highest of a variant is `latest-alpine`, and not `alpine`."""
    variants = Variants(tuple(made.get("variants", ())))
    behind = [tag.removeprefix("latest-") for tag in tags if tag.startswith("latest-")]
    return any(variants.has(each) and each not in tags for each in behind)


def completed(made: Mapping[str, Any], tags: Collection[str]) -> dict[str, Any]:
    """A scheme with the stable tags that have names of their own, which only a pipeline moves."""
    made = {**made, "unique": _unique(made)}
    names = {_base(made, tag, tags) for tag in fit(made, tags).unknown}
    words = sorted(each for each in names if re.fullmatch(r"[A-Za-z][A-Za-z-]*", each))
    numbers = sorted(each for each in names if re.fullmatch(r"v?[0-9]+([.][0-9]+){0,2}", each))
    named = [each for some in (words, numbers) if len(some) <= _NAMED for each in some]
    stable = owning(made, [*made.get("stable", ()), *({"tag": each} for each in named)])
    found = {**made, "stable": stable}
    if not any("{" not in each["tag"] and each.get("follows") == "highest" for each in stable):
        found.pop("variant_latest", None)
    return {key: found[key] for key in _ORDER if found.get(key)}


def _unique(made: Mapping[str, Any]) -> list[Any]:
    """The kinds, each once; candidates have variants only where the scheme has some."""
    candidates = _CANDIDATES_OF_VARIANTS if made.get("variants") else _CANDIDATES
    kinds = [candidates if are_candidates(each) else each for each in made["unique"]]
    return [each for number, each in enumerate(kinds) if each not in kinds[:number]]


def _base(made: Mapping[str, Any], tag: str, tags: Collection[str]) -> str:
    """The tag without its variant, where that is a tag too: `mainline` of `mainline-alpine`."""
    bases = (base for base, _ in Variants(tuple(made.get("variants", ()))).bases(tag))
    return min((tag, *(base for base in bases if base in tags)), key=len)


def owning(
    made: Mapping[str, Any], entries: Iterable[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The stable tags without those that entries above render already."""
    kept: list[Mapping[str, Any]] = []
    for entry in entries:
        scheme = scheme_from({**made, "stable": kept})
        if scheme.owner(entry["tag"]) is None:
            kept.append(entry)
    return kept


PLACEHOLDERS_OF_WORDS = frozenset(group for group, _, _ in _PATTERNS.values())
"""What stands for a word that a tag begins with: a branch, a component, the name of a release."""


_ORDER = ("unique", "variants", "revisions", "variant_latest", "stable", "ignore")
"""The keys of `tags:` as people write them."""


def scheme_from(made: Mapping[str, Any]) -> Scheme:
    """The scheme of a `tags:`; one that remembers what it read, for it is asked again and again."""
    return _scheme(json.dumps(made))


@functools.lru_cache(64)
def _scheme(made: str) -> Scheme:
    return Scheme.from_document(json.loads(made))


def fit(made: Mapping[str, Any], tags: Iterable[str]) -> Fit:
    """How well a scheme fits tags."""
    scheme, every = scheme_from(made), list(tags)
    return Fit(len(every), tuple(t for t in every if scheme.judge(t) is Verdict.UNKNOWN))
