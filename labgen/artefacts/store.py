"""The controller's cache of artefacts: `artefacts/NAME-VERSION-IDENTITY/NAME` with its record beside it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labgen.artefacts.sources import SourceFailed, fetch
from labgen.components.manifest import Artefact
from labgen.components.registry import Component
from labgen.errors import ArtefactError

Progress = Callable[[str], None]
RECORD = "record.json"


@dataclass(frozen=True)
class ArtefactStore:
    """Artefacts below FOLDER; safe to use from several processes."""

    folder: Path

    def ensure(self, name: str, artefact: Artefact, progress: Progress = lambda _: None) -> Path:
        """The file NAME, from the cache or from the first source that gives it.

        A cached file whose checksum differs is thrown away and fetched again. Raises ArtefactError when no source
        gives it, with each source's reason.
        """
        home = self.folder / f"{name}-{artefact.version}-{identity(artefact)}"
        self.folder.mkdir(parents=True, exist_ok=True)
        with _lock(self.folder / f".{home.name}.lock"):
            if self._sound(home, name):
                return home / name
            if home.exists():
                progress(f"{name} {artefact.version} in the cache is damaged: fetching it again")
                shutil.rmtree(home)
            self._fetch(home, name, artefact, progress)
        return home / name

    def ensure_all(self, components: Iterable[Component], progress: Progress = lambda _: None) -> dict[str, Path]:
        """Every artefact of COMPONENTS, by name; raises ArtefactError."""
        return {
            name: self.ensure(name, artefact, progress)
            for component in components
            for name, artefact in component.manifest.artefacts.items()
        }

    def cached(self, name: str, artefact: Artefact) -> bool:
        """Whether NAME is in the cache (its checksum is looked at when it is used)."""
        return (self.folder / f"{name}-{artefact.version}-{identity(artefact)}" / RECORD).is_file()

    def _sound(self, home: Path, name: str) -> bool:
        try:
            record = json.loads((home / RECORD).read_text())
            return bool(record["sha256"] == sha256(home / name))
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _fetch(self, home: Path, name: str, artefact: Artefact, progress: Progress) -> None:
        reasons = []
        for source in artefact.sources:
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=f".{name}.") as scratch:
                work = Path(scratch)
                try:
                    progress(f"{name} {artefact.version} from {source.kind}")
                    file = fetch(source, name, work)
                except SourceFailed as error:
                    reasons.append(f"{source.kind}: {error}")
                    continue
                finished = work / "finished"
                finished.mkdir()
                os.replace(file, finished / name)
                (finished / name).chmod(0o755)
                record = {"sha256": sha256(finished / name), "source": source.kind, "version": artefact.version}
                (finished / RECORD).write_text(json.dumps(record) + "\n")
                os.replace(finished, home)
                return
        raise ArtefactError(
            f"no source gives {name} {artefact.version}",
            detail=reasons,
            cure="mend one of the sources above: a network, a mirror, an index, or a Go compiler; then run this again",
        )


def identity(artefact: Artefact) -> str:
    """A short hash of the artefact's version and pinned sources: what it must be, whoever it comes from."""
    return hashlib.sha256(artefact.model_dump_json().encode()).hexdigest()[:12]


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
