"""A provider whose machines are words in memory, with a keeper that writes down what it is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from labgen.errors import HostError
from labgen.lab.model import Lab
from labgen.providers import Endpoint, HeldNetwork, Vagrant
from labgen.providers.keeper import Boot, Room


class FakeKeeper:
    """Keeps nothing but the names; `on_save` and `on_restore` may raise."""

    def __init__(self, *, live: bool = False, mib: int = 1) -> None:
        self.live = live
        self.mib = mib
        self.marks: dict[str, set[str]] = {}
        self.heard: list[str] = []
        self.on_save: Callable[[], object] = lambda: None
        self.on_restore: Callable[[], object] = lambda: None

    def room(self, _lab: Lab) -> Room:
        return Room(self.mib, Path("/"))

    def save(self, lab: Lab, mark: str) -> dict[str, int]:
        self.heard.append("save")
        self.marks[mark] = {lab.nodes[0].name}
        self.on_save()
        self.marks[mark] = {node.name for node in lab.nodes}
        return {node.name: 3 << 20 for node in lab.nodes}

    def restore(self, lab: Lab, mark: str, boot: Boot) -> None:
        self.heard.append(f"restore {mark}")
        self.on_restore()
        if not self.live:
            boot({node.name: f"image-of-{node.name}" for node in lab.nodes})

    def kept(self, _lab: Lab) -> dict[str, frozenset[str]]:
        return {mark: frozenset(nodes) for mark, nodes in self.marks.items()}

    def drop(self, _lab: Lab, mark: str) -> None:
        self.marks.pop(mark, None)

    def thaw(self, _lab: Lab) -> None:
        self.heard.append("thaw")

    def release(self, _lab: Lab, nodes: Collection[str]) -> None:
        self.heard.append(f"release {' '.join(nodes)}")

    def sweep(self, _lab: Lab) -> None:
        self.marks.clear()


class FakeProvider:
    """Runs docker's labs: all nodes are `running`, but for those that STATES has another word for."""

    name = "docker"
    destroys_in_parallel = True

    def __init__(self, keeper: FakeKeeper | None, states: Mapping[str, str] | None = None) -> None:
        self.keeper = keeper
        self.word = dict(states or {})

    def driver(self) -> str:
        return ""

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

    def leftovers(self, _lab: Lab) -> list[str]:
        return []

    def reclaim(self, _lab: Lab, _nodes: Collection[str]) -> None: ...

    def networks(self, _lab: Lab) -> list[HeldNetwork]:
        return []
