"""Where labgen keeps things on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def state_folder() -> Path:
    """Where labs are kept: `$LABGEN_STATE`, else below `$XDG_STATE_HOME`."""
    return _from_environment("LABGEN_STATE", "XDG_STATE_HOME", ".local/state")


def cache_folder() -> Path:
    """Where artefacts and images' records are kept: `$LABGEN_CACHE`, else below `$XDG_CACHE_HOME`."""
    return _from_environment("LABGEN_CACHE", "XDG_CACHE_HOME", ".cache")


def _from_environment(own: str, shared: str, home: str) -> Path:
    if os.environ.get(own):
        return Path(os.environ[own]).absolute()
    base = os.environ.get(shared)
    return (Path(base) if base else Path.home() / home) / "labgen"
