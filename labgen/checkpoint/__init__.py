"""Checkpoints of a lab: what is written down about each, and whether one is of the lab as it is now.

The machines themselves are kept by the provider (`providers/snapshotter.py`), under the id that the record names.
"""

from labgen.checkpoint.record import CONDITIONS, Checkpoint, CheckpointStore, check_name, new_snapshot_id
from labgen.checkpoint.version import LabVersion, differences, version_of

__all__ = [
    "CONDITIONS",
    "Checkpoint",
    "CheckpointStore",
    "LabVersion",
    "check_name",
    "differences",
    "new_snapshot_id",
    "version_of",
]
