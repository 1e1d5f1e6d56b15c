"""Where labs and the cache lie on this machine, and which labs there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from labgen.errors import UnknownNameError
from labgen.state.folder import LabFolder
from labgen.system.folders import state_folder
from labgen.system.locks import exclusively


@contextmanager
def labs_locked() -> Iterator[None]:
    """Look at all labs and add one, with nobody else doing so meanwhile."""
    state_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    with exclusively(state_folder() / "labs.lock"):
        yield


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
