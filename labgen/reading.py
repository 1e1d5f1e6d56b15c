"""The one place that opens a file which somebody else may have made: plain, of a size that was asked before, at once.

What is refused raises OSError like anything that cannot be read, with words in `strerror`.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

MIB = 1 << 20


def open_plain(path: Path) -> BinaryIO:
    """The plain file at PATH, open; raises OSError for all else, such as a pipe, which would make one wait."""
    _refuse_special(path, path.stat().st_mode)
    # Between the look and the opening it may have become a pipe: it is opened without waiting, and looked at again.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _refuse_special(path, os.fstat(handle).st_mode)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_plain(path: Path, largest: int) -> bytes:
    """The bytes of the plain file at PATH, at most LARGEST of them; raises OSError if there are more."""
    with open_plain(path) as file:
        if os.fstat(file.fileno()).st_size > largest:
            raise too_large(path, largest)
        # One that still grows is not read for ever.
        data = file.read(largest + 1)
    if len(data) > largest:
        raise too_large(path, largest)
    return data


def too_large(path: Path, largest: int) -> OSError:
    size = f"{largest >> 20} MiB" if largest >= MIB else f"{largest} bytes"
    return OSError(errno.EFBIG, f"it is larger than {size}", str(path))


def _refuse_special(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
