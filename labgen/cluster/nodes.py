"""The connections to nodes that may lose their power meanwhile, and come back at another address."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from labgen.errors import LabgenError, NodeError
from labgen.providers import Endpoint
from labgen.provision import Connections
from labgen.provision.clock import compared
from labgen.resources import resource
from labgen.system.connection import Connection
from labgen.system.waiting import WaitTimeout, wait_until

POLL = 0.5
"""Seconds between two tries to reach a node."""
FOLDER = "/run/labgen-drill"
"""On a node, for what a drill needs there; gone with its next boot."""


class Nodes(Mapping[str, Connection]):
    """Node → connection, as `Connections` are; `renew` asks the provider again where everybody is."""

    def __init__(self, where: Callable[[], Mapping[str, Endpoint]], known_hosts: Path, timeout: float = 10) -> None:
        """TIMEOUT: seconds a node may take to let us in."""
        self._where, self._known_hosts, self._timeout = where, known_hosts, timeout
        self._lock = threading.Lock()
        self._places = dict(where())
        self._connections = Connections(self._places, known_hosts, timeout=timeout)
        self._old: list[Connections] = []

    def __getitem__(self, node: str) -> Connection:
        return self._connections[node]

    def __iter__(self) -> Iterator[str]:
        return iter(self._connections)

    def __len__(self) -> int:
        return len(self._connections)

    def __contains__(self, node: object) -> bool:
        return node in self._connections

    def renew(self) -> None:
        """Look again where the nodes are; commands under way keep their connections."""
        with self._lock:
            places = dict(self._where())
            if places != self._places:
                self._old.append(self._connections)
                self._places = places
                self._connections = Connections(places, self._known_hosts, timeout=self._timeout)

    def wait_for(self, node: str, seconds: float) -> None:
        """Until NODE answers; raises NodeError if it does not within SECONDS."""

        def answers() -> bool:
            self.renew()
            return self[node].run("true", timeout=5).ok

        try:
            wait_until("answer", answers, seconds, poll=POLL, forgive=LabgenError)
        except WaitTimeout as late:
            why = late.why.what if isinstance(late.why, LabgenError) else "it runs no command"
            raise NodeError(f"node {node} does not answer {seconds:.0f} s after its healing: {why}") from None

    def place(self, node: str, name: str) -> str:
        """Put the program scripts/drill/NAME on NODE; returns the path there."""
        path = f"{FOLDER}/{name}"
        command = f"mkdir -p -m 755 {FOLDER} && cat >{path} && chmod 644 {path}"
        run(self[node], node, command, stdin=(resource("scripts") / "drill" / name).read_bytes())
        return path

    def close(self) -> None:
        for connections in (*self._old, self._connections):
            connections.close()


def run(connection: Connection, node: str, command: str, *, stdin: bytes | None = None, timeout: float = 60) -> str:
    """What COMMAND prints; raises NodeError with its last words if it fails."""
    done = connection.run(command, stdin=stdin, timeout=timeout)
    if not done.ok:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise NodeError(f"{node}: {said[-1] if said else f'exit code {done.rc}'}", detail=said[-4:-1])
    return done.stdout


def clock_of(connection: Connection, node: str, probes: int = 5) -> tuple[float, float]:
    """What to add to NODE's monotonic clock to get this host's, and how far that may be off, in seconds."""

    def told() -> float:
        return float(run(connection, node, "python3 -I -S -c 'import time; print(time.monotonic())'", timeout=10))

    return compared(told, time.monotonic, probes)
