"""`python -m local.push repo:tag`: push an image to the running local cloud, without Docker."""

from __future__ import annotations

import argparse
from typing import Final

from rich.table import Table

from local import images
from local.cloud import LocalCloud
from local.console import command, console, step
from local.processes import CloudError
from local.up import STACK

_SHORT: Final = len("sha256:") + 12


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m local.push", description=__doc__)
    parser.add_argument("reference", metavar="REPOSITORY:TAG")
    parser.add_argument("--arch", default="amd64", help="processors, with commas: amd64,arm64")
    parser.add_argument("--media", choices=[one.value for one in images.Media], default="oci")
    parser.add_argument("--seed", help="what the image is made of; default: REPOSITORY:TAG")
    given = parser.parse_args()
    repository, colon, tag = given.reference.partition(":")
    if not (repository and colon and tag):
        parser.error(f"{given.reference} is not REPOSITORY:TAG, such as base/redis:1.4.2")
    image = images.build(
        given.seed or given.reference, given.arch.split(","), images.Media(given.media)
    )
    with command():
        cloud = LocalCloud()
        if not cloud.attach():
            raise CloudError("The local cloud is not running; start it with `make up`.")
        push(cloud, given.reference, image)


def push(cloud: LocalCloud, reference: str, image: images.BuiltImage) -> None:
    """Push, wait until the steward is done, show the repository's tags and the messages sent."""
    repository = reference.partition(":")[0]
    if cloud.create_repository(repository):
        console.print(f"Created the repository {repository}.")
    before = cloud.tags(repository)
    inbox = cloud.inbox(cloud.resource(STACK, "NotificationTopic"))
    with step(f"Push {reference}"):
        cloud.push(reference, image, layers=True)
    with step("Wait until nothing moves any more"):
        # What a channel does not take, such as one whose address is not here, waits for hours.
        retries = cloud.resource(STACK, "RetryQueue")
        cloud.settle(but=[retries])
    console.print(tags_table(repository, before, cloud.tags(repository)))
    for message in inbox:
        console.print("Message:", message.subject, style="bold", markup=False, soft_wrap=True)
        console.print(message.body, markup=False, soft_wrap=True)
    if waiting := cloud.messages(retries):
        console.print(
            f"{waiting} waiting in RetryQueue, digests or what a channel did not take: "
            "`ecr-steward notify-test CHANNEL` says what it answers.",
            soft_wrap=True,
        )


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


if __name__ == "__main__":
    main()
