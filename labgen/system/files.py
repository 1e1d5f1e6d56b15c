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
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
