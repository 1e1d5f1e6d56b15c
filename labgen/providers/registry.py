"""Finds providers by name; built-ins register through entry points as anybody's do."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import cast

from labgen.errors import UnknownNameError
from labgen.providers.base import Provider
from labgen.providers.libvirt import kvm_usable

GROUP = "labgen.providers"


def provider_names() -> list[str]:
    """Every provider there is, in alphabetical order."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def get_provider(name: str) -> Provider:
    """The provider called NAME; raises UnknownNameError."""
    for point in entry_points(group=GROUP):
        if point.name == name:
            return cast(Provider, point.load()())
    raise UnknownNameError("provider", name, provider_names())


def default_provider() -> str:
    """libvirt where virtual machines run at the CPU's own speed, else docker."""
    return "libvirt" if kvm_usable() else "docker"


def all_providers() -> list[Provider]:
    """Every provider there is, by name."""
    return [get_provider(name) for name in provider_names()]
