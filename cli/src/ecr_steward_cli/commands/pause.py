"""`ecr-steward pause` and `ecr-steward resume`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import click
from botocore.exceptions import ClientError

from ecr_steward_cli.deployed.stack import Outside, Stack, aws, console, pass_outside, stack_option
from ecr_steward_cli.deployed.status import expiring, still_going
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.text import say

PAUSED = (
    "messages wait in the queues for up to 14 days, and nothing is lost until then. "
    "`ecr-steward resume` continues."
)
RUNNING = "the writers work off what waits in the queues."

_PATIENCE = 180
_SETTLED = ("Enabled", "Disabled")


def switch(stack: Stack, *, on: bool, progress: Callable[[str], None] = lambda state: None) -> bool:
    """Start or stop the writers and wait until that holds; False if it held already.

    `progress` gets every state on the way. Raises NeedsAttention if it takes minutes, Refusal
    where `Mode` is off, for then the writers would hand every message to the failure queue.
    """
    if on and stack.output("Mode") == "off":
        raise Refusal(
            f"Stack `{stack.name}` has Mode=off: deploy it with Mode=audit or Mode=enforce, which "
            "starts the writers."
        )
    wanted = "Enabled" if on else "Disabled"
    changed = False
    for _ in range(_PATIENCE):
        states = stack.switched()
        state = next((each for each in states.values() if each != wanted), wanted)
        progress(state)
        if state == wanted:
            return changed
        for queue, each in states.items():
            if each in _SETTLED and each != wanted:
                _ask(stack, stack.switches()[queue], on=on)
                changed = True
        stack.outside.sleep(1)
    raise NeedsAttention(
        f"The writers are still {state} after {_PATIENCE} seconds: `ecr-steward status` says when "
        "it is done."
    )


def _ask(stack: Stack, uuid: str, *, on: bool) -> None:
    client = stack.client("lambda")
    try:
        client.update_event_source_mapping(UUID=uuid, Enabled=on)
    except ClientError as error:  # somebody else's change is under way: look again
        if error.response["Error"]["Code"] != "ResourceInUseException":
            raise


def _run(name: str, outside: Outside, *, on: bool) -> bool:
    stack = Stack.find(name, outside)
    screen = console(stderr=True)
    with aws(), contextlib.ExitStack() as shown:
        if not screen.is_terminal:
            return switch(stack, on=on)
        line = shown.enter_context(screen.status("Asking Lambda"))
        return switch(stack, on=on, progress=lambda state: line.update(f"The writers: {state}"))


@click.command()
@stack_option
@pass_outside
def pause(outside: Outside, stack_name: str) -> None:
    """Stop the writers. Nothing is lost: messages wait for up to 14 days.

    \b
    Example:
      ecr-steward pause --stack ecr-steward
    """
    changed = _run(stack_name, outside, on=False)
    say(f"{'Paused' if changed else 'Already paused'}: {PAUSED}")
    with aws():
        images = expiring(Stack.find(stack_name, outside))
    if images:
        say(still_going(images))


@click.command()
@stack_option
@pass_outside
def resume(outside: Outside, stack_name: str) -> None:
    """Start the writers again; they work off what has waited.

    \b
    Example:
      ecr-steward resume
    """
    changed = _run(stack_name, outside, on=True)
    say(f"{'Running' if changed else 'Already running'}: {RUNNING}")
