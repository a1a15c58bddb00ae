"""docs/rules.md says what the schema says, and shows what is shipped."""

from __future__ import annotations

import re

from ecr_steward_cli.rules_file.load import inspect_text
from tests.support.pages import blocks, read

RULES = read("docs/rules.md")


def test_the_rules_file_that_is_shipped_is_shown() -> None:
    (shown,) = blocks(RULES, "yaml", "version: 1\n")
    assert _bare(shown) == _bare(read("layers/rules/rules.yaml"))


def _bare(yaml: str) -> list[str]:
    lines = (re.sub(r"(^|\s)#.*", "", line).rstrip() for line in yaml.splitlines())
    return [line for line in lines if line]


def test_the_rules_file_on_the_front_page_is_one_and_says_nothing_in_vain() -> None:
    (shown,) = blocks(read("README.md"), "yaml", "version: 1\n")
    assert inspect_text(shown, "README.md").warnings == ()
    assert len(shown.splitlines()) <= 16
