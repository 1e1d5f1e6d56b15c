"""A host's control groups, and a lab that it cannot boot for want of them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from labgen.host.cgroups import has_cgroup_v2
from labgen.lab.model import Lab
from labgen.providers import docker
from labgen.providers.docker import DockerProvider
from labgen.providers.libvirt import LibvirtProvider


@pytest.mark.parametrize(
    ("place", "found"), [("cgroup.procs", True), ("unified/cgroup.procs", True), ("memory/x", False)]
)
def test_v2_alone_or_beside_v1(tmp_path: Path, place: str, found: bool) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).touch()
    assert has_cgroup_v2(tmp_path) == found


def test_a_container_has_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    newer, older = (cast(Lab, SimpleNamespace(os=name)) for name in ("debian-14", "debian-13"))
    monkeypatch.setattr(docker, "has_cgroup_v2", lambda: False)
    refused = DockerProvider().refuses(newer)
    assert refused
    assert refused.what == "Debian 14 boots with cgroup v2 only, and this host has v1 alone"
    assert "mount -t cgroup2" in (refused.cure or "")
    assert DockerProvider().refuses(older) is None
    assert LibvirtProvider().refuses(newer) is None
    monkeypatch.setattr(docker, "has_cgroup_v2", lambda: True)
    assert DockerProvider().refuses(newer) is None
