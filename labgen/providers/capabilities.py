"""What may be done to a provider's machines, and to nothing else with them."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType


class Capability(StrEnum):
    """What a provider says its machines have. What it does not say, they do not have: nothing is assumed."""

    OWN_KERNEL = "own-kernel"
    """A kernel of their own: what is loaded into it, or set in it, is not this host's."""
    OWN_CLOCK = "own-clock"
    """A clock of their own: moved, it does not move this host's."""
    OWN_DISK = "own-disk"
    """A disk of their own: full, it does not fill this host's."""
    POWER = "power"
    """Their power can be cut, and given again (`Provider.control`)."""
    PAUSE = "pause"
    """They can be frozen as a whole, and let go on (`Provider.control`)."""

    @property
    def without(self) -> str:
        """Why what needs this cannot be done with machines that do not have it, as a clause."""
        return _WITHOUT[self]


_WITHOUT = MappingProxyType(
    {
        Capability.OWN_KERNEL: "its machines share this machine's kernel, or it does not say that they do not",
        Capability.OWN_CLOCK: "its machines' clock is this machine's own, or it does not say that it is not",
        Capability.OWN_DISK: "its machines' disk is this machine's own, or it does not say that it is not",
        Capability.POWER: "it does not say how its machines' power is cut",
        Capability.PAUSE: "it does not say how its machines are paused",
    }
)

CONTAINER = frozenset({Capability.POWER, Capability.PAUSE})
"""What containers have that can be stopped, started and paused."""
MACHINE = frozenset(Capability)
"""What a virtual machine has."""
