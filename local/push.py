"""`python -m local push repo:tag`: push an image to the running local cloud, without Docker."""

from __future__ import annotations

import argparse
from typing import Any, Final, cast

from rich.table import Table

from ecr_steward.rules import Mode, Ruleset
from ecr_steward.words.grammar import is_tag
from ecr_steward_cli.deployed.rules import rules_of
from ecr_steward_cli.deployed.stack import Outside, Stack, aws
from ecr_steward_cli.given.names import is_repository
from ecr_steward_cli.rules_file.unmoved import unmoving
from ecr_steward_cli.terminal.errors import Refusal
from ecr_steward_cli.terminal.text import printable
from local import images
from local.cloud import LocalCloud
from local.console import command, console, step, tell
from local.processes import CloudError, WrongInput
from local.started import check_started
from local.up import STACK

_SHORT: Final = len("sha256:") + 12


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m local push", description=__doc__)
    parser.add_argument("reference", metavar="REPOSITORY:TAG")
    parser.add_argument("--arch", default="amd64", help="processors, with commas: amd64,arm64")
    parser.add_argument("--media", choices=[one.value for one in images.Media], default="oci")
    parser.add_argument("--seed", help="what the image is made of; default: REPOSITORY:TAG")
    given = parser.parse_args()
    image = images.build(
        given.seed or given.reference, given.arch.split(","), images.Media(given.media)
    )
    with command():
        if fault := fault_of(given.reference):
            raise WrongInput(fault)
        cloud = LocalCloud()
        if not (cloud.attach() and cloud.is_whole):
            raise CloudError("The local cloud is not up; start it with `make up`.")
        push(cloud, given.reference, image)


def fault_of(reference: str) -> str:
    """What is wrong with REPOSITORY:TAG, in one sentence; empty if nothing is."""
    repository, colon, tag = reference.partition(":")
    such = "write REPOSITORY:TAG, such as base/redis:1.4.2"
    host = reference.partition("/")[0]
    if "/" in reference and (":" in host or "." in host or host == "localhost"):
        return f"{printable(reference)} names a host: {such}."
    if not is_repository(repository):
        return (
            f"`{printable(repository)}` cannot be a repository's name, which has lowercase letters "
            f"and digits, in parts joined by `/`, `.`, `_`, `__` or `-`: {such}."
        )
    if not colon:
        return f"{printable(reference)} names no tag: {such}."
    if not is_tag(tag):
        return f"`{printable(tag)}` cannot be a tag: {such}."
    return ""


def push(cloud: LocalCloud, reference: str, image: images.BuiltImage) -> None:
    """Push, wait until the steward is done, show the repository's tags and the messages sent."""
    repository = reference.partition(":")[0]
    if cloud.create_repository(repository):
        console.print(f"Created the repository {repository}.")
    before = cloud.tags(repository)
    inbox = cloud.inbox(cloud.resource(STACK, "NotificationTopic"))
    retries = cloud.resource(STACK, "RetryQueue")
    cloud.settle(but=[retries])  # what earlier pushes still lead to is theirs
    owed = cloud.messages(retries)
    list(inbox)
    with step(f"Push {reference}"):
        cloud.push(reference, image, layers=True)
    with step("Wait until nothing moves any more"):
        # What a channel does not take, such as one whose address is not here, waits for hours.
        cloud.settle(but=[retries])
    after = cloud.tags(repository)
    console.print(tags_table(repository, before, after))
    if reason := why_nothing(cloud, reference, before, after):
        tell(reason)
    for message in inbox:
        tell(f"Message: {message.subject}", style="bold")
        tell(message.body)
    if (waiting := cloud.messages(retries) - owed) > 0:
        tell(
            f"{waiting} more waiting in RetryQueue, digests or what a channel did not take: "
            "`ecr-steward notify-test CHANNEL` says what it answers."
        )


def why_nothing(
    cloud: LocalCloud, reference: str, before: dict[str, str], after: dict[str, str]
) -> str:
    """Why a push moved no stable tag; empty where one moved. Raises CloudError where a function
    does not start."""
    repository, _, tag = reference.partition(":")
    if any(before.get(each) != digest for each, digest in after.items() if each != tag):
        return ""
    check_started(cloud.client("lambda"), lambda name: cloud.resource(STACK, name))
    outside = Outside(client=lambda service: cast(Any, cloud).client(service))
    try:
        with aws():
            rules = rules_of(Stack.find(STACK, outside))
    except Refusal:
        return "Nothing else moved, and the rules of the stack cannot be read to say why."
    return f"Nothing else moved: {reason_in(rules, repository, tag)}"


def reason_in(rules: Ruleset, repository: str, tag: str) -> str:
    """Why a push moves nothing by the rules; where it could, who knows more."""
    still = unmoving(rules, repository, tag)
    if still is not None:
        return still.reason
    rule = rules.rule_for(repository)
    if rule is not None and rule.mode is Mode.AUDIT:
        return (
            f"rule {rule.label()} is in audit, so it only reports, see `ecr-steward history "
            f"{repository}`; with `mode: enforce` in it, it acts."
        )
    return f"`ecr-steward why {repository}:TAG` says why a tag is where it is."


def tags_table(repository: str, before: dict[str, str], after: dict[str, str]) -> Table:
    """The repository's tags with their images, and what changed."""
    table = Table("Tag", "Image", "", title=repository, title_justify="left")
    for tag in sorted(before.keys() | after.keys()):
        was, now = before.get(tag), after.get(tag)
        change = ""
        if was is None:
            change = "[green]new[/]"
        elif now is None:
            change = "[red]gone[/]"
        elif was != now:
            change = f"[yellow]was {was[:_SHORT]}[/]"
        table.add_row(tag, (now or was or "")[:_SHORT], change)
    return table
