"""The labs on this machine: one folder each, with everything that belongs to it."""

from labgen.state.folder import LabFolder
from labgen.state.owner import Owner, owner
from labgen.state.places import all_labs, find_lab, lab_folder, labs_locked, unknown_lab
from labgen.state.record import LabRecord
from labgen.system.folders import cache_folder

__all__ = [
    "LabFolder",
    "LabRecord",
    "Owner",
    "all_labs",
    "cache_folder",
    "find_lab",
    "lab_folder",
    "labs_locked",
    "owner",
    "unknown_lab",
]
