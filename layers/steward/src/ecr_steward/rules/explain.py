"""What the rules mean for one repository, in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecr_steward.rules.load import Loaded
from ecr_steward.rules.model import Mode, Rule
from ecr_steward.tags.scheme import Scheme, StableTag
from ecr_steward.tags.versions import Version

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_EXAMPLES = ("1.4.2", "2.7.1", "0.9.3", "v1.4.2")
_KINDS = {
    "semver": "semver (versions such as 1.4.2 or v1.4.2-rc.1)",
    "sha": "sha (commits such as 9f1c2ab or sha-9f1c2ab)",
}
_MODES = {
    Mode.OFF: "off: nothing is decided and nothing is changed.",
    Mode.AUDIT: "audit: the steward reports what it would do and changes nothing.",
    Mode.ENFORCE: "enforce: the steward changes the registry, if the stack's Mode allows.",
}


def is_repository(name: str) -> bool:
    """Whether `name` can be a repository's: 2 to 256 characters (ECR API: RepositoryName)."""
    return 2 <= len(name) <= 256 and _REPOSITORY.fullmatch(name) is not None


def explain(loaded: Loaded, repository: str) -> str:
    """Which rule wins for `repository` and what follows from it, as lines of text."""
    rule = loaded.ruleset.rule_for(repository)
    if rule is None:
        return f"{repository}: no rule matches; the repository is left alone."
    line = loaded.rule_lines[rule.index]
    return "\n".join(
        [
            f"{repository}: the rule on line {line} wins ({', '.join(rule.repositories)}).",
            *(f"  {each}" for each in _meaning(rule, repository)),
        ]
    )


def _meaning(rule: Rule, repository: str) -> Iterator[str]:
    yield f"mode         {_MODES[rule.mode]}"
    if not rule.names(repository):
        yield "             If it is a pull-through cache it is left alone: only globs that begin"
        yield "             with `*` match it."
    if rule.tags is None:
        yield "tags         The rule says nothing about tags, so they are left alone."
        return
    yield f"unique       {', '.join(_KINDS.get(each, each) for each in rule.tags.unique)}"
    example = _example(rule.tags)
    yield from _stable(rule.tags, example)
    if example is not None:
        yield f"example      {_push(rule, rule.tags, *example)}"
    yield f"ignored      {', '.join((*rule.tags.ignore, 'tags of signatures and attestations'))}"
    yield f"unknown      {_said(rule.tags.unknown, 'a tag that is neither unique nor stable')}"
    yield f"overwritten  {_said(rule.tags.overwritten, 'a unique tag that moves to another image')}"


def _example(scheme: Scheme) -> tuple[str, Version] | None:
    """A version tag that this scheme takes for one, if there is any among the usual ones."""
    for tag in _EXAMPLES:
        unique = scheme.read_unique(tag)
        if unique is not None and unique.version is not None:
            return tag, unique.version
    return None


def _stable(scheme: Scheme, example: tuple[str, Version] | None) -> Iterator[str]:
    if not scheme.stable:
        yield "stable       none"
    width = max((len(each.template) for each in scheme.stable), default=0)
    for i, each in enumerate(scheme.stable):
        title = "stable" if i == 0 else ""
        yield f"{title:<13}{each.template:<{width}}  {_follows(scheme, each, example)}"


def _follows(scheme: Scheme, stable: StableTag, example: tuple[str, Version] | None) -> str:
    if stable.follows is None:
        return "moved by your pipeline only"
    if example is None:
        return "never moved: no unique tag here carries a version"
    version = example[1]
    tag = stable.render(version)
    line = next((each for each in scheme.lines(version) if each.tag == tag), None)
    if line is None or stable.line(line.tag) != line:
        return f"not moved by a version such as {example[0]}"
    example_line = f"such as {line.tag}, " if stable.placeholders else ""
    return f"{example_line}the highest of {line}"


def _push(rule: Rule, scheme: Scheme, tag: str, version: Version) -> str:
    lines = [line.tag for line in scheme.lines(version)]
    if not lines:
        return f"a push of {tag} moves no stable tag."
    puts = "puts" if rule.mode is Mode.ENFORCE else "would put"
    tags = lines[0] if len(lines) == 1 else f"{', '.join(lines[:-1])} and {lines[-1]}"
    return f"a push of {tag} {puts} {tags} on its image unless a higher release holds them."


def _said(setting: str, what: str) -> str:
    return f"{what} is {'reported' if setting == 'report' else 'allowed'}"
