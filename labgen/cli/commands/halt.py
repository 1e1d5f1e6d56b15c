"""`labgen halt`."""

from __future__ import annotations

from labgen.cli.console import err
from labgen.cli.options import Lab


def command(lab: Lab) -> None:
    """Stop the lab's machines in an orderly way; `labgen up` starts them again."""
    from labgen.actions.lab.halt import halt

    with err.status(f"Halting {lab}"):
        halt(lab)
    err.print(f"{lab} is halted. [dim]labgen up {lab}[/] starts it again.")
