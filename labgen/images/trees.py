"""The cache's trees: root filesystems (`base-…`) and those with components installed, whatever provider boots them.

trees/base-OS-DIGEST.tar              a root filesystem
trees/OS-COMPONENT-COMPONENT-DIGEST.tar   one with an install stage in it
Each has a record beside it, `.json`, with its checksum and the packages in it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, ValidationError

from labgen.artefacts.link import link_into
from labgen.artefacts.store import sha256
from labgen.components.manifest import Strict
from labgen.errors import PackageError
from labgen.images.script import FETCH, Progress, Script
from labgen.images.spec import ImageSpec
from labgen.lock.mirror import fetch_packages
from labgen.lock.packages import Package
from labgen.lock.pool import Pool
from labgen.reading import LARGEST_RECORD, read_plain
from labgen.system.files import write_atomically
from labgen.system.locks import exclusively
from labgen.systems import OsName, system

BASE = "base-"
MOST_NAMED = 8  # packages that a message names


class Tree(Strict):
    """A tree in the cache. recipe: of its spec. size: bytes. made: ISO 8601, UTC. unknown: packages in it that came
    from nowhere that is known, as `NAME VERSION`: a lock cannot hold them."""

    file: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*[.]tar$", max_length=250)
    os: OsName
    components: tuple[str, ...]
    recipe: str
    sha256: str
    size: int
    made: str
    packages: tuple[Package, ...]
    unknown: tuple[str, ...] = ()

    @property
    def is_base(self) -> bool:
        """Whether it is a root filesystem without components."""
        return self.file.startswith(BASE)


class Trees:
    """The trees below the cache folder CACHE; safe to use from several processes."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.folder = cache / "trees"

    def all(self) -> list[Tree]:
        """Every tree, by file name."""
        found = (self._record(path) for path in sorted(self.folder.glob("*.json")))
        return [tree for tree in found if tree is not None and (self.folder / tree.file).is_file()]

    def base(self, spec: ImageSpec) -> Tree | None:
        """The root filesystem that SPEC would be made from; None if there is none yet. Its bytes are not looked at."""
        return self._found(spec, base=True, offline=False)

    def tree(self, spec: ImageSpec) -> Tree | None:
        """The finished tree of SPEC; None if there is none yet. Its bytes are not looked at."""
        return self._found(spec, base=not spec.components, offline=False)

    def remove(self, tree: Tree) -> None:
        """Forget TREE."""
        (self.folder / tree.file).with_suffix(".json").unlink(missing_ok=True)
        (self.folder / tree.file).unlink(missing_ok=True)

    def ensure(self, spec: ImageSpec, artefacts: Mapping[str, Path], scratch: Path, script: Script) -> Tree:
        """The tree of SPEC, from the cache if it is sound there, else made in the folder SCRATCH.

        Raises ImageError, and PackageError when a package of the lock cannot be had.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with exclusively(self.folder / f".base-{spec.base_digest[:12]}.lock"):
            base = self._sound(spec, script, base=True)
        if not spec.components:
            return base or self._make_base(spec, scratch, script)
        with exclusively(self.folder / f".{spec.tree_digest[:12]}.lock"):
            tree = self._sound(spec, script, base=False)
            return tree or self._bake(spec, base or self._make_base(spec, scratch, script), artefacts, scratch, script)

    def path(self, tree: Tree) -> Path:
        """Where TREE lies."""
        return self.folder / tree.file

    def _make_base(self, spec: ImageSpec, scratch: Path, script: Script) -> Tree:
        with exclusively(self.folder / f".base-{spec.base_digest[:12]}.lock"):
            if tree := self._sound(spec, script, base=True):
                return tree  # another builder has made it meanwhile
            work = scratch / "base"
            work.mkdir()
            chosen = spec.lock.base if spec.lock else None
            repository, harvest = self.sources(spec, chosen, work, script)
            # mmdebstrap unpacks a whole system in passing, which a killed one leaves lying.
            script.run("rootfs.sh", spec.os, work / "rootfs.tar", repository=repository, harvest=harvest, scratch=work)
            return self._keep(spec, work / "rootfs.tar", harvest, (), base=True)

    def _bake(self, spec: ImageSpec, base: Tree, artefacts: Mapping[str, Path], scratch: Path, script: Script) -> Tree:
        work = scratch / "bake"
        components = work / "components"
        shutil.copytree(spec.lib, components / "lib")
        for component in spec.components:
            (components / component.name).mkdir()
            for name, text in component.shipped.items():
                (components / component.name / name).write_text(text, encoding="utf-8")
        files = {name: artefacts[name] for component in spec.components for name in component.manifest.artefacts}
        (work / "artefacts").mkdir()
        link_into(work / "artefacts", files)
        names = [component.name for component in spec.components]
        chosen = spec.lock.packages if spec.lock else None
        repository, harvest = self.sources(spec, chosen, work, script)
        script.run(
            "bake.sh",
            self.path(base),
            work / "rootfs.tar",
            components,
            work / "artefacts",
            spec.os,
            *names,
            repository=repository,
            harvest=harvest,
        )
        return self._keep(spec, work / "rootfs.tar", harvest, base.packages, base=False)

    def sources(
        self, spec: ImageSpec, chosen: Iterable[Package] | None, work: Path, script: Script
    ) -> tuple[Path | None, Path]:
        """Where a script finds packages (None: this host's mirror), and where it puts those that it downloads.

        chosen: the packages that a lock names. Without one, an offline build takes what the cache has.
        """
        harvest = work / "harvest"
        harvest.mkdir()
        if chosen is None and not script.offline:
            return None, harvest
        pool = Pool(self.cache, spec.os)
        if chosen is None:
            wanted = [package for package in pool.all() if pool.sound(package)]
            if not wanted:
                raise missing_packages([f"there is none of {pool.os}"], 0, pool)
        else:
            wanted = list(chosen)
            require(wanted, pool, script.progress, offline=script.offline)
        pool.repository(wanted, work / "repository", system(spec.os).suite)
        return work / "repository", harvest

    def _keep(self, spec: ImageSpec, made: Path, harvest: Path, known: Iterable[Package], *, base: bool) -> Tree:
        packages, unknown = harvested(self.cache, spec, harvest, known)
        tree = Tree(
            file=self._file(spec, base=base),
            os=spec.os,
            components=() if base else tuple(component.name for component in spec.components),
            recipe=spec.base_recipe if base else spec.recipe,
            sha256=sha256(made),
            size=made.stat().st_size,
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            packages=packages,
            unknown=unknown,
        )
        self.adopt(tree, made)
        for old in self.all():
            # What older scripts made nothing asks for any more; it is the largest thing in the cache.
            if base and old.is_base and old.os == tree.os and old.recipe != tree.recipe:
                self.remove(old)
        return tree

    def adopt(self, tree: Tree, made: Path) -> None:
        """Move the file MADE, which is TREE, to its place."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / tree.file
        # The record comes last: a tree without one does not count.
        path.with_suffix(".json").unlink(missing_ok=True)
        os.replace(made, path)
        write_atomically(path.with_suffix(".json"), tree.model_dump_json().encode() + b"\n", 0o644)

    def _sound(self, spec: ImageSpec, script: Script, *, base: bool) -> Tree | None:
        """The tree for SPEC with the right bytes; damaged ones go."""
        while tree := self._found(spec, base=base, offline=script.offline):
            path = self.folder / tree.file
            if path.stat().st_size == tree.size and sha256(path) == tree.sha256:
                return tree
            script.progress(f"{tree.file} in the cache is damaged: making it again")
            self.remove(tree)
        return None

    def _found(self, spec: ImageSpec, *, base: bool, offline: bool) -> Tree | None:
        """The tree for SPEC, or one that was made without its lock of the same packages.

        offline: without a lock any tree that the same scripts have made will do: nothing newer can be had.
        """
        own = self._record((self.folder / self._file(spec, base=base)).with_suffix(".json"))
        if own and (self.folder / own.file).is_file():
            return own
        recipe = spec.base_recipe if base else spec.recipe
        for tree in self.all():
            if tree.is_base == base and tree.recipe == recipe:
                if spec.lock is None:
                    if offline:
                        return tree
                elif _agrees(tree, spec):
                    return tree
        return None

    def _record(self, path: Path) -> Tree | None:
        try:
            tree = Tree.model_validate_json(read_plain(path, LARGEST_RECORD))
        except (OSError, ValidationError):
            return None  # a record that cannot be read is no record: the tree is made again when it is needed
        return tree if tree.file == f"{path.stem}.tar" else None

    def _file(self, spec: ImageSpec, *, base: bool) -> str:
        if base or not spec.components:
            return f"{BASE}{spec.os}-{spec.base_digest[:12]}.tar"
        label = "-".join([spec.os, *(component.name for component in spec.components)])
        return f"{label}-{spec.tree_digest[:12]}.tar"


def _agrees(tree: Tree, spec: ImageSpec) -> bool:
    """Whether TREE has just the packages that it would get by SPEC's lock."""
    assert spec.lock is not None  # noqa: S101 - asked for locked specs only
    has = {(*package.key, package.sha256) for package in tree.packages}
    if tree.unknown:
        return False
    if tree.is_base:
        return has == {(*package.key, package.sha256) for package in spec.lock.base}
    locked: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for package in spec.lock.packages:
        locked.setdefault((package.name, package.architecture), set()).add((package.version, package.sha256))
    # Of a package that the lock has twice, apt would take the newer one, which may be another.
    return all(locked.get((name, arch)) == {(version, checksum)} for name, version, arch, checksum in has)


def require(wanted: Iterable[Package], pool: Pool, progress: Progress, *, offline: bool = False) -> None:
    """See that POOL has the packages WANTED; raises PackageError that names those which cannot be had."""
    lacking = [package for package in wanted if not pool.sound(package)]
    damaged = {package.key for package in lacking if pool.path(package).exists()}
    if offline and lacking:
        words = {True: "damaged", False: "not in the cache"}
        named = [f"{package} ({words[package.key in damaged]})" for package in lacking]
        raise missing_packages(named, len(lacking), pool)
    for package in lacking:
        if package.key in damaged:
            progress(f"{package} in the cache is damaged: fetching it again")
    fetch_packages(lacking, pool, progress)


def missing_packages(named: list[str], count: int, pool: Pool) -> PackageError:
    """The error about packages that offline cannot be had; COUNT of them, 0 for all."""
    more = [f"and {len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
    what = {0: "packages are", 1: "a package is"}.get(count, f"{count} packages are")
    return PackageError(
        f"{what} missing for {pool.os}, and --offline fetches nothing",
        where=pool.folder,
        detail=named[:MOST_NAMED] + more,
        cure=FETCH,
    )


def harvested(
    cache: Path, spec: ImageSpec, harvest: Path, known: Iterable[Package]
) -> tuple[tuple[Package, ...], tuple[str, ...]]:
    """Packages of the tree that a script has made, and the names of those whose file is not known.

    The packages that the script downloaded go into the pool.
    """
    pool = Pool(cache, spec.os)
    pool.take(harvest)
    files = {package.key: package for package in pool.all()}
    files |= {package.key: package for package in [*known, *(spec.lock.packages if spec.lock else ())]}
    packages, unknown = [], []
    for line in _lines(harvest / "packages"):
        name, version, architecture = line.split()
        found = files.get((name, version, architecture))
        if found:
            packages.append(Package(**{field: getattr(found, field) for field in Package.model_fields}))
        else:
            unknown.append(f"{name} {version}")
    return tuple(sorted(packages, key=lambda package: package.key)), tuple(sorted(unknown))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.is_file() else []
