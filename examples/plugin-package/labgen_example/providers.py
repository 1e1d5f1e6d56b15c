"""A provider: labgen's containers under another name, which can do less."""

from pathlib import Path

from labgen.providers import Capability
from labgen.providers.docker import DockerProvider


class Crates(DockerProvider):
    """Containers that cannot be paused, nor kept for checkpoints."""

    name = "crates"
    capabilities = frozenset({Capability.POWER})
    snapshotter = None
    no_snapshots = "a crate is not kept"
    vagrantfile = Path(__file__).parent / "crates.rb.j2"
