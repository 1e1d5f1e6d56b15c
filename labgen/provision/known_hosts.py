"""Host keys, trusted on first use and remembered by the node's name.

Addresses pass from one lab to the next, so a key belongs to a name. The file is in OpenSSH's known_hosts format:
`ssh -o UserKnownHostsFile=FILE -o HostKeyAlias=NODE` checks against the same keys.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from labgen.errors import NodeError
from labgen.system.files import write_atomically


class KnownHosts:
    """The known_hosts file of one lab."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def key_type(self, node: str) -> str | None:
        """The type of the key remembered for NODE (`ssh-ed25519`), or None if there is none yet."""
        entry = self._entries().get(node)
        return entry[0] if entry else None

    def check(self, node: str, key_type: str, key: str) -> None:
        """Remember NODE's key (base64) if it is the first; raise NodeError if it differs from the remembered one."""
        with self._lock:
            remembered = self._entries().get(node)
            if remembered is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._write({**self._entries(), node: (key_type, key)})
            elif remembered != (key_type, key):
                raise NodeError(
                    f"node {node} shows another SSH host key than before",
                    where=self._path,
                    cure=f"if you made {node} anew yourself, remove its line from that file;\n"
                    "otherwise another machine answers at its address: do not go on",
                )

    def forget(self, nodes: Iterable[str]) -> None:
        """Drop the keys of NODES, which will have new ones."""
        gone = set(nodes)
        with self._lock:
            if self._path.exists():
                self._write({node: entry for node, entry in self._entries().items() if node not in gone})

    def _write(self, entries: Mapping[str, tuple[str, str]]) -> None:
        lines = [f"{node} {kind} {key}\n" for node, (kind, key) in entries.items()]
        write_atomically(self._path, "".join(lines).encode("ascii"), 0o644)

    def _entries(self) -> dict[str, tuple[str, str]]:
        try:
            lines = self._path.read_text(encoding="ascii", errors="replace").splitlines()
        except FileNotFoundError:
            return {}
        words = [line.split() for line in lines if not line.startswith("#")]
        return {fields[0]: (fields[1], fields[2]) for fields in words if len(fields) >= 3}


def forget_host(path: Path, nodes: Iterable[str]) -> None:
    """Drop the remembered host keys of NODES from the known_hosts file at PATH."""
    KnownHosts(path).forget(nodes)
