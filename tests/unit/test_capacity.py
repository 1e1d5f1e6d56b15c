"""Is there enough memory and disk? The figures, the message, and the share that containers need."""

from __future__ import annotations

from pathlib import Path

import pytest
from labs import lab, write_component

from labgen.errors import HostError
from labgen.host import capacity
from labgen.lab.model import Lab
from labgen.providers import get_provider, libvirt


@pytest.fixture
def sample(tmp_path: Path) -> Lab:
    write_component(tmp_path / "components", "agent")
    return lab(tmp_path, {"one": ["agent"], "two": ["agent"]}, "", "nodes.one.memory=1000", "nodes.two.memory=600")


@pytest.mark.parametrize(
    ("provider", "needed"),
    [("docker", 800), ("libvirt/kvm", 1600), ("libvirt/qemu", 1600 + 2 * 700), ("virtualbox", 1600)],
)
def test_needed(sample: Lab, provider: str, needed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, driver = provider.partition("/")
    monkeypatch.setattr(libvirt, "kvm_usable", lambda: driver == "kvm")
    assert get_provider(name).memory_needed(sample) == needed


def test_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "available_memory", lambda: 800)
    capacity.check_memory(800)
    with pytest.raises(HostError) as caught:
        capacity.check_memory(1600)
    assert caught.value.what == "the lab needs 1600 MiB of memory, 800 MiB are available"
    assert caught.value.exit_code == 3


def test_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "free_disk", lambda _: 2300)
    capacity.check_disk(tmp_path, images=1, nodes=2)
    with pytest.raises(HostError) as caught:
        capacity.check_disk(tmp_path, images=2, nodes=0)
    assert caught.value.what == "the lab needs 3000 MiB of disk, 2300 MiB are free"
    assert caught.value.where == str(tmp_path)


def test_this_machine(tmp_path: Path) -> None:
    assert 0 < capacity.available_memory() < 1 << 30
    assert capacity.free_disk(tmp_path / "not" / "there" / "yet") == pytest.approx(
        capacity.free_disk(tmp_path), abs=200
    )
