"""Files that no package of the operating system gives, and where each comes from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from labgen.components.manifest.base import Package, Strict, Version


class DebianPoolSource(Strict):
    """A binary inside a Debian package, taken from the pool of SUITE through the host's own apt mirror."""

    kind: Literal["debian-pool"]
    suite: str
    package: str
    version: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    member: str


class UrlSource(Strict):
    """A release archive (`.zip`, `.tar.gz`) or a plain file behind an address."""

    kind: Literal["url"]
    url: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    member: str | None = None


class ReleaseSource(Strict):
    """MEMBER of the archive that a version was released as; its checksum stands at SUMS, as `sha256sum` writes them."""

    kind: Literal["release"]
    url: str
    sums: str
    member: str


class GoSource(Strict):
    """A Go module whose top folder is a program, built with the host's Go.

    sum: the module's `h1:` checksum; without one it is held against Go's checksum database alone.
    """

    kind: Literal["go"]
    module: str
    version: str
    sum: str | None = Field(default=None, pattern=r"^h1:")


class Wheels(Strict):
    """What goes with a Python program.

    pins: package → the version that is taken where something needs it. built: packages that are published as source
    only; each is pure Python, and the controller makes a wheel of it.
    """

    kind: Literal["pypi"]
    pins: dict[Package, Version] = {}
    built: tuple[Package, ...] = ()

    @model_validator(mode="after")
    def _built_is_pinned(self) -> Wheels:
        if loose := [package for package in self.built if package not in self.pins]:
            raise ValueError(f"what is built needs a version under pins: {', '.join(loose)}")
        return self


class PypiSource(Wheels):
    """A Python program and all that it needs: wheels in one tar file, fetched by the host's own pip.

    requirements: what is to be installed. python: the Python of the nodes.
    """

    python: str = Field(pattern=r"^3[.][0-9]+$")
    requirements: tuple[str, ...] = Field(min_length=1)


Source = Annotated[DebianPoolSource | UrlSource | ReleaseSource | GoSource | PypiSource, Field(discriminator="kind")]


class Artefact(Strict):
    """One file, a program or an archive of it, with one pinned version; its sources are tried in order."""

    version: Version
    sources: tuple[Source, ...] = Field(min_length=1)
