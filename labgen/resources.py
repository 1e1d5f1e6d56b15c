"""Where blueprints/, scripts/ and Vagrantfile.j2 are: inside the installed package, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The path of a file or folder that ships with labgen."""
    shipped = PACKAGE / "data" / name
    return shipped if shipped.exists() else PACKAGE.parent / name
