"""How long it takes to find the rule of a repository among a thousand rules of twenty globs."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.report import Row
from ecr_steward.rules import Ruleset

RULES = 1_000
GLOBS = 20
MOST_TO_PREPARE = 300
MOST_TO_FIND = 100
_ROUNDS = 300


def ruleset(rules: int) -> Ruleset:
    """Rules of globs of every form: names, beginnings, ends, stars in between."""
    forms = ("team-{0}/app-{1}", "team-{0}-{1}/*", "*-of-{0}-{1}", "*/part-{0}x{1}*v*",
             "base/*-{0}.*-{1}")  # fmt: skip
    return Ruleset.from_document(
        {
            "version": 1,
            "rules": [
                {"repositories": [forms[n % 5].format(i, n // 5) for n in range(GLOBS)]}
                for i in range(rules)
            ],
        }
    )


def names(rules: int) -> list[str]:
    """Repositories with a rule at the end of the file, and one without."""
    last = rules - 1
    return [
        f"team-{last}/app-3",
        f"team-{last}-2/redis",
        f"{'x' * 240}-of-{last}-1",
        f"a/part-{last}x0/v1",
        f"base/redis-{last}.a-3",
        "nothing/at/all",
    ]


def measure(progress: Callable[[str], None]) -> list[Row]:
    """The rows of the report, in the processor's time."""
    progress(f"finding rules among {RULES:,}")
    made, asked = ruleset(RULES), names(RULES)
    begin = time.process_time()
    made.rule_for("any")
    ready = time.process_time()
    for number in range(_ROUNDS):
        for name in asked:  # another name each time: what was asked before is remembered
            made.rule_for(f"{name[:250]}{number:03}")
    each = (time.process_time() - ready) / (_ROUNDS * len(asked)) * 1e6
    prepare = (ready - begin) * 1000
    group = f"the rule of a repository, {RULES:,} rules of {GLOBS} globs"
    return [
        Row(group, "first question of a sandbox", prepare, "ms",
            goal=f"< {MOST_TO_PREPARE} ms", met=prepare < MOST_TO_PREPARE),
        Row(group, "each further repository", each, "µs",
            goal=f"< {MOST_TO_FIND} µs", met=each < MOST_TO_FIND),
    ]  # fmt: skip
