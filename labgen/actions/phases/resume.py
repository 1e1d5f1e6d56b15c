"""Resume: machines that stand still because a save was killed go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labgen.actions.phases.base import UpRequest
from labgen.checkpoint.clocks import set_clocks
from labgen.providers import Snapshotter
from labgen.provision import Connections


@dataclass(frozen=True)
class Resume:
    name: ClassVar[str] = "resume"
    title: ClassVar[str] = "Resume"

    request: UpRequest

    def work(self) -> Snapshotter | None:
        snapshotter = self.request.provider.snapshotter
        return snapshotter if snapshotter and "paused" in self.request.machines.states.values() else None

    def run(self, work: Snapshotter) -> None:
        lab, folder, machines = self.request.lab, self.request.folder, self.request.machines
        work.unpause(lab)
        machines.refresh()
        if work.live:
            places = machines.endpoints(folder.key)
            with Connections(places, folder.known_hosts, timeout=self.request.ssh_timeout) as connections:
                set_clocks(connections, lab.name)
