"""Any scheme and any story end where all tags together say, as a naive reading of both finds it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from hypothesis import event, given, note
from hypothesis import strategies as st

from ecr_steward.ecr import Unavailable
from ecr_steward.words.causes import Cause
from ecr_steward.words.facts import FactKind
from ecr_steward.words.hints import Action, Hint
from tests.property import kept
from tests.property.kept import played
from tests.property.stories import thousands
from tests.support.world import REPOSITORY, Killed, World, image, ruleset, throttled

WRITES = {"PutImage", "BatchDeleteImage"}


class Part(NamedTuple):
    """What a version's tag is made of; `suffix` is its pre-release and variant as written."""

    numbers: tuple[str, ...]
    prerelease: str | None
    variant: str | None
    suffix: str | None


FORMS: list[tuple[str, str | None, str | None]] = [
    ("{}", None, None),
    ("v{}", None, None),
    ("{}_b7", None, None),
    ("{}-rc9", "rc9", None),
    ("{}-rc10", "rc10", None),
    ("{}-alpine", None, "alpine"),
    ("v{}-alpine", None, "alpine"),
    ("{}-rc9-alpine", "rc9", "alpine"),
    ("{}-alpine-rc10", "rc10", "alpine"),
    ("{}-slim-x", None, "slim-x"),
]
NUMBERS = ["0.1.0", "1.0.1", "1.0.10", "1.1.0", "2.0.0", "1.9", "24.04", "24.4"]
NUMBERS += ["0.1", "1.0", "1.1", "2.0"]
PARTS = {
    form.format(numbers): Part(
        tuple(numbers.split(".")),
        prerelease,
        variant,
        form.partition("-")[2] or None,
    )
    for numbers in NUMBERS
    for form, prerelease, variant in FORMS
}
COMMITS = {"9f1c2ab": "sha", "build-7": "build"}
OTHERS = ["1.0", "1", "latest", "alpine", "next", "edge", "1-alpine", "main", "main"]
OTHERS += ["nightly", "odd", "buildcache-1"]

STABLE: list[dict[str, Any]] = [
    {"tag": "{major}.{minor}", "follows": "highest"},
    {"tag": "{major}", "follows": "highest"},
    {"tag": "{major}", "follows": "highest", "within": ["0", "1"]},
    {"tag": "{major}", "follows": "newest"},
    {"tag": "latest", "follows": "highest"},
    {"tag": "latest", "follows": "highest", "within": "1"},
    {"tag": "latest", "follows": "highest", "not_within": ["2", "24.4"]},
    {"tag": "next", "follows": "highest", "prereleases": True},
    {"tag": "edge", "follows": "newest"},
    {"tag": "edge", "follows": "newest", "within": "1.0"},
    {"tag": "alpine"},
    {"tag": "main"},
]
SCHEMES = st.fixed_dictionaries(
    {
        "unique": st.sampled_from(
            [
                ["semver"],
                ["semver", "sha", "build"],
                ["build", {"version": {"parts": [2, 3]}}],
                [{"version": {"parts": 2}}, "semver"],
            ]
        ),
        "variants": st.sampled_from([[], ["alpine"], ["slim-*", "alpine"]]),
        "stable": st.builds(
            lambda entries, others: [*entries, *others],
            st.lists(st.sampled_from(STABLE[:7]), min_size=1, max_size=3),
            st.lists(st.sampled_from([*STABLE, *STABLE[7:9], *STABLE[7:9]]), max_size=4),
        ),
        "pin": st.sampled_from([None, "{tag}-{digest}", "p-{pushed:%Y%m%d}-{digest}"]),
        "ignore": st.sampled_from([["buildcache*"], ["buildcache*", "2.*"]]),
        "unknown": st.sampled_from(["report", "allow", "remove"]),
        "overwritten": st.sampled_from(["report", "allow", "restore", "keep"]),
    }
)


