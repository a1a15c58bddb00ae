"""What a function's start takes, as shipped, against bare boto3 and against itself uncompiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from bench.artefact import HANDLERS, Artefact, Probed
from bench.report import Row

MOST_TIME = 1.10
MOST_TIME_OF = dict.fromkeys(("check_running", "check_settings", "check_tags", "publish"), 0.90)
"""The doors, and what publishes: they start most often."""

MOST_MEMORY = 0.95
MOST_MODULES = 135
MOST_OF_UNCOMPILED = 0.45
UNWANTED = (
    "asyncio", "aws_xray_sdk", "click", "jsonschema", "pydantic", "requests", "rich", "ruamel",
)  # fmt: skip
"""What no function may load when it starts."""

_COMPARED = ("check_tags", "retag")
"""Those that are also started without bytecode, which takes long: the lightest and the heaviest."""

_MIB = 2**20


def added(start: Probed, bare: Probed) -> set[str]:
    """The modules that a start loads and bare boto3 does not."""
    return set(start.modules) - set(bare.modules)


def unwanted(start: Probed) -> set[str]:
    return {name for name in UNWANTED if name in start.modules}


def measure(
    artefact: Artefact, scratch: Path, times: int, progress: Callable[[str], None]
) -> list[Row]:
    """The rows of the report; each measurement directly after its baseline, `times` times."""
    tree = artefact.without_bytecode(scratch / "tree", runtime=True)
    layers = artefact.without_bytecode(scratch / "layers", runtime=False)
    for warm in (artefact, tree, layers):
        warm.start(HANDLERS[0])
    timed: list[Row] = []
    sized: list[Row] = []
    loaded: list[Row] = []
    for handler in HANDLERS:
        progress(f"start of {handler}")
        pairs = [(artefact.bare(), artefact.start(handler)) for _ in range(times)]
        bare, starts = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        group = "start of a function, over bare boto3 with an ECR client"
        what = f"{handler}: import with clients"
        most = MOST_TIME_OF.get(handler, MOST_TIME)
        timed.append(Row.compared(group, what, "ms", _ms(starts), _ms(bare), most))
        group = "peak memory after it"
        sized.append(Row.compared(group, handler, "MiB", _mib(starts), _mib(bare), MOST_MEMORY))
        loaded.append(_modules(handler, starts[-1], bare[-1]))
    group = "as shipped, over the same tree without .pyc"
    for handler in _COMPARED:
        progress(f"start of {handler} without bytecode")
        loaded.append(_uncompiled(group, handler, artefact, tree, times, MOST_OF_UNCOMPILED))
    progress("start of retag with uncompiled layers")
    what = "retag, only our layers without .pyc"
    loaded.append(_uncompiled(group, what, artefact, layers, times, None))
    return [*timed, *sized, *loaded]


def _uncompiled(
    group: str, what: str, artefact: Artefact, other: Artefact, times: int, most: float | None
) -> Row:
    handler = what.partition(",")[0]
    pairs = [(other.start(handler), artefact.start(handler)) for _ in range(times)]
    shipped, plain = [pair[1] for pair in pairs], [pair[0] for pair in pairs]
    return Row.compared(group, what, "ms", _ms(shipped), _ms(plain), most)


def _modules(handler: str, start: Probed, bare: Probed) -> Row:
    more = len(added(start, bare))
    found = unwanted(start)
    return Row(
        group="modules loaded more than by bare boto3",
        what=f"{handler}{': ' if found else ''}{', '.join(sorted(found))}",
        measured=more,
        unit="modules",
        baseline=len(bare.modules),
        goal=f"≤ {MOST_MODULES}",
        met=more <= MOST_MODULES and not found,
    )


def _ms(runs: Iterable[Probed]) -> list[float]:
    return [run.seconds * 1000 for run in runs]


def _mib(runs: Iterable[Probed]) -> list[float]:
    return [run.memory / _MIB for run in runs]
