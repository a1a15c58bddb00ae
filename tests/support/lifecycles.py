"""Random schemes and lifecycle policies, and ECR's evaluation of them over random repositories.

The evaluator follows what ECR documents (User Guide: Lifecycle policies, evaluation rules) and
shares no code with what is tested.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ecr_steward.tags.scheme import Scheme, Verdict


# ---------------------------------------------------------------------------- ECR's evaluation
@dataclass(frozen=True)
class DrawnImage:
    """An image: its tags, the days since it was pushed, pulled, archived (None if it is not)."""

    tags: frozenset[str]
    pushed: int
    pulled: int
    archived: int | None = None

    def later(self, days: int) -> DrawnImage:
        archived = None if self.archived is None else self.archived + days
        return replace(
            self, pushed=self.pushed + days, pulled=self.pulled + days, archived=archived
        )


def evaluate(
    rules: Iterable[Mapping[str, Any]], images: Sequence[DrawnImage]
) -> tuple[list[DrawnImage], list[DrawnImage]]:
    """One evaluation: the images that are left, those archived now among them, and those taken."""
    marked: dict[int, str] = {}
    selected: set[int] = set()
    for rule in sorted(rules, key=lambda each: int(each["rulePriority"])):
        chosen = [i for i, each in enumerate(images) if _selects(rule, each)]
        due = set(_due(rule["selection"], chosen, images)) - selected
        marked |= dict.fromkeys(due, rule["action"]["type"])
        selected.update(chosen)
    left = [
        replace(each, archived=0) if marked.get(i) == "transition" else each
        for i, each in enumerate(images)
        if marked.get(i) != "expire"
    ]
    return left, [images[i] for i in marked]


def _selects(rule: Mapping[str, Any], image: DrawnImage) -> bool:
    selection = rule["selection"]
    if (selection.get("storageClass") == "archive") is (image.archived is None):
        return False
    if selection["tagStatus"] == "tagged":
        globs = [
            *selection.get("tagPatternList", ()),
            *(f"{each}*" for each in selection.get("tagPrefixList", ())),
        ]
        return all(any(_matches(glob, tag) for tag in image.tags) for glob in globs)
    return selection["tagStatus"] == "any" or not image.tags


def _matches(glob: str, tag: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, glob.split("*"))), tag) is not None


def _due(
    selection: Mapping[str, Any], chosen: list[int], images: Sequence[DrawnImage]
) -> list[int]:
    number, kind = int(selection["countNumber"]), selection["countType"]
    if kind == "imageCountMoreThan":
        return sorted(chosen, key=lambda i: images[i].pushed)[number:]
    ages = {
        "sinceImagePushed": lambda image: image.pushed,
        "sinceImagePulled": lambda image: image.pulled,
        "sinceImageTransitioned": lambda image: image.archived,
    }
    return [i for i in chosen if ages[str(kind)](images[i]) > number]


def lost(rules: Sequence[Mapping[str, Any]], images: Sequence[DrawnImage]) -> list[DrawnImage]:
    """The images that a policy takes in two years, looked at every fortnight."""
    taken: list[DrawnImage] = []
    left = list(images)
    for _ in range(52):
        left, now = evaluate(rules, left)
        taken += now
        left = [each.later(14) for each in left]
    return taken


# ---------------------------------------------------------------------------- schemes
KINDS: Sequence[tuple[Any, Sequence[str]]] = (
    ("semver", ("1.4.2", "v2.0.0", "1.4.2-rc.1", "10.20.30-alpine", "1.4.2_linux")),
    ("sha", ("9f1c2ab", "sha-9f1c2ab", "git-0123456789abcdef", "9f1c2ab-arm64")),
    ("build", ("1187", "build-1187", "b-7")),
    ("timestamp", ("20261123", "2026-11-23", "20261123T0224Z")),
    ({"version": {"parts": 2}}, ("24.04", "16.4", "16.4-alpine")),
    ({"version": {"parts": [1, 4]}}, ("7", "10.0.20348.1")),
    ({"pattern": "release-[0-9]+"}, ("release-7", "release-10")),
    ({"pattern": "github-sha-[0-9a-f]{40}"}, (f"github-sha-{'9f1c2ab0' * 5}",)),
    ({"pattern": "(?P<version>[0-9]+[.][0-9]+)-ce"}, ("15.1-ce",)),
)
STABLE: Sequence[tuple[str, Sequence[str]]] = (
    ("main", ("main",)), ("prod", ("prod",)), ("latest", ("latest",)), ("edge", ("edge",)),
    ("{major}", ("1", "24")), ("{major}.{minor}", ("1.4", "24.04")), ("v{major}", ("v1",)),
    ("stable-{major}", ("stable-2",)), ("main-latest", ("main-latest",)),
)  # fmt: skip
VARIANTS = ("alpine", "slim-*", "alpine3.*")
IGNORED = ("pr-*", "buildcache*", "99.*")
FOREIGN = ("pr-7", "buildcache", "99.1.0", "nightly", "foo-bar", "tmp.1")


def scheme(by: random.Random) -> tuple[Scheme, list[str]]:
    """A scheme, and tags that it may know."""
    kinds = by.sample(KINDS, by.choice([1, 1, 2]))
    stable = by.sample(STABLE, by.choice([1, 1, 2, 3]))
    entries = [
        {"tag": name, **by.choice([{}, {"follows": "highest"}, {"follows": "newest"}])}
        for name, _ in stable
    ]
    variants = by.sample(VARIANTS, by.choice([0, 0, 1]))
    tags = [tag for _, some in (*kinds, *stable) for tag in some]
    tags += [f"{each}-alpine" for each in tags] + ["alpine", "slim-7", "alpine3.20"]
    document = {
        "unique": [kind for kind, _ in kinds],
        "stable": entries,
        "variants": variants,
        "ignore": by.sample(IGNORED, by.choice([0, 1])),
    }
    return Scheme.from_document(document), tags


# ---------------------------------------------------------------------------- policies
EXPIRE = {"type": "expire"}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}


def glob(by: random.Random, tags: Sequence[str]) -> str:
    """A pattern like those that people write of their tags: whole, begun, ended, or within."""
    tag = by.choice([*tags, *FOREIGN])
    i, j = sorted((by.randrange(len(tag) + 1), by.randrange(len(tag) + 1)))
    shapes = [tag, f"{tag[:i]}*", f"*{tag[i:]}", f"{tag[:i]}*{tag[j:]}", f"*{tag[i:j]}*", "*"]
    found = re.sub(r"\*+", "*", by.choice(shapes)) or "*"
    return found if found[0] not in ".-" else f"*{found[1:]}" if found[1:] else "*"


def selection(by: random.Random, tags: Sequence[str], status: str) -> dict[str, Any]:
    found: dict[str, Any] = {"tagStatus": status}
    if status == "tagged":
        globs = list(dict.fromkeys(glob(by, tags) for _ in range(by.choice([1, 1, 1, 2]))))
        prefixes = all(
            each.endswith("*") and each.count("*") == 1 and each != "*" for each in globs
        )
        if prefixes and by.random() < 0.3:
            found["tagPrefixList"] = [each[:-1] for each in globs]
        else:
            found["tagPatternList"] = globs
    return found


def counted(by: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a rule counts, and what it does."""
    kind = by.choice(["count", "count", "never", "age", "age", "pulled", "archived"])
    if kind in ("count", "never"):
        number = by.choice([1, 3]) if kind == "count" else 9999
        return {"countType": "imageCountMoreThan", "countNumber": number}, by.choice(
            [EXPIRE, ARCHIVE]
        )
    since: dict[str, Any] = {"countUnit": "days", "countNumber": by.choice([1, 30, 90, 365])}
    if kind == "archived":
        since |= {"countNumber": by.choice([90, 365]), "storageClass": "archive"}
        return {**since, "countType": "sinceImageTransitioned"}, EXPIRE
    if kind == "pulled":
        return {**since, "countType": "sinceImagePulled"}, ARCHIVE
    return {**since, "countType": "sinceImagePushed"}, by.choice([EXPIRE, ARCHIVE])


