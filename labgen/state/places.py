"""Where labs and the cache lie on this machine, and which labs there are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labgen.errors import UnknownNameError
from labgen.state.folder import LabFolder
from labgen.system.locks import exclusively


def state_folder() -> Path:
    """Where labs are kept: `$LABGEN_STATE`, else below `$XDG_STATE_HOME`."""
    return _from_environment("LABGEN_STATE", "XDG_STATE_HOME", ".local/state")


def cache_folder() -> Path:
    """Where artefacts and images' records are kept: `$LABGEN_CACHE`, else below `$XDG_CACHE_HOME`."""
    return _from_environment("LABGEN_CACHE", "XDG_CACHE_HOME", ".cache")


@contextmanager
def labs_locked() -> Iterator[None]:
    """Look at all labs and add one, with nobody else doing so meanwhile."""
    state_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    with exclusively(state_folder() / "labs.lock"):
        yield


def _from_environment(own: str, shared: str, home: str) -> Path:
    if os.environ.get(own):
        return Path(os.environ[own]).absolute()
    base = os.environ.get(shared)
    return (Path(base) if base else Path.home() / home) / "labgen"


def lab_folder(name: str) -> LabFolder:
    """The folder of the lab NAME, whether or not there is one."""
    return LabFolder(state_folder() / "labs" / name)


def all_labs() -> list[LabFolder]:
    """Every lab on this machine, by name."""
    folders = sorted((state_folder() / "labs").glob("*/lab.json"))
    return [LabFolder(path.parent) for path in folders]


def existing_lab(name: str) -> LabFolder:
    """The lab NAME; raises UnknownNameError when there is none."""
    folder = lab_folder(name)
    if not folder.exists():
        raise UnknownNameError("lab", name, (lab.name for lab in all_labs()))
    return folder
