"""Where labs and the cache lie on this machine, and which labs there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from labgen.errors import UnknownNameError
from labgen.naming import is_name, refuse_name
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
    """The folder of the lab NAME, whether or not there is one; raises UsageError for what can name no lab.

    Here alone a word becomes a folder: a path, or `..`, would lead to somebody else's.
    """
    refuse_name(name, "a lab")
    return LabFolder(state_folder() / "labs" / name)


def all_labs() -> list[LabFolder]:
    """Every lab on this machine, by name."""
    folders = (LabFolder(path) for path in sorted((state_folder() / "labs").glob("*")) if is_name(path.name))
    return [folder for folder in folders if folder.exists()]


def find_lab(word: str) -> LabFolder | None:
    """The folder of the lab that WORD names; None if there is none, as for every word that can name no lab."""
    folder = lab_folder(word) if is_name(word) else None
    return folder if folder and folder.exists() else None


def unknown_lab(name: str) -> UnknownNameError:
    """To be raised where there is no lab NAME."""
    none = "there is no lab yet: labgen up BLUEPRINT makes one, labgen list shows the blueprints"
    return UnknownNameError("lab", name, (lab.name for lab in all_labs()), none=none)
