"""A host's control groups, and a lab that it cannot boot for want of them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from labgen.host.cgroups import cgroup_versions, has_cgroup_v2
from labgen.lab.model import Lab
from labgen.providers import docker
from labgen.providers.docker import DockerProvider
from labgen.providers.libvirt import LibvirtProvider


@pytest.mark.parametrize(
    ("place", "found", "words"),
    [
        ("cgroup.procs", True, "v2"),
        ("unified/cgroup.procs", True, "v1, with v2 beside it"),
        ("memory/x", False, "v1"),
    ],
)
def test_v2_alone_or_beside_v1(tmp_path: Path, place: str, found: bool, words: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).touch()
    assert has_cgroup_v2(tmp_path) == found
    assert cgroup_versions(tmp_path) == words


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
