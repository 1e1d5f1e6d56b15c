"""What labgen asks of a provider that can keep the machines of a lab as they are at one moment, and bring them back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from labgen.lab.model import Lab
from labgen.providers.names import LabNames

Boot = Callable[[Mapping[str, str]], None]
"""Has Vagrant make the machines of nodes that have none, from these images: node → image."""


@dataclass(frozen=True)
class SpaceNeeded:
    """What a checkpoint will take: MiB, and the folder on whose file system."""

    mib: int
    place: Path


class Snapshotter(Protocol):
    """Keeps machines under a snapshot id: a word of lower-case letters and digits that no other checkpoint has.

    Each method raises OperationError when the provider's tool fails.
    """

    live: bool
    """Whether memory is kept too: then machines go on where they were, only their clocks have stood still."""

    def space_needed(self, lab: Lab, /) -> SpaceNeeded:
        """What keeping the lab's machines now will take, at most."""
        ...

    def save(self, lab: Lab, snapshot_id: str, /) -> dict[str, int]:
        """Keep all machines, which run, as they are at one moment; node → bytes. They run again when this returns,
        or raises, be it for Ctrl-C."""
        ...

    def restore(self, lab: Lab, snapshot_id: str, boot: Boot, /) -> None:
        """Bring all machines back as SNAPSHOT_ID has them, and running; BOOT makes those that have to be made anew."""
        ...

    def kept(self, lab: Lab, /) -> dict[str, frozenset[str]]:
        """Snapshot id → the nodes that something is kept of, for every snapshot_id of the lab, whole or not."""
        ...

    def drop(self, lab: Lab, snapshot_id: str, /) -> None:
        """Remove what is kept under SNAPSHOT_ID; what a machine is made of stays until that goes."""
        ...

    def unpause(self, lab: LabNames, /) -> None:
        """Have machines go on that a `save` which was killed has left paused."""
        ...

    def release(self, lab: LabNames, nodes: Collection[str], /) -> None:
        """Called before the machines of NODES are destroyed: nothing that is kept may stand in the way."""
        ...

    def purge(self, lab: LabNames, /) -> None:
        """Remove everything that is kept of the lab, whose machines are gone."""
        ...
