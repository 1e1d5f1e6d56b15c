"""What labgen asks of a provider. Vagrant boots the machines; a provider knows its own tools, names and patience."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from labgen.errors import HostError
from labgen.lab.model import Lab
from labgen.providers.endpoint import Endpoint
from labgen.providers.vagrant import INSTALL_VAGRANT, Vagrant


@dataclass(frozen=True)
class HeldNetwork:
    """An address range that something on this host holds. `device` is its bridge, `own`: it belongs to the lab."""

    cidr: str
    holder: str
    device: str | None = None
    own: bool = False
    cure: str | None = None


class Provider(Protocol):
    """One of Vagrant's providers; third parties add theirs to the entry-point group `labgen.providers`.

    One that can keep its machines for checkpoints also has a `keeper` (keeper.py); one that cannot may say why in
    `no_keeper`.
    """

    name: str
    destroys_in_parallel: bool

    def driver(self) -> str:
        """How the machines are run, where there is a choice: `kvm` or `qemu`; else an empty string."""
        ...

    def problems(self) -> list[HostError]:
        """What keeps this host from using the provider, each with its cure; empty if it is ready."""
        ...

    def boot_timeout(self, nodes: int, /) -> float:
        """Seconds that `vagrant up` may take for so many nodes."""
        ...

    def ssh_timeout(self, nodes: int, /) -> float:
        """Seconds that a node may take after that to answer SSH."""
        ...

    def states(self, lab: Lab, vagrant: Vagrant, /) -> dict[str, str]:
        """Node → `running`, `stopped`, `paused`, `absent`, or the provider's own word."""
        ...

    def endpoints(self, lab: Lab, vagrant: Vagrant, key: Path, /) -> dict[str, Endpoint]:
        """Where the running nodes answer SSH, not over the lab's own network."""
        ...

    def leftovers(self, lab: Lab, /) -> list[str]:
        """What of the lab still exists here, as `kind name`; after a destroy this is empty."""
        ...

    def reclaim(self, lab: Lab, nodes: Sequence[str], /) -> None:
        """Remove the machines of NODES without Vagrant, which has lost them: it was cut off while it made them.

        A provider that cannot leaves them; `leftovers` goes on naming them.
        """
        ...

    def networks(self, lab: Lab, /) -> list[HeldNetwork]:
        """The address ranges that the provider's networks hold, used or not; empty if it cannot be asked."""
        ...


def machine(lab: Lab, node: str) -> str:
    """The name of a node's container or domain on this host."""
    return f"{prefix(lab)}{node}"


def prefix(lab: Lab) -> str:
    return f"labgen-{lab.name}-"


def network(lab: Lab) -> str:
    """The name of the lab's network on this host."""
    return f"labgen-{lab.name}"


def network_cure(name: str, by_hand: str) -> str:
    """How to be rid of a network called NAME: another lab is destroyed, anything else removed BY_HAND."""
    if name.startswith("labgen-"):
        return f"that is another lab's; if it is not needed: labgen destroy {name.removeprefix('labgen-')} --yes"
    return f"if nobody needs it: {by_hand}"


@dataclass(frozen=True)
class Answer:
    """What a provider's tool said."""

    rc: int
    stdout: str
    stderr: str


def ask(command: Sequence[str], timeout: float = 30) -> Answer:
    """Run a tool that answers quickly. A missing tool or one that hangs is an answer too: 127, 124."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            # Ctrl-C at the terminal reaches only labgen, which ends the tool or lets it come to its end.
            start_new_session=True,
        )
    except FileNotFoundError:
        return Answer(127, "", f"{command[0]} is not installed")
    except PermissionError as error:
        return Answer(126, "", str(error))
    except subprocess.TimeoutExpired:
        return Answer(124, "", f"{command[0]} gave no answer within {timeout:.0f} s")
    return Answer(done.returncode, done.stdout, done.stderr)


def missing(program: str, what: str, cure: str) -> list[HostError]:
    """A problem if PROGRAM is not in the PATH."""
    return [] if shutil.which(program) else [HostError(f"{what} is not installed: no {program} in PATH", cure=cure)]


def vagrant_missing() -> list[HostError]:
    return missing("vagrant", "Vagrant", INSTALL_VAGRANT)
