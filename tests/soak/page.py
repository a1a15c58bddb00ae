"""What docs/reliability.md says of the soak, written by it when it has its whole size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/reliability.md"
BEGIN = "<!-- make soak writes what follows -->"
END = "<!-- make soak wrote what is above -->"

_SAID: Mapping[str, str] = {
    "pushes": "pushes",
    "writes": "writes to ECR",
    "facts": "facts recorded",
    "letters": "messages sent to channels",
    "calls": "calls of AWS",
    "failed": "calls that failed: throttled, 5xx, timed out after they took effect, reset",
    "kills": "functions killed between two calls",
    "holds": "tags held and released by people",
    "settings": "settings changed by people",
    "corrections": "settings corrected",
    "dead letters": "messages in a failure queue besides the poison that was put there",
    "hours": "hours played",
}
"""The figures of a soak, and what they are called."""


def write(seed: int, repositories: int, figures: Mapping[str, int], divergences: str) -> None:
    """Write what came of a soak in place of what came of the last one."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    rows = "".join(f"| {said} | {figures[name]:,} |\n" for name, said in _SAID.items())
    said = f"\n| Seed {seed}, {repositories} repositories | |\n|---|---|\n{rows}\n"
    said += f"What diverges from what the oracle expects: {divergences or 'nothing'}.\n\n"
    PAGE.write_text(f"{before}{BEGIN}\n{said}{END}{after}", encoding="utf-8")
