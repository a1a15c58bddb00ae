"""The group of commands. Each command's module is imported only when the command is used."""

from __future__ import annotations

import functools
import gc
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from ecr_steward_cli.terminal.completion import mend_fish
from ecr_steward_cli.terminal.errors import ended
from ecr_steward_cli.terminal.text import encode_all

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("check:check", "Check a rules file, and explain its rules."),
    "history": ("history:history", "Show what happened to a repository or a tag."),
    "notify-test": (
        "try_channel:notify_test",
        "Send a sample to a channel of the deployed stack.",
    ),
    "init": ("init:init", "Write a first rules file from what a registry shows."),
    "pause": ("pause:pause", "Stop the writers; nothing is lost."),
    "hold": ("hold:hold", "Keep a stable tag where it is."),
    "release": ("hold:release", "End a hold; the tag catches up."),
    "rollback": (
        "rollback:rollback",
        "Move a stable tag back to an earlier image, and hold it there.",
    ),
    "probe": (
        "probe:probe",
        "Ask an account what the steward relies on.",
    ),
    "redrive": (
        "redrive:redrive",
        "Show what lies in the failure queues, and send it back.",
    ),
    "running": ("running:running", "Show what runs, and import what else does."),
    "resume": ("pause:resume", "Start the writers again."),
    "status": ("status:status", "Show the state of the deployed stack."),
    "sweep": ("sweep:sweep", "Sweep repositories now."),
    "wait": ("wait:wait", "Wait until a tag is on an image."),
    "why": ("why:why", "Say why a tag is where it is."),
    "drift": ("drift:drift", "Compare a repository's settings without AWS."),
    "plan": ("plan:plan", "Show what the rules would change in live registries."),
    "retention": ("retention:retention", "Say which images stay, without AWS."),
    "compile": ("compile:compile_", "Compile a rules file for the functions."),
    "simulate": ("simulate:simulate", "Simulate pushes without AWS."),
    "schema": (
        "schema:schema",
        "Print the JSON Schema of the rules file, or of an event.",
    ),
}
"""Name of the command -> its function, as `module:function` in `commands`, and its line of help."""


class LazyGroup(click.Group):
    """A click group that knows its commands by COMMANDS, so that help imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name][0].partition(":")
        commands = importlib.import_module(f"ecr_steward_cli.commands.{module}")
        command = getattr(commands, function)
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name][0]} is not a click command.")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            import difflib  # costs what every other start need not pay

            close = difflib.get_close_matches(args[0].lower(), COMMANDS, n=1)
            meant = f" Did you mean `{close[0]}`?" if close else ""
            ctx.fail(f"There is no command `{args[0]}`.{meant}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Click's own imports every command for its line of help."""
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        items = [CompletionItem(name, help=COMMANDS[name][1]) for name in names]
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def main(self, *given: Any, standalone_mode: bool = True, **more: Any) -> Any:
        """Like click's, but however it ends is one sentence."""
        run = functools.partial(super().main, *given, standalone_mode=False, **more)
        if not standalone_mode:
            return run()
        encode_all()
        if "_ECR_STEWARD_COMPLETE" in os.environ:
            mend_fish()
        sys.exit(ended(run))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ecr-steward", message="%(prog)s %(version)s")
def main() -> None:
    """Manage image tags and repository settings in an Amazon ECR registry.

    Exit codes: 0 done, 1 found something that needs attention, 2 wrong usage or input.
    """


def run() -> None:
    """The command line's entry. Most commands end before there is any garbage to collect."""
    gc.set_threshold(50_000, 20, 20)
    main(prog_name="ecr-steward")


if __name__ == "__main__":
    run()
