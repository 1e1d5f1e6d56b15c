"""What a lab's machines and network are called on this host, whoever runs them."""

from __future__ import annotations

from labgen.lab.model import Lab


def machine_name(lab: Lab, node: str) -> str:
    """The name of a node's container or domain on this host."""
    return f"labgen-{lab.name}-{node}"


def network_name(lab: Lab) -> str:
    """The name of the lab's network on this host."""
    return f"labgen-{lab.name}"
