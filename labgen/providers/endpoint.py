"""Where a node answers SSH on the management path, which stays up when a drill cuts the lab's network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Endpoint:
    """Address, login and private key for one node."""

    host: str
    port: int
    user: str
    key: Path
