"""Builds an image by the scripts in `scripts/image/`, unless it is there."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from labgen.errors import ImageError
from labgen.images.registry import have_image, record_image
from labgen.images.script import Progress, Script
from labgen.images.spec import ImageSpec
from labgen.images.trees import Tree, Trees, harvested
from labgen.lock.packages import Package
from labgen.system.locks import exclusively


def ensure_image(
    spec: ImageSpec,
    artefacts: Mapping[str, Path],
    cache: Path,
    log: Path,
    progress: Progress = lambda _: None,
    stop: threading.Event | None = None,
    *,
    offline: bool = False,
) -> str:
    """The name of SPEC's image, which is built if it is not there.

    artefacts: file name → cached file, for the install steps. log: where the scripts' output goes. stop: when it is
    set, from another thread, the build is given up. offline: no network is used, and none can be.
    Raises ImageError with the log's last lines, and PackageError when packages cannot be had.
    Safe against other builders of the same image, here and elsewhere; a build that is cut off leaves nothing that
    counts as done.
    """
    folder = cache / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with exclusively(folder / f".{spec.digest[:12]}.lock"):
        if not have_image(spec, cache):
            _need_root()
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_bytes(b"")
            script = Script(log, spec, progress, stop or threading.Event(), offline=offline)
            # The scratch folder lies in the cache, on the disk that was found to have room.
            with _scratch(folder / f".build-{spec.digest[:12]}") as scratch:
                size, packages = _build(spec, artefacts, cache, scratch, script)
            record_image(spec, cache, size, packages)
    return spec.name


def ensure_tree(
    spec: ImageSpec,
    artefacts: Mapping[str, Path],
    cache: Path,
    log: Path,
    progress: Progress = lambda _: None,
    stop: threading.Event | None = None,
) -> Tree:
    """The tree of SPEC, made if it is not there: all of an image that takes nothing beside it.

    Arguments and errors are those of `ensure_image`.
    """
    folder = cache / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with exclusively(folder / f".{spec.digest[:12]}.lock"):
        _need_root()
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")
        with _scratch(folder / f".build-{spec.digest[:12]}") as scratch:
            return Trees(cache).ensure(spec, artefacts, scratch, Script(log, spec, progress, stop or threading.Event()))


def _build(
    spec: ImageSpec, artefacts: Mapping[str, Path], cache: Path, scratch: Path, script: Script
) -> tuple[int, tuple[Package, ...]]:
    """Size of the image, and the packages that it has beside those of its tree."""
    trees = Trees(cache)
    tree = trees.ensure(spec, artefacts, scratch, script)
    bench = _Bench(spec, cache, scratch / "machine", script, tree)
    bench.scratch.mkdir()
    size = spec.maker.make(bench, trees.path(tree), spec.name)
    return size, tuple(bench.added)


class _Bench:
    """The Workbench of one image: its folder SCRATCH, and in `added` the packages that it has beside those of TREE."""

    def __init__(self, spec: ImageSpec, cache: Path, scratch: Path, script: Script, tree: Tree) -> None:
        self.scratch = scratch
        self.added: list[Package] = []
        self._spec, self._cache, self._script, self._tree = spec, cache, script, tree

    def run(self, script: str | Path, *words: str | Path) -> None:
        self._script.run(script, *words)

    def run_with_packages(self, script: str | Path, *words: str | Path) -> None:
        chosen = self._spec.lock.packages if self._spec.lock else None
        repository, harvest = Trees(self._cache).sources(self._spec, chosen, self.scratch, self._script)
        self._script.run(script, *words, repository=repository, harvest=harvest)
        packages, _ = harvested(self._cache, self._spec, harvest, self._tree.packages)
        own = {package.key for package in self._tree.packages}
        self.added += (package for package in packages if package.key not in own)

    def add_box(self, box: Path) -> None:
        self._script.add_box(box)


def _need_root() -> None:
    if os.geteuid() != 0:
        raise ImageError(
            "building an image needs root", cure="run labgen with sudo, or name a vendor's box: --set box=…"
        )


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """FOLDER, empty, and gone afterwards; what a killed build left in it goes first. The caller holds the lock."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
