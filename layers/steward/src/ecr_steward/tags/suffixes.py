"""What stands after a version, a commit or a date: variant, platform, revisions, pre-release."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ecr_steward.words.globs import glob_regex

_SEGMENTS = re.compile(r"([-_])([^-_]*)")
_MARK = re.compile("[-_]")
_COMMITS = re.compile(r"(?P<count>[0-9]+)-g[0-9a-f]{4,40}")
"""What `git describe` adds: the commits since the version, and the commit."""
_PRERELEASE = re.compile(
    r"(?:alpha|beta|rc|preview|pre|snapshot)[0-9]*(?:[.-][0-9]+)*", re.IGNORECASE
)
"""What is a pre-release wherever it stands, even if a variant with a star could take it in."""
_ARCHITECTURE = (
    r"amd64(?:-?v[1-4])?|x86[-_]64(?:-?v[1-4])?|x64|x86|i[3-6]86|arm64(?:-?v[89])?|aarch64"
    r"|arm32v[5-7]|arm(?:-?v[5-8](?:hf|l)?|hf|el)|ppc64(?:le|el)?|powerpc64(?:le)?|s390x?"
    r"|riscv64|mips(?:64)?(?:le|el)?|loong(?:arch)?64"
)
_PLATFORM = re.compile(
    rf"(?:(?:linux|windows|darwin|freebsd)[-_.]?)?(?:{_ARCHITECTURE})"
    r"|(?:linux|windows|freebsd|wasip?1?|js)[-_.]?(?:386|arm|wasm)",
    re.IGNORECASE,
)
"""A processor as Go, Docker and uname name it, with or without its system before it; `386`, `arm`
and `wasm` say too little without."""
_MOST_PIECES = 4
"""Most pieces of a platform: `linux-x86_64-v3`."""


@dataclass(frozen=True, slots=True)
class Suffix:
    """A suffix, read. `before` and `after` are the commits that `git describe` counted left and
    right of the first revision; `build` is what is left of build metadata."""

    prerelease: str | None = None
    variant: str | None = None
    platform: str | None = None
    before: tuple[int, ...] = ()
    revisions: tuple[str, ...] = ()
    after: tuple[int, ...] = ()
    build: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it says nothing of a version: no pre-release, no build, no count of commits."""
        counted = self.before or self.after
        return self.prerelease is None and self.build is None and not counted


@dataclass(frozen=True, slots=True)
class _Run:
    """The segments `start` to `end` (exclusive), taken for one thing; `named` is a revision without
    a star, which is never given back."""

    start: int
    end: int
    what: str
    text: str
    named: bool = False


class Variants:
    """The suffixes that make a line of their own: globs on what stands after the version."""

    def __init__(self, globs: tuple[str, ...] = ()) -> None:
        self.names = frozenset(glob for glob in globs if "*" not in glob)
        starred = [glob for glob in globs if "*" in glob]
        self._regex = glob_regex(globs) if globs else None
        self._starred = glob_regex(starred) if starred else None
        joined = [glob for glob in starred if "_" in glob]
        self._joined = glob_regex(joined) if joined else None

    def has(self, text: str) -> bool:
        return self._regex is not None and self._regex.fullmatch(text) is not None

    @property
    def are_starred(self) -> bool:
        return self._starred is not None

    def has_starred(self, text: str) -> bool:
        """Whether a variant with a star matches; a star takes in no `_` where its glob has none."""
        regex = self._joined if "_" in text else self._starred
        return regex is not None and regex.fullmatch(text) is not None

    def bases(self, tag: str) -> Iterator[tuple[str, str]]:
        """Every way to read `tag` as a stable tag and a variant, the longest variant first."""
        for i, letter in enumerate(tag):
            if letter == "-" and self.has(tag[i + 1 :]):
                yield tag[:i], tag[i + 1 :]


def _revision_regex(globs: Iterable[str]) -> re.Pattern[str] | None:
    """A star stands for nothing or for what begins with a number, a `.` or `_` before it or not."""
    expressions = [
        r"(?:[._]?[0-9][0-9A-Za-z.]*)?".join(map(re.escape, glob.split("*"))) for glob in globs
    ]
    return re.compile("|".join(expressions)) if expressions else None


def _glob_text(glob: str) -> str:
    return ".*".join(map(re.escape, re.split(r"\*+", glob)))


_REMEMBERED = 4096


