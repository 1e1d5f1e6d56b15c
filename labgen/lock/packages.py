"""One Debian package, and where the packages of an operating system are filed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from labgen.components.manifest import Strict

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Package(Strict):
    """A `.deb`; the patterns are those of Debian's policy, so `file` is always a plain file name. size: bytes."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9+.-]*$", max_length=200)
    version: str = Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+:~-]*$", max_length=200)
    architecture: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)
    size: int = Field(ge=0)
    sha256: Sha256

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from every other package, its bytes aside."""
        return self.name, self.version, self.architecture

    @property
    def file(self) -> str:
        """Its file name, as apt writes it."""
        return file_of(*self.key)

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def file_of(name: str, version: str, architecture: str) -> str:
    """The file name of a package, as apt writes it."""
    return f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"
