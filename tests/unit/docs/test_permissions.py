"""docs/permissions.md lists every parameter and every right of the template."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ecr_steward_cli.main import COMMANDS
from tests.support.pages import code, read, table
from tests.template import support

PERMISSIONS = read("docs/permissions.md")


def test_every_parameter_is_listed_as_the_template_has_it() -> None:
    expected = [
        [code(name), code(each["Default"]), _allowed(each), " ".join(each["Description"].split())]
        for name, each in support.source()["Parameters"].items()
    ]
    assert table(PERMISSIONS, "Parameter", "Default", "Values", "What it does") == expected


def _allowed(parameter: Mapping[str, Any]) -> str:
    return str(parameter["ConstraintDescription"]).removeprefix("must be ")


def test_every_right_of_every_role_is_named_and_no_other() -> None:
    granted: dict[str, set[str]] = {}
    key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd"
    full = support.stack(
        Mode="enforce",
        SettingsMode="enforce",
        AllowTagRemoval="true",
        CreationTemplateRole="arn:aws:iam::123456789012:role/templates",
        ChannelKey=key,
        Tracing="Active",
    )
    for role, statement in full.statements():
        granted.setdefault(role, set()).update(support.listed(statement["Action"]))
    named = {
        role.strip("`"): set(re.findall(r"`([a-z]+:\w+)`", actions))
        for role, actions, _ in table(PERMISSIONS, "Role", "May", "Why")
    }
    assert named == granted


def test_the_rights_of_commands_are_those_of_commands_that_exist() -> None:
    cells = " ".join(row[0] for row in table(PERMISSIONS, "Command", "Needs"))
    assert set(re.findall(r"`ecr-steward ([a-z-]+)`", cells)) <= COMMANDS.keys()