class Oracle:
    """Reads tags and schemes anew, from a table of tags that it knows beforehand."""

    def __init__(self, tags: dict[str, Any]) -> None:
        self._tags = tags
        self._variants = [
            each
            for each in ("alpine", "slim-x")
            if any(fnmatchcase(each, glob) for glob in tags["variants"])
        ]
        literals = [
            i
            for i, entry in enumerate(tags["stable"])
            if entry.get("follows") == "highest" and "{" not in entry["tag"]
        ]
        self._first = literals[0] if literals else None

    def ignores(self, tag: str) -> bool:
        return any(fnmatchcase(tag, glob) for glob in self._tags["ignore"])

    def reads(self, tag: str) -> Part | bool:
        """The version of a unique tag; True for one without a version; False for no unique tag."""
        if self.ignores(tag):
            return False
        if tag in COMMITS:
            return COMMITS[tag] in self._tags["unique"]
        number, _, variant = tag.partition("-")
        if number.isdigit() and (not variant or variant in self._variants):
            return "build" in self._tags["unique"] and Part((), None, variant or None, None)
        part = PARTS.get(tag)
        if part is None or not self._takes(part):
            return False
        if part.variant in (None, *self._variants):
            return part
        return Part(part.numbers, part.suffix, None, part.suffix)

    def _takes(self, part: Part) -> bool:
        parts = [each["version"]["parts"] for each in self._tags["unique"] if type(each) is dict]
        return (len(part.numbers) == 3 and "semver" in self._tags["unique"]) or any(
            len(part.numbers) == each or (type(each) is list and len(part.numbers) in each)
            for each in parts
        )

    def owner(self, name: str) -> int | None:
        """The first entry of `stable:` that can make this name."""
        for i, entry in enumerate(self._tags["stable"]):
            number = "[0-9]+"
            base = entry["tag"].replace("{major}", number).replace(".{minor}", rf"\.{number}")
            names = [base]
            for variant in self._variants:
                names.append(variant if i == self._first else f"{base}-{variant}")
            if any(re.fullmatch(each, name) for each in names):
                return i
        return None

    def is_stable(self, tag: str) -> bool:
        return not self.ignores(tag) and not self.reads(tag) and self.owner(tag) is not None

    def names(self, tag: str) -> Iterator[tuple[str, bool]]:
        """The stable tags that a unique tag can be under, and whether they follow the newest."""
        part = self.reads(tag)
        for i, entry in enumerate(self._tags["stable"]):
            if part is False or "follows" not in entry:
                continue
            whole = part if isinstance(part, Part) and part.numbers else None
            name = self._name(i, entry, whole)
            if name and whole is None and isinstance(part, Part) and part.variant:
                name = f"{name}-{part.variant}"
            if name is None or self.ignores(name) or self.reads(name) or self.owner(name) != i:
                continue
            yield name, entry["follows"] == "newest"

    def _name(self, index: int, entry: dict[str, Any], part: Part | None) -> str | None:
        newest = entry["follows"] == "newest"
        if part is None:
            plain = newest and "{" not in entry["tag"] and "within" not in entry
            return entry["tag"] if plain else None
        if part.prerelease and not newest and not entry.get("prereleases"):
            return None
        if not self._admits(entry, [int(each) for each in part.numbers]):
            return None
        name = str(entry["tag"]).replace("{major}", part.numbers[0])
        name = name.replace("{minor}", part.numbers[1])
        if part.variant is None:
            return name
        return part.variant if index == self._first else f"{name}-{part.variant}"

    def _admits(self, entry: dict[str, Any], numbers: list[int]) -> bool:
        def listed(key: str) -> list[str]:
            value = entry.get(key, [])
            return [value] if isinstance(value, str) else value

        def begins(prefix: str) -> bool:
            wanted = [int(each) for each in prefix.split(".")]
            return numbers[: len(wanted)] == wanted

        if entry["tag"] == "{major}" and numbers[0] == 0 and "0" not in listed("within"):
            return False
        inside = not listed("within") or any(map(begins, listed("within")))
        return inside and not any(map(begins, listed("not_within")))

    def rank(self, tag: str) -> tuple[Any, ...]:
        """The order of two versions: numbers, then a release, the pre-release, the build."""
        part = self.reads(tag)
        if not isinstance(part, Part) or not part.numbers:
            return ()
        numbers = [int(each) for each in part.numbers] + [0] * (3 - len(part.numbers))
        match = re.fullmatch(r"(.*?)([0-9]*)", part.prerelease or "")
        assert match is not None
        build = tag.endswith("_b7")
        return (numbers, part.prerelease is None, match[1], int(match[2] or -1), build)

    def ends(self, images: dict[str, tuple[datetime, list[str]]]) -> dict[str, str]:
        """Where every stable tag that follows belongs."""
        best: dict[str, tuple[Any, ...]] = {}
        for digest, (pushed, tags) in images.items():
            for tag in tags:
                for name, newest in self.names(tag):
                    order = (() if newest else self.rank(tag), pushed, digest)
                    best[name] = max(best.get(name, order), order)
        return {name: order[2] for name, order in best.items()}


