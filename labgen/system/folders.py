"""Where labgen keeps things on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from labgen.errors import HostError
from labgen.system.files import is_file


def state_folder() -> Path:
    """Where labs are kept: `$LABGEN_STATE`, else below `$XDG_STATE_HOME`; raises HostError for a file."""
    return _from_environment("LABGEN_STATE", "XDG_STATE_HOME", ".local/state")


def cache_folder() -> Path:
    """Where artefacts and images' records are kept: `$LABGEN_CACHE`, else below `$XDG_CACHE_HOME`; raises the same."""
    return _from_environment("LABGEN_CACHE", "XDG_CACHE_HOME", ".cache")


def _from_environment(own: str, shared: str, home: str) -> Path:
    if os.environ.get(own):
        place = Path(os.environ[own]).absolute()
    else:
        base = os.environ.get(shared)
        place = (Path(base) if base else Path.home() / home) / "labgen"
    if file := next(filter(is_file, (place, *place.parents)), None):
        cure = f"move it away, or have {own} name a folder"
        raise HostError("a file stands where labgen keeps its folder", where=file, cure=cure)
    return place
