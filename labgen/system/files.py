"""Files that are whole at any moment."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def inside(folder: Path, name: str) -> Path:
    """FOLDER/NAME; raises ValueError where a link on the way, or at its end, leads out of FOLDER."""
    path = folder / name
    try:
        led = path.resolve()
    except (OSError, RuntimeError):
        raise ValueError(f"{name} is a link to itself") from None
    if not led.is_relative_to(folder.resolve()):
        raise ValueError(f"a link leads out of the folder: {name} is {led}")
    return path


def is_file(path: Path) -> bool:
    """Whether a file is there; it is not where PATH can be no file's, being too long or with a null byte in it."""
    return os.path.isfile(path)  # noqa: PTH113 - pathlib raises OSError for these


def is_there(path: Path) -> bool:
    """The same for anything, be it a link that leads nowhere."""
    return os.path.lexists(path)


def write_atomically(path: Path, content: bytes, mode: int) -> None:
    """Put CONTENT at PATH with MODE so that a reader sees the old file or the new one, never a part."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename is None:
            error.filename = str(path)  # a failed write, unlike a failed open, does not know its file
        raise
