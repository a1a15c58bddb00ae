"""`python -m local COMMAND …`: the commands of the local cloud."""

from __future__ import annotations

import importlib
import signal
import sys

COMMANDS = ("up", "push", "down", "demo")

if __name__ == "__main__":
    # Until there is something to stop, which `console.command` sees to, Ctrl-C just ends it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    name = sys.argv.pop(1)
    if name not in COMMANDS:
        sys.exit(f"There is no command `{name}`; there are {', '.join(COMMANDS)}.")
    importlib.import_module(f"local.{name}").main()
