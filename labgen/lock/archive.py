"""One file with all that a lab needs, for a machine without a network.

A tar file. Its first member, `labgen-archive.json`, lists all others with size and SHA-256; then come the lock and the
files at the paths that they have in the cache.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from labgen.archives import BLOCK, GIB, Kind, unpack, write_archive
from labgen.errors import LockError
from labgen.lock.model import LARGEST, Lock, lock_bytes, parse_lock
from labgen.reading import open_plain, read_plain
from labgen.wording import shown

CONTENTS = "labgen-archive.json"
LOCK = "labgen.lock"
PACKED = ".gz"
"""At the end of a member's name: it is compressed, the file in the cache is not."""
STAGING = ".taking-in-"
GROWTH = 50
"""How many times its size a root filesystem may have when it is unpacked; a real one has three."""
# Where a member may go: what the cache has packages, artefacts and root filesystems under.
_FILE = r"/[A-Za-z0-9_][A-Za-z0-9_.+%~-]*"
PLACE = re.compile(rf"packages/debian-[0-9]+{_FILE}|artefacts{_FILE}{_FILE}|trees{_FILE}")
ARCHIVE = Kind(
    noun="archive",
    contents=CONTENTS,
    format=1,
    place=lambda name: name == LOCK or PLACE.fullmatch(name) is not None,
    misplaced="has no place in the cache",
    required=LOCK,
    cure="copy the archive again from where it was made, or make another: labgen fetch LAB -o FILE",
    largest=8 * GIB,
    most=64 * GIB,
)


def pack(target: Path, lock: Lock, files: Mapping[str, Path], progress: Callable[[str], None]) -> None:
    """Make the archive TARGET of LOCK and FILES (path in the cache → file), all at once or not at all.

    Raises LockError when TARGET cannot be written.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
            members = {LOCK: Path(scratch) / LOCK}
            members[LOCK].write_bytes(lock_bytes(lock))
            for name, path in sorted(files.items()):
                if path.suffix == ".tar" and name.startswith("trees/"):
                    progress(f"compressing {path.name}")
                    members[name + PACKED] = _compressed(path, Path(scratch) / f"{path.name}{PACKED}")
                else:
                    members[name] = path
            progress(f"writing {target.name}")
            with part.open("wb") as out:
                write_archive(out, ARCHIVE, members, {})
            os.replace(part, target)
    except OSError as error:
        raise LockError(
            f"the archive cannot be written: {(error.strerror or 'an error').lower()}",
            where=target,
            cure="name another place with -o, on a disk with room",
        ) from None
    finally:
        part.unlink(missing_ok=True)


def _compressed(source: Path, target: Path) -> Path:
    # Without a date and a name, so that the same file gives the same bytes.
    with (
        source.open("rb") as file,
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as out,
    ):
        shutil.copyfileobj(file, out, BLOCK)
    return target


@contextmanager
def opened(path: Path, cache: Path, progress: Callable[[str], None] = lambda _: None) -> Iterator[tuple[Lock, Path]]:
    """The lock of the archive PATH, and a folder on the cache's disk with its files, every one of them checked.

    The folder goes away: what is to stay is moved out. Raises LockError, which names the member, at the first thing
    that is not as it should be; then nothing of the archive has come anywhere.
    """
    cache.mkdir(parents=True, exist_ok=True)
    for cut_off in cache.glob(f"{STAGING}*"):
        shutil.rmtree(cut_off, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=STAGING) as scratch:
        folder = Path(scratch)
        try:
            with open_plain(path) as file:
                unpack(file, ARCHIVE, path, folder, progress)
        except OSError as error:
            raise ARCHIVE.unreadable(path, error) from None
        for packed in folder.glob(f"trees/*{PACKED}"):
            progress(f"unpacking {packed.stem}")
            _unzip(packed, path)
        lock = _lock_in(folder / LOCK, path)
        (folder / LOCK).unlink()
        yield lock, folder


def _lock_in(file: Path, path: Path) -> Lock:
    try:
        return parse_lock(read_plain(file, LARGEST), f"{path}: {LOCK}")
    except OSError as error:
        raise ARCHIVE.refused(path, f"{LOCK} cannot be read: {error.strerror}") from None


def _unzip(packed: Path, path: Path) -> None:
    """Put the compressed file PACKED of the archive PATH in its own place."""
    left = packed.stat().st_size * GROWTH + BLOCK
    try:
        with gzip.open(packed) as file, packed.with_suffix("").open("wb") as out:
            while block := file.read(BLOCK):
                left -= len(block)
                if left < 0:
                    raise ARCHIVE.refused(path, f"{shown(packed.name)} grows to more than {GROWTH} times its size")
                out.write(block)
    except (OSError, EOFError, zlib.error) as error:
        raise ARCHIVE.refused(path, f"{shown(packed.name)} is damaged: {error}") from None
    packed.unlink()
