"""Writes a rendered folder: only what changed is written, and what is no longer rendered goes away."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from labgen.errors import UsageError
from labgen.reading import read_json
from labgen.render.model import Rendered
from labgen.system.files import inside, is_there, write_atomically

RECORD = ".rendered.json"
READ = (RECORD, "secrets.json", "keys/lab_ed25519", "keys/lab_ed25519.pub", "artefacts")
"""What is read, or written into, before all that is rendered is known."""


def write_folder(rendered: Rendered, folder: Path) -> list[str]:
    """Make FOLDER hold RENDERED; returns the paths written. Files of other origin are left alone."""
    before = _recorded(folder)
    # A file that is a link is replaced, so that only its folder counts.
    _refuse_links(folder, sorted({str(PurePosixPath(path).parent) for path in rendered}))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # First of all: if this is interrupted, the next run knows what may be of its making.
    _record(folder, before | rendered.keys())
    for path in before - rendered.keys():
        _remove(folder, path)
    written = write_files(rendered, folder)
    _record(folder, rendered.keys())
    return written


def write_files(rendered: Rendered, folder: Path) -> list[str]:
    """Write those files of RENDERED that differ in FOLDER, which may hold others; returns the paths written."""
    return [path for path, file in rendered.items() if _write(folder / path, file.text.encode(), file.mode)]


def claim(folder: Path) -> None:
    """Mark FOLDER as one to render into; raises UsageError when it holds things that labgen did not write."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", cure="name another with -o")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / RECORD).exists():
        raise UsageError(f"{folder} is not empty, and labgen did not write it", cure="name another folder with -o")
    _refuse_links(folder, READ)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _record(folder, _recorded(folder))


def _recorded(folder: Path) -> set[str]:
    """What labgen wrote here before. The record may come from elsewhere: nothing outside the folder is believed."""
    try:
        recorded = read_json(folder / RECORD)
    except (OSError, ValueError):
        return set()
    paths = [PurePosixPath(path) for path in recorded if isinstance(path, str)] if isinstance(recorded, list) else []
    return {str(path) for path in paths if path.parts and not path.is_absolute() and ".." not in path.parts}


def _record(folder: Path, paths: Iterable[str]) -> None:
    content = json.dumps(sorted(paths)).encode()
    if not (folder / RECORD).is_file() or (folder / RECORD).read_bytes() != content:
        write_atomically(folder / RECORD, content, 0o644)


def _refuse_links(folder: Path, names: Iterable[str]) -> None:
    """Raise UsageError if one of NAMES would be read or written out of FOLDER, which may come from elsewhere."""
    for name in names:
        try:
            inside(folder, name)
        except ValueError as why:
            raise UsageError(str(why), where=folder, cure="remove the link, or name another folder with -o") from None


def _remove(folder: Path, name: str) -> None:
    """Remove a file, and the folders that are empty without it; not one to which a link leads out."""
    path = folder / name
    try:
        inside(folder, str(path.relative_to(folder).parent))
    except ValueError:
        return
    if is_there(path):
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            path.unlink()
    for parent in path.parents:
        if parent == folder:
            return
        try:
            parent.rmdir()
        except OSError:
            return


def _write(path: Path, content: bytes, mode: int) -> bool:
    try:
        if not path.is_symlink() and path.read_bytes() == content and path.stat().st_mode & 0o777 == mode:
            return False
    except OSError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content, mode)
    return True
