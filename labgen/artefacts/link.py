"""Puts cached artefacts into a folder without copying them where the file system allows it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def link_into(folder: Path, artefacts: Mapping[str, Path]) -> None:
    """Make FOLDER/NAME the file of each artefact; what is already the same file is left alone."""
    if not artefacts:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in artefacts.items():
        target = folder / name
        if target.exists() and _same(target, source):
            continue
        part = folder / f".{name}.part"
        part.unlink(missing_ok=True)
        try:
            os.link(source, part)
        except OSError:
            shutil.copy2(source, part)
        os.replace(part, target)
        # Replacing a name by another link to the same file leaves both names there.
        part.unlink(missing_ok=True)


def _same(one: Path, other: Path) -> bool:
    a, b = one.stat(), other.stat()
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino) or (a.st_size, a.st_mtime_ns) == (b.st_size, b.st_mtime_ns)
