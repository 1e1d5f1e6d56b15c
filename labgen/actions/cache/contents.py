"""What the cache holds, who uses it, and removing what nobody does."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labgen.actions.cache.images import artefact_store
from labgen.actions.session.open import existing_lab
from labgen.errors import LabgenError
from labgen.images import Trees, list_images, remove_image
from labgen.images.machines import image_specs
from labgen.lock.packages import Package
from labgen.lock.pool import Pool
from labgen.state import all_labs, cache_folder
from labgen.systems import systems

IMAGE, TREE, BASE, PACKAGES, ARTEFACT = "image", "baked tree", "base", "packages", "artefact"


@dataclass(frozen=True)
class CacheEntry:
    """Something that the cache holds, or docker or Vagrant for it. size: bytes; made: ISO 8601; labs: that use it."""

    kind: str
    name: str
    size: int
    made: str
    labs: tuple[str, ...]
    remove: Callable[[], None]
    provider: str = ""

    def line(self) -> dict[str, Any]:
        """It for a table or as JSON, with its size in MiB."""
        return {
            "kind": self.kind,
            "name": self.name,
            "provider": self.provider,
            "mib": self.size >> 20,
            "made": self.made,
            "labs": list(self.labs),
        }


@dataclass
class _Users:
    """Who uses what: image name, tree file, package file or artefact's folder → labs."""

    images: dict[str, set[str]] = field(default_factory=dict)
    trees: dict[str, set[str]] = field(default_factory=dict)
    packages: dict[Path, set[str]] = field(default_factory=dict)
    artefacts: dict[Path, set[str]] = field(default_factory=dict)


def held() -> list[CacheEntry]:
    """All that the cache holds."""
    cache = cache_folder()
    users = _users(cache)
    found = [
        CacheEntry(
            IMAGE,
            image.name,
            image.size,
            image.made,
            _sorted(users.images.get(image.name)),
            lambda image=image: remove_image(image, cache),  # type: ignore[misc]
            image.provider,
        )
        for image in list_images(cache)
    ]
    trees = Trees(cache)
    found += [
        CacheEntry(
            BASE if tree.is_base else TREE,
            tree.file,
            tree.size,
            tree.made,
            _sorted(users.trees.get(tree.file)),
            lambda tree=tree: trees.remove(tree),  # type: ignore[misc]
        )
        for tree in trees.all()
    ]
    for os_name in systems():
        found += _packages(Pool(cache, os_name), users)
    for home in sorted(path for path in (cache / "artefacts").glob("[!.]*") if path.is_dir()):
        size = sum(file.stat().st_size for file in home.iterdir())
        labs = _sorted(users.artefacts.get(home))
        found.append(CacheEntry(ARTEFACT, home.name, size, _when(home), labs, lambda home=home: shutil.rmtree(home)))  # type: ignore[misc]
    return found


def unused() -> list[CacheEntry]:
    """What no lab uses, neither itself nor through an image."""
    return [thing for thing in held() if not thing.labs]


def remove(things: Iterable[CacheEntry]) -> None:
    """Remove these."""
    for thing in things:
        thing.remove()
    for old in (cache_folder() / "images").glob("rootfs-*"):
        old.unlink(missing_ok=True)  # of a labgen that kept root filesystems there


def _packages(pool: Pool, users: _Users) -> list[CacheEntry]:
    """The pool's packages: in one line those that labs use, in another those that none does."""
    used: list[Package] = []
    idle: list[Package] = []
    for package in pool.all():
        (used if pool.path(package) in users.packages else idle).append(package)
    labs = _sorted(lab for package in used for lab in users.packages[pool.path(package)])
    lines = []
    for packages, owners in ((used, labs), (idle, ())):
        if packages:
            size = sum(package.size for package in packages)
            made = max(_when(pool.path(package)) for package in packages)
            name = f"{len(packages)} of {pool.os}"
            lines.append(CacheEntry(PACKAGES, name, size, made, owners, _remover(pool, packages)))
    return lines


def _remover(pool: Pool, packages: list[Package]) -> Callable[[], None]:
    def remove_all() -> None:
        for package in packages:
            pool.remove(package)

    return remove_all


def _users(cache: Path) -> _Users:
    users, trees = _Users(), Trees(cache)
    images = {image.name: image for image in list_images(cache)}
    for folder in all_labs():
        try:
            opened = existing_lab(folder.name)
        except LabgenError:
            continue  # a damaged lab uses nothing that can be named
        lab = opened.lab
        pool = Pool(cache, lab.os)
        needed: list[Package] = list(lab.lock.systems[lab.os].packages) if lab.lock else []
        for spec in image_specs(lab, baked=opened.record.baked).values():
            users.images.setdefault(spec.name, set()).add(lab.name)
            if spec.name in images:
                needed += images[spec.name].packages
            for tree in filter(None, (trees.base(spec), trees.tree(spec))):
                users.trees.setdefault(tree.file, set()).add(lab.name)
                needed += tree.packages
        for package in needed:
            users.packages.setdefault(pool.path(package), set()).add(lab.name)
        store = artefact_store(lab, cache)
        for component in lab.components.values():
            for name, artefact in component.manifest.artefacts.items():
                users.artefacts.setdefault(store.home(name, artefact), set()).add(lab.name)
    return users


def _sorted(labs: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(sorted(set(labs or ())))


def _when(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
