"""Builds an image by the scripts in `scripts/image/`, unless it is there."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from labgen.artefacts.link import link_into
from labgen.components.registry import VERSION
from labgen.errors import ImageError
from labgen.images.registry import have_image, record_image
from labgen.images.spec import ImageSpec

Progress = Callable[[str], None]
LAST_LINES = 15
POLL = 0.2  # seconds between two looks whether the build is to be given up


def ensure_image(
    spec: ImageSpec,
    artefacts: Mapping[str, Path],
    cache: Path,
    log: Path,
    progress: Progress = lambda _: None,
    stop: threading.Event | None = None,
) -> str:
    """The name of SPEC's image, which is built if it is not there.

    artefacts: file name → cached file, for the install steps. log: where the scripts' output goes. stop: when it is
    set, from another thread, the build is given up.
    Raises ImageError with the log's last lines. Safe against other builders of the same image, here and elsewhere;
    a build that is cut off leaves nothing that counts as done.
    """
    folder = cache / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / f".{spec.digest[:12]}.lock"):
        if not have_image(spec, cache):
            _need_root()
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_bytes(b"")
            script = _Script(log, spec, progress, stop or threading.Event())
            # The scratch folder lies in the cache, on the disk that was found to have room.
            with _scratch(folder / f".build-{spec.digest[:12]}") as scratch:
                size = _build(spec, artefacts, cache, scratch, script)
            record_image(spec, cache, size)
    return spec.name


def _build(spec: ImageSpec, artefacts: Mapping[str, Path], cache: Path, scratch: Path, script: _Script) -> int:
    rootfs = _rootfs(spec, cache, script)
    if spec.components:
        components = scratch / "components"
        for source, name in [(spec.lib, "lib"), *((c.folder, c.name) for c in spec.components)]:
            (components / name).mkdir(parents=True)
            for file in source.glob("*.sh"):
                shutil.copy2(file, components / name)
        for component in spec.components:
            if component.chosen:
                (components / component.name / VERSION).write_text(f"{component.chosen}\n")
        files = {name: artefacts[name] for component in spec.components for name in component.manifest.artefacts}
        (scratch / "artefacts").mkdir()
        link_into(scratch / "artefacts", files)
        baked = scratch / "rootfs.tar"
        names = [component.name for component in spec.components]
        script.run("bake", rootfs, baked, components, scratch / "artefacts", spec.os, *names)
        rootfs = baked
    size = rootfs.stat().st_size
    if spec.provider == "docker":
        script.run("docker", rootfs, spec.name)
    else:
        box = scratch / "node.box"
        script.run("libvirt", rootfs, box)
        size = box.stat().st_size
        script.run_words(["vagrant", "box", "add", "--force", "--provider", "libvirt", "--name", spec.name, str(box)])
    return size


def _rootfs(spec: ImageSpec, cache: Path, script: _Script) -> Path:
    """The root filesystem of the operating system, built once for all images."""
    target = cache / "images" / f"rootfs-{spec.os}-{spec.rootfs_digest[:12]}.tar"
    with _locked(target.with_suffix(".lock")):
        if not target.is_file():
            for cut_off in target.parent.glob(f"{target.name}.*"):
                shutil.rmtree(cut_off, ignore_errors=True)
            script.run("rootfs", spec.os, target)
            for old in target.parent.glob(f"rootfs-{spec.os}-*.tar"):
                if old != target:
                    old.unlink(missing_ok=True)
    return target


class _Script:
    """Runs the builder's scripts with one log for all of them."""

    def __init__(self, log: Path, spec: ImageSpec, progress: Progress, stop: threading.Event) -> None:
        self._log, self._spec, self._progress, self._stop = log, spec, progress, stop

    def run(self, name: str, *words: str | Path) -> None:
        self._progress(f"{self._spec.name}: {name}")
        self.run_words(["bash", str(self._spec.scripts / f"{name}.sh"), *map(str, words)])

    def run_words(self, words: list[str]) -> None:
        environment = {**os.environ, "VAGRANT_CHECKPOINT_DISABLE": "1", "LC_ALL": "C.UTF-8"}
        with self._log.open("ab") as log:
            log.write(f"$ {' '.join(words)}\n".encode())
            log.flush()
            # In a session of its own, so that all that the script started can be ended with it.
            running = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
            returncode = self._wait(running)
        if self._stop.is_set():
            raise ImageError(f"building the image {self._spec.name} was given up", where=self._log)
        if returncode:
            lines = self._log.read_text(errors="replace").splitlines()[-LAST_LINES:]
            raise ImageError(
                f"the image {self._spec.name} could not be built",
                where=self._log,
                detail=lines,
                cure="mend what the lines above name, then run the same command again",
            )

    def _wait(self, running: subprocess.Popen[bytes]) -> int:
        while True:
            try:
                return running.wait(timeout=POLL)
            except subprocess.TimeoutExpired:
                if self._stop.is_set():
                    os.killpg(running.pid, signal.SIGTERM)
                    return running.wait()


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


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
