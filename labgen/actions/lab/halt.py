"""`halt`: the machines stop, the lab stays; `up` starts them again."""

from __future__ import annotations

from labgen.actions.session.open import existing_lab
from labgen.actions.session.vagrant import vagrant_of


def halt(name: str) -> None:
    """Stop all nodes in an orderly way; raises UnknownNameError or VagrantError."""
    opened = existing_lab(name)
    with opened.folder.locked():
        vagrant_of(opened).halt()
