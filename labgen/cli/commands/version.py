"""`labgen version`."""

from __future__ import annotations

from labgen import __version__


def command() -> None:
    """Print labgen's version."""
    print(f"labgen {__version__}")
