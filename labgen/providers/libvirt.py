"""Machines under QEMU, with KVM where the CPU has it, run by libvirt."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Interface
from pathlib import Path
from urllib.parse import unquote_plus

from labgen.errors import HostError, VagrantError
from labgen.lab.model import Lab
from labgen.providers import base
from labgen.providers.base import VAGRANTFILES, HeldNetwork, MarkedThing, Provider
from labgen.providers.capabilities import MACHINE
from labgen.providers.control import MACHINE_NAME, ControlCommands, MachineAction
from labgen.providers.libvirt_images import LibvirtImages
from labgen.providers.libvirt_snapshotter import LibvirtSnapshotter
from labgen.providers.names import LabNames, machine_name, network_name
from labgen.providers.vagrant import Vagrant
from labgen.providers.virsh import INSTALL, domains, unreachable, uri, virsh, words


def kvm_usable(cpuinfo: Path = Path("/proc/cpuinfo"), device: Path = Path("/dev/kvm")) -> bool:
    """Whether guests run on the CPU itself. The device alone proves nothing: nested hosts show one that hangs."""
    try:
        flags = set(re.findall(r"\b(vmx|svm)\b", cpuinfo.read_text()))
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    return bool(flags)


EMULATOR = 700
"""MiB beside an emulated guest's own: the code that QEMU translates and keeps."""
CONTROL = ControlCommands(
    {
        MachineAction.OFF: ("virsh", "--quiet", "destroy", MACHINE_NAME),
        MachineAction.ON: ("virsh", "--quiet", "start", MACHINE_NAME),
        MachineAction.STOP: ("virsh", "--quiet", "shutdown", MACHINE_NAME),
        MachineAction.PAUSE: ("virsh", "--quiet", "suspend", MACHINE_NAME),
        MachineAction.UNPAUSE: ("virsh", "--quiet", "resume", MACHINE_NAME),
    },
    done=("already active", "already running", "domain is already", "is not running", "failed to get domain"),
    more=lambda: ("--connect", uri()),
)


class LibvirtProvider(Provider):
    """The system's libvirt, or the one that LIBVIRT_DEFAULT_URI names."""

    name = "libvirt"
    capabilities = MACHINE
    control = CONTROL
    images = LibvirtImages()
    snapshotter = LibvirtSnapshotter()
    vagrantfile = VAGRANTFILES / "libvirt.rb.j2"
    range_taken = ("Network is already in use by interface",)
    destroys_in_parallel = False  # its plugin 0.11 has a race there, which leaves a machine behind

    @property
    def emulated(self) -> bool:  # type: ignore[override]
        return not kvm_usable()

    def memory_needed(self, lab: Lab) -> int:
        return super().memory_needed(lab) + (EMULATOR * len(lab.nodes) if self.emulated else 0)

    def driver(self) -> str:
        return "qemu" if self.emulated else "kvm"

    def problems(self) -> list[HostError]:
        found = base.vagrant_missing()
        found += base.missing("virsh", "libvirt", INSTALL)
        found += base.missing(f"qemu-system-{os.uname().machine}", "QEMU", INSTALL)
        if found:
            return found
        answer = virsh("version", "--daemon")
        if answer.rc != 0:
            found.append(unreachable(answer))
        return found + _plugin_missing()

    def boot_timeout(self, nodes: int) -> float:
        # Emulated on two cores, one VM boots in 53 s and seven in 224 s.
        return 120 + 30 * nodes if not self.emulated else 600 + 120 * nodes

    def ssh_timeout(self, nodes: int) -> float:
        return 60 if not self.emulated else 120 + 30 * nodes

    def states(self, lab: Lab, _vagrant: Vagrant) -> dict[str, str]:
        states = domains()
        return {node.name: states.get(machine_name(lab, node.name), "absent") for node in lab.nodes}

    def marked(self) -> list[MarkedThing]:
        # No answer is no libvirt, and no libvirt has no machines.
        return [thing for name in words("list", "--all", "--name") if (thing := _marks(name)).lab]

    def in_the_place_of(self, lab: LabNames) -> list[MarkedThing]:
        names = {machine_name(lab, node.name): node.name for node in lab.nodes}
        found = [_marks(name) for name in words("list", "--all", "--name") if name in names]
        # One without a mark is of a labgen that made none, or of a stranger: Vagrant's id tells.
        return [thing if thing.lab else replace(thing, lab=lab.name, node=names[thing.name]) for thing in found]

    def reclaim(self, lab: LabNames, nodes: Sequence[str]) -> None:
        names = {machine_name(lab, node) for node in nodes}
        # A name alone proves nothing; the description is labgen's.
        for name in sorted(thing.name for thing in self.marked() if thing.lab == lab.name and thing.name in names):
            virsh("destroy", name)
            virsh("undefine", name, "--managed-save", "--snapshots-metadata", "--remove-all-storage", timeout=120)
        if len(nodes) == len(lab.nodes) and not any(thing.lab == lab.name for thing in self.marked()):
            virsh("net-destroy", network_name(lab))
            virsh("net-undefine", network_name(lab))

    def leftovers(self, lab: LabNames) -> list[str]:
        names = {machine_name(lab, node.name) for node in lab.nodes}
        left = [f"domain {name}" for name in sorted(domains()) if name in names]
        left += [f"network {name}" for name in words("net-list", "--all", "--name") if name == network_name(lab)]
        for pool in words("pool-list", "--name"):
            listed = (line.split()[0] for line in virsh("vol-list", "--pool", pool).stdout.splitlines() if line.strip())
            left += [f"volume {volume}" for volume in listed if any(_is_disk(volume, name) for name in names)]
        return left

    def networks(self, lab: Lab) -> list[HeldNetwork]:
        held = []
        for name in words("net-list", "--all", "--name"):
            own, cure = name == network_name(lab), base.network_cure(name, f"virsh net-destroy {name}")
            for cidr, device in _ranges(virsh("net-dumpxml", name).stdout):
                held.append(HeldNetwork(cidr, f"libvirt network {name}", device, own, cure, name.startswith("labgen-")))
        return held


def _plugin_missing() -> list[HostError]:
    try:
        there = "vagrant-libvirt" in Vagrant(Path("/")).plugins()  # from where no Vagrantfile is
    except VagrantError as error:
        return [HostError(error.what, detail=error.detail, cure=error.cure)]
    return [] if there else [HostError("Vagrant's plugin for libvirt is not installed", cure=INSTALL)]


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


def _marks(domain: str) -> MarkedThing:
    """What vagrantfiles/libvirt/owner.rb wrote into DOMAIN's description."""
    written = dict(re.findall(r"labgen\.(\w+)=(\S*)", virsh("desc", domain).stdout))
    said = {key: unquote_plus(value) for key, value in written.items() if key in ("lab", "node", "owner", "origin")}
    return MarkedThing("domain", domain, id=virsh("domuuid", domain).stdout.strip(), **said)


def _is_disk(volume: str, domain: str) -> bool:
    return volume.startswith(f"{domain}.") or re.fullmatch(rf"{re.escape(domain)}-[a-z]+\.\w+", volume) is not None
