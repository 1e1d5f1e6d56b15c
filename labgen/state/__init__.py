"""The labs on this machine: one folder each, with everything that belongs to it."""

from labgen.state.folder import LabFolder
from labgen.state.places import all_labs, find_lab, lab_folder, labs_locked
from labgen.state.record import LabRecord
from labgen.system.folders import cache_folder

__all__ = ["LabFolder", "LabRecord", "all_labs", "cache_folder", "find_lab", "lab_folder", "labs_locked"]
