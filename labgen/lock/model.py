"""The lock file: which packages and artefacts a lab is made of, with versions and checksums."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from labgen import __version__
from labgen.components.manifest import Strict
from labgen.documents.wording import describe
from labgen.errors import LockError
from labgen.lock.packages import Package, Sha256
from labgen.problems import path_text
from labgen.reading import parse_json, read_plain
from labgen.system.files import write_atomically
from labgen.systems import OsName
from labgen.wording import printable

FORMAT = 1
MOST_PROBLEMS = 5  # of a damaged file that are told
LARGEST = 16 << 20  # bytes; a thousand packages are some 200 kB


class LockedPackage(Package):
    """base: it is in the root filesystem that the images of its operating system begin with."""

    base: bool = False


class SystemLock(Strict):
    """The packages of one operating system, sorted by name."""

    packages: tuple[LockedPackage, ...] = Field(min_length=1)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of all that the packages are."""
        return _digest(self.packages)

    @property
    def base(self) -> tuple[LockedPackage, ...]:
        """The packages of the root filesystem."""
        return tuple(package for package in self.packages if package.base)

    @cached_property
    def base_digest(self) -> str:
        """The SHA-256 of what the root filesystem's packages are."""
        return _digest(self.base)


class LockedArtefact(Strict):
    """A cached file; identity: the hash of the version and sources that its manifest pins."""

    name: str
    version: str
    identity: str
    sha256: Sha256


class LockedLab(Strict):
    """What a lock was made for."""

    blueprint: str
    profile: str
    provider: str
    os: str

    def __str__(self) -> str:
        return f"{self.blueprint} ({self.profile}, {self.os}) on {self.provider}"


class Lock(Strict):
    """format: of the file. labgen: the version that wrote it. systems: operating system → its packages."""

    format: int = FORMAT
    labgen: str = __version__
    labs: tuple[LockedLab, ...]
    systems: dict[OsName, SystemLock]
    artefacts: tuple[LockedArtefact, ...] = ()

    def refuse_other(self, lab: LockedLab, artefacts: dict[str, tuple[str, str]], where: str | Path) -> None:
        """Raise LockError unless the lock was made for LAB with these ARTEFACTS (name → version, identity)."""
        cure = "make another lock: labgen fetch LAB --lock FILE, with the same --profile, --provider and --set"
        if lab.os not in self.systems:
            there = ", ".join(sorted(self.systems)) or "no operating system"
            raise LockError(f"the lock is for {there}, not for {lab.os}", where=where, cure=cure)
        if lab not in self.labs:
            for_whom = [f"it was made for {made}" for made in self.labs]
            raise LockError(f"the lock is not for {lab}", where=where, detail=for_whom, cure=cure)
        had = {(artefact.name, artefact.identity): artefact.version for artefact in self.artefacts}
        for name, (version, identity) in sorted(artefacts.items()):
            if (name, identity) not in had:
                known = sorted({other for (given, _), other in had.items() if given == name})
                told = f"it has {name} {', '.join(known)}" if known else f"it knows no {name}"
                raise LockError(f"the lock is not for {name} {version}", where=where, detail=[told], cure=cure)


def read_lock(path: Path) -> Lock:
    """The lock in the file PATH; raises LockError when it is missing, damaged, or of a newer labgen."""
    try:
        data = read_plain(path, LARGEST)
    except OSError as error:
        raise LockError(
            f"the lock file cannot be read: {(error.strerror or 'an error').lower()}",
            where=path,
            cure="name another with --lock, or make one: labgen fetch LAB --lock FILE",
        ) from None
    return parse_lock(data, path)


def parse_lock(data: bytes, where: str | Path) -> Lock:
    """The lock in DATA, which comes from WHERE; raises LockError."""
    try:
        document = parse_json(data)
    except ValueError:
        raise _damaged(where, ["it is not JSON"]) from None
    number = document.get("format") if isinstance(document, dict) else None
    if isinstance(number, int) and number > FORMAT:
        raise LockError(
            f"the lock file has the format {number}; this labgen knows {FORMAT}", where=where, cure="update labgen"
        )
    try:
        return Lock.model_validate_json(data)
    except ValidationError as error:
        told = [describe(Lock, detail) for detail in error.errors()[:MOST_PROBLEMS]]
        raise _damaged(where, [printable(f"{path_text(loc)}: {what}" if loc else what) for loc, what in told]) from None


def write_lock(lock: Lock, path: Path) -> None:
    """Put LOCK into the file PATH; raises LockError when that cannot be."""
    try:
        write_atomically(path, lock_bytes(lock), 0o644)
    except OSError as error:
        raise LockError(
            f"the lock file cannot be written: {(error.strerror or 'an error').lower()}",
            where=path,
            cure="name another with --lock",
        ) from None


def lock_bytes(lock: Lock) -> bytes:
    """LOCK as it stands in a file: a package a line, so that two locks can be compared line by line."""
    data = lock.model_dump(mode="json")
    return (_written(data) + "\n").encode()


def _written(value: Any, indent: str = "") -> str:
    """VALUE as JSON, with what holds no list or mapping itself on one line."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if not any(isinstance(part, (dict, list)) and part for part in inner):
        return json.dumps(value)
    deeper = f"{indent}  "
    if isinstance(value, dict):
        lines = [f"{deeper}{json.dumps(key)}: {_written(part, deeper)}" for key, part in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(f"{deeper}{_written(part, deeper)}" for part in value) + f"\n{indent}]"


def _damaged(where: str | Path, detail: list[str]) -> LockError:
    return LockError(
        "the lock file is damaged",
        where=where,
        detail=detail,
        cure="take a sound copy, or make it anew: labgen fetch LAB --lock FILE",
    )


def _digest(packages: tuple[LockedPackage, ...]) -> str:
    return hashlib.sha256(json.dumps(sorted((*p.key, p.sha256, p.base) for p in packages)).encode()).hexdigest()
