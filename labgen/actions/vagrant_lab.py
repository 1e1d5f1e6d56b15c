"""The Vagrant adapter of a lab."""

from __future__ import annotations

from collections.abc import Callable

from labgen.actions.open import OpenLab
from labgen.providers import Vagrant


def vagrant_of(opened: OpenLab, on_line: Callable[[str], None] | None = None) -> Vagrant:
    """Vagrant in the lab's rendered folder, logging into the lab's logs."""
    return Vagrant(
        opened.folder.rendered,
        opened.folder.logs,
        env={"VAGRANT_DEFAULT_PROVIDER": opened.lab.provider},
        on_line=on_line,
    )
