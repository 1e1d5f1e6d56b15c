"""The connections to all nodes of a lab."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from labgen.errors import NodeError
from labgen.providers.endpoint import Endpoint
from labgen.provision.known_hosts import KnownHosts
from labgen.system.connection import Connection
from labgen.system.parallel import in_parallel

if TYPE_CHECKING:
    from labgen.provision.ssh import SshConnection


def get_ready() -> None:
    """Do what the first connection would wait for: paramiko takes as long to import as all the rest of labgen."""
    import labgen.provision.ssh  # noqa: F401, PLC0415


class Connections(Mapping[str, Connection]):
    """Node name → connection, opened when first asked for and again after it broke."""

    def __init__(self, endpoints: Mapping[str, Endpoint], known_hosts: Path, *, timeout: float = 60) -> None:
        """TIMEOUT: seconds that a node may take to answer."""
        self._endpoints = dict(endpoints)
        self._hosts = KnownHosts(known_hosts)
        self._timeout = timeout
        self._stop = threading.Event()
        self._locks = {node: threading.Lock() for node in endpoints}
        self._open: dict[str, SshConnection] = {}

    def add(self, endpoints: Mapping[str, Endpoint]) -> None:
        """Nodes that have come up meanwhile; one that was known keeps its connection until that breaks."""
        for node in endpoints:
            self._locks.setdefault(node, threading.Lock())
        # Replaced, not changed: another thread may be going through it.
        self._endpoints = {**self._endpoints, **endpoints}

    def __getitem__(self, node: str) -> Connection:
        from labgen.provision.ssh import SshConnection  # noqa: PLC0415 - see get_ready

        if node not in self._endpoints:
            raise NodeError(f"{node} is not running", cure="labgen up brings it back")
        with self._locks[node]:
            connection = self._open.get(node)
            if connection is None or not connection.alive:
                connection = self._open[node] = SshConnection.connect(
                    node, self._endpoints[node], self._hosts, timeout=self._timeout, stop=self._stop
                )
            return connection

    def __iter__(self) -> Iterator[str]:
        return iter(self._endpoints)

    def __len__(self) -> int:
        return len(self._endpoints)

    def __contains__(self, node: object) -> bool:
        return node in self._endpoints

    def open(self, nodes: Iterable[str] | None = None, on_open: Callable[[str, float], None] | None = None) -> None:
        """Connect to NODES (all) at the same time; ON_OPEN gets each node and its seconds, in the node's thread."""
        started = time.monotonic()

        def connect(node: str) -> None:
            self[node]
            if on_open:
                on_open(node, time.monotonic() - started)

        _, errors = in_parallel(connect, self if nodes is None else nodes)
        if len(errors) == 1:
            raise next(iter(errors.values()))
        if errors:
            raise NodeError(
                f"{len(errors)} nodes cannot be reached",
                detail=[error.what for _, error in sorted(errors.items())],
                cure=next(error.cure for error in errors.values()),
            )

    def cancel(self) -> None:
        """End all commands under way, on every node."""
        for connection in list(self._open.values()):
            connection.cancel()

    def close(self) -> None:
        """Close all connections, and give up those that are being opened."""
        self._stop.set()
        for connection in list(self._open.values()):
            connection.close()

    def __enter__(self) -> Connections:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
