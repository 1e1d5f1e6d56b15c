"""How a provider's images are made from a root filesystem, named, found, removed and looked into."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from labgen.render.model import ImageCommands


class Workbench(Protocol):
    """What `ImageMaker.make` works with. Each method raises ImageError, also if the build is given up meanwhile."""

    scratch: Path
    """An empty folder, which goes when the image is made."""

    def run(self, script: str | Path, *words: str | Path) -> None:
        """Run a script, without packages: one of `scripts/image` by its name, another by its path."""
        ...

    def run_with_packages(self, script: str | Path, *words: str | Path) -> None:
        """Run a script that installs packages; where they come from, and go, it hears from the environment."""
        ...

    def add_box(self, box: Path) -> None:
        """Give Vagrant the file BOX, under the image's name."""
        ...


class ImageMaker:
    """Makes the images of one provider. What is not said cannot be done."""

    script: str | Path
    """The script that makes an image: a file of `scripts/image`, or the path of another. A change of it makes images
    anew; a copy of it lies in rendered folders."""
    commands: ImageCommands
    """The same in a rendered folder."""
    tools: Mapping[str, str] = MappingProxyType({})
    """Programs that building takes → the Debian package each comes in."""
    adds_packages: bool = False
    """Whether an image has packages that its tree has not, such as a kernel."""

    def name(self, label: str, digest: str, /) -> str:
        """The image's name: LABEL says what is in it, DIGEST tells it from all others."""
        return f"labgen/{label}-{digest}"

    def make(self, bench: Workbench, tree: Path, name: str, /) -> int:
        """Make the image NAME from TREE, a tar file; the bytes that it takes."""
        raise NotImplementedError

    def exists(self, name: str, /) -> bool:
        """Whether this host has the image NAME."""
        raise NotImplementedError

    def remove(self, name: str, /) -> None:
        """Remove the image NAME; one that is already gone is fine."""
        raise NotImplementedError

    def closed(self, name: str, /) -> str | None:  # noqa: ARG002
        """Why nothing can be run inside the image NAME here, as a clause; None if it can."""
        return "its provider does not say how to look into them"

    def inside(self, name: str, run: str, /) -> list[str]:
        """The words before those of a program that is to run inside the image NAME: as root, without a network, with
        nothing kept. RUN: a word that no other such run has.
        """
        raise NotImplementedError

    def end(self, run: str, /) -> None:
        """Called when the program of RUN was killed on this host: what is left of it elsewhere goes, too."""
