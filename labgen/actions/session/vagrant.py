"""The Vagrant adapter of a lab."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labgen.actions.session.open import OpenLab
from labgen.providers import Provider, Vagrant, get_provider
from labgen.state import LabFolder, owner


def vagrant_of(opened: OpenLab, on_line: Callable[[str], None] | None = None) -> Vagrant:
    """Vagrant in the lab's rendered folder, logging into the lab's logs."""
    return vagrant_in(opened.folder, [get_provider(opened.lab.provider)], on_line)


def vagrant_in(
    folder: LabFolder, providers: Sequence[Provider], on_line: Callable[[str], None] | None = None
) -> Vagrant:
    """The same of a lab of which only its FOLDER and its PROVIDERS are known, the first of which is the usual one."""
    env = owner().environment
    if providers:
        env["VAGRANT_DEFAULT_PROVIDER"] = providers[0].name
    if providers and not any(provider.vagrant_plugins for provider in providers):
        env["VAGRANT_NO_PLUGINS"] = "1"
    return Vagrant(folder.rendered, folder.logs, env=env, on_line=on_line)
