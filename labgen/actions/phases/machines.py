"""A lab's machines, as its provider and Vagrant say they are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from labgen.lab.model import Lab
from labgen.providers import Endpoint, Provider, Vagrant


@dataclass
class LabMachines:
    """The machines of LAB; VAGRANT makes them with PROVIDER, who is asked for their states."""

    lab: Lab
    provider: Provider
    vagrant: Vagrant
    _states: dict[str, str] = field(default_factory=dict)

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.lab.nodes)

    @property
    def states(self) -> dict[str, str]:
        """Node → state of its machine, as the provider said when it was asked last."""
        return self._states or self.refresh()

    def refresh(self) -> dict[str, str]:
        """The same, asked now: to be called after anything that may have changed a machine."""
        self._states = self.provider.states(self.lab, self.vagrant)
        return self._states

    def new(self) -> tuple[str, ...]:
        """The nodes that have to be made. One that Vagrant has no id of was cut off while it was: it is made anew."""
        lost = self.vagrant.lost(self.nodes, self.lab.provider)
        return tuple(node for node, state in self.states.items() if state == "absent" or node in lost)

    def running(self, nodes: Collection[str]) -> tuple[str, ...]:
        """Those of NODES that Vagrant has booted, asked now."""
        lost = self.vagrant.lost(nodes, self.lab.provider)
        if len(lost) == len(nodes):
            return ()  # known without asking the provider
        states = self.refresh()
        return tuple(node for node in nodes if node not in lost and states[node] == "running")

    def endpoints(self, key: Path) -> dict[str, Endpoint]:
        """Node → where it answers SSH with the private key in the file KEY, of those that run."""
        return self.provider.endpoints(self.lab, self.vagrant, key)
