"""The one place that opens a file which somebody else may have made: plain, of a size that was asked before, at once.

What is refused raises OSError like anything that cannot be read, with words in `strerror`.
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

MIB = 1 << 20
LARGEST_RECORD = 16 * MIB  # of what labgen itself has written down


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


def read_text(path: Path, largest: int = LARGEST_RECORD) -> str:
    """The UTF-8 text in the file PATH, of at most LARGEST bytes; raises OSError, and ValueError for what is no text."""
    return read_plain(path, largest).decode("utf-8")


def read_json(path: Path, largest: int = LARGEST_RECORD) -> Any:
    """What the JSON file PATH, of at most LARGEST bytes, says; raises OSError, and ValueError as `parse_json` does."""
    return parse_json(read_plain(path, largest))


def parse_json(text: str | bytes) -> Any:
    """What the JSON TEXT says; raises ValueError for what is none, too deep, or has a number that is none."""
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("it nests too deep") from None


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"{word} is no number")
    return number
