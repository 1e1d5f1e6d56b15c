"""Drives Vagrant, and knows what its providers need, hold and leave behind."""

from labgen.providers.base import HeldNetwork, Provider
from labgen.providers.endpoint import Endpoint
from labgen.providers.keeper import Keeper, certainly, keeper_of, require_keeper
from labgen.providers.networks import address_conflicts, free_network, ranges_in_use
from labgen.providers.registry import (
    default_provider,
    emulates,
    get_provider,
    provider_names,
    seen_while_booting,
)
from labgen.providers.vagrant import Box, Vagrant

__all__ = [
    "Box",
    "Endpoint",
    "HeldNetwork",
    "Keeper",
    "Provider",
    "Vagrant",
    "address_conflicts",
    "certainly",
    "default_provider",
    "emulates",
    "free_network",
    "get_provider",
    "keeper_of",
    "provider_names",
    "ranges_in_use",
    "require_keeper",
    "seen_while_booting",
]
