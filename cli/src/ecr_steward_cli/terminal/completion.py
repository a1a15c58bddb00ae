"""What shells complete beside commands and options."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

# Click is asked for its completion only where a shell asks: every other start does without it.


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of files, by the shell itself."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def mend_fish() -> None:
    """Lets fish show whole lines of help: click's script ends each at its first comma."""
    from click.shell_completion import FishComplete, add_completion_class

    class UncutHelp(FishComplete):
        source_template = FishComplete.source_template.replace(
            'string split ","', 'string split --max 1 ","'
        )

    add_completion_class(UncutHelp, "fish")
