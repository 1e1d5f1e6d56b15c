"""What labgen asks of a provider. Vagrant boots the machines; a provider knows its own tools, names and timeouts."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labgen.errors import HostError
from labgen.lab.model import Lab
from labgen.providers.capabilities import Capability
from labgen.providers.control import MachineControl
from labgen.providers.endpoint import Endpoint
from labgen.providers.image_maker import ImageMaker
from labgen.providers.names import LabNames
from labgen.providers.snapshotter import Snapshotter
from labgen.providers.vagrant import INSTALL_VAGRANT, Vagrant
from labgen.state import Owner, find_lab, owner

VAGRANTFILES = Path(__file__).parent / "vagrantfiles"
"""The built-in providers' parts of the Vagrantfile."""


@dataclass(frozen=True)
class HeldNetwork:
    """An address range that something on this host holds. `device` is its bridge, `own`: it belongs to the lab.

    lab: it is another lab's. passes: nobody lives there as far as this host knows, it is only the way (a VPN's, or by a
    router), so that a smaller range within can be had.
    """

    cidr: str
    holder: str
    device: str | None = None
    own: bool = False
    cure: str | None = None
    lab: bool = False
    passes: bool = False


@dataclass(frozen=True)
class MarkedThing:
    """A machine or network on this host, and what labgen wrote on it; empty where it did not.

    kind: `container`, `network` … name: its own. lab, node: whose it says it is. owner, origin: who made it, for
    programs and for people. id: Vagrant's for it.
    """

    kind: str
    name: str
    lab: str = ""
    node: str = ""
    owner: str = ""
    origin: str = ""
    id: str = ""


class Provider:
    """One of Vagrant's providers. Third parties derive theirs from this class, and register it in the entry-point group
    `labgen.providers`, under its `name`.

    What is not said is refused, never assumed: nothing here but the name has to be given, and then labgen boots a
    vendor's box through Vagrant, and does to it what can be done inside a machine without harm to this host.
    """

    name: str
    """Vagrant's own word for it."""
    capabilities: frozenset[Capability] = frozenset()
    """What may be done to its machines; drills refuse what needs more."""
    control: MachineControl | None = None
    """How machines are powered and paused from this host; needed by what says Capability.POWER or PAUSE."""
    images: ImageMaker | None = None
    """How labgen makes the images that it boots; None: it boots a vendor's box."""
    snapshotter: Snapshotter | None = None
    """How machines are kept for checkpoints; None: they are not."""
    no_snapshots: str = "it offers none"
    """Why there is no snapshotter, as a clause."""
    vagrantfile: Path | None = None
    """Its part of the Vagrantfile, a template `NAME.rb.j2` that makes one machine, from `n`, an entry of NODES; Ruby
    files in a folder NAME beside it go along. None: box, name and address of each machine, as Vagrant has them."""
    range_taken: tuple[str, ...] = ()
    """What it says where it cannot have the range of a network, since another has it."""
    vagrant_plugins: bool = True
    """Whether Vagrant needs its plugins for it: to load the installed ones takes time."""
    destroys_in_parallel: bool = False
    """Whether several of its machines may be destroyed at the same time."""
    seen_while_booting: bool = False
    """Whether `states` and `endpoints` answer cheaply and without Vagrant, while Vagrant boots other machines."""
    emulated: bool = False
    """Whether its machines are emulated on this host: several times slower than real ones, and with pauses."""

    def __init_subclass__(cls, **more: object) -> None:
        super().__init_subclass__(**more)
        if cls.control is None and cls.capabilities & {Capability.POWER, Capability.PAUSE}:
            raise TypeError(f"{cls.__name__} says that it has power or pause, and has no `control` that does it")

    def driver(self) -> str:
        """How the machines are run, where there is a choice: `kvm` or `qemu`; else an empty string."""
        return ""

    def problems(self) -> list[HostError]:
        """What keeps this host from using the provider, each with its cure; empty if it is ready."""
        return vagrant_missing()

    def refuses(self, lab: Lab, /) -> HostError | None:  # noqa: ARG002
        """What keeps this host from booting just this lab's operating system, where it can boot others; else None."""
        return None

    def memory_needed(self, lab: Lab, /) -> int:
        """MiB of this host's memory that the lab's machines will use."""
        return sum(node.memory for node in lab.nodes)

    def boot_timeout(self, nodes: int, /) -> float:
        """Seconds that `vagrant up` may take for so many nodes."""
        return 180 + 90 * nodes

    def ssh_timeout(self, nodes: int, /) -> float:  # noqa: ARG002 - others need longer for more of them
        """Seconds that a node may take after that to answer SSH."""
        return 60

    def states(self, lab: Lab, vagrant: Vagrant, /) -> dict[str, str]:
        """Node → `running`, `stopped`, `paused`, `absent`, or the provider's own word."""
        known = vagrant.status()
        return {node.name: known.get(node.name, "absent") for node in lab.nodes}

    def endpoints(self, lab: Lab, vagrant: Vagrant, key: Path, /) -> dict[str, Endpoint]:  # noqa: ARG002
        """Where the running nodes answer SSH, not over the lab's own network."""
        return vagrant.ssh_config(key)

    def marked(self) -> list[MarkedThing]:
        """Everything here that says itself that it is of a lab, whoever made it."""
        return []

    def in_the_place_of(self, lab: LabNames, /) -> list[MarkedThing]:  # noqa: ARG002
        """Everything here that has a name which the lab's machines or network would have, whoever made it."""
        return []

    def nodes_there(self, name: str, /) -> list[str]:
        """The nodes of the lab NAME whose machines exist here and say so themselves, without the lab's folder."""
        return sorted({thing.node for thing in self.marked() if thing.lab == name and thing.node})

    def leftovers(self, lab: LabNames, /) -> list[str]:  # noqa: ARG002
        """What of the lab still exists here, as `kind name`; after a destroy this is empty."""
        return []

    @property
    def knows_leftovers(self) -> bool:
        """Whether `leftovers` tells anything; else Vagrant's word counts."""
        return type(self).leftovers is not Provider.leftovers

    def reclaim(self, lab: LabNames, nodes: Sequence[str], /) -> None:
        """Remove the machines of NODES without Vagrant, which has lost them: it was cut off while it made them.

        A provider that cannot leaves them; `leftovers` goes on naming them.
        """

    def networks(self, lab: Lab, /) -> list[HeldNetwork]:  # noqa: ARG002
        """The address ranges that the provider's networks hold, used or not; empty if it cannot be asked."""
        return []


def network_cure(name: str, by_hand: str, made_by: Owner | None = None) -> str:
    """How to be rid of a network called NAME: another lab of this user is destroyed, anything else removed BY_HAND.

    made_by: whose it says it is.
    """
    if name.startswith("labgen-"):
        lab = name.removeprefix("labgen-")
        if find_lab(lab) and (made_by is None or made_by.id in ("", owner().id)):
            return f"that is another lab's; if it is not needed: labgen destroy {lab} --yes"
        whose = (made_by and made_by.origin) or "somebody else"
        return f"it is the lab {lab} of {whose}, who alone can destroy it"
    return f"if nobody needs it: {by_hand}"


def missing(program: str, what: str, cure: str) -> list[HostError]:
    """A problem if PROGRAM is not in the PATH."""
    return [] if shutil.which(program) else [HostError(f"{what} is not installed: no {program} in PATH", cure=cure)]


def vagrant_missing() -> list[HostError]:
    return missing("vagrant", "Vagrant", INSTALL_VAGRANT)
