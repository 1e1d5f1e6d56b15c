"""What labgen has Vagrant do in one rendered folder, in labgen's words and types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labgen.providers.endpoint import Endpoint
from labgen.providers.vagrant.client import Client
from labgen.providers.vagrant.parsing import STATES, parse_ssh_config


@dataclass(frozen=True)
class VagrantBox:
    """A box that Vagrant has in store."""

    name: str
    provider: str
    version: str


class Vagrant:
    """The Vagrant environment of one rendered folder. Ctrl-C ends Vagrant, then goes on.

    To be used by one thread at a time, `lost` and `interrupt` aside. Raises VagrantError where Vagrant fails, HostError
    where it is not installed.
    """

    def __init__(
        self,
        root: Path,
        logs: Path | None = None,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        """ROOT holds the Vagrantfile; each call writes a log into LOGS, if given, and gives its lines to ON_LINE."""
        self._root = root
        # Any, since python-vagrant has no types.
        self._client: Any = Client(root, logs, env or {}, on_line)

    def up(self, nodes: Iterable[str] = (), *, provider: str | None = None, timeout: float = 600) -> None:
        """Boot NODES (all), in parallel where the provider can. No provisioner runs."""
        self._within(timeout).up(vm_name=tuple(nodes), no_provision=True, provider=provider)

    def halt(self, nodes: Iterable[str] = (), *, force: bool = False, timeout: float = 900) -> None:
        """Shut NODES (all) down, as Vagrant does it: one after the other. FORCE pulls the plug."""
        self._within(timeout).halt(vm_name=tuple(nodes), force=force)

    def destroy(self, nodes: Iterable[str] = (), *, parallel: bool = True, timeout: float = 300) -> None:
        """Remove NODES (all) without asking, at the same time unless PARALLEL is false."""
        # python-vagrant knows no --parallel; an option may stand wherever a name may.
        self._within(timeout).destroy(vm_name=(*nodes, *(("--parallel",) if parallel else ())))

    def status(self, *, timeout: float = 120) -> dict[str, str]:
        """Node → `running`, `stopped`, `paused`, `absent`, or the provider's own word."""
        found = self._within(timeout).status()
        return {entry.name: STATES.get(entry.state, entry.state) for entry in found if entry.name and entry.state}

    def ssh_config(self, key: Path | None = None, *, timeout: float = 120) -> dict[str, Endpoint]:
        """Where the running nodes answer SSH; KEY takes the place of the key that Vagrant names."""
        return parse_ssh_config(self._within(timeout).ssh_config(), key)

    def validate(self, *, ignore_provider: bool = False, timeout: float = 120) -> None:
        """Raise VagrantError if Vagrant rejects the Vagrantfile; IGNORE_PROVIDER where that is not installed."""
        self._within(timeout).validate(*(("--ignore-provider",) if ignore_provider else ()))

    def version(self) -> str:
        """Vagrant's version: `2.3.4`."""
        return str(self._within(30).version())

    def plugins(self) -> dict[str, str]:
        """The installed plugins' versions."""
        return {plugin.name: plugin.version or "" for plugin in self._within(60).plugin_list()}

    def box_list(self) -> list[VagrantBox]:
        """The boxes in the user's store."""
        return [VagrantBox(box.name, box.provider, box.version) for box in self._within(60).box_list()]

    def box_add(self, name: str, file: Path, provider: str, *, timeout: float = 600) -> None:
        """Store FILE as box NAME, in place of one that is there."""
        self._within(timeout).box_add(name, str(file), provider=provider, force=True)

    def box_remove(self, name: str, provider: str, *, timeout: float = 120) -> None:
        """Take box NAME, all versions of it, out of the store."""
        self._within(timeout).box_remove(("--all", name), ("--provider", provider))

    def lost(self, nodes: Iterable[str], provider: str) -> list[str]:
        """Those of NODES that Vagrant keeps no id of: for it they do not exist."""
        machines = self._root / ".vagrant" / "machines"
        return [node for node in nodes if not _has_id(machines / node / provider / "id")]

    def interrupt(self) -> bool:
        """From another thread: end the Vagrant that runs, as Ctrl-C does; whether one does."""
        return bool(self._client.interrupt())

    def _within(self, timeout: float) -> Any:
        """The client, with TIMEOUT seconds for its next call."""
        self._client.timeout = timeout
        return self._client


def _has_id(file: Path) -> bool:
    """Whether Vagrant knows the machine; while it makes one, the file says `preparing`."""
    try:
        return file.read_text() not in ("", "preparing")
    except OSError:
        return False
