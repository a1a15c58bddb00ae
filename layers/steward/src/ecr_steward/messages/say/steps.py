"""What to do next about a fact: a sentence, and mostly a command that can be copied."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ecr_steward.words.causes import ROLLBACK
from ecr_steward.words.facts import Fact, FactKind
from ecr_steward.words.grammar import is_tag

_NAME = re.compile(r"[a-z0-9][a-z0-9._/-]*")


@dataclass(frozen=True, slots=True)
class NextStep:
    """One thing to do; `command` is a command line, or None where a sentence is all."""

    said: str
    command: str | None = None


def steps(facts: Iterable[Fact]) -> tuple[NextStep, ...]:
    """What to do about the facts of one story, each thing once.

    A command names the first tag it holds for. Only commands of `ecr-steward` are named, and only
    with names that a shell takes as they are.
    """
    facts = list(facts)
    restored = any(fact.kind is FactKind.RESTORE for fact in facts)
    found: dict[str, list[tuple[NextStep, Fact]]] = {}
    for fact in facts:
        own = _STEPS[fact.kind](fact)
        # What is restored already needs no word of how to have it restored.
        for step in own[:1] if restored and fact.kind is FactKind.OVERWRITE else own:
            found.setdefault(step.said, []).append((step, fact))
    return tuple(_one(each) for each in found.values())


def _one(same: list[tuple[NextStep, Fact]]) -> NextStep:
    step, fact = same[0]
    if len({step.command for step, _ in same}) == 1 or step.command is None:
        return step
    return NextStep(f"{step.said.removesuffix(':')}, for example {fact.tag}:", step.command)


def _move(fact: Fact) -> list[NextStep]:
    if fact.mode != "enforce":
        return [NextStep("To hold the tag where it is, in enforce mode too:", _tag("hold", fact))]
    if fact.cause.type == ROLLBACK:  # the tag is held there already
        return _held(fact)
    hold = NextStep("To hold the tag on this image:", _tag("hold", fact))
    if fact.before is None:
        return [hold]
    return [NextStep("To move the tag back and hold it there:", _tag("rollback", fact)), hold]


def _held(fact: Fact) -> list[NextStep]:
    return [NextStep("To release the tag and let it catch up:", _tag("release", fact))]


def _reject(fact: Fact) -> list[NextStep]:
    return [
        NextStep("To see which tags the rule allows:", _explain(fact)),
        NextStep(
            "If the tag is intended, add it to the rule: as a kind under `unique`, a name under "
            "`stable`, or a glob under `ignore`."
        ),
    ]


def _stale(fact: Fact) -> list[NextStep]:
    return [
        NextStep("To see what the tag was on before:", _tag("history", fact)),
        NextStep("Push a version of its line, or take the tag off the image."),
    ]


def _lost(fact: Fact) -> list[NextStep]:
    found = [
        NextStep(
            "The next start will fail: push the image again, or restore it from the archive, or "
            "deploy another."
        )
    ]
    return [*found, NextStep("To see who runs what there:", _repository("running", fact))]


def _deployed(fact: Fact) -> list[NextStep]:
    if fact.unique is None:
        return [NextStep("Give the image a unique tag, and deploy it by that.")]
    return [NextStep(f"Deploy it by its unique tag {fact.unique}, or by its digest.")]


def _expiring(fact: Fact) -> list[NextStep]:
    return [
        NextStep(
            "To see what keeps which image:", _repository("plan --rules RULES --repository", fact)
        ),
        NextStep("What is to stay needs a keeper under `images.keep`, or a stable tag."),
    ]


def _expiry_set(fact: Fact) -> list[NextStep]:
    return [NextStep("To keep the image, put a stable or a new unique tag on it.")]


def _overwrite(fact: Fact) -> list[NextStep]:
    return [
        NextStep("To see which image had the tag first:", _tag("history", fact)),
        NextStep(
            "Push the new image under a tag of its own. With `overwritten: restore` in the rule, "
            "the steward puts such tags back."
        ),
    ]


def _restore(fact: Fact) -> list[NextStep]:
    return [NextStep("Push the new image again under a tag of its own.")]


def _remove(fact: Fact) -> list[NextStep]:
    if fact.before_tags:
        return _reject(fact)
    return [NextStep("To see which image it was on:", _tag("history", fact))]


def _drift(fact: Fact) -> list[NextStep]:
    found = [NextStep("To see what the rule asks for:", _explain(fact))] if fact.repository else []
    if fact.mode == "audit" and fact.difference and fact.difference.action == "correct":
        found.append(
            NextStep("The steward corrects it once Mode, SettingsMode and the rule are `enforce`.")
        )
    return found


def _correct(fact: Fact) -> list[NextStep]:
    return [
        NextStep("If the change was intended, add it to the rule under `repository:`."),
        NextStep("To see everything that was corrected:", _repository("history", fact)),
    ]


def _failed(fact: Fact) -> list[NextStep]:
    return [NextStep("To see what waits in the failure queues:", "ecr-steward status")]


def _swept(fact: Fact) -> list[NextStep]:
    return [NextStep("To see each event of a repository: `ecr-steward history REPOSITORY`.")]


_STEPS: Mapping[FactKind, Callable[[Fact], list[NextStep]]] = {
    FactKind.MOVE: _move,
    FactKind.PIN: lambda fact: [],
    FactKind.RESTORE: _restore,
    FactKind.REMOVE: _remove,
    FactKind.REJECT: _reject,
    FactKind.OVERWRITE: _overwrite,
    FactKind.HELD: _held,
    FactKind.STALE: _stale,
    FactKind.LOST: _lost,
    FactKind.ON_STABLE: _deployed,
    FactKind.BEHIND: _deployed,
    FactKind.EXPIRING: _expiring,
    FactKind.EXPIRY_SET: _expiry_set,
    FactKind.EXPIRY_CLEARED: lambda fact: [],
    FactKind.DRIFT: _drift,
    FactKind.CORRECT: _correct,
    FactKind.FAILED: _failed,
    FactKind.SWEPT: _swept,
}


def _tag(command: str, fact: Fact) -> str | None:
    if not (fact.tag and is_tag(fact.tag) and _NAME.fullmatch(fact.repository)):
        return None
    return f"ecr-steward {command} {fact.repository}:{fact.tag}"


def _repository(command: str, fact: Fact) -> str | None:
    found = _NAME.fullmatch(fact.repository)
    return f"ecr-steward {command} {fact.repository}" if found else None


def _explain(fact: Fact) -> str | None:
    return _repository("check RULES --explain", fact)
