"""Which control groups this host has: v1, v2, or both."""

from __future__ import annotations

from pathlib import Path

MOUNTED = Path("/sys/fs/cgroup")
BESIDE_V1 = MOUNTED / "unified"


def has_cgroup_v2(mounted: Path = MOUNTED) -> bool:
    """Whether cgroup v2 is there at MOUNTED, alone or beside v1."""
    return any((folder / "cgroup.procs").exists() for folder in (mounted, mounted / BESIDE_V1.name))


def cgroup_versions(mounted: Path = MOUNTED) -> str:
    """What is there at MOUNTED, in words."""
    if (mounted / "cgroup.procs").exists():
        return "v2"
    return "v1, with v2 beside it" if has_cgroup_v2(mounted) else "v1"
