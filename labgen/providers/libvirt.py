"""Machines under QEMU, with KVM where the CPU has it, run by libvirt."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from ipaddress import IPv4Interface
from pathlib import Path

from labgen.errors import HostError
from labgen.lab.model import Lab
from labgen.providers import base
from labgen.providers.base import HeldNetwork, ask
from labgen.providers.endpoint import Endpoint
from labgen.providers.libvirt_keeper import LibvirtKeeper
from labgen.providers.vagrant import Vagrant
from labgen.providers.virsh import INSTALL, domains, unreachable, virsh, words


def kvm_usable(cpuinfo: Path = Path("/proc/cpuinfo"), device: Path = Path("/dev/kvm")) -> bool:
    """Whether guests run on the CPU itself. The device alone proves nothing: nested hosts show one that hangs."""
    try:
        flags = set(re.findall(r"\b(vmx|svm)\b", cpuinfo.read_text()))
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    return bool(flags)


class LibvirtProvider:
    """The system's libvirt, or the one that LIBVIRT_DEFAULT_URI names."""

    name = "libvirt"
    destroys_in_parallel = False  # its plugin 0.11 has a race there, which leaves a machine behind
    keeper = LibvirtKeeper()

    def driver(self) -> str:
        return "kvm" if kvm_usable() else "qemu"

    def problems(self) -> list[HostError]:
        found = base.vagrant_missing()
        found += base.missing("virsh", "libvirt", INSTALL)
        found += base.missing(f"qemu-system-{os.uname().machine}", "QEMU", INSTALL)
        if found:
            return found
        answer = virsh("version", "--daemon")
        if answer.rc != 0:
            found.append(unreachable(answer))
        if "vagrant-libvirt" not in ask(["vagrant", "plugin", "list"], timeout=60).stdout:
            found.append(HostError("Vagrant's plugin for libvirt is not installed", cure=INSTALL))
        return found

    def boot_timeout(self, nodes: int) -> float:
        # Emulated on two cores, one VM boots in 53 s and seven in 224 s.
        return 120 + 30 * nodes if self.driver() == "kvm" else 600 + 120 * nodes

    def ssh_timeout(self, nodes: int) -> float:
        return 60 if self.driver() == "kvm" else 120 + 30 * nodes

    def states(self, lab: Lab, _vagrant: Vagrant) -> dict[str, str]:
        states = domains()
        return {node.name: states.get(base.machine(lab, node.name), "absent") for node in lab.nodes}

    def endpoints(self, _lab: Lab, vagrant: Vagrant, key: Path) -> dict[str, Endpoint]:
        return vagrant.ssh_config(key)

    def reclaim(self, _lab: Lab, _nodes: Sequence[str]) -> None:
        """Not done here: `leftovers` names what is left."""

    def leftovers(self, lab: Lab) -> list[str]:
        names = {base.machine(lab, node.name) for node in lab.nodes}
        left = [f"domain {name}" for name in sorted(domains()) if name in names]
        left += [f"network {name}" for name in words("net-list", "--all", "--name") if name == base.network(lab)]
        for pool in words("pool-list", "--name"):
            listed = (line.split()[0] for line in virsh("vol-list", "--pool", pool).stdout.splitlines() if line.strip())
            left += [f"volume {volume}" for volume in listed if any(_is_disk(volume, name) for name in names)]
        return left

    def networks(self, lab: Lab) -> list[HeldNetwork]:
        held = []
        for name in words("net-list", "--all", "--name"):
            own, cure = name == base.network(lab), base.network_cure(name, f"virsh net-destroy {name}")
            for cidr, device in _ranges(virsh("net-dumpxml", name).stdout):
                held.append(HeldNetwork(cidr, f"libvirt network {name}", device, own, cure))
        return held


def _ranges(xml: str) -> list[tuple[str, str | None]]:
    """IPv4 ranges and bridge in the XML of a libvirt network."""
    from xml.etree import ElementTree  # noqa: PLC0415 - every command imports this module, few ask libvirt

    try:
        network = ElementTree.fromstring(xml)  # noqa: S314 - libvirt wrote it
    except ElementTree.ParseError:
        return []
    bridge = network.find("bridge")
    device = None if bridge is None else bridge.get("name")
    ranges = []
    for ip in network.findall("ip"):
        if ip.get("family", "ipv4") == "ipv4" and (address := ip.get("address")):
            mask = ip.get("netmask") or ip.get("prefix", "32")
            ranges.append((str(IPv4Interface(f"{address}/{mask}").network), device))
    return ranges


def _is_disk(volume: str, domain: str) -> bool:
    return volume.startswith(f"{domain}.") or re.fullmatch(rf"{re.escape(domain)}-[a-z]+\.\w+", volume) is not None
