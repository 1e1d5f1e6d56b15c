"""What a blueprint file may say. Cross-checks that need components or addresses live in `blueprint.rules`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from labgen.blueprint.drills import Drill
from labgen.components.manifest import Identifier, Name, Strict
from labgen.systems import OsName

Settings = dict[Name, dict[Identifier, Any]]
"""Parameter values by component: `{consul: {raft_multiplier: 1}}`."""


class SourceDocument(Strict):
    """The published text a blueprint is taken from."""

    document: str
    language: str = Field(pattern=r"^[a-z]{2}$")
    title: str


class Network(Strict):
    """The lab's own network, an IPv4 range in CIDR form."""

    cidr: str


MEMORY = (256, 65536)
CPUS = (1, 16)


class NodeSpec(Strict):
    """One machine: memory in MiB, its components in the order in which they are configured."""

    name: Name
    address: str
    components: tuple[Name, ...] = Field(min_length=1)
    memory: int = Field(default=384, ge=MEMORY[0], le=MEMORY[1])
    cpus: int = Field(default=1, ge=CPUS[0], le=CPUS[1])
    settings: Settings = {}


class Profile(Strict):
    """An operating system and settings that together make one edition of the lab.

    versions: component → version, where it is another than the operating system's. emulated: settings that go over the
    others where the machines are emulated, without KVM.
    """

    os: OsName
    versions: dict[Name, str] = {}
    summary: str
    default: bool = False
    box: dict[Name, str] = {}
    settings: Settings = {}
    emulated: Settings = {}


class AccessPath(Strict):
    """A way in for SQL: HOST is a node's name or an address, PORT its TCP port. READS: it is not for writing."""

    name: Name
    host: str
    port: int = Field(ge=1, le=65535)
    summary: str
    reads: bool = False


class Correction(Strict):
    """Where the lab departs from its document on purpose, and why; SINCE is the version that made it necessary."""

    id: Name
    document: str
    lab: str
    why: str
    since: str | None = None


class Blueprint(Strict):
    """A whole blueprint file."""

    name: Name
    title: str
    source: SourceDocument | None = None
    network: Network
    nodes: tuple[NodeSpec, ...] = Field(min_length=1)
    settings: Settings = {}
    profiles: Annotated[dict[Name, Profile], Field(min_length=1)]
    paths: tuple[AccessPath, ...] = ()
    checks: tuple[str, ...] = ()
    drills: tuple[Drill, ...] = ()
    corrections: tuple[Correction, ...] = ()

    @property
    def default_profile(self) -> str:
        """The profile marked `default: true`, else the first."""
        return next((name for name, profile in self.profiles.items() if profile.default), next(iter(self.profiles)))


class Sketch(Blueprint):
    """What is left of a faulty blueprint: cross-checks look at it, so that all problems come in one run."""

    name: Name = ""
    title: str = ""
    network: Network = Field(default_factory=lambda: Network(cidr=""))
    nodes: tuple[NodeSpec, ...] = ()
    profiles: dict[Name, Profile] = {}
