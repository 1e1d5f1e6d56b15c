"""One file with all that a lab needs, for a machine without a network.

A tar file. Its first member, `labgen-archive.json`, lists all others with size and SHA-256; then come the lock and the
files at the paths that they have in the cache.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from labgen import __version__
from labgen.artefacts.store import sha256
from labgen.errors import LockError
from labgen.lock.model import Lock, lock_bytes, parse_lock
from labgen.wording import shown

FORMAT = 1
CONTENTS = "labgen-archive.json"
LOCK = "labgen.lock"
PACKED = ".gz"
"""At the end of a member's name: it is compressed, the file in the cache is not."""
LARGEST_CONTENTS = 16 << 20  # bytes
BLOCK = 1 << 20
STAGING = ".taking-in-"
# Where a member may go: what the cache has packages, artefacts and root filesystems under.
_FILE = r"/[A-Za-z0-9_][A-Za-z0-9_.+%~-]*"
PLACE = re.compile(rf"packages/debian-[0-9]+{_FILE}|artefacts{_FILE}{_FILE}|trees{_FILE}")
CURE = "copy the archive again from where it was made, or make another: labgen fetch LAB -o FILE"


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
            _write(part, members)
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


def _write(target: Path, members: Mapping[str, Path]) -> None:
    about = {name: {"size": path.stat().st_size, "sha256": sha256(path)} for name, path in members.items()}
    contents = json.dumps({"format": FORMAT, "labgen": __version__, "members": about}, indent=1).encode()
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(_entry(CONTENTS, len(contents)), io.BytesIO(contents))
        for name, path in members.items():
            with path.open("rb") as file:
                tar.addfile(_entry(name, path.stat().st_size), file)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """A plain file that tells nothing about this machine."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


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
            with tarfile.open(path, "r:") as tar:
                _unpack(tar, path, folder, progress)
        except (tarfile.TarError, EOFError) as error:
            raise _refused(path, f"it ends early, or is no archive ({error})") from None
        except OSError as error:
            raise LockError(
                f"the archive cannot be read: {(error.strerror or str(error)).lower()}", where=path, cure=CURE
            ) from None
        lock = parse_lock((folder / LOCK).read_bytes(), f"{path}: {LOCK}")
        (folder / LOCK).unlink()
        yield lock, folder


def _unpack(tar: tarfile.TarFile, path: Path, folder: Path, progress: Callable[[str], None]) -> None:
    first = tar.next()
    if first is None or first.name != CONTENTS or not first.isreg() or first.size > LARGEST_CONTENTS:
        raise _refused(path, f"it does not begin with {CONTENTS}")
    expected = _contents(_read(tar, first), path)
    seen: set[str] = set()
    while (member := tar.next()) is not None:
        name = member.name
        if not member.isreg():
            raise _refused(path, f"{shown(name)} is no plain file")
        if name != LOCK and not PLACE.fullmatch(name):
            raise _refused(path, f"{shown(name)} has no place in the cache")
        if name not in expected or name in seen:
            raise _refused(path, f"{shown(name)} {'stands there twice' if name in seen else f'is not in {CONTENTS}'}")
        seen.add(name)
        size, checksum = expected[name]
        progress(f"{len(seen)} of {len(expected)}: {name.rpartition('/')[2]}")
        if member.size != size or _copy(tar, member, folder / name) != checksum:
            raise _refused(path, f"{shown(name)} is damaged: its SHA-256 is not the one in {CONTENTS}")
    if lacking := sorted(expected.keys() - seen):
        raise _refused(
            path, f"{shown(lacking[0])} is missing" + (f", and {len(lacking) - 1} more" * (len(lacking) > 1))
        )
    for packed in folder.glob(f"trees/*{PACKED}"):
        progress(f"unpacking {packed.stem}")
        try:
            with gzip.open(packed) as file, packed.with_suffix("").open("wb") as out:
                shutil.copyfileobj(file, out, BLOCK)
        except (OSError, EOFError) as error:
            raise _refused(path, f"{shown(packed.name)} is damaged: {error}") from None
        packed.unlink()


def _contents(data: bytes, path: Path) -> dict[str, tuple[int, str]]:
    """Member → size and checksum."""
    try:
        document = json.loads(data)
        if document["format"] > FORMAT:
            raise LockError(
                f"the archive has the format {document['format']}; this labgen knows {FORMAT}",
                where=path,
                cure="update labgen",
            )
        members = {str(name): (int(of["size"]), str(of["sha256"])) for name, of in document["members"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _refused(path, f"{CONTENTS} is damaged") from None
    if LOCK not in members:
        raise _refused(path, f"{CONTENTS} names no {LOCK}")
    return members


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return b"" if file is None else file.read()


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> str:
    """Write MEMBER's bytes to TARGET; returns their SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    file = tar.extractfile(member)
    with target.open("xb") as out:
        while file is not None and (block := file.read(BLOCK)):
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _refused(path: Path, why: str) -> LockError:
    return LockError("the archive is refused, and nothing of it has been taken in", where=path, detail=[why], cure=CURE)
