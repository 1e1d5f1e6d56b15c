"""Is there enough memory and disk for a lab?"""

from __future__ import annotations

import shutil
from pathlib import Path

from labgen.errors import HostError
from labgen.lab.model import Lab

MIB = 1 << 20
# Containers share the host's page cache and kernel: measured, a node uses less than half of what its VM is given.
SHARE_IN_CONTAINER = 0.5
EMULATOR = 700  # MiB beside the guest's own: the code that QEMU translates and keeps
DISK_PER_NODE = 400  # MiB: data directory, WAL and logs of a lab at rest
DISK_PER_IMAGE = 1500  # MiB: a root filesystem unpacked, packed and imported


def available_memory() -> int:
    """MiB that programs can have without swapping."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return 0


def free_disk(path: Path) -> int:
    """MiB free on the file system that holds PATH, or will hold it."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free // MIB


def needed_memory(lab: Lab, driver: str) -> int:
    """MiB that the lab's nodes will use; DRIVER is the provider's."""
    total = sum(node.memory for node in lab.nodes)
    if lab.provider == "docker":
        return int(total * SHARE_IN_CONTAINER)
    return total + (EMULATOR * len(lab.nodes) if driver == "qemu" else 0)


def check_memory(lab: Lab, driver: str) -> None:
    """Raise HostError when the lab does not fit into memory."""
    needed, available = needed_memory(lab, driver), available_memory()
    if needed > available:
        raise HostError(
            f"the lab needs {needed} MiB of memory, {available} MiB are available",
            cure="stop something (labgen list shows the labs), or give nodes less: --set nodes.NODE.memory=…",
        )


def check_disk(path: Path, images: int, nodes: int) -> None:
    """Raise HostError when there is no room below PATH for so many new images and nodes."""
    needed, free = images * DISK_PER_IMAGE + nodes * DISK_PER_NODE, free_disk(path)
    if needed > free:
        raise HostError(
            f"the lab needs {needed} MiB of disk, {free} MiB are free",
            where=path,
            cure="make room (labgen image prune removes images that no lab uses), or set LABGEN_CACHE to another disk",
        )
