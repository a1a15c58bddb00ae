"""Random lifecycle policies, and what becomes of them; `python -m tests.support.lifecycle_verdicts`
writes the figures in docs/settings.md."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import Any

from ecr_steward.settings import lifecycle
from ecr_steward.settings.expiry import Risk, at_risk
from ecr_steward.settings.state import BaselineError
from ecr_steward.tags.scheme import Scheme, Verdict
from tests.support import lifecycles
from tests.support.lifecycles import DrawnImage, lost
from tests.support.pages import ROOT, read, row

SEED = 20261128
PLAYS = 3
"""Repositories over which a policy that is let through is played."""

THROUGH, REFUSED, FALSE = "let through", "refused", "false alarm"


def drawn(by: random.Random) -> tuple[Scheme, list[str], list[dict[str, Any]]]:
    """A scheme, tags that it may know, and a policy that ECR takes."""
    scheme, tags = lifecycles.scheme(by)
    while True:
        rules = lifecycles.policy(by, tags)
        try:
            lifecycle.check(rules)
        except BaselineError:
            continue
        return scheme, tags, rules


def harmed(
    by: random.Random, scheme: Scheme, tags: Sequence[str], rules: Sequence[Any]
) -> list[DrawnImage]:
    """The images under stable tags that a policy takes of random repositories."""
    plays = (lost(rules, lifecycles.repository(by, scheme, tags)) for _ in range(PLAYS))
    return [each for taken in plays for each in taken if lifecycles.under_stable(each, scheme)]


def is_true(risk: Risk, rules: Sequence[Any], scheme: Scheme) -> bool:
    """Whether the image that a risk shows is one of the scheme's, and is taken where many like it
    were pushed after it."""
    digest = _digest(risk.example)
    verdicts = {scheme.judge(tag, digest) for tag in risk.example}
    if not verdicts or verdicts - {Verdict.UNIQUE, Verdict.STABLE, Verdict.PIN}:
        return False
    if Verdict.STABLE not in verdicts:
        return False
    image = DrawnImage(frozenset(risk.example), 700, 700)
    # ECR never has a tag on two images; that others were pushed later is all that counts here.
    newer = [DrawnImage(image.tags, age, age) for age in range(1, 5)]
    taken = (each for each in lost(rules, [image, *newer]) if each.tags == image.tags)
    return any(each.pushed - image.pushed in range(0, 2000, 14) for each in taken)


def _digest(tags: Iterable[str]) -> str | None:
    """The digest of an image with these tags: a pin among them has its beginning."""
    found = (re.search("[0-9a-f]{12}$", tag) for tag in tags)
    return next((f"sha256:{each[0]:0<64}" for each in found if each), None)


@dataclass(slots=True)
class Verdicts:
    """How many policies of each shape were let through, refused, and refused in vain; `holes` are
    those that were let through and took a stable tag, `false` the false alarms."""

    shapes: dict[str, Counter[str]] = field(default_factory=dict)
    holes: list[Any] = field(default_factory=list)
    false: list[Any] = field(default_factory=list)

    @property
    def all(self) -> Counter[str]:
        return sum(self.shapes.values(), Counter())

    @property
    def refused(self) -> int:
        """All that were refused, in vain or not."""
        return self.all[REFUSED] + self.all[FALSE]


def verdicts(policies: int, *, played: bool = True) -> Verdicts:
    """Draw so many policies, judge them, and play those that are let through."""
    by, found = random.Random(SEED), Verdicts()  # noqa: S311
    for _ in range(policies):
        scheme, tags, rules = drawn(by)
        risks = at_risk({"rules": rules}, scheme)
        verdict = REFUSED if risks else THROUGH
        if not risks and played and harmed(random.Random(SEED), scheme, tags, rules):  # noqa: S311
            found.holes.append((scheme, rules))
        elif risks and not any(is_true(each, rules, scheme) for each in risks):
            verdict = FALSE
            found.false.append((scheme, rules, risks))
        found.shapes.setdefault(lifecycles.shape(rules), Counter())[verdict] += 1
    return found


# ---------------------------------------------------------------------------- the page
PAGE = "docs/settings.md"
POLICIES = 2_000
SHOWN = 12
HEADINGS = ("Rules of the policy", "Let through", "Refused", "Of these false")
_FIGURES = re.compile(r"(?<=documents:\n\n)[\s\S]*?(?=\nWhat cannot be told:)")


def figures(found: Verdicts) -> str:
    """What the page says of them."""
    count, refused, false = found.all.total(), found.refused, found.all[FALSE]
    said = (
        f"Of {count:,} policies of {len(found.shapes)} shapes {found.all[THROUGH]:,} were let "
        f"through, and {len(found.holes) or 'none'} of those ever took an image under a stable "
        f"tag; {refused:,} were refused, each with an image that the policy takes, but for {false} "
        f"({false / refused:.1%}), whose image the scheme would judge otherwise. The most frequent "
        "shapes:"
    )
    head = f"{row(*HEADINGS)}\n|---|--:|--:|--:|\n"
    most = sorted(found.shapes.items(), key=lambda each: -each[1].total())[:SHOWN]
    lines = (
        row(name, str(seen[THROUGH]), str(seen[REFUSED] + seen[FALSE]), str(seen[FALSE]))
        for name, seen in most
    )
    return f"{fill(said, 120)}\n\n{head}" + "".join(f"{each}\n" for each in lines)


def main() -> None:
    text = figures(verdicts(POLICIES))
    page, count = _FIGURES.subn(lambda _: text, read(PAGE))
    if count != 1:
        raise SystemExit(f"{PAGE} has no place for the figures.")
    (ROOT / PAGE).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
