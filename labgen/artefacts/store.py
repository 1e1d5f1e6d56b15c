"""The controller's cache of artefacts: `artefacts/NAME-VERSION-IDENTITY/NAME` with its record beside it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labgen.artefacts.sources import SourceFailed, fetch
from labgen.components.manifest import Artefact
from labgen.components.registry import Component
from labgen.errors import ArtefactError
from labgen.reading import read_json
from labgen.system.locks import exclusively

Progress = Callable[[str], None]
RECORD = "record.json"
MEND = (
    "mend one of the sources above: a network, a mirror, an index, or a Go compiler "
    "(on Debian 13: apt install golang-go); then run this again"
)


@dataclass(frozen=True)
class ArtefactStore:
    """Artefacts below FOLDER; safe to use from several processes.

    offline: nothing is fetched. checksums: (name, identity) → the SHA-256 that a lock names.
    """

    folder: Path
    offline: bool = False
    checksums: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def ensure(self, name: str, artefact: Artefact, progress: Progress = lambda _: None) -> Path:
        """The file NAME, from the cache or from the first source that gives it.

        A cached file whose checksum differs is thrown away and fetched again. Raises ArtefactError when no source
        gives it, with each source's reason, or when it is another file than the lock names.
        """
        home = self.home(name, artefact)
        self.folder.mkdir(parents=True, exist_ok=True)
        with exclusively(self.folder / f".{home.name}.lock"):
            if self._sound(home, name):
                return self._as_locked(home, name, artefact)
            if self.offline:
                raise _missing([self._lacking(name, artefact)], self.folder)
            if home.exists():
                progress(f"{name} {artefact.version} in the cache is damaged: fetching it again")
                shutil.rmtree(home)
            self._fetch(home, name, artefact, progress)
            return self._as_locked(home, name, artefact)

    def ensure_all(self, components: Iterable[Component], progress: Progress = lambda _: None) -> dict[str, Path]:
        """Every artefact of COMPONENTS, by name; raises ArtefactError, which offline names all that are missing."""
        wanted = {name: artefact for component in components for name, artefact in component.manifest.artefacts.items()}
        if self.offline:
            lacking = [
                self._lacking(name, artefact)
                for name, artefact in wanted.items()
                if not self._sound(self.home(name, artefact), name)
            ]
            if lacking:
                raise _missing(lacking, self.folder)
        return {name: self.ensure(name, artefact, progress) for name, artefact in wanted.items()}

    def cached(self, name: str, artefact: Artefact) -> bool:
        """Whether NAME is in the cache (its checksum is looked at when it is used)."""
        return (self.home(name, artefact) / RECORD).is_file()

    def home(self, name: str, artefact: Artefact) -> Path:
        """The folder in which NAME lies with its record, or would lie."""
        return self.folder / f"{name}-{artefact.version}-{identity(artefact)}"

    def _lacking(self, name: str, artefact: Artefact) -> str:
        damaged = (self.home(name, artefact) / name).exists()
        return f"{name} {artefact.version} ({'damaged' if damaged else 'not in the cache'})"

    def _as_locked(self, home: Path, name: str, artefact: Artefact) -> Path:
        """The file NAME in HOME, which is sound, if it is the one that the lock names."""
        wanted = self.checksums.get((name, identity(artefact)))
        if wanted and (found := sha256(home / name)) != wanted:
            raise ArtefactError(
                f"{name} {artefact.version} is not the file in the lock",
                where=home / name,
                detail=[f"its checksum is {found}, in the lock it is {wanted}"],
                cure="take in the archive that was made with the lock: labgen fetch --from FILE\n"
                "or make a new lock with the file that is here: labgen fetch LAB --lock ANOTHER-FILE",
            )
        return home / name

    def _sound(self, home: Path, name: str) -> bool:
        try:
            record = read_json(home / RECORD)
            return bool(record["sha256"] == sha256(home / name))
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _fetch(self, home: Path, name: str, artefact: Artefact, progress: Progress) -> None:
        reasons, cures = [], set()
        for source in artefact.sources:
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=f".{name}.") as scratch:
                work = Path(scratch)
                try:
                    progress(f"{name} {artefact.version} from {source.kind}")
                    file = fetch(source, name, work)
                except SourceFailed as error:
                    reasons.append(f"{source.kind}: {error}")
                    cures.add(error.cure or MEND)
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
            cure="\nor ".join(sorted(cures)) or MEND,
        )


def _missing(lacking: list[str], folder: Path) -> ArtefactError:
    count = "an artefact is" if len(lacking) == 1 else f"{len(lacking)} artefacts are"
    return ArtefactError(
        f"{count} missing, and --offline fetches nothing",
        where=folder,
        detail=lacking,
        cure="fetch them where there is a network: labgen fetch LAB; or take them in: labgen fetch --from FILE",
    )


def identity(artefact: Artefact) -> str:
    """A short hash of the artefact's version and pinned sources: what it must be, whoever it comes from."""
    return hashlib.sha256(artefact.model_dump_json().encode()).hexdigest()[:12]


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
