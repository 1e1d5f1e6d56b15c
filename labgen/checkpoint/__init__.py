"""Checkpoints of a lab: what is written down about each, and whether one is of the lab as it is now.

The machines themselves are kept by the provider (`providers/keeper.py`), under the mark that the record names.
"""

from labgen.checkpoint.record import CONDITIONS, Checkpoint, CheckpointStore, check_name, new_mark
from labgen.checkpoint.version import LabVersion, differences, version_of

__all__ = [
    "CONDITIONS",
    "Checkpoint",
    "CheckpointStore",
    "LabVersion",
    "check_name",
    "differences",
    "new_mark",
    "version_of",
]
