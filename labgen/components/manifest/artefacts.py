"""Files that no package of the operating system gives, and where each comes from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from labgen.components.manifest.base import Package, Strict, Version
from labgen.components.versions import is_below, is_release, is_same
from labgen.systems import system
from labgen.wording import must_be


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


class GoSource(Strict):
    """A Go module built with the host's Go; SUM is the module's `h1:` checksum."""

    kind: Literal["go"]
    module: str
    version: str
    sum: str = Field(pattern=r"^h1:")


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


Source = Annotated[DebianPoolSource | UrlSource | GoSource | PypiSource, Field(discriminator="kind")]


class Artefact(Strict):
    """One file, a program or an archive of it, with one pinned version; its sources are tried in order."""

    version: Version
    sources: tuple[Source, ...] = Field(min_length=1)


class OtherVersions(Wheels):
    """How the component's program is had in another version than the operating system's: from Python's package index.

    package, extras: what is asked for there. minimum: the first version that can be chosen. except: later ones that
    their makers withdrew. beside: packages that are installed with it.
    """

    package: Package
    extras: tuple[Package, ...] = ()
    minimum: Version
    except_: tuple[Version, ...] = Field(default=(), alias="except")
    beside: tuple[Package, ...] = ()

    def problem(self, version: str) -> str | None:
        """Why VERSION cannot be chosen, as the end of a sentence; None if it can."""
        if not is_release(version):
            return must_be("the number of a release, like 3.0.4", version)
        if is_below(version, self.minimum):
            return must_be(f"at least {self.minimum}", version)
        if any(is_same(version, absent) for absent in self.except_):
            return f"must not be {version}, which its makers withdrew"
        return None

    def artefact(self, version: str, os: str) -> Artefact:
        """The wheels of VERSION for OS."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        requirements = (f"{self.package}{extras}=={version}", *self.beside)
        source = PypiSource(
            kind="pypi", python=system(os).python, requirements=requirements, pins=self.pins, built=self.built
        )
        return Artefact(version=version, sources=(source,))