class Stage:
    """A world, the oracle of its scheme, and what must never happen in it."""

    def __init__(self, tags: dict[str, Any]) -> None:
        rules = ruleset({"repositories": ["base/*"], "mode": "enforce", "tags": tags})
        self.tags = tags
        self.oracle = Oracle(tags)
        self.world = World(rules, allow_removal=True)
        self.world.ecr.create_repository(repositoryName=REPOSITORY)
        self.sweeps = 0

    def images(self) -> dict[str, tuple[datetime, list[str]]]:
        details = self.world.ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]
        return {
            each["imageDigest"]: (each["imagePushedAt"], list(each.get("imageTags", ())))
            for each in details
        }

    def known(self) -> Mapping[str, str]:
        return self.world.history.recall_all(REPOSITORY).known

    def deliver(
        self, at: int = 0, fail_at: int | None = None, error: Callable[[], BaseException] = Killed
    ) -> None:
        what = self.world.events.pop(at)
        self.watch(lambda: self.world.deliver(what), [what], fail_at, error)

    def deliver_batch(self) -> None:
        batch, self.world.events[:4] = self.world.events[:4], []
        self.watch(lambda: self.world.deliver(*batch), batch)

    def watch(
        self,
        do: Any,
        again: Sequence[dict[str, Any]] = (),
        fail_at: int | None = None,
        error: Callable[[], BaseException] = Killed,
    ) -> None:
        before, told, known = self.images(), len(self.world.told()), self.known()
        held = {tag: self.world.tags().get(tag) for tag in self.world.held()}
        self.world.arm(fail_at, error)
        self.called: dict[str, int] = {}
        try:
            self.called = self.world.calls(do)
        except (Killed, Unavailable, ClientError) as ended:
            event("killed" if isinstance(ended, Killed) else "throttled")
            self.world.events += again
        self.world.arm(None)
        after = self.images()
        if self.tags["overwritten"] == "restore":
            for tag, digest in self.known().items():
                owner = known.get(tag, digest)
                assert digest == owner or owner not in before, f"{tag} lost its first image"
        assert after.keys() == before.keys(), "an image is gone"
        assert {tag: self.world.tags().get(tag) for tag in held} == held, "a held tag was moved"
        bare = {digest for digest, (_, tags) in after.items() if not tags}
        assert bare <= {digest for digest, (_, tags) in before.items() if not tags}
        for fact in self.world.told()[told:]:
            event(fact.kind.value)
            if fact.kind is FactKind.MOVE and fact.tag:
                names = {name for tag in fact.after_tags for name, _ in self.oracle.names(tag)}
                assert fact.tag in names, f"{fact.tag} is no stable tag of {fact.after_tags}"
                highest = self._highest(fact.tag, fact.before_tags)
                assert self._highest(fact.tag, fact.after_tags) >= highest, "it went back"

    def _highest(self, stable: str, tags: tuple[str, ...]) -> tuple[Any, ...]:
        ranks = [self.oracle.rank(tag) for tag in tags if (stable, False) in self.oracle.names(tag)]
        return max(ranks, default=())

    def settle(self) -> None:
        for _ in range(400):
            if not self.world.events:
                return
            self.deliver()
        raise AssertionError("the steward does not come to rest")

    def sweep(self) -> set[str]:
        """One sweep and all that follows from it; returns the operations it called."""
        self.sweeps += 1
        self.world.now += timedelta(hours=1)
        cause = Cause(f"sweep-{self.sweeps}/{REPOSITORY}", "Sweep")
        hint = Hint(REPOSITORY, Action.SWEEP, None, None, cause, self.world.now)

        def visits() -> None:
            while self.world.retagger.visit(REPOSITORY, [hint]).unfinished:
                pass

        self.watch(visits)
        called = set(self.called)
        self.world.history.sweeps.remember_seen(REPOSITORY, self.world.now)
        self.settle()
        return called

    def assert_at_rest(self, held: Collection[str] = ()) -> None:
        expected, actual = self.oracle.ends(self.images()), self.world.tags()
        free = expected.keys() - held
        assert {tag: actual.get(tag) for tag in free} == {tag: expected[tag] for tag in free}
        known = self.known()
        for tag, digest in actual.items():
            if self.oracle.reads(tag):
                assert known[tag] == digest, f"{tag} is not where history knows it"

    def assert_swept(self) -> None:
        for _, tags in self.images().values():
            kinds = [self._kind(tag) for tag in tags]
            if self.tags["pin"] and "stable" in kinds:
                assert set(kinds) - {"stable", "ignored"}, f"{tags} has no pin"
            if self.tags["unknown"] == "remove" and "unknown" in kinds:
                assert len(tags) == 1, f"{tags} has an unknown tag beside another"

    def _kind(self, tag: str) -> str:
        if re.fullmatch(r".*-[0-9a-f]{12}", tag):
            return "pin"
        if self.oracle.ignores(tag):
            return "ignored"
        if self.oracle.reads(tag):
            return "unique"
        return "stable" if self.oracle.is_stable(tag) else "unknown"


