"""The cache's packages: `packages/OS/NAME_VERSION_ARCH.deb`, each with its record beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from labgen.artefacts.store import sha256
from labgen.errors import PackageError
from labgen.lock.packages import Package
from labgen.reading import read_json
from labgen.system.files import write_atomically
from labgen.systems import OsName

CONTROL = "control"
"""The key under which a record keeps the package's control fields, which apt wants to know of each."""


class Pool:
    """The packages of the operating system OS below the cache folder CACHE; safe to use from several processes."""

    def __init__(self, cache: Path, os_name: OsName) -> None:
        self.os = os_name
        self.folder = cache / "packages" / os_name

    def take(self, folder: Path) -> list[Package]:
        """Move every package of FOLDER into the pool; raises PackageError at one that is damaged."""
        return [self.add(path) for path in sorted(folder.glob("*.deb"))]

    def add(self, path: Path) -> Package:
        """Move the package file PATH into the pool; raises PackageError when it is none."""
        package, control = _read(path)
        self.folder.mkdir(parents=True, exist_ok=True)
        record = {**package.model_dump(), CONTROL: control}
        place = self.path(package)
        part = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.move(path, part)
        part.chmod(0o644)  # apt reads it as a user of its own
        # The record comes last: a package without one does not count.
        os.replace(part, place)
        write_atomically(place.with_suffix(".json"), json.dumps(record).encode() + b"\n", 0o644)
        return package

    def path(self, package: Package) -> Path:
        """Where PACKAGE lies, or would lie."""
        return self.folder / package.file

    def all(self) -> list[Package]:
        """What the pool has, by file name; the checksums are those it had when it came."""
        found = (self._record(path) for path in sorted(self.folder.glob("*.json")))
        return [package for package, _ in filter(None, found) if self.path(package).is_file()]

    def sound(self, package: Package) -> bool:
        """Whether PACKAGE is there with the right bytes."""
        path = self.path(package)
        try:
            if path.stat().st_size == package.size and sha256(path) == package.sha256:
                return self._record(path.with_suffix(".json")) is not None
        except OSError:
            return False
        return False

    def remove(self, package: Package) -> None:
        """Forget PACKAGE."""
        self.path(package).with_suffix(".json").unlink(missing_ok=True)
        self.path(package).unlink(missing_ok=True)

    def repository(self, packages: Iterable[Package], target: Path, suite: str) -> None:
        """Make TARGET an apt repository of PACKAGES, all of which are sound.

        It is flat and not signed: whoever uses it says `[trusted=yes]`, since every checksum has been looked at.
        """
        target.mkdir(parents=True)
        stanzas = []
        for package in packages:
            record = self._record(self.path(package).with_suffix(".json"))
            assert record is not None  # noqa: S101 - it was found sound
            _link(self.path(package), target / package.file)
            about = f"Filename: ./{package.file}\nSize: {package.size}\nSHA256: {package.sha256}\n"
            stanzas.append(f"{record[1]}\n{about}\n")
        index = "".join(stanzas).encode()
        (target / "Packages").write_bytes(index)
        release = f"Suite: {suite}\nCodename: {suite}\nSHA256:\n {sha256(target / 'Packages')} {len(index)} Packages\n"
        (target / "Release").write_text(release)
        # apt reads it as a user of its own.
        target.chmod(0o755)
        for name in ("Packages", "Release"):
            (target / name).chmod(0o644)

    def _record(self, path: Path) -> tuple[Package, str] | None:
        try:
            data = read_json(path)
            control = data.pop(CONTROL)
            return Package.model_validate(data), str(control)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def _read(path: Path) -> tuple[Package, str]:
    """The package in the file PATH and its control fields; raises PackageError."""
    told = subprocess.run(["dpkg-deb", "--field", path], capture_output=True, text=True, errors="replace", check=False)
    fields = dict(line.split(": ", 1) for line in told.stdout.splitlines() if ": " in line and not line.startswith(" "))
    try:
        package = Package(
            name=fields["Package"],
            version=fields["Version"],
            architecture=fields["Architecture"],
            size=path.stat().st_size,
            sha256=sha256(path),
        )
    except (KeyError, ValueError):
        why = told.stderr.strip().splitlines()[-1:] or ["it has no name, version and architecture"]
        raise PackageError(
            f"{path.name} is no Debian package", detail=why, cure="fetch it again: labgen fetch LAB"
        ) from None
    return package, told.stdout.rstrip("\n")


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
