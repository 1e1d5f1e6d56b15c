"""A disk without room: what to say when a write fails."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from pathlib import Path

from labgen.errors import MAKE_ROOM, DiskFullError
from labgen.host.capacity import free_disk
from labgen.system.folders import cache_folder, state_folder

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def full_output(error: OSError) -> DiskFullError | None:
    """The error to show for ERROR if it was standard output that had no room, else None.

    ERROR does not tell that, so a line's end is tried. The rest is thrown away: Python would try again when it ends.
    """
    if error.errno not in NO_ROOM or error.filename is not None:
        return None
    try:
        os.write(sys.stdout.fileno(), b"\n")
    except OSError as again:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if again.errno in NO_ROOM:
            return DiskFullError(
                "what labgen prints cannot be written: there is no room left where its output leads",
                cure="let the output lead elsewhere; what the command did besides printing is done",
            )
    return None


def full_disk(error: OSError) -> DiskFullError | None:
    """The error to show for ERROR if it came for want of room, else None."""
    if error.errno not in NO_ROOM:
        return None
    # A failed write, unlike a failed open, may not know its file.
    places = {"LABGEN_STATE": state_folder(), "LABGEN_CACHE": cache_folder(), "TMPDIR": Path(tempfile.gettempdir())}
    where = Path(error.filename) if isinstance(error.filename, str) else None
    known = [name for name, place in places.items() if where and where.is_relative_to(place)]
    variable = min(known or places, key=lambda name: free_disk(places[name]))
    elsewhere = f"have {variable} name" if known or where is None else "name"
    where = where or places[variable]
    return DiskFullError(
        f"there is no room left on a disk: {free_disk(where)} MiB are free",
        where=where,
        cure=f"{MAKE_ROOM};\nor {elsewhere} a folder on another disk; then the same command goes on from here",
    )
