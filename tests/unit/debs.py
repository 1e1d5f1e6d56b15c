"""Small Debian packages, made by dpkg-deb, and repositories of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from labgen.lock.packages import Package
from labgen.lock.pool import Pool
from labgen.systems import system

OS = "debian-13"


def make_deb(folder: Path, name: str, version: str, content: str = "", depends: str = "") -> Path:
    """A package that holds /usr/share/NAME with CONTENT, in FOLDER under the name that apt gives it."""
    tree = folder / f".{name}"
    (tree / "DEBIAN").mkdir(parents=True, exist_ok=True)
    (tree / "usr/share").mkdir(parents=True, exist_ok=True)
    (tree / "usr/share" / name).write_text(content)
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody\nDescription: {name}\n"
    (tree / "DEBIAN/control").write_text(control + (f"Depends: {depends}\n" if depends else ""))
    target = folder / f"{name}_{version.replace(':', '%3a')}_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, target], check=True, capture_output=True)
    return target


def pool_of(cache: Path, *debs: Path) -> tuple[Pool, list[Package]]:
    """The cache's pool with DEBS moved into it."""
    pool = Pool(cache, OS)
    return pool, [pool.add(deb) for deb in debs]


def mirror_of(folder: Path, *debs: Path) -> list[str]:
    """An apt repository of DEBS below FOLDER, as lines for a sources.list."""
    pool, packages = pool_of(folder / "of-the-mirror", *debs)
    pool.repository(packages, folder / "mirror", system(OS).suite)
    return [f"deb [trusted=yes] copy:{folder / 'mirror'} ./"]
