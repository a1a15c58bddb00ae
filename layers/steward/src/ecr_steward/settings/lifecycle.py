"""Lifecycle policies: today's grammar, and what a document means."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_steward.settings.state import BaselineError, Path

MAX_LENGTH = 30_720
"""Longest lifecycle policy, in characters (ECR API: LifecyclePolicyText)."""

MAX_RULES = 50
MOST_STARS = 4
"""Most `*` in an entry of `tagPatternList`."""

LEAST_ARCHIVED = 90
"""Days that an archived image stays at least (ECR User Guide: Archiving an image)."""

AHEAD = 7
"""How many days ahead a policy is held against what runs, in place or before it is set."""

LISTS = ("tagPatternList", "tagPrefixList")
_RULE_KEYS = ("rulePriority", "description", "selection", "action")
_SELECTION_KEYS = (
    "tagStatus", *LISTS, "storageClass", "countType", "countUnit", "countNumber",
)  # fmt: skip
_ACTION_KEYS = ("type", "targetStorageClass")
_COUNTS = ("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")
_TAG = re.compile(r"[0-9A-Za-z._-]{1,128}")


@dataclass(frozen=True, slots=True)
class Expiring:
    """An image that a preview says would be taken away: its tags, and the priority of the rule.

    `archives` says that it would be archived, not expired.
    """

    digest: str
    tags: tuple[str, ...]
    priority: int
    archives: bool = False


@dataclass(frozen=True, slots=True)
class TaggedRunning:
    """An image that runs, by its digest or as people name it, with all the tags that it has.

    `workloads` are what runs it, where that is known. Of an `archived` one the rules for archived
    images say what becomes of it. With `perhaps` it is an index that may list what runs.
    """

    name: str
    tags: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    archived: bool = False
    perhaps: bool = False


def dumps(document: Mapping[str, Any]) -> str:
    """The text of a lifecycle policy as the steward sends it: the same for the same document."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


