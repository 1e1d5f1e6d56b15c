"""A lock of what labs are made of, from the records that the cache keeps of their images and artefacts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from labgen.actions.cache.images import artefact_store
from labgen.actions.session.open import locked_lab
from labgen.artefacts.store import identity, sha256
from labgen.images import ImageSpec, Trees, list_images
from labgen.lab.model import Lab
from labgen.lock.model import Lock, LockedArtefact, LockedPackage, SystemLock
from labgen.lock.packages import Package
from labgen.systems import OsName


def lock_of(labs: Sequence[Lab], specs: Iterable[ImageSpec], cache: Path, notes: list[str]) -> Lock:
    """The lock of LABS, whose images SPECS and artefacts are in the cache. NOTES gets what it cannot hold."""
    wanted = list(specs)
    return Lock(
        labs=tuple(dict.fromkeys(locked_lab(lab) for lab in labs)),
        systems={lab.os: _system(lab.os, wanted, cache, notes) for lab in sorted(labs, key=lambda lab: lab.os)},
        artefacts=_artefacts(labs, cache),
    )


def _system(os_name: OsName, specs: Iterable[ImageSpec], cache: Path, notes: list[str]) -> SystemLock:
    """The packages of all images of OS_NAME."""
    trees = Trees(cache)
    images = {image.name: image for image in list_images(cache)}
    base: set[Package] = set()
    packages: set[Package] = set()
    for spec in specs:
        if spec.os != os_name:
            continue
        for tree in filter(None, (trees.base(spec), trees.tree(spec))):
            packages.update(tree.packages)
            if tree.is_base:
                base.update(tree.packages)
            notes += [f"{package} came from no repository: the lock cannot hold it" for package in tree.unknown]
        if spec.name in images:
            packages.update(images[spec.name].packages)
    ordered = sorted(packages, key=lambda package: package.key)
    return SystemLock(
        packages=tuple(LockedPackage(**package.model_dump(), base=package in base) for package in ordered)
    )


def _artefacts(labs: Iterable[Lab], cache: Path) -> tuple[LockedArtefact, ...]:
    found = set()
    for lab in labs:
        store = artefact_store(lab, cache)
        for component in lab.components.values():
            for name, artefact in component.manifest.artefacts.items():
                checksum = sha256(store.home(name, artefact) / name)
                found.add((name, artefact.version, identity(artefact), checksum))
    return tuple(
        LockedArtefact(name=name, version=version, identity=own, sha256=checksum)
        for name, version, own, checksum in sorted(found)
    )
