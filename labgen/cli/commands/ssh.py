"""`labgen ssh`."""

from __future__ import annotations

import os

from labgen.cli.options import Lab, Node


def command(lab: Lab, node: Node) -> None:
    """Open a shell on a node, as the user vagrant, who may sudo."""
    from labgen.actions.session.connect import ssh_words
    from labgen.actions.session.open import existing_lab

    words = ssh_words(existing_lab(lab), node)
    os.execvp(words[0], words)
