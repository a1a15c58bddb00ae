"""Every command that a page shows can be typed: its name, its options, what it refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
import click
import pytest
from botocore import xform_name
from botocore.model import ServiceModel

from ecr_steward_cli.main import COMMANDS, main
from tests.support.pages import PAGES, README, ROOT, commands, name, read, table
from tests.template import support

EACH = pytest.mark.parametrize("page", PAGES, ids=name)
MAKEFILE = read("Makefile")


@EACH
def test_every_ecr_steward_command_exists_with_its_options(page: Path) -> None:
    for command, options in _used(page, r"\becr-steward +([a-z][a-z-]*)"):
        assert command in COMMANDS, command
        assert options - _options(command) == set(), command


@EACH
def test_every_make_target_exists_with_its_variables(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
    for line in commands(read(page)):
        for target, rest in re.findall(r"\bmake ([a-z][a-z-]*)\b(.*)", line):
            assert target in targets, line
            variables = re.findall(r"(?:^| )([A-Z]+)=", re.sub(r'"[^"]*"', "", rest))
            assert [each for each in variables if f"$({each})" not in MAKEFILE] == [], line


@EACH
def test_every_aws_command_exists_with_its_options(page: Path) -> None:
    for command, options in _used(page, r"\baws ([a-z][a-z0-9]+ [a-z][a-z-]+)"):
        service, operation = command.split(" ")
        if service == "configure" or operation == "wait":  # of the CLI itself
            continue
        model = _service(service)
        operations = {xform_name(each, "-"): each for each in model.operation_names}
        assert operation in operations, command
        shape = model.operation_model(operations[operation]).input_shape
        taken = {f"--{xform_name(each, '-')}" for each in (shape.members if shape else ())}
        assert options - taken - {"--query", "--output", "--region"} == set(), command


@EACH
def test_every_parameter_output_and_function_of_the_stack_exists(page: Path) -> None:
    template = support.source()
    typed = "\n".join(commands(read(page)))
    overrides = re.findall(r"--parameter-overrides ([^\"\n]+)", typed)
    parameters = set(re.findall(r"\b([A-Z]\w*[a-z]\w*)=", " ".join(overrides)))
    assert parameters - template["Parameters"].keys() == set()
    outputs = set(re.findall(r"\$\(output (\w+)\)", typed))
    assert outputs - template["Outputs"].keys() == set()
    functions = set(re.findall(r"\bsam local invoke (\w+)", typed))
    assert functions - template["Resources"].keys() == set()


@EACH
def test_every_module_that_is_run_exists(page: Path) -> None:
    for line in commands(read(page)):
        for module in re.findall(r"\.venv/bin/python -m ([\w.]+)", line):
            path = ROOT / module.replace(".", "/")
            assert module == "pytest" or path.is_dir() or path.with_suffix(".py").is_file()


def test_pages_show_commands_of_each_sort() -> None:
    typed = "\n".join(line for page in PAGES for line in commands(read(page)))
    for each in ("ecr-steward wait", "make demo", "aws dynamodb", "$(output", "sam local invoke"):
        assert each in typed


def test_the_front_page_says_how_to_try_it() -> None:
    assert {"make demo", "make test"} <= set(commands(read(README)))


def _used(page: Path, pattern: str) -> Iterator[tuple[str, set[str]]]:
    """The commands on a page that match, each with the options that follow it."""
    for line in commands(read(page)):
        for found in re.finditer(rf"{pattern}(?P<rest>(?:(?!{pattern}).)*)", line):
            yield found[1], set(re.findall(r"(?<=\s)(--[a-z][a-z-]*)", found["rest"]))


@cache
def _service(name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


@cache
def _options(command: str) -> set[str]:
    found = main.get_command(click.Context(main), command)
    assert found is not None
    every = [found, *found.commands.values()] if isinstance(found, click.Group) else [found]
    params = [each for one in every for each in one.params]
    return {option for each in params for option in (*each.opts, *each.secondary_opts)}


def test_the_rights_of_commands_are_those_of_commands_that_exist() -> None:
    cells = " ".join(row[0] for row in table(read("docs/permissions.md"), "Command", "Needs"))
    assert set(re.findall(r"`ecr-steward ([a-z-]+)`", cells)) <= COMMANDS.keys()
