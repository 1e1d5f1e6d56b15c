"""What rendering produces: text by path, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RenderedFile:
    """One file of the rendered folder. A path is relative and never leaves the folder; mode is what chmod takes."""

    text: str
    mode: int = 0o644


Rendered = dict[str, RenderedFile]

SECRET = 0o600
SCRIPT = 0o755


@dataclass(frozen=True)
class ImageCommands:
    """How a provider's images are made by `prepare.sh`, as lines of bash.

    needs: the programs, in words. have: succeeds if the image "$1" is there. make: makes "$name" from the tree
    "$rootfs"; scratch files go into `build/`.
    """

    needs: str
    have: str
    make: str
