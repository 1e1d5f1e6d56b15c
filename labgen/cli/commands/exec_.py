"""`labgen exec`."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Annotated

import typer

from labgen.cli.options import Lab, Node


def command(
    lab: Lab,
    node: Node,
    words: Annotated[
        list[str], typer.Argument(metavar="-- CMD…", help="The command and its arguments.", show_default=False)
    ],
) -> None:
    """Run a command on a node as root; its output, input and exit code are the command's own.

    labgen exec consul-pgbouncer pg-patroni1 -- patronictl list
    """
    from labgen.actions.session.connect import ssh_words
    from labgen.actions.session.open import existing_lab

    ssh = ssh_words(existing_lab(lab), node)
    terminal = ["-t"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    whole = [ssh[0], *terminal, *ssh[1:], f"sudo -n -- {shlex.join(words)}"]
    os.execvp(whole[0], whole)
