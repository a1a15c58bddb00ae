"""`ecr-steward notify-test`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from ecr_steward_cli.deployed.stack import Outside, Stack, aws, pass_outside, stack_option
from ecr_steward_cli.terminal.errors import NeedsAttention, Refusal
from ecr_steward_cli.terminal.text import say


def try_out(stack: Stack, channel: str) -> str:
    """Have the deployed function send a sample to a channel; returns what the channel answered.

    Raises NeedsAttention where it did not take the sample or the function failed, Refusal where
    the deployed rules have no such channel.
    """
    function = stack.output("NotifyFunctionName")
    answer = stack.client("lambda").invoke(
        FunctionName=function, Payload=json.dumps({"test": channel}).encode()
    )
    said: Mapping[str, Any] = json.loads(answer["Payload"].read() or b"{}")
    if answer.get("FunctionError"):
        raise NeedsAttention(f"{function} failed: {said.get('errorMessage', said)} See its log.")
    if "known" in said:
        raise Refusal(
            f"The deployed rules have no channel `{channel}`; there is {', '.join(said['known'])}."
        )
    if not said["sent"]:
        raise NeedsAttention(f"`{channel}` did not accept the sample. {said['answer']}")
    return str(said["answer"])


@click.command("notify-test")
@click.argument("channel")
@stack_option
@pass_outside
def notify_test(outside: Outside, stack_name: str, channel: str) -> None:
    """Send one sample to CHANNEL, as the deployed stack would.

    The function itself sends it, whatever the routes say: its rights, the address and secret it
    reads and its way to the network are what is tried. `email` is the stack's own topic.

    \b
    Example:
      ecr-steward notify-test email
    """
    stack = Stack.find(stack_name, outside)
    with aws():
        answer = try_out(stack, channel)
    say(f"`{channel}` accepted the sample: {answer}.")
