"""`fetch`: all that labs need into the cache, a lock of it, and an archive for machines without a network."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from pydantic import ValidationError

from labgen.actions.cache.images import artefact_store, build_missing
from labgen.actions.cache.locking import lock_of
from labgen.actions.session.open import LabRequest, lab_of, locked
from labgen.artefacts.store import sha256
from labgen.errors import LockError, UsageError
from labgen.images import ImageSpec, Tree, Trees
from labgen.images.machines import image_specs
from labgen.images.trees import require
from labgen.lab.model import Lab
from labgen.lock.archive import opened, pack
from labgen.lock.model import Lock, SystemLock, read_lock, write_lock
from labgen.lock.pool import Pool
from labgen.providers import who_makes_images
from labgen.reading import LARGEST_RECORD, read_plain
from labgen.state import all_labs, cache_folder

Progress = Callable[[str], None]
APT_SETTINGS = re.compile(r"(\./)?etc/apt/.+")
PASSWORD = re.compile(rb"://[^/@\s\"]+@")


@dataclass(frozen=True)
class Fetched:
    """What `fetch` has done. notes: what a person should know. size: of the archive in bytes, 0 without one."""

    lock: Lock
    notes: tuple[str, ...] = ()
    size: int = 0

    @property
    def packages(self) -> int:
        """Bytes of all packages."""
        return sum(package.size for system in self.lock.systems.values() for package in system.packages)


def fetch(wishes: Sequence[LabRequest], lock_file: Path, archive: Path | None, progress: Progress) -> Fetched:
    """Put into the cache what the labs of WISHES need, and write down in LOCK_FILE what that is.

    A lock that is there already is kept to. Raises LockError when it is for other labs or damaged; ArtefactError,
    PackageError or ImageError when something cannot be had.
    """
    cache = cache_folder()
    for path in filter(None, (lock_file, archive)):
        _refuse_place(path)
    labs = [_lab(request) for request in wishes]
    notes: list[str] = []
    if lock_file.exists():
        labs = [locked(lab, lock_file) for lab in labs]
        notes.append(f"{lock_file} is kept to; without it, what the mirror has now would be fetched")
    specs: list[ImageSpec] = []
    for lab in labs:
        artefacts = artefact_store(lab, cache).ensure_all(lab.components.values(), progress)
        own = list(image_specs(lab, baked=True).values())
        if not own:
            raise UsageError(
                f"there is nothing to fetch for {lab.blueprint.name} on {lab.provider}: Vagrant fetches its box itself",
                cure=f"name another provider: --provider {who_makes_images()}",
            )
        build_missing(own, artefacts, cache, cache / "logs", progress, trees_only=True)
        specs += own
    lock = labs[0].lock if lock_file.exists() else None
    if lock is None:
        lock = lock_of(labs, specs, cache, notes)
    for os_name, system in lock.systems.items():
        # Packages may have been damaged, or removed, since the trees were made of them.
        require(system.packages, Pool(cache, os_name), progress)
    if not lock_file.exists():
        write_lock(lock, lock_file)
    if archive:
        pack(archive, lock, _files(lock, labs, specs, cache, notes), progress)
    return Fetched(lock, tuple(dict.fromkeys(notes)), archive.stat().st_size if archive else 0)


def take_in(archive: Path, lock_file: Path, progress: Progress) -> Fetched:
    """Put what ARCHIVE holds into the cache, and its lock into LOCK_FILE; raises LockError, and takes nothing then."""
    _refuse_place(lock_file)
    cache = cache_folder()
    with opened(archive, cache, progress) as (lock, folder):
        if lock_file.exists() and read_lock(lock_file) != lock:
            raise LockError(
                "there is another lock file already", where=lock_file, cure="remove it, or name another: --lock FILE"
            )
        # All of it is looked at before the first of it is moved.
        trees = [_tree(archive, path) for path in sorted(folder.glob("trees/*.json"))]
        packages = [
            (Pool(cache, os_name), file)
            for os_name, system in lock.systems.items()
            for file in _packages(archive, folder / "packages" / os_name, system)
        ]
        progress("moving it into the cache")
        for pool, file in packages:
            pool.add(file)
        for tree in trees:
            Trees(cache).adopt(tree, folder / "trees" / tree.file)
        (cache / "artefacts").mkdir(exist_ok=True)
        for home in sorted(folder.glob("artefacts/*")):
            target = cache / "artefacts" / home.name
            shutil.rmtree(target, ignore_errors=True)
            os.replace(home, target)
    write_lock(lock, lock_file)
    return Fetched(lock, size=archive.stat().st_size)


def _packages(archive: Path, folder: Path, system: SystemLock) -> list[Path]:
    """The files in FOLDER of all packages of SYSTEM; raises LockError when one is not there, or another one."""
    files = []
    for package in system.packages:
        file = folder / package.file
        if not file.is_file() or sha256(file) != package.sha256:
            raise _inconsistent(archive, f"{package} is not the one that its lock names")
        files.append(file)
    return files


def _tree(archive: Path, record: Path) -> Tree:
    """The root filesystem of the record file RECORD; raises LockError unless it is there as the record says."""
    try:
        tree = Tree.model_validate_json(read_plain(record, LARGEST_RECORD))
    except (OSError, ValidationError):
        raise _inconsistent(archive, f"{record.name} is no record of a root filesystem") from None
    file = record.parent / tree.file
    if not file.is_file() or sha256(file) != tree.sha256:
        raise _inconsistent(archive, f"{tree.file} is not the one in its record")
    return tree


def _inconsistent(archive: Path, why: str) -> LockError:
    return LockError(
        "the archive is refused, and nothing of it has been taken in",
        where=archive,
        detail=[why],
        cure="make another: labgen fetch LAB -o FILE",
    )


def _lab(request: LabRequest) -> Lab:
    """The lab of WISH; an existing one is meant only if nothing else is said about it."""
    if request.provider or request.profile or request.overrides or request.files or request.components:
        taken = {folder.name for folder in all_labs()}
        free = next(name for number in count() if (name := f"fetch-{number}") not in taken)
        request = replace(request, name=free)
    return lab_of(request).lab


def _files(
    lock: Lock, labs: Iterable[Lab], specs: Iterable[ImageSpec], cache: Path, notes: list[str]
) -> dict[str, Path]:
    """What goes into an archive: path in the cache → file."""
    files: list[Path] = []
    for os_name, system in lock.systems.items():
        files += [Pool(cache, os_name).path(package) for package in system.packages]
    for lab in labs:
        store = artefact_store(lab, cache)
        for component in lab.components.values():
            for name, artefact in component.manifest.artefacts.items():
                files += sorted(path for path in store.home(name, artefact).iterdir() if path.is_file())
    trees = Trees(cache)
    for base in {base.file: base for spec in specs if (base := trees.base(spec))}.values():
        if knows_a_password(trees.path(base)):
            notes.append(
                f"{base.file} holds a mirror's or proxy's password, so it is not in the archive: it is made there"
            )
        else:
            files += [trees.path(base), trees.path(base).with_suffix(".json")]
    return {str(path.relative_to(cache)): path for path in files}


def knows_a_password(tree: Path) -> bool:
    """Whether apt's settings in the tar file TREE, which are this machine's, have a password in an address."""
    with tarfile.open(tree) as tar:
        settings = (member for member in tar if member.isreg() and APT_SETTINGS.fullmatch(member.name))
        files = (tar.extractfile(member) for member in settings)
        return any(file is not None and PASSWORD.search(file.read()) for file in files)


def _refuse_place(path: Path) -> None:
    """Raise UsageError when no file can be put at PATH: before minutes of work, not after them."""
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.absolute().parent}", where=path, cure="make it, or name another")
    if path.is_dir():
        raise UsageError(f"{path} is a folder", cure="name a file in it")
