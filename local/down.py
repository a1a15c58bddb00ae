"""`python -m local down`: stop the local cloud."""

from __future__ import annotations

from local.cloud import LocalCloud
from local.console import command, console, step


def main() -> None:
    """The command; exit code 0 whether or not there was something to stop."""
    with command():
        cloud = LocalCloud()
        with step("Stop the local cloud"):
            stopped = cloud.stop()
        if stopped:
            console.print("The local cloud is stopped.")
        else:
            console.print("The local cloud is not running; there is nothing to stop.")
