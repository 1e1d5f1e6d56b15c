"""What Vagrant prints, in labgen's words."""

from __future__ import annotations

import io
import re
from pathlib import Path

from labgen.providers.endpoint import Endpoint

STATES = {
    "not_created": "absent",
    "poweroff": "stopped",
    "shutoff": "stopped",
    "aborted": "stopped",
    "exited": "stopped",
    "saved": "paused",
}
"""The providers' words for one and the same state, as labgen says it."""

_BACKTRACE = re.compile(r"\s+(from|\d+: from) .*:\d+:in ")
"""A line of Ruby's backtrace below its first."""


def telling_lines(text: str) -> list[str]:
    """The lines of an error, without where in Ruby it came from: that is for the log."""
    return [line.rstrip() for line in text.splitlines() if line.strip() and not _BACKTRACE.match(line)]


def parse_ssh_config(text: str, key: Path | None = None) -> dict[str, Endpoint]:
    """The hosts in the output of `vagrant ssh-config`, each with its own values."""
    # Imported here: paramiko takes longer to import than most commands take to run.
    from paramiko import SSHConfig  # noqa: PLC0415

    config = SSHConfig()
    config.parse(io.StringIO(text))
    endpoints = {}
    for node in sorted(config.get_hostnames() - {"*"}):
        host = config.lookup(node)
        identity = key or Path(host["identityfile"][0])
        endpoints[node] = Endpoint(host["hostname"], int(host.get("port", "22")), host["user"], identity)
    return endpoints
