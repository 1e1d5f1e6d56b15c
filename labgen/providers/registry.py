"""Finds providers by name; built-ins register through entry points as anybody's do."""

from __future__ import annotations

from labgen.plugins import PROVIDERS, load_plugin, plugin_names, plugins_that_load
from labgen.providers.base import Provider
from labgen.providers.libvirt import kvm_usable


def provider_names() -> list[str]:
    """Every provider there is, in alphabetical order."""
    return plugin_names(PROVIDERS)


def get_provider(name: str) -> Provider:
    """The provider called NAME; raises UnknownNameError, PluginError."""
    return load_plugin(PROVIDERS, name, Provider)


def default_provider() -> str:
    """libvirt where virtual machines run at the CPU's own speed, else docker."""
    return "libvirt" if kvm_usable() else "docker"


def all_providers() -> list[Provider]:
    """Every provider that is in order, by name."""
    return list(plugins_that_load(PROVIDERS, Provider))
