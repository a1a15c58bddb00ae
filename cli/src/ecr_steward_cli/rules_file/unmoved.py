"""Why a push moves no stable tag: the first question when nothing happened."""

from __future__ import annotations

from dataclasses import dataclass

from ecr_steward.rules import Ruleset
from ecr_steward.tags.kinds import Unique
from ecr_steward.tags.scheme import Scheme, Verdict
from ecr_steward.tags.versions import Version
from ecr_steward.words.globs import glob_regex
from ecr_steward.words.grammar import is_referrer


@dataclass(frozen=True, slots=True)
class Unmoving:
    """Why pushes of a tag move nothing. `kind` is the same for tags of which the same is true."""

    kind: str
    reason: str


def unmoving(rules: Ruleset, repository: str, tag: str) -> Unmoving | None:
    """Why a push of `tag` moves no stable tag, whatever else there is; None if it can move one."""
    rule = rules.rule_for(repository)
    if rule is None:
        return Unmoving("no rule", f"no rule matches {repository}; it is left alone.")
    if rule.tags is None:
        return Unmoving("no tags", f"rule {rule.label()} says nothing about tags.")
    return _under(rule.tags, tag)


def _under(scheme: Scheme, tag: str) -> Unmoving | None:
    verdict, unique = scheme.judge(tag), scheme.read_unique(tag)
    if verdict is Verdict.EXPIRY:
        return Unmoving("expiry", f"`{tag}` is an expiry tag, which only the steward puts.")
    if verdict is Verdict.IGNORED:
        return Unmoving("ignored", _ignored(scheme, tag))
    if verdict is Verdict.STABLE:
        return _stable(scheme, tag)
    if unique is None:
        nearly = scheme.nearly(tag)
        why = f" ({nearly})" if nearly else ""
        return Unmoving("unknown", f"`{tag}` is neither a unique nor a stable tag here{why}.")
    return None if scheme.lines(unique) else _of_no_line(scheme, unique)


def _ignored(scheme: Scheme, tag: str) -> str:
    if is_referrer(tag):
        return f"`{tag}` is the tag of a signature or attestation, which is ignored."
    glob = next((each for each in scheme.ignore if glob_regex([each]).fullmatch(tag)), "")
    return f"`{tag}` is ignored: `ignore` has `{glob}`."


def _stable(scheme: Scheme, tag: str) -> Unmoving | None:
    line = scheme.line(tag)
    if line is not None:
        return None
    return Unmoving("pipeline", f"`{tag}` follows nothing here; only your pipeline moves it.")


def _of_no_line(scheme: Scheme, unique: Unique) -> Unmoving:
    tag, version = unique.tag, unique.version
    if unique.platform is not None:
        reason = f"`{tag}` names one platform of an image ({unique.platform}), and is of no line."
        return Unmoving("platform", reason)
    if version is not None and version.is_prerelease:
        return _early(scheme, tag, version)
    if version is None:
        reason = f"`{tag}` carries no version, and no stable tag follows the newest image of it."
        return Unmoving("no version", reason)
    return Unmoving("no line", f"`{tag}` is a version that no entry of `stable` follows.")


def _early(scheme: Scheme, tag: str, version: Version) -> Unmoving:
    number = ".".join(version.written)
    if version.prerelease is None:
        reason = f"`{tag}` is commits after {number}, which no stable tag here follows."
        return Unmoving("commits", reason)
    read = f"`{tag}` is read as the pre-release `{version.prerelease}` of {number}"
    word = version.prerelease.rstrip("0123456789.-")
    if version.channel not in _CHANNELS:
        glob = "no glob of `variants` matches" if scheme.variants else "there are no `variants`"
        reason = f"{read}, because {glob}: if it is a variant, name it there."
        return Unmoving(f"pre-release {word}", reason)
    reason = f"{read}, which no stable tag here takes (`prereleases: true` would)."
    return Unmoving(f"pre-release {word}", reason)


_CHANNELS = frozenset({"alpha", "beta", "rc", "preview", "pre", "snapshot"})
"""What everybody means as a pre-release; any other word may have been meant as a variant."""