NAMES = st.sampled_from(["a", "b", "c", "d"])
FULL = [numbers for numbers in NUMBERS if numbers.count(".") == 2]
RELEASES = st.lists(st.sampled_from(FULL), min_size=1, max_size=2).flatmap(
    lambda few: st.lists(
        st.builds(
            lambda form, numbers: str(form[0]).format(numbers),
            st.sampled_from(FORMS),
            st.sampled_from(few),
        ),
        min_size=2,
        max_size=5,
    )
)
ANY = (
    st.sampled_from(list(PARTS))
    | st.sampled_from([*COMMITS, *OTHERS])
    | st.sampled_from(["main", "nightly", "odd"])
)
POOLS = st.builds(
    lambda releases, others: [*releases, *others],
    RELEASES,
    st.lists(ANY, min_size=1, max_size=3),
)
"""The tags of one story: few, so that they meet."""
TAGS = st.integers(0, 7)
PUSHES = st.tuples(st.sampled_from(["push", "push", "push at once"]), TAGS, NAMES)
STEPS = st.one_of(
    PUSHES,
    PUSHES,
    st.tuples(st.just("untag"), TAGS, NAMES),
    st.tuples(st.sampled_from(["deliver", "deliver last", "twice", "batch"]), TAGS, NAMES),
    st.tuples(st.sampled_from(["kill", "throttle", "rest", "rest", "rest"]), TAGS, NAMES),
    st.tuples(st.sampled_from(["delete", "untag something"]), TAGS, NAMES),
    st.tuples(
        st.sampled_from(["hand move", "hand move", "quarrel", "hold", "hold for a while", "wait"]),
        TAGS,
        NAMES,
    ),
)
_WHILE = timedelta(minutes=4)
Step = tuple[str, int, str]


def happen(stage: Stage, pool: list[str], step: Step) -> bool:
    """Play a step that somebody else makes; False for one that the steward makes."""
    what, number, name = step
    world, tag = stage.world, pool[number % len(pool)]
    if what.startswith("push"):
        world.now -= timedelta(seconds=int(what == "push at once"))
        world.push(tag, name)
    elif what == "untag":
        if tag in world.tags():
            world.delete(tag=tag)
    elif what == "untag something":
        held = sorted(each for each, digest in world.tags().items() if digest == image(name))
        if held:
            world.delete(tag=held[number % len(held)])
    elif what == "delete":
        if image(name) in stage.images():
            world.delete(digest=image(name))
    else:
        return False
    return True


def interfere(stage: Stage, step: Step) -> bool:
    """Play a step of people who deal with a stable tag; False for any other."""
    what, number, name = step
    world = stage.world
    stable = sorted(stage.oracle.ends(stage.images()))
    if what == "wait":
        world.now += _WHILE
    elif not stable or what not in ("hand move", "quarrel", "hold", "hold for a while"):
        return False
    else:
        tag = stable[number % len(stable)]
        if what.startswith("hold"):
            world.hold(tag, None if what == "hold" else world.now + _WHILE)
        for _ in range({"hand move": 1, "quarrel": 3}.get(what, 0)):
            world.push(tag, name)
            stage.settle()
    return True