def policy(by: random.Random, tags: Sequence[str]) -> list[dict[str, Any]]:
    """Rules of any shape, not all of which ECR takes."""
    statuses = by.choices(["tagged", "untagged", "any"], [6, 1, 2], k=by.choice([1, 1, 2, 3, 4]))
    statuses.sort(key=lambda each: each == "any")
    found = []
    for i, status in enumerate(statuses, start=1):
        number, action = counted(by)
        chosen = {**selection(by, tags, status), **number}
        found.append({"rulePriority": i, "selection": chosen, "action": dict(action)})
    return found


def shape(rules: Sequence[Mapping[str, Any]]) -> str:
    """The kind of policy that these rules make, in a few words."""

    def word(rule: Mapping[str, Any]) -> str:
        chosen = rule["selection"]
        what = {"imageCountMoreThan": "count", "sinceImagePushed": "age",
                "sinceImagePulled": "pulled", "sinceImageTransitioned": "archived"}  # fmt: skip
        count = "guard" if chosen["countNumber"] == 9999 else what[chosen["countType"]]
        return f"{chosen['tagStatus']} {count} {rule['action']['type']}"

    return "; ".join(sorted(dict.fromkeys(map(word, rules))))


# ---------------------------------------------------------------------------- repositories
def repository(by: random.Random, known: Scheme, tags: Sequence[str]) -> list[DrawnImage]:
    """Images with tags of the scheme, each tag on one of them, some of them under stable tags, and
    images with other tags or none beside. What follows the newest is on the image pushed last."""
    verdicts = {tag: known.judge(tag) for tag in tags}
    own = [tag for tag, verdict in verdicts.items() if verdict in (Verdict.UNIQUE, Verdict.STABLE)]
    by.shuffle(own)
    count = by.choice([2, 4, 8])
    named: list[set[str]] = [set() for _ in range(count)]
    newest = {tag for tag in own if (line := known.line(tag)) is not None and line.newest}
    for tag in own:
        (named[0] if tag in newest else by.choice(named)).add(tag)
    unique = next(tag for tag in [*own, "x"] if verdicts.get(tag) is not Verdict.STABLE)
    for each in named:
        each.discard(unique)
    named[0].add(unique)
    others = [{tag} for tag in by.sample(FOREIGN, 2) if known.judge(tag) is Verdict.UNKNOWN]
    groups = [*named, *others, *([set[str]()] * by.randrange(3))]
    first, rest = groups[0], groups[1:]
    by.shuffle(rest)
    ages = sorted(by.sample(range(1, 800), len(groups)))
    return [
        DrawnImage(frozenset(each), age, by.choice([0, age]))
        for each, age in zip([first, *rest], ages, strict=True)
    ]


def under_stable(image: DrawnImage, known: Scheme) -> bool:
    return any(known.judge(tag) is Verdict.STABLE for tag in image.tags)
