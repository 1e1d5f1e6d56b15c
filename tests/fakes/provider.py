"""A provider whose machines are words in memory, with a snapshotter that writes down what it is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from labgen.errors import HostError
from labgen.lab.model import Lab
from labgen.providers import Endpoint, Provider, Vagrant
from labgen.providers.snapshotter import Boot, SpaceNeeded


class FakeSnapshotter:
    """Keeps nothing but the names; `on_save` and `on_restore` may raise."""

    def __init__(self, *, live: bool = False, mib: int = 1) -> None:
        self.live = live
        self.mib = mib
        self.snapshots: dict[str, set[str]] = {}
        self.heard: list[str] = []
        self.on_save: Callable[[], object] = lambda: None
        self.on_restore: Callable[[], object] = lambda: None

    def space_needed(self, _lab: Lab) -> SpaceNeeded:
        return SpaceNeeded(self.mib, Path("/"))

    def save(self, lab: Lab, snapshot_id: str) -> dict[str, int]:
        self.heard.append("save")
        self.snapshots[snapshot_id] = {lab.nodes[0].name}
        self.on_save()
        self.snapshots[snapshot_id] = {node.name for node in lab.nodes}
        return {node.name: 3 << 20 for node in lab.nodes}

    def restore(self, lab: Lab, snapshot_id: str, boot: Boot) -> None:
        self.heard.append(f"restore {snapshot_id}")
        self.on_restore()
        if not self.live:
            boot({node.name: f"image-of-{node.name}" for node in lab.nodes})

    def kept(self, _lab: Lab) -> dict[str, frozenset[str]]:
        return {snapshot_id: frozenset(nodes) for snapshot_id, nodes in self.snapshots.items()}

    def drop(self, _lab: Lab, snapshot_id: str) -> None:
        self.snapshots.pop(snapshot_id, None)

    def unpause(self, _lab: Lab) -> None:
        self.heard.append("unpause")

    def release(self, _lab: Lab, nodes: Collection[str]) -> None:
        self.heard.append(f"release {' '.join(nodes)}")

    def purge(self, _lab: Lab) -> None:
        self.snapshots.clear()


class FakeProvider(Provider):
    """Runs docker's labs: all nodes are `running`, but for those that STATES has another word for."""

    name = "docker"
    destroys_in_parallel = True

    def __init__(self, snapshotter: FakeSnapshotter | None, states: Mapping[str, str] | None = None) -> None:
        self.snapshotter = snapshotter
        self.word = dict(states or {})

    def problems(self) -> list[HostError]:
        return []

    def boot_timeout(self, _nodes: int) -> float:
        return 30

    def ssh_timeout(self, _nodes: int) -> float:
        return 1

    def states(self, lab: Lab, _vagrant: Vagrant) -> dict[str, str]:
        return {node.name: self.word.get(node.name, "running") for node in lab.nodes}

    def endpoints(self, _lab: Lab, _vagrant: Vagrant, _key: Path) -> dict[str, Endpoint]:
        return {}
