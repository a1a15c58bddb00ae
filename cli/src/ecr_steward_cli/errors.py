"""How a command ends: 0 it is done, 1 what it found needs attention, 2 it was used wrongly.

Raise `Refusal` or `NeedsAttention` from a command; click prints the message and sets the code.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ecr_steward_cli.rules_file.document import RulesFault


class _Ending(click.ClickException):
    def show(self, file: IO[Any] | None = None) -> None:
        if self.message:
            click.echo(self.message, file=file, err=file is None)


class NeedsAttention(_Ending):
    """The command ran and found something that the caller must look at; exit code 1.

    `message`, if any, goes to stderr as it is.
    """

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(message)


class Refusal(_Ending):
    """Wrong usage or input; exit code 2. `message` goes to stderr as it is."""

    exit_code = 2

    @classmethod
    def rules(cls, fault: RulesFault) -> Refusal:
        """One line `RULES:LINE: sentence` for each fault of a rules file."""
        return cls(str(fault))
