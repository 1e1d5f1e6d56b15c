"""Machines seen from the host: the provider's commands for a machine's power, and for freezing it."""

from __future__ import annotations

from labgen.lab.model import Lab
from labgen.providers import MachineAction, get_provider

ACTIONS = {
    "off": MachineAction.OFF,
    "on": MachineAction.ON,
    "freeze": MachineAction.PAUSE,
    "thaw": MachineAction.UNPAUSE,
}

# What the tools say where there is nothing left to do.
ALREADY = ("is not paused", "already active", "already running", "domain is already", "is not running", "not in state")


def command(lab: Lab, node: str, what: str) -> tuple[str, ...]:
    """The command on this host that does WHAT (off, on, freeze, thaw) to the machine of NODE."""
    control = get_provider(lab.provider).control
    assert control is not None  # noqa: S101
    return control.command(lab, node, ACTIONS[what])