class Suffixes:
    """How suffixes are read under the `variants` and `revisions` of a rule."""

    def __init__(self, variants: tuple[str, ...] = (), revisions: tuple[str, ...] = ()) -> None:
        self.variants = Variants(variants)
        self._variant_globs, self._revision_globs = variants, revisions
        self._revision_names = frozenset(glob for glob in revisions if "*" not in glob)
        self._revisions = _revision_regex(glob for glob in revisions if "*" in glob)

    @functools.cached_property
    def plain(self) -> str:
        """A regular expression that matches every suffix which says nothing of a version, and
        perhaps more."""
        pieces = map(_glob_text, (*self._variant_globs, *self._revision_globs))
        return f"(?:[-_](?:{'|'.join([f'(?i:{_PLATFORM.pattern})', *pieces])}))*"

    @functools.cached_property
    def named(self) -> str:
        """A regular expression of suffixes that are one name or one platform, or nothing."""
        names = map(re.escape, sorted(self.variants.names | self._revision_names))
        return f"(?:-(?:{'|'.join([f'(?i:{_PLATFORM.pattern})', *names])}))?"

    @functools.cached_property
    def sure(self) -> str:
        """A regular expression of suffixes after which a version is one for sure."""
        pieces = map(_glob_text, self._variant_globs)
        return f"(?:-(?:{'|'.join(['[A-Za-z][0-9A-Za-z]*', *pieces])}))?"

    @functools.cached_property
    def read(self) -> Callable[[str], Suffix]:
        """Read what follows a version, the `-` or `_` before it included.

        Names without a star win wherever they stand, a variant's before a revision's. Then what
        `git describe` adds, platforms, revisions and plain pre-releases are taken out, and of the
        rest a variant with a star takes the longest end, else the longest beginning. What is left
        is the pre-release, and after a `_` build metadata.
        """
        return functools.lru_cache(_REMEMBERED)(self._read)

    def _read(self, suffix: str) -> Suffix:
        return _Reading(suffix, self).suffix() if suffix else Suffix()

    @property
    def has_revision_names(self) -> bool:
        return bool(self._revision_names)

    @property
    def has_revisions(self) -> bool:
        return self._revisions is not None

    def is_revision(self, text: str) -> bool:
        return self._revisions is not None and self._revisions.fullmatch(text) is not None

    def is_revision_name(self, text: str) -> bool:
        return text in self._revision_names


