"""`labgen ssh`."""

from __future__ import annotations

import os

from labgen.cli.options import Lab, Node


def command(lab: Lab, node: Node) -> None:
    """Open a shell on a node, as the user vagrant, who may sudo."""
    from labgen.actions.session.connect import ssh_words
    from labgen.actions.session.meant import node_meant
    from labgen.actions.session.open import existing_lab

    opened = existing_lab(lab)
    words = ssh_words(opened, node_meant(opened, node))
    os.execvp(words[0], words)
