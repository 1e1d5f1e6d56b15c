"""How a component's program is had in another version than the operating system's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from labgen.components.manifest.artefacts import Artefact, GoSource, PypiSource, ReleaseSource, Source, Wheels
from labgen.components.manifest.base import Name, Package, Strict, Version
from labgen.components.versions import is_below, is_release, is_same
from labgen.systems import system
from labgen.wording import must_be

Address = Annotated[str, Field(pattern=r"^https://.*\{version\}")]


class Releases(Strict):
    """Which versions there are.

    minimum: the first that can be chosen. except: later ones that their makers withdrew.
    """

    minimum: Version
    except_: tuple[Version, ...] = Field(default=(), alias="except")

    def problem(self, version: str) -> str | None:
        """Why VERSION cannot be chosen, as the end of a sentence; None if it can."""
        if not is_release(version):
            return must_be("the number of a release, like 3.0.4", version)
        if is_below(version, self.minimum):
            return must_be(f"at least {self.minimum}", version)
        if any(is_same(version, absent) for absent in self.except_):
            return f"must not be {version}, which its makers withdrew"
        return None


class PypiVersions(Wheels, Releases):
    """A Python program, from Python's package index.

    package, extras: what is asked for there. beside: packages that are installed with it.
    """

    package: Package
    extras: tuple[Package, ...] = ()
    beside: tuple[Package, ...] = ()

    def artefacts(self, name: str, version: str, os: str) -> dict[str, Artefact]:
        """The wheels of VERSION for OS, called NAME."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        requirements = (f"{self.package}{extras}=={version}", *self.beside)
        source = PypiSource(
            kind="pypi", python=system(os).python, requirements=requirements, pins=self.pins, built=self.built
        )
        return {name: Artefact(version=version, sources=(source,))}


class Archive(Strict):
    """The archive that its makers release, for hosts without Go; `{version}` stands for the version.

    sums: the file of checksums beside it. folder: where in it the programs are, with a slash at its end.
    """

    url: Address
    sums: Address
    folder: str = ""


class GoVersions(Releases):
    """Programs in Go. programs: what each is called → the module whose top folder it is."""

    kind: Literal["go"]
    programs: dict[Name, str] = Field(min_length=1)
    release: Archive | None = None

    def problem(self, version: str) -> str | None:
        """As for all; and Go takes 3.6 for whichever 3.6 is the newest."""
        told = super().problem(version)
        return told or (None if version.count(".") == 2 else must_be("a version of three numbers, like 1.2.3", version))

    def artefacts(self, _name: str, version: str, _os: str) -> dict[str, Artefact]:
        """The programs in VERSION, static, so alike for every operating system."""
        return {
            program: Artefact(version=version, sources=tuple(self._sources(program, module, version)))
            for program, module in self.programs.items()
        }

    def _sources(self, program: str, module: str, version: str) -> list[Source]:
        # Go first: its checksums are everybody's, those of a release lie beside it.
        sources: list[Source] = [GoSource(kind="go", module=module, version=f"v{version}")]
        if self.release:
            url, sums, folder = (
                text.replace("{version}", version)
                for text in (self.release.url, self.release.sums, self.release.folder)
            )
            sources.append(ReleaseSource(kind="release", url=url, sums=sums, member=f"{folder}{program}"))
        return sources


OtherVersions = Annotated[PypiVersions | GoVersions, Field(discriminator="kind")]
