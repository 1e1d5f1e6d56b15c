"""Machines kept as snapshots inside their own qcow2 disks: memory and disk at one moment."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from labgen.lab.model import Lab
from labgen.providers.libvirt_networks import note_networks, start_networks
from labgen.providers.names import LabNames, machine_name
from labgen.providers.snapshot_tools import require_ok, side_by_side, uninterruptible
from labgen.providers.snapshotter import Boot, SpaceNeeded
from labgen.providers.virsh import domains, virsh, words

PREFIX = "labgen-"
"""Begins the name of each snapshot: others are somebody's own, and are left alone."""
TIMEOUT = 600.0
"""Seconds for one machine: its whole memory is written to the disk."""
BUSY = 90.0
"""Seconds for a machine to go on: a snapshot under way comes to its end first."""
IMAGES = Path("/var/lib/libvirt/images")


class LibvirtSnapshotter:
    """Suspends all machines, takes a snapshot of each, lets them go on; comes back by reverting to them."""

    live = True

    def space_needed(self, lab: Lab) -> SpaceNeeded:
        # A disk is only noted down in a snapshot; memory is written, zeroes aside.
        listed = virsh("domblklist", machine_name(lab, lab.nodes[0].name), "--details").stdout
        disks = re.findall(r"^\s*file\s+disk\s+\S+\s+(/.+?)\s*$", listed, re.MULTILINE)
        return SpaceNeeded(sum(node.memory for node in lab.nodes), Path(disks[0]).parent if disks else IMAGES)

    def save(self, lab: Lab, snapshot_id: str) -> dict[str, int]:
        nodes = [node.name for node in lab.nodes]
        before = {node: _allocated(lab, node) for node in nodes}
        note_networks(lab)
        try:
            for node in nodes:
                require_ok(virsh("suspend", machine_name(lab, node)), f"{node} cannot be suspended", lab)
            side_by_side(lambda node: _snapshot(lab, node, snapshot_id), nodes)
            after = {node: _allocated(lab, node) for node in nodes}
        finally:
            uninterruptible(lambda: self.unpause(lab))
        return {node: max(after[node] - before[node], 0) for node in nodes}

    def restore(self, lab: Lab, snapshot_id: str, boot: Boot) -> None:  # noqa: ARG002
        nodes = [node.name for node in lab.nodes]
        start_networks(lab)
        # All stand still until the last one is back: nobody sees a cluster that is half of then and half of now.
        side_by_side(lambda node: _revert(lab, node, snapshot_id), nodes)
        self.unpause(lab)

    def kept(self, lab: LabNames) -> dict[str, frozenset[str]]:
        there = domains()
        found: dict[str, set[str]] = {}
        for node in lab.nodes:
            if machine_name(lab, node.name) in there:
                for snapshot_id in _snapshots(machine_name(lab, node.name)):
                    found.setdefault(snapshot_id, set()).add(node.name)
        return {snapshot_id: frozenset(nodes) for snapshot_id, nodes in found.items()}

    def drop(self, lab: LabNames, snapshot_id: str) -> None:
        for node in sorted(self.kept(lab).get(snapshot_id, ())):
            machine = machine_name(lab, node)
            answer = virsh("snapshot-delete", machine, "--snapshotname", f"{PREFIX}{snapshot_id}", timeout=TIMEOUT)
            require_ok(answer, f"the snapshot of {node} stays", lab)

    def unpause(self, lab: LabNames) -> None:
        there = domains()
        paused = [node.name for node in lab.nodes if there.get(machine_name(lab, node.name)) == "paused"]
        # Each is tried before the first failure is told.
        answers = {node: virsh("resume", machine_name(lab, node), timeout=BUSY) for node in paused}
        for node, answer in answers.items():
            require_ok(answer, f"{node} stays suspended", lab)

    def release(self, lab: LabNames, nodes: Collection[str]) -> None:
        there = domains()
        for machine in (machine_name(lab, node) for node in nodes):
            if machine in there:
                # The disk goes with the machine, so it is enough that libvirt forgets what is in it.
                for snapshot_id in _snapshots(machine):
                    virsh("snapshot-delete", machine, "--snapshotname", f"{PREFIX}{snapshot_id}", "--metadata")

    def purge(self, lab: LabNames) -> None:
        """Snapshots lie in the machines' disks, and are gone with them."""


def _snapshot(lab: Lab, node: str, snapshot_id: str) -> None:
    text = ("--name", f"{PREFIX}{snapshot_id}", "--description", f"labgen checkpoint of {lab.name}")
    answer = virsh("snapshot-create-as", machine_name(lab, node), *text, timeout=TIMEOUT)
    require_ok(answer, f"{node} cannot be kept", lab)


def _revert(lab: Lab, node: str, snapshot_id: str) -> None:
    words = (machine_name(lab, node), "--snapshotname", f"{PREFIX}{snapshot_id}", "--paused")
    require_ok(virsh("snapshot-revert", *words, timeout=TIMEOUT), f"{node} cannot be brought back", lab)


def _snapshots(machine: str) -> list[str]:
    names = words("snapshot-list", machine, "--name")
    return [name.removeprefix(PREFIX) for name in names if re.fullmatch(rf"{PREFIX}[a-z0-9]+", name)]


def _allocated(lab: Lab, node: str) -> int:
    """Bytes that the machine's disks take now; 0 if libvirt does not say."""
    return parse_allocated(virsh("domblkinfo", machine_name(lab, node), "--all").stdout)


def parse_allocated(text: str) -> int:
    """The column `Allocation` of `virsh domblkinfo --all`, summed up."""
    rows = re.findall(r"^\s*\S+\s+\d+\s+(\d+)\s+\d+\s*$", text, re.MULTILINE)
    return sum(map(int, rows))
