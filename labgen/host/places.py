"""A folder of labgen's own that cannot be written to: what to say of it."""

from __future__ import annotations

import errno
from pathlib import Path

from labgen.errors import HostError
from labgen.system.folders import cache_folder, state_folder

WHY = {
    errno.EROFS: "it is on a disk that is read-only",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
}
"""What is meant anywhere in such a folder."""

NOWHERE = {
    errno.ENOENT: "there is no such folder, and none can be made",
    errno.ENOTDIR: "a file stands where a folder is to be",
    errno.EEXIST: "a file stands where a folder is to be",
}
"""What is meant on the way to it."""


def unusable_place(error: OSError) -> HostError | None:
    """The error to show for ERROR if it came of where LABGEN_STATE or LABGEN_CACHE leads, else None."""
    if not isinstance(error.filename, str):
        return None
    where = Path(error.filename)
    for variable, what, place in (
        ("LABGEN_STATE", "labs are", state_folder()),
        ("LABGEN_CACHE", "the cache is", cache_folder()),
    ):
        above = place.is_relative_to(where)
        why = WHY.get(error.errno or 0) if above or where.is_relative_to(place) else None
        if why := why or (NOWHERE.get(error.errno or 0) if above else None):
            return HostError(
                f"the folder in which {what} kept cannot be written: {why}",
                where=place,
                cure=f"have {variable} name a folder that you may write to",
            )
    return None