# ---------------------------------------------------------------------------- meaning
def canonical(document: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """The document in the one spelling that all of its meaning have; no rules for None.

    Rules stand in the order of their priorities, whose numbers do not count; neither do
    descriptions. Defaults are filled in, and a prefix is a pattern that ends with `*`.
    """
    rules = (document or {}).get("rules", [])
    if not isinstance(rules, list) or not all(map(is_rule, rules)):
        return ("unknown", json.dumps(document, sort_keys=True, default=repr))
    return tuple(_canonical(each) for each in by_priority(rules))


def by_priority(rules: list[Any]) -> list[Any]:
    return sorted(rules, key=lambda each: each["rulePriority"])


def is_rule(rule: Any) -> bool:
    """Whether ECR can have written this rule."""
    try:
        _check_rule(rule)
    except BaselineError:
        return False
    return True


def _canonical(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    selection, action = rule["selection"], rule["action"]
    return (
        selection["tagStatus"],
        patterns(rule),
        storage_class(rule),
        (selection["countType"], selection["countNumber"]),
        (action["type"], action.get("targetStorageClass")),
    )


def patterns(rule: Mapping[str, Any]) -> frozenset[str]:
    """Globs that a selected image has tags for, all of them; none where any tag will do."""
    selection = rule["selection"]
    globs = (
        *selection.get("tagPatternList", ()),
        *(f"{each}*" for each in selection.get("tagPrefixList", ())),
    )
    return frozenset(re.sub(r"\*+", "*", each) for each in globs)


def storage_class(rule: Mapping[str, Any]) -> str:
    return str(rule["selection"].get("storageClass", "standard"))


def is_known(document: Mapping[str, Any] | None) -> bool:
    """Whether it is a policy with rules, all of which can be read."""
    rules = (document or {}).get("rules")
    return isinstance(rules, list) and bool(rules) and all(map(is_rule, rules))


def sooner(document: Mapping[str, Any], days: int) -> dict[str, Any]:
    """A policy that takes today what `document` takes within so many days, by age."""
    return {"rules": [_sooner(each, days) for each in document["rules"]]}


def _sooner(rule: Mapping[str, Any], days: int) -> Mapping[str, Any]:
    selection = rule["selection"]
    if selection["countType"] not in ("sinceImagePushed", "sinceImagePulled"):
        return rule
    count = max(1, selection["countNumber"] - days)
    return {**rule, "selection": {**selection, "countNumber": count}}


# ---------------------------------------------------------------------------- grammar
def check(rules: Any) -> None:
    """Raises BaselineError, with a path that begins with `rules`, where ECR would not take these
    rules."""
    if not isinstance(rules, list):
        raise BaselineError("`rules` must be a list.", ("rules",))
    if len(rules) > MAX_RULES:
        raise BaselineError(f"ECR takes {MAX_RULES} rules; these are {len(rules)}.", ("rules",))
    for i, rule in enumerate(rules):
        try:
            _check_rule(rule)
        except BaselineError as error:
            raise BaselineError(str(error), ("rules", i, *error.path)) from error
    for fault in _together(rules):
        raise fault
    length = len(dumps({"rules": rules}))
    if length > MAX_LENGTH:
        raise BaselineError(
            f"The lifecycle policy has {length:,} characters; ECR takes {MAX_LENGTH:,}.", ("rules",)
        )


def _check_rule(rule: Any) -> None:
    _check_keys(rule, _RULE_KEYS, ("rulePriority", "selection", "action"), "a rule", ())
    priority = rule["rulePriority"]
    if not _is_count(priority):
        raise BaselineError(_not_a_count("rulePriority", priority), ("rulePriority",))
    if not isinstance(rule.get("description", ""), str):
        raise BaselineError("`description` must be a string; put it in quotes.", ("description",))
    selection, action = rule["selection"], rule["action"]
    _check_keys(
        selection, _SELECTION_KEYS, ("tagStatus", "countType", "countNumber"), "`selection`",
        ("selection",),
    )  # fmt: skip
    _check_keys(action, _ACTION_KEYS, ("type",), "`action`", ("action",))
    for test in _TESTS:
        test(selection, action)


def _check_keys(
    value: Any, known: tuple[str, ...], needed: tuple[str, ...], name: str, path: Path
) -> None:
    if not isinstance(value, Mapping):
        raise BaselineError(f"{name.capitalize()} must be a mapping of keys.", path)
    for key in value:
        if key not in known:
            raise BaselineError(
                f"`{key}` is no part of {name}; there are {', '.join(known)}.", (*path, key)
            )
    for key in needed:
        if key not in value:
            raise BaselineError(f"`{key}` is missing in {name}.", path)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _not_a_count(key: str, value: Any) -> str:
    quoted = ", without quotes" if isinstance(value, str) and value.isdecimal() else ""
    return f"`{key}` must be a whole number from 1 on{quoted}."


def _one_of(mapping: Mapping[str, Any], key: str, words: tuple[str, ...], path: Path) -> None:
    if key in mapping and mapping[key] not in words:
        raise BaselineError(
            f"`{key}` must be one of {', '.join(words)}; it is `{mapping[key]}`.", path
        )


def _words(selection: Mapping[str, Any], action: Mapping[str, Any]) -> None:
    _one_of(selection, "tagStatus", ("tagged", "untagged", "any"), ("selection", "tagStatus"))
    _one_of(selection, "storageClass", ("standard", "archive"), ("selection", "storageClass"))
    _one_of(selection, "countType", _COUNTS, ("selection", "countType"))
    _one_of(selection, "countUnit", ("days",), ("selection", "countUnit"))
    _one_of(action, "type", ("expire", "transition"), ("action", "type"))
    _one_of(action, "targetStorageClass", ("archive",), ("action", "targetStorageClass"))
    if not _is_count(selection["countNumber"]):
        sentence = _not_a_count("countNumber", selection["countNumber"])
        raise BaselineError(sentence, ("selection", "countNumber"))


def _lists(selection: Mapping[str, Any], _: Mapping[str, Any]) -> None:
    given = [key for key in LISTS if key in selection]
    tagged = selection["tagStatus"] == "tagged"
    if tagged and len(given) != 1:
        raise BaselineError(
            "A rule with `tagStatus: tagged` needs either `tagPatternList` or `tagPrefixList`; "
            f"this one has {'both' if given else 'neither'}.",
            ("selection",),
        )
    if given and not tagged:
        raise BaselineError(
            f"`{given[0]}` goes with `tagStatus: tagged` only.", ("selection", given[0])
        )
    for key in given:
        _list(selection[key], key, ("selection", key))


def _list(entries: Any, key: str, path: Path) -> None:
    if not isinstance(entries, list) or not entries:
        raise BaselineError(f"`{key}` must be a list with at least one entry.", path)
    for i, each in enumerate(entries):
        if not isinstance(each, str):
            raise BaselineError(f"`{each}` must be a string; put it in quotes.", (*path, i))
        stars = each.count("*") if key == "tagPatternList" else 0
        bare = each.replace("*", "a") if stars else each
        if not _TAG.fullmatch(bare):
            more = " and `*`" if key == "tagPatternList" else ""
            raise BaselineError(
                f"`{each}` can be in no tag; use letters, digits, `.`, `_`, `-`{more}.", (*path, i)
            )
        if stars > MOST_STARS:
            raise BaselineError(
                f"`{each}` has {stars} `*`; ECR takes {MOST_STARS} in an entry.", (*path, i)
            )


def _units(selection: Mapping[str, Any], _: Mapping[str, Any]) -> None:
    since = selection["countType"].startswith("since")
    if since and "countUnit" not in selection:
        raise BaselineError(
            f"`countType: {selection['countType']}` needs `countUnit: days`.", ("selection",)
        )
    if not since and "countUnit" in selection:
        raise BaselineError(
            "`countUnit` goes with the count types that begin with `since` only; remove it.",
            ("selection", "countUnit"),
        )


def _classes(selection: Mapping[str, Any], action: Mapping[str, Any]) -> None:
    archived = selection.get("storageClass", "standard") == "archive"
    transitioned = selection["countType"] == "sinceImageTransitioned"
    if transitioned and not archived:
        raise BaselineError(
            "`countType: sinceImageTransitioned` needs `storageClass: archive`: it counts from the "
            "day an image was archived.",
            ("selection",),
        )
    if action["type"] == "transition" and archived:
        raise BaselineError(
            "Images with `storageClass: archive` are archived already; only `expire` is left.",
            ("action", "type"),
        )
    if archived and not transitioned:
        raise BaselineError(
            f"`countType: {selection['countType']}` looks at images that are not archived: with "
            "`storageClass: archive` ECR takes `sinceImageTransitioned` only.",
            ("selection", "countType"),
        )
    if archived and selection["countNumber"] < LEAST_ARCHIVED:
        raise BaselineError(
            f"An archived image stays for {LEAST_ARCHIVED} days at least, so `countNumber` must be "
            f"{LEAST_ARCHIVED} or more.",
            ("selection", "countNumber"),
        )


def _actions(selection: Mapping[str, Any], action: Mapping[str, Any]) -> None:
    transition = action["type"] == "transition"
    if transition and "targetStorageClass" not in action:
        raise BaselineError("`type: transition` needs `targetStorageClass: archive`.", ("action",))
    if not transition and "targetStorageClass" in action:
        raise BaselineError(
            "`targetStorageClass` goes with `type: transition` only; remove it.",
            ("action", "targetStorageClass"),
        )
    if selection["countType"] == "sinceImagePulled" and not transition:
        raise BaselineError(
            "`countType: sinceImagePulled` can only archive: write `type: transition` and "
            "`targetStorageClass: archive`.",
            ("action", "type"),
        )


_TESTS: tuple[Callable[[Mapping[str, Any], Mapping[str, Any]], None], ...] = (
    _words, _lists, _units, _classes, _actions,
)  # fmt: skip


def _together(rules: list[Any]) -> Iterator[BaselineError]:
    """What is wrong with rules of which each alone is right."""
    seen: dict[int, int] = {}
    for i, rule in enumerate(rules):
        priority = rule["rulePriority"]
        if priority in seen:
            yield BaselineError(
                f"Two rules have the priority {priority}; each needs its own.",
                ("rules", i, "rulePriority"),
            )
        seen[priority] = i
    for name in dict.fromkeys(map(storage_class, rules)):
        yield from _of_class(
            {i: rule for i, rule in enumerate(rules) if storage_class(rule) == name}
        )


def _of_class(rules: Mapping[int, Any]) -> Iterator[BaselineError]:
    """What is wrong with the rules of one storage class together."""
    prefixes: set[frozenset[str]] = set()
    once: set[str] = set()
    highest = max(rule["rulePriority"] for rule in rules.values())
    for i, rule in rules.items():
        selection, path = rule["selection"], ("rules", i, "selection")
        status = selection["tagStatus"]
        if status != "tagged" and status in once:
            yield BaselineError(
                f"There is a rule with `tagStatus: {status}` already; ECR takes one for each "
                "storage class.",
                (*path, "tagStatus"),
            )
        once.add(status)
        if status == "any" and rule["rulePriority"] != highest:
            yield BaselineError(
                "A rule with `tagStatus: any` must have the highest `rulePriority` of its storage "
                f"class, here {highest}: it comes last.",
                ("rules", i, "rulePriority"),
            )
        if "tagPrefixList" in selection:
            found = patterns(rule)
            if found in prefixes:
                yield BaselineError(
                    "Another rule has these prefixes already; each needs its own.",
                    (*path, "tagPrefixList"),
                )
            prefixes.add(found)
