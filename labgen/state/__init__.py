"""The labs on this machine: one folder each, with everything that belongs to it."""

from labgen.state.folder import LabFolder
from labgen.state.places import all_labs, cache_folder, lab_folder, labs_locked
from labgen.state.record import LabRecord

__all__ = ["LabFolder", "LabRecord", "all_labs", "cache_folder", "lab_folder", "labs_locked"]
