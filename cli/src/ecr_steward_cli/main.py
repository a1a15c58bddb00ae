"""The group of commands. Each command's module is imported only when the command is used."""

from __future__ import annotations

import importlib

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("ecr_steward_cli.commands.check:check", "Check a rules file, and explain it."),
    "history": (
        "ecr_steward_cli.commands.history:history",
        "What happened to a repository or a tag.",
    ),
    "notify-test": (
        "ecr_steward_cli.commands.try_channel:notify_test",
        "Send a sample to a channel of the deployed stack.",
    ),
    "pause": ("ecr_steward_cli.commands.pause:pause", "Stop the writers; nothing is lost."),
    "hold": ("ecr_steward_cli.commands.hold:hold", "Keep a stable tag where it is."),
    "release": ("ecr_steward_cli.commands.hold:release", "End a hold; the tag catches up."),
    "rollback": (
        "ecr_steward_cli.commands.rollback:rollback",
        "Put a stable tag back on an earlier image, and hold it there.",
    ),
    "resume": ("ecr_steward_cli.commands.pause:resume", "Start the writers again."),
    "status": ("ecr_steward_cli.commands.status:status", "How the deployed stack stands."),
    "sweep": ("ecr_steward_cli.commands.sweep:sweep", "Go through the repositories now."),
    "wait": ("ecr_steward_cli.commands.wait:wait", "Wait until a tag is on an image."),
    "drift": (
        "ecr_steward_cli.commands.drift:drift",
        "Compare a repository's settings without AWS.",
    ),
    "compile": (
        "ecr_steward_cli.commands.compile:compile_",
        "Make of a rules file what functions read.",
    ),
    "simulate": (
        "ecr_steward_cli.commands.simulate:simulate",
        "Play a story of pushes without AWS.",
    ),
    "schema": (
        "ecr_steward_cli.commands.schema:schema",
        "Print the JSON Schema of the rules file, or of an event.",
    ),
}
"""Name of the command -> where its function is, as `module:function`, and its line of help."""


class LazyGroup(click.Group):
    """A click group that knows its commands by COMMANDS, so that help imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), function)
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name][0]} is not a click command.")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ecr-steward", message="%(prog)s %(version)s")
def main() -> None:
    """Looks after the tags and settings of the images in an Amazon ECR registry.

    Exit codes: 0 done, 1 it ran and found something you must look at, 2 wrong usage or input.
    """


if __name__ == "__main__":
    main(prog_name="ecr-steward")
