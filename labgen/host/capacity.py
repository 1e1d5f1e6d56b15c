"""Is there enough memory and disk for a lab?"""

from __future__ import annotations

import shutil
from pathlib import Path

from labgen.errors import HostError

MIB = 1 << 20
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


def check_memory(needed: int) -> None:
    """Raise HostError when a lab that needs so many MiB does not fit into memory."""
    available = available_memory()
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
