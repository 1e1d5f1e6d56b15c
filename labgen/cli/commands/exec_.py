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
        list[str],
        typer.Argument(
            metavar="[-u USER] -- CMD…",
            help="The command and its arguments; before it -u or --user, and who runs it.",
            show_default=False,
        ),
    ],
) -> None:
    """Run a command on a node as root; its output, input and exit code are the command's own.

    labgen exec consul-pgbouncer leader -- patronictl list
    """
    from labgen.actions.session.connect import ssh_words
    from labgen.actions.session.meant import node_meant
    from labgen.actions.session.open import existing_lab

    # No option of labgen's: wherever -u stood, it would be taken from the command, as from `id -u`.
    user, words = (words[1], words[2:]) if words[0] in ("-u", "--user") and len(words) > 2 else ("root", words)
    opened = existing_lab(lab)
    ssh = ssh_words(opened, node_meant(opened, node))
    terminal = ["-t"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    # From a folder that everybody may enter, as psql asks for.
    whole = [ssh[0], *terminal, *ssh[1:], f"cd / && sudo -n -u {shlex.quote(user)} -- {shlex.join(words)}"]
    os.execvp(whole[0], whole)
