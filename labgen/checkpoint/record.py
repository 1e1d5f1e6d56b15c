"""The record of a checkpoint: one file in the lab's folder. What has no record does not count."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labgen.checkpoint.version import LabVersion
from labgen.errors import LabgenError, UnknownNameError
from labgen.naming import refuse_name
from labgen.reading import read_json, read_text
from labgen.system.files import write_atomically

FORMAT = 2
"""1: `snapshot_id` was called `mark`."""
CONDITIONS = ("verified", "failed", "unverified", "unfinished")
"""All checks passed; some did not; none was run; steps were still to be done."""


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint of one lab.

    snapshot_id: what the provider keeps the machines under. saved: ISO 8601, UTC. condition: one of CONDITIONS; about:
    the failed checks, or the steps that were left. sizes: node → bytes. hosts: node → where SSH reached it, as host,
    port, user. pending: steps that were not done, as `node/component/stage`. journal, known_hosts: those files as they
    were.
    """

    name: str
    snapshot_id: str
    saved: str
    condition: str
    about: tuple[str, ...]
    sizes: Mapping[str, int]
    hosts: Mapping[str, tuple[str, int, str]]
    pending: tuple[str, ...]
    version: LabVersion
    journal: str
    known_hosts: str
    format: int = FORMAT

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(self.sizes.values())


@dataclass(frozen=True)
class CheckpointStore:
    """The records of the lab LAB, in FOLDER; RESTORING is the file that says a restore is under way."""

    lab: str
    folder: Path
    restoring: Path

    def all(self) -> list[Checkpoint]:
        """Every checkpoint, oldest first; a record that is damaged is none."""
        return sorted(self._records(), key=lambda checkpoint: checkpoint.saved)

    def get(self, name: str) -> Checkpoint:
        """The checkpoint NAME; raises UnknownNameError with those that there are."""
        found = {checkpoint.name: checkpoint for checkpoint in self._records()}
        if name not in found:
            none = f"there is none yet: labgen checkpoint save {self.lab} NAME makes one"
            raise UnknownNameError("checkpoint", name, found, where=self.lab, none=none)
        return found[name]

    def has(self, name: str) -> bool:
        return any(checkpoint.name == name for checkpoint in self._records())

    def put(self, checkpoint: Checkpoint) -> None:
        """Write CHECKPOINT down, in place of one of its name: from now on it counts."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = json.dumps(asdict(checkpoint), indent=1).encode() + b"\n"
        write_atomically(self.folder / f"{checkpoint.name}.json", text, 0o600)

    def remove(self, name: str) -> None:
        """From now on NAME does not count; neither does a restore of it that was cut off."""
        (self.folder / f"{name}.json").unlink(missing_ok=True)

    def begin_restore(self, name: str) -> None:
        """Write down that the lab is being brought back to NAME: whoever finds it cut off goes on."""
        write_atomically(self.restoring, name.encode(), 0o644)

    def end_restore(self) -> None:
        self.restoring.unlink(missing_ok=True)

    def under_way(self) -> str | None:
        """The checkpoint that the lab is being brought back to; None also if it is not there any more."""
        try:
            name = read_text(self.restoring)
        except (OSError, ValueError):
            return None
        return name if self.has(name) else None

    def _records(self) -> Iterator[Checkpoint]:
        for path in self.folder.glob("*.json"):
            try:
                data = read_json(path)
                if data["format"] > FORMAT:
                    raise LabgenError("a checkpoint was made by a newer labgen", where=path, cure="update labgen")
                checkpoint = _from_data(data)
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue
            if checkpoint.name == path.stem:
                yield checkpoint


def _from_data(data: dict[str, Any]) -> Checkpoint:
    """What `asdict` made of a Checkpoint; raises what comes of anything else."""
    if data["format"] == 1:
        data = {**data, "snapshot_id": data["mark"], "format": FORMAT}
        del data["mark"]
    version = {**data["version"], "overrides": tuple(data["version"]["overrides"])}
    hosts = {node: (str(host), int(port), str(user)) for node, (host, port, user) in data["hosts"].items()}
    lists = {key: tuple(data[key]) for key in ("about", "pending")}
    return Checkpoint(**{**data, **lists, "hosts": hosts, "version": LabVersion(**version)})


def check_name(name: str) -> None:
    """Raise UsageError unless NAME can name a checkpoint; the rule is that of labs."""
    refuse_name(name, "a checkpoint")


def new_snapshot_id() -> str:
    """An id that no other checkpoint has; it begins with a letter and may name an image's tag."""
    return f"c{secrets.token_hex(6)}"