class _Reading:
    """One suffix on its way to being read: its segments, and the runs of them taken so far."""

    def __init__(self, suffix: str, suffixes: Suffixes) -> None:
        self._suffixes = suffixes
        segments = _SEGMENTS.findall(suffix)
        self._marks = [mark for mark, _ in segments]
        self._texts = [text for _, text in segments]
        self._taken: list[_Run] = []
        self._spans = self._all_spans()

    def _all_spans(self) -> list[list[str]]:
        """By where they start and how many segments they have more than one, all runs as text."""
        spans = []
        for start, text in enumerate(self._texts):
            texts = [text]
            for i in range(start + 1, len(self._texts)):
                texts.append(f"{texts[-1]}{self._marks[i]}{self._texts[i]}")
            spans.append(texts)
        return spans

    def suffix(self) -> Suffix:
        name = self._variant_name()
        if name is not None:
            self._taken.append(name)
        if self._suffixes.has_revision_names:
            self._take("revision", self._suffixes.is_revision_name, named=True)
        underscore = self._underscore()
        self._take("commits", _is_describe, underscore)
        self._take("platform", _is_platform)
        if self._suffixes.has_revisions:
            self._take("revision", self._suffixes.is_revision)
        self._take("prerelease", _is_prerelease, underscore)
        starred = self._starred_variant(name)
        if starred is not None:
            self._taken = [run for run in self._taken if run is not name]
            self._taken.append(starred)
        return self._result(underscore)

    def _variant_name(self) -> _Run | None:
        """The variant without a star that the suffix has: the longest end, else the longest
        beginning, else the longest in between."""
        names = self._suffixes.variants.names
        if not names:
            return None
        count = len(self._texts)
        runs = (
            _Run(i, i + n, "variant", text)
            for i, texts in enumerate(self._spans)
            for n, text in enumerate(texts, 1)
            if text in names
        )
        return max(
            runs,
            key=lambda run: (run.end == count, run.start == 0, run.end - run.start, -run.start),
            default=None,
        )

    def _take(
        self,
        what: str,
        is_one: Callable[[str], bool],
        most: int | None = None,
        *,
        named: bool = False,
    ) -> None:
        """Take every run that `is_one`, from left to right, the longest first, before `most`."""
        at, end = 0, len(self._texts) if most is None else most
        gone = [i for run in self._taken for i in range(run.start, run.end)]
        while at < end:
            stop = min((i for i in gone if i >= at), default=end)
            texts = self._spans[at]
            found = next((n for n in range(min(stop, end) - at, 0, -1) if is_one(texts[n - 1])), 0)
            if found:
                self._taken.append(_Run(at, at + found, what, texts[found - 1], named))
            at += found or 1

    def _underscore(self) -> int:
        """Where build metadata begins: at the first `_` that is not within something known."""
        count = len(self._texts)
        for at in range(count):
            if self._marks[at] == "_" and not self._is_within(at):
                return at
        return count

    def _is_within(self, at: int) -> bool:
        if any(run.start < at < run.end for run in self._taken):
            return True
        known = self._suffixes.variants.has_starred, self._suffixes.is_revision, _is_platform
        count = len(self._texts)
        return any(
            is_one(self._spans[i][j - i - 1])
            for i in range(at)
            for j in range(at + 1, count + 1)
            for is_one in known
        )

    def _starred_variant(self, name: _Run | None) -> _Run | None:
        """The variant with a star. Beside one without it has to take that in."""
        if not self._suffixes.variants.are_starred:
            return None
        others = [run for run in self._taken if run is not name]
        found = self._starred_in(others)
        if found is None and name is None:
            found = self._with_pieces_back(others)
        if found is None or name is None:
            return found
        return found if found.start <= name.start and name.end <= found.end else None

    def _with_pieces_back(self, taken: list[_Run]) -> _Run | None:
        """A variant that needs something which was taken out, and gets it back."""
        pieces = sorted((run for run in taken if not run.named), key=lambda run: run.start)
        without = [[run for run in taken if run is not each] for each in pieces]
        for left in (*without, [run for run in taken if run.named]):
            found = self._starred_in(left)
            if found is not None:
                self._taken = left
                return found
        return None

    def _starred_in(self, taken: Sequence[_Run]) -> _Run | None:
        gone = {i for run in taken for i in range(run.start, run.end)}
        rest = [i for i in range(len(self._texts)) if i not in gone]
        ends = (rest[i:] for i in range(len(rest)))
        beginnings = (rest[:i] for i in range(len(rest) - 1, 0, -1))
        for some in (*ends, *beginnings):
            text = self._text(some)
            if self._suffixes.variants.has_starred(text):
                return _Run(some[0], some[-1] + 1, "variant", text)
        return None

    def _result(self, underscore: int) -> Suffix:
        runs = sorted(self._taken, key=lambda run: run.start)
        variant = next((run for run in runs if run.what == "variant"), None)
        others = [run for run in runs if run is not variant]
        first = min((run.start for run in others if run.what == "revision"), default=None)
        counts = [
            (run.start, int(run.text.partition("-")[0])) for run in others if run.what == "commits"
        ]
        prerelease, build = self._left(others, variant, underscore)
        return Suffix(
            prerelease=prerelease,
            variant=None if variant is None else variant.text,
            platform=next((run.text for run in others if run.what == "platform"), None),
            before=tuple(n for at, n in counts if first is None or at < first),
            revisions=tuple(run.text for run in others if run.what == "revision"),
            after=tuple(n for at, n in counts if first is not None and at > first),
            build=build,
        )

    def _left(
        self, others: Sequence[_Run], variant: _Run | None, underscore: int
    ) -> tuple[str | None, str | None]:
        """The pre-release, and the build metadata."""
        out = {i for run in others if run.what != "prerelease" for i in range(run.start, run.end)}
        if variant is not None:
            inside = {i for run in others for i in range(run.start, run.end)}
            out |= {i for i in range(variant.start, variant.end) if i not in inside}
        left = [i for i in range(len(self._texts)) if i not in out]
        begins = next((i for i in left if self._marks[i] == "_"), len(self._texts))
        begins = min(begins, underscore)
        before = [self._texts[i] for i in left if i < begins]
        after = [i for i in left if i >= begins]
        return "-".join(before) if before else None, self._text(after) if after else None

    def _text(self, some: Sequence[int]) -> str:
        """The segments at these places as they are written, without what stands before them."""
        return "".join(
            self._texts[i] if n == 0 else f"{self._marks[i]}{self._texts[i]}"
            for n, i in enumerate(some)
        )


def of_all_platforms(tag: str) -> Iterator[str]:
    """What `tag` can be without a platform that stands in it after a `-` or `_`."""
    marks = [*(match.start() for match in _MARK.finditer(tag)), len(tag)]
    for i, start in enumerate(marks):
        for end in marks[i + 1 :][:_MOST_PIECES]:
            if start and _is_platform(tag[start + 1 : end]):
                yield tag[:start] + tag[end:]


def _is_describe(text: str) -> bool:
    return _COMMITS.fullmatch(text) is not None


def _is_platform(text: str) -> bool:
    return _PLATFORM.fullmatch(text) is not None


def _is_prerelease(text: str) -> bool:
    return _PRERELEASE.fullmatch(text) is not None
