"""Look for what is unsafe in the templates; `make scan` runs it, with checkov.

What is found and accepted stands in the template's Metadata with its reason. Anything else fails,
and so does an exception that is needed no more.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.template.support import ROOT, source

CHECKOV = ROOT / ".venv" / "scan" / "bin" / "checkov"
TEMPLATES = ("template.yaml", "workloads/template.yaml")


def main() -> int:
    accepted: dict[str, str] = source()["Metadata"]["AcceptedFindings"]
    found = _findings()
    new = [each for each in found if each["check_id"] not in accepted]
    for each in new:
        print(f"{each['file_path']}, {each['resource']}: {each['check_id']} {each['check_name']}")
    needless = accepted.keys() - {each["check_id"] for each in found}
    for check in sorted(needless):
        print(f"template.yaml, Metadata, AcceptedFindings: nothing is found by {check} any more")
    print(f"{len(found)} findings of {len(accepted)} kinds are accepted, {len(new)} are not.")
    return 1 if new or needless else 0


def _findings() -> list[dict[str, Any]]:
    """Every check that a resource of a template does not pass."""
    told = [str(CHECKOV), "--framework", "cloudformation", "--skip-download", "--output", "json"]
    done = subprocess.run(
        [*told, "--soft-fail", "--compact", "--file", *TEMPLATES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    reports = answer if isinstance(answer, list) else [answer]
    return [each for report in reports for each in report["results"]["failed_checks"]]


if __name__ == "__main__":
    raise SystemExit(main())
