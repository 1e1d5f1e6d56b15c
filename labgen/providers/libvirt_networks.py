"""The networks that kept machines are on, noted in each machine's metadata, from which they are made again.

Vagrant removes the one that it manages machines over with the last machine that runs there, whoever's that is.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from labgen.errors import OperationError
from labgen.lab.model import Lab
from labgen.providers.names import machine_name
from labgen.providers.snapshot_tools import require_ok
from labgen.providers.virsh import virsh, words

NOTE = ("--uri", "urn:labgen:networks")


def note_networks(lab: Lab) -> None:
    """Write down in every machine of the lab which networks it is on, and how they are made."""
    for node in lab.nodes:
        machine = machine_name(lab, node.name)
        made = (virsh("net-dumpxml", network, "--inactive").stdout for network in sorted(_networks(machine)))
        text = f"<networks>{''.join(made)}</networks>"
        answer = virsh("metadata", machine, *NOTE, "--key", "labgen", "--set", text, "--live", "--config")
        require_ok(answer, f"the networks of {node.name} cannot be noted", lab)


def start_networks(lab: Lab) -> None:
    """Every network that a machine of the lab is on exists, and runs; raises OperationError."""
    there, wanted = set(words("net-list", "--all", "--name")), set[str]()
    for node in lab.nodes:
        machine = machine_name(lab, node.name)
        networks = _networks(machine)
        for network in sorted(networks - there - wanted):
            _define(lab, machine, network)
        wanted |= networks
    for network in sorted(wanted & set(words("net-list", "--inactive", "--name"))):
        require_ok(virsh("net-start", network), f"the network {network} does not start", lab)


def _networks(machine: str) -> set[str]:
    """The names of the networks that a machine, on or off, has an interface in."""
    return set(re.findall(r"^\s*\S+\s+network\s+(\S+)", virsh("domiflist", machine).stdout, re.MULTILINE))


def _define(lab: Lab, machine: str, network: str) -> None:
    noted = virsh("metadata", machine, *NOTE).stdout
    made = re.findall(r"<network\b.*?</network>", noted, re.DOTALL)
    text = next((one for one in made if f"<name>{network}</name>" in one), None)
    if text is None:
        raise OperationError(
            f"the network {network} is gone, and {machine} has no note of it",
            where=lab.name,
            cure=f"labgen up {lab.name} has Vagrant make it; then restore the checkpoint again",
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.xml"
        file.write_text(text, encoding="utf-8")
        require_ok(virsh("net-define", str(file)), f"the network {network} cannot be made again", lab)
