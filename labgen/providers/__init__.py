"""Drives Vagrant, and knows what its providers can, need, hold and leave behind."""

from labgen.providers.base import HeldNetwork, MarkedThing, Provider
from labgen.providers.boxes import have_box
from labgen.providers.capabilities import Capability
from labgen.providers.control import MachineAction, MachineControl
from labgen.providers.endpoint import Endpoint
from labgen.providers.names import KnownNames, LabNames
from labgen.providers.networks import address_conflicts, free_network, ranges_in_use, ways_hidden
from labgen.providers.offers import providers_that, require_images, require_snapshotter, who_makes_images
from labgen.providers.registry import all_providers, default_provider, get_provider, provider_names
from labgen.providers.snapshot_tools import uninterruptible
from labgen.providers.snapshotter import Snapshotter
from labgen.providers.vagrant import Vagrant, VagrantBox

__all__ = [
    "Capability",
    "Endpoint",
    "HeldNetwork",
    "KnownNames",
    "LabNames",
    "MachineAction",
    "MachineControl",
    "MarkedThing",
    "Provider",
    "Snapshotter",
    "Vagrant",
    "VagrantBox",
    "address_conflicts",
    "all_providers",
    "default_provider",
    "free_network",
    "get_provider",
    "have_box",
    "provider_names",
    "providers_that",
    "ranges_in_use",
    "require_images",
    "require_snapshotter",
    "uninterruptible",
    "ways_hidden",
    "who_makes_images",
]
