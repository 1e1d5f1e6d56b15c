"""Runs the builder's scripts, with one log for all of those that make one image."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from labgen.errors import ImageError, PackageError, VagrantError
from labgen.images.spec import ImageSpec
from labgen.providers import Vagrant
from labgen.system.children import DIES_AS_A_WHOLE

Progress = Callable[[str], None]
LAST_LINES = 15
POLL = 0.2  # seconds between two looks whether the build is to be given up
FETCH = "fetch them where there is a network: labgen fetch LAB; or take them in: labgen fetch --from FILE"
# apt's words for a package that none of its sources has, and for one that needs such a one.
UNKNOWN = re.compile(
    r"E: Unable to locate package (?P<name>\S+)"
    r"|E: Package '(?P<gone>\S+)' has no installation candidate"
    r"|Depends: (?P<needed>\S+) .*but it is not (?:installable|going to be installed)"
)


class Script:
    """Runs scripts for the image SPEC; what they print goes to LOG. They end with labgen, or when STOP is set, from
    another thread.

    offline: scripts run without a network, so that none can be used by mistake.
    """

    def __init__(
        self, log: Path, spec: ImageSpec, progress: Progress, stop: threading.Event, *, offline: bool = False
    ) -> None:
        self.progress, self.offline = progress, offline
        self._log, self._spec, self._stop = log, spec, stop

    def run(
        self,
        script: str | Path,
        *words: str | Path,
        repository: Path | None = None,
        harvest: Path | None = None,
        scratch: Path | None = None,
    ) -> None:
        """Run SCRIPT, a file of `scripts/image` or the path of another.

        Raises ImageError or, for want of a package, PackageError.

        repository: where packages come from, and from nowhere else. harvest: where downloaded packages go. scratch: for
        what the script's programs keep in passing.
        """
        self.progress(f"{self._spec.name}: {Path(script).stem}")
        given = {"LABGEN_REPOSITORY": repository, "LABGEN_HARVEST": harvest, "TMPDIR": scratch}
        environment = {name: str(path) for name, path in given.items() if path is not None}
        alone = ["unshare", "--net"] if self.offline else []
        words_ = [*alone, "bash", str(self._spec.scripts / script), *map(str, words)]
        self.run_words(words_, environment, chosen=repository is not None)

    def run_words(self, words: list[str], more: dict[str, str] | None = None, *, chosen: bool = False) -> None:
        """Run a program; chosen: it has no packages but those that were chosen for it."""
        kept = {
            name: value for name, value in os.environ.items() if name not in ("LABGEN_REPOSITORY", "LABGEN_HARVEST")
        }
        environment = {**kept, "VAGRANT_CHECKPOINT_DISABLE": "1", "LC_ALL": "C.UTF-8", **(more or {})}
        with self._log.open("ab") as log:
            begin = log.tell()
            log.write(f"$ {' '.join(words)}\n".encode())
            log.flush()
            # In a session of its own: Ctrl-C at the terminal reaches only labgen, which then decides.
            running = subprocess.Popen(
                [*DIES_AS_A_WHOLE, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
            returncode = self._wait(running)
        self._unless_given_up()
        if returncode:
            said = self._log.read_bytes()[begin:].decode(errors="replace")
            if chosen and (lacking := _lacking(said)):
                raise PackageError(
                    f"the image {self._spec.name} needs packages that are not here: {', '.join(lacking)}",
                    where=self._log,
                    cure=FETCH,
                )
            raise ImageError(
                f"the image {self._spec.name} could not be built",
                where=self._log,
                detail=said.splitlines()[-LAST_LINES:],
                cure="mend what the lines above name, then run the same command again",
            )

    def add_box(self, box: Path) -> None:
        """Give Vagrant the file BOX as the image; raises ImageError, also if it was given up meanwhile."""
        vagrant, over = Vagrant(box.parent, on_line=self._note), threading.Event()

        def watch() -> None:
            while not over.wait(POLL):
                if self._stop.is_set():
                    vagrant.interrupt()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            vagrant.box_add(self._spec.name, box, self._spec.provider)
        except VagrantError as error:
            self._unless_given_up()
            raise ImageError(error.what, where=self._log, detail=error.detail, cure=error.cure) from None
        finally:
            over.set()
            watcher.join()
        self._unless_given_up()

    def _note(self, line: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")

    def _unless_given_up(self) -> None:
        if self._stop.is_set():
            raise ImageError(f"building the image {self._spec.name} was given up", where=self._log)

    def _wait(self, running: subprocess.Popen[bytes]) -> int:
        while True:
            try:
                return running.wait(timeout=POLL)
            except subprocess.TimeoutExpired:
                if self._stop.is_set():
                    os.killpg(running.pid, signal.SIGTERM)
                    return running.wait()


def _lacking(said: str) -> list[str]:
    """The packages that apt did not find."""
    return sorted({found for match in UNKNOWN.finditer(said) for found in match.groups() if found})
