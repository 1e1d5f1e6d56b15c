"""Reaching the nodes of a lab that is up."""

from __future__ import annotations

from labgen.actions.session.open import OpenLab
from labgen.actions.session.vagrant import vagrant_of
from labgen.errors import NodeError
from labgen.providers import Endpoint, get_provider


def endpoints(opened: OpenLab) -> dict[str, Endpoint]:
    """How SSH reaches each node that runs, on the management path."""
    provider = get_provider(opened.lab.provider)
    return provider.endpoints(opened.lab, vagrant_of(opened), opened.folder.key)


def ssh_words(opened: OpenLab, node: str) -> list[str]:
    """The `ssh` command line that opens a shell on NODE; raises UnknownNameError, or NodeError if it does not run."""
    opened.lab.node(node)
    reachable = endpoints(opened)
    if node not in reachable:
        raise NodeError(f"{node} is not running", where=opened.lab.name, cure=f"labgen up {opened.lab.name}")
    there = reachable[node]
    options = {
        "HostKeyAlias": node,
        "IdentitiesOnly": "yes",
        "LogLevel": "ERROR",
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": str(opened.folder.known_hosts),
    }
    words = ["ssh", "-F", "none", "-i", str(there.key), "-p", str(there.port)]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return [*words, f"{there.user}@{there.host}"]
