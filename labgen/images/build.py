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
    """The tree of SPEC, made if it is not there: all of the image that needs packages, for docker.

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
    if spec.provider == "docker":
        script.run("docker", trees.path(tree), spec.name)
        return tree.size, ()
    box, work = scratch / "node.box", scratch / "machine"
    work.mkdir()
    repository, harvest = trees.sources(spec, spec.lock.packages if spec.lock else None, work, script)
    script.run("libvirt", trees.path(tree), box, repository=repository, harvest=harvest)
    packages, _ = harvested(cache, spec, harvest, tree.packages)
    script.run_words(["vagrant", "box", "add", "--force", "--provider", "libvirt", "--name", spec.name, str(box)])
    own = {package.key for package in tree.packages}
    return box.stat().st_size, tuple(package for package in packages if package.key not in own)


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
