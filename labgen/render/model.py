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
