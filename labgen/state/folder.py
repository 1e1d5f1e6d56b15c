"""The folder of one lab below the state directory.

labs/NAME/
  lab.json        how the lab was made: blueprint, profile, provider, overrides, nodes added and removed
  blueprint.yml   the blueprint as it was then
  overrides/      the overrides documents, each with the files that it names
  secrets.json    passwords and keys, mode 0600
  rendered/       what Vagrant and the nodes get (the same as `labgen render`)
  linted          digest of the rendered files when they last passed lint
  labgen.lock     the packages and artefacts that it is made of, if it was made by a lock file
  journal.jsonl   steps done
  known_hosts     the nodes' SSH host keys
  checkpoints/    a file for each checkpoint; the machines are kept by the provider
  restoring       the name of the checkpoint that the lab is being brought back to
  logs/           Vagrant's and the steps' logs
  drill.json      what the drill that runs, or was cut off, has to undo
  drills/         raw logs of drills
  bundle/         the bundle that it was made from, if it was
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from labgen.blueprint.loader import whole_text
from labgen.errors import LabBusyError, LabgenError
from labgen.lab.keys import KeyPair
from labgen.lab.model import Lab
from labgen.lock.model import Lock, write_lock
from labgen.overrides.document import OverridesFile, read_overrides
from labgen.reading import read_json, read_text
from labgen.state.record import FORMAT, LabRecord, read_record
from labgen.state.secrets import keep_keys, keep_secrets
from labgen.system.files import write_atomically


@dataclass(frozen=True)
class LabFolder:
    """Paths and small files of one lab."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def rendered(self) -> Path:
        return self.path / "rendered"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def known_hosts(self) -> Path:
        return self.path / "known_hosts"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def restoring(self) -> Path:
        return self.path / "restoring"

    @property
    def key(self) -> Path:
        return self.rendered / "keys" / "lab_ed25519"

    @property
    def blueprint(self) -> Path:
        return self.path / "blueprint.yml"

    @property
    def overrides(self) -> Path:
        return self.path / "overrides"

    @property
    def lock(self) -> Path:
        return self.path / "labgen.lock"

    def overrides_files(self, record: LabRecord) -> tuple[OverridesFile, ...]:
        """The overrides documents that the lab of RECORD was made with; raises UsageError if a copy is gone."""
        return tuple(read_overrides(self.overrides / name) for name in record.files)

    def _keep_documents(self, overrides_files: Sequence[OverridesFile]) -> tuple[str, ...]:
        """Copy documents, with the files that they name, unless these are the copies; their paths below `overrides`."""
        if all(document.path.is_relative_to(self.overrides) for document in overrides_files):
            return tuple(str(document.path.relative_to(self.overrides)) for document in overrides_files)
        self.overrides.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = Path(tempfile.mkdtemp(dir=self.overrides, prefix=""))
        for number, document in enumerate(overrides_files, 1):
            document.copy_to(new / str(number))
        return tuple(f"{new.name}/{number}/{document.path.name}" for number, document in enumerate(overrides_files, 1))

    def exists(self) -> bool:
        """Whether there is a lab here, in whatever condition: its record, or what comes only after that."""
        return any((self.path / name).exists() for name in ("lab.json", "rendered", "journal.jsonl"))

    def record(self, *, moved: bool = False) -> LabRecord:
        """How the lab was made; raises LabgenError when the record is damaged, gone, or of a newer labgen.

        moved: the folder need not have the lab's name.
        """
        path = self.path / "lab.json"
        try:
            data = read_json(path)
            if data["format"] > FORMAT:
                raise LabgenError(f"the lab {self.name} was made by a newer labgen", where=path, cure="update labgen")
            record = read_record(data)
            if record.name != self.name and not moved:
                raise ValueError("the record of another lab")
            return record
        except PermissionError:
            raise LabgenError(
                f"the record of the lab {self.name} cannot be read: it is another user's",
                where=path,
                cure="run labgen as the user who made the lab",
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise LabgenError(
                f"the record of the lab {self.name} is damaged",
                where=path,
                cure=f"labgen destroy {self.name} --yes removes what is left of it",
            ) from None

    def save(self, record: LabRecord, blueprint: Path, overrides_files: Sequence[OverridesFile] = ()) -> None:
        """Write down how the lab is made, with copies of its blueprint and its overrides documents."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if blueprint.resolve() != self.blueprint.resolve():
            write_atomically(self.blueprint, whole_text(blueprint), 0o644)
        record = replace(record, files=self._keep_documents(overrides_files))
        write_atomically(self.path / "lab.json", json.dumps(asdict(record), indent=2).encode() + b"\n", 0o644)
        # Only now does nothing lead to the older ones.
        for folder in self.overrides.glob("*"):
            if not any(name.startswith(f"{folder.name}/") for name in record.files):
                shutil.rmtree(folder, ignore_errors=True)

    def keep_lock(self, lock: Lock | None) -> None:
        """Keep a copy of the LOCK by which the lab is made; None if it is made by none."""
        if lock is None:
            self.lock.unlink(missing_ok=True)
        else:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_lock(lock, self.lock)

    def secrets(self, lab: Lab) -> dict[str, dict[str, str]]:
        """The lab's secrets; those that are not there yet are made and kept."""
        return keep_secrets(self.path / "secrets.json", lab)

    def keys(self) -> KeyPair:
        """The lab's SSH key pair, made at the first call."""
        return keep_keys(self.rendered, self.name)

    def linted(self) -> str:
        """The digest of what last passed lint; empty if nothing has yet."""
        try:
            return read_text(self.path / "linted")
        except (OSError, ValueError):
            return ""

    def keep_linted(self, digest: str) -> None:
        """Write down that what has DIGEST passed lint."""
        write_atomically(self.path / "linted", digest.encode(), 0o644)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Work on this lab alone; raises LabBusyError when another labgen does.

        The lock lies beside the folder, and is let go by the kernel when labgen dies.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with ExitStack() as stack:
            while True:
                file = stack.enter_context(self._lock.open("w"))
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise LabBusyError(
                        f"another labgen is at work on the lab {self.name}",
                        cure="wait until it is done, or end it with Ctrl-C",
                    ) from None
                # A destroy that ended just now may have removed the file after it was opened here.
                if os.fstat(file.fileno()).st_nlink:
                    break
            yield

    def remove(self) -> None:
        """Forget the lab: its folder goes, and the lock with it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.unlink(missing_ok=True)

    @property
    def _lock(self) -> Path:
        return self.path.parent / f".{self.name}.lock"
