"""What the linters of CloudFormation and SAM say, with nothing suppressed."""

from __future__ import annotations

import os
import subprocess

from cfnlint.api import lint  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]

from tests.template import support
from tests.template.support import ROOT, TEMPLATE

SAM = ROOT / ".venv" / "sam" / "bin" / "sam"


def _faults(text: str) -> list[str]:
    matches = lint(text, config=ManualArgs(regions=[support.REGION]))
    return [f"{match.rule.id} {match.message}" for match in matches]


def test_cfn_lint_finds_nothing() -> None:
    assert _faults(TEMPLATE.read_text(encoding="utf-8")) == []


def test_cfn_lint_would_find_something() -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    assert _faults(text.replace("BillingMode: PAY_PER_REQUEST", "BillingMode: FREE")) != []


def test_nothing_is_suppressed() -> None:
    assert not (ROOT / ".cfnlintrc").exists()
    assert "cfn-lint" not in TEMPLATE.read_text(encoding="utf-8")


def test_sam_validates_the_template() -> None:
    assert SAM.is_file(), f"{SAM} is missing: run `make setup`"
    told = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": support.REGION}
    done = subprocess.run(
        [SAM, "validate", "--lint"],
        cwd=ROOT,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is a valid SAM Template" in done.stdout


def test_the_template_is_read_without_anchors() -> None:
    # `sam build` writes them out; whoever deploys the file as it stands would send them to AWS.
    lines = TEMPLATE.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.lstrip().startswith("<<:")] == []