def play(stage: Stage, pool: list[str], step: Step, fail_at: int) -> None:
    if happen(stage, pool, step) or interfere(stage, step) or not stage.world.events:
        return
    what = step[0]
    if what == "rest":
        stage.settle()
    elif what == "batch":
        stage.deliver_batch()
    else:
        if what == "twice":
            stage.world.events.append(stage.world.events[0])
        error = throttled if what == "throttle" else Killed
        at = fail_at if what in ("kill", "throttle") else None
        stage.deliver(-1 if what == "deliver last" else 0, at, error)


@thousands
@played(kept.SCHEMES.values())
@given(
    tags=SCHEMES,
    pool=POOLS,
    steps=st.lists(STEPS, min_size=8, max_size=30),
    fail_at=st.integers(1, 20),
    lost=st.booleans(),
)
def test_every_story_under_every_scheme_ends_where_all_tags_say(
    tags: dict[str, Any], pool: list[str], steps: list[Step], fail_at: int, lost: bool
) -> None:
    stage = Stage(tags)
    for step in steps:
        play(stage, pool, step, fail_at)
    if lost:
        stage.world.events.clear()
    else:
        stage.settle()
        note(f"without a sweep: {stage.world.tags()}")
        # A hold whose time is over is caught up by the next push in its line, or by the sweep.
        stage.assert_at_rest({hold.tag for _, hold in stage.world.history.holds.all()})
    stage.sweep()
    stage.assert_at_rest(stage.world.held())
    for tag in stage.world.held():
        stage.world.release(tag)
    if lost:
        stage.world.events.clear()
        stage.sweep()
    stage.settle()
    note(f"after a sweep: {stage.world.tags()}")
    stage.assert_at_rest()
    stage.assert_swept()
    ended = stage.world.tags()
    told = len(stage.world.told())
    assert not stage.sweep() & WRITES, "a second sweep writes"
    assert stage.world.tags() == ended
    assert len(stage.world.told()) == told, "a second sweep tells something"


@played(kept.ECHOES.values())
@given(tags=SCHEMES, pool=POOLS, pushes=st.lists(PUSHES, min_size=1, max_size=8))
def test_an_echo_costs_at_most_one_read_and_no_write_under_every_scheme(
    tags: dict[str, Any], pool: list[str], pushes: list[Step]
) -> None:
    stage = Stage(tags)
    world = stage.world
    for push in pushes:
        happen(stage, pool, push)
        while world.events:
            stage.deliver()
            assert sum(stage.called.get(each, 0) for each in ("BatchGetImage", "ListImages")) <= 3
            restored = {fact.tag for fact in world.told() if fact.kind is FactKind.RESTORE}
            while world.events:
                # A restored tag is a unique one: its lines can be led by other images.
                most = 2 if world.events[0]["detail"]["image-tag"] in restored else 1
                stage.deliver()
                assert not stage.called.keys() & WRITES, f"an echo wrote {stage.called}"
                assert sum(stage.called.values()) <= most, f"an echo cost {stage.called}"


def test_the_oracle_finds_what_the_rules_reference_says() -> None:
    oracle = Oracle(
        {
            "unique": ["semver", "sha"],
            "variants": ["alpine"],
            "stable": [*STABLE[:2], STABLE[4], STABLE[7], STABLE[8]],
            "ignore": ["2.*"],
        }
    )

    def names(tag: str) -> list[str]:
        return [name for name, _ in oracle.names(tag)]

    assert names("1.0.1") == ["1.0", "1", "latest", "next", "edge"]
    assert names("1.0.1-alpine") == [
        "1.0-alpine",
        "1-alpine",
        "alpine",
        "next-alpine",
        "edge-alpine",
    ]
    assert names("1.0.1-rc9-alpine") == ["next-alpine", "edge-alpine"]
    assert names("0.1.0") == ["0.1", "latest", "next", "edge"]
    assert names("9f1c2ab") == ["edge"]
    assert names("2.0.0") == names("build-7") == names("1.0") == []
    assert oracle.rank("1.0.1-rc9") < oracle.rank("1.0.1-rc10") < oracle.rank("1.0.1")
    assert oracle.rank("1.0.1") < oracle.rank("1.0.10")
