"""The Vagrant adapter of a lab."""

from __future__ import annotations

from collections.abc import Callable

from labgen.actions.session.open import OpenLab
from labgen.providers import Vagrant, get_provider


def vagrant_of(opened: OpenLab, on_line: Callable[[str], None] | None = None) -> Vagrant:
    """Vagrant in the lab's rendered folder, logging into the lab's logs."""
    env = {"VAGRANT_DEFAULT_PROVIDER": opened.lab.provider}
    if not get_provider(opened.lab.provider).vagrant_plugins:
        env["VAGRANT_NO_PLUGINS"] = "1"
    return Vagrant(opened.folder.rendered, opened.folder.logs, env=env, on_line=on_line)
