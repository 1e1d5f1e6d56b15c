"""Machines under VirtualBox. Rendered and validated by the tests, but not booted by them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from labgen.errors import HostError
from labgen.lab.model import Lab
from labgen.providers import base
from labgen.providers.base import HeldNetwork, ask
from labgen.providers.endpoint import Endpoint
from labgen.providers.vagrant import Vagrant

INSTALL = "install VirtualBox (virtualbox.org, or your distribution's package), or choose another: --provider docker"


class VirtualboxProvider:
    """VirtualBox on this host."""

    name = "virtualbox"
    destroys_in_parallel = False
    no_keeper = "labgen renders its machines, and has not been tried on them"

    def driver(self) -> str:
        return ""

    def problems(self) -> list[HostError]:
        found = base.vagrant_missing()
        if missing := base.missing("VBoxManage", "VirtualBox", INSTALL):
            return found + missing
        answer = ask(["VBoxManage", "--version"])
        # Without its kernel module, VirtualBox still answers, and only warns.
        if answer.rc != 0 or "WARNING" in answer.stdout + answer.stderr:
            said = (answer.stderr or answer.stdout).strip().splitlines()[:4]
            found.append(
                HostError("VirtualBox is not ready", detail=said, cure="load its module: sudo /sbin/vboxconfig")
            )
        return found

    def boot_timeout(self, nodes: int) -> float:
        return 180 + 90 * nodes

    def ssh_timeout(self, _nodes: int) -> float:
        return 60

    def states(self, lab: Lab, vagrant: Vagrant) -> dict[str, str]:
        known = vagrant.status()
        return {node.name: known.get(node.name, "absent") for node in lab.nodes}

    def endpoints(self, _lab: Lab, vagrant: Vagrant, key: Path) -> dict[str, Endpoint]:
        return vagrant.ssh_config(key)

    def reclaim(self, _lab: Lab, _nodes: Sequence[str]) -> None:
        """Not done here: `leftovers` names what is left."""

    def leftovers(self, lab: Lab) -> list[str]:
        names = {base.machine(lab, node.name) for node in lab.nodes}
        listed = re.findall(r'^"(.+)" \{', ask(["VBoxManage", "list", "vms"]).stdout, re.MULTILINE)
        return [f"machine {name}" for name in listed if name in names]

    def networks(self, _lab: Lab) -> list[HeldNetwork]:
        # Host-only networks are interfaces of the host, and are shared between machines by design.
        return []
