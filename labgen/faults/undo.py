"""What has to be undone: written down, on the disk, before anything is done.

labs/NAME/drill.json holds the undos of the drill or reproduction that runs, or whose labgen was killed; nothing is left
to undo when it is gone. Undoing may be repeated: each undo succeeds where there is nothing to undo any more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from labgen.errors import LabgenError, OperationError
from labgen.reading import read_json
from labgen.system.files import write_atomically

FILE = "drill.json"


@dataclass(frozen=True)
class Undo:
    """A command that undoes something. NODE None: words on this host, else shell text on that node, as root.

    timer: the unit of the dead man's timer that would run the same on the node. machine: the node that it is about.
    provider: whose tool is run on this host.
    """

    id: str
    title: str
    node: str | None
    command: str | tuple[str, ...]
    timer: str | None = None
    machine: str | None = None
    provider: str | None = None


@dataclass
class Undos:
    """The undos of one drill, newest last; every change is on the disk before the call returns.

    what: `drill NAME`, or whatever else does things that have to be undone.
    """

    path: Path
    run: str
    what: str
    entries: list[Undo] = field(default_factory=list)

    @property
    def titles(self) -> tuple[str, ...]:
        """What is to be undone, the newest first; what took several injections is named once."""
        return tuple(dict.fromkeys(undo.title for undo in reversed(self.entries)))

    def register(self, undo: Undo) -> None:
        self.entries.append(undo)
        self._save()

    def done(self, undo: Undo) -> None:
        self.entries.remove(undo)
        self._save()

    def all_done(self) -> None:
        self.path.unlink(missing_ok=True)

    def heal(self, work: Callable[[Undo], None]) -> list[LabgenError]:
        """WORK on each entry, the newest first; one that fails is kept and does not stop the others."""
        failed = []
        for undo in reversed(list(self.entries)):
            try:
                work(undo)
            except LabgenError as why:
                failed.append(why)
            else:
                self.done(undo)
        if not self.entries:
            self.all_done()
        return failed

    def _save(self) -> None:
        about = {"run": self.run, "what": self.what, "pid": os.getpid()}
        document = {**about, "undos": [asdict(undo) for undo in self.entries]}
        write_atomically(self.path, json.dumps(document, indent=2).encode() + b"\n", 0o600)


def left_over(folder: Path) -> Undos | None:
    """What a drill on the lab in FOLDER has left to be undone, or None; raises OperationError if it is damaged."""
    path = folder / FILE
    try:
        data = read_json(path)
        entries = [
            Undo(**{**entry, "command": entry["command"] if entry["node"] else tuple(entry["command"])})
            for entry in data["undos"]
        ]
        return Undos(path, str(data["run"]), str(data["what"]), entries)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError):
        raise OperationError(
            "the list of what a drill has to undo cannot be read",
            where=path,
            cure=f"labgen destroy {folder.name} --yes, then labgen up {folder.name}: the lab is made anew",
        ) from None
