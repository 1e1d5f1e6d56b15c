"""What can be told of a lab whatever has become of its folder: enough to stop its machines and to remove them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labgen.documents import parse_document
from labgen.errors import LabgenError
from labgen.state.folder import LabFolder

NODE = re.compile(r"[a-z][a-z0-9-]*")
"""What may name a node; nothing else becomes a word of a command."""


@dataclass(frozen=True)
class Remains:
    """nodes, providers: every name that a whole part of the folder gives, be it of one that is no more."""

    folder: LabFolder
    nodes: tuple[str, ...]
    providers: tuple[str, ...]

    @property
    def has_vagrantfile(self) -> bool:
        return (self.folder.rendered / "Vagrantfile").is_file()


def remains_of(folder: LabFolder) -> Remains:
    """What the files in FOLDER say, each asked by itself: one that is damaged or gone says nothing."""
    nodes, providers = [*_of_blueprint(folder)], []
    with suppress(LabgenError):
        record = folder.record()
        providers.append(record.provider)
        nodes += [name for name, _ in record.scale.added]
    nodes += _names(folder.rendered / "nodes")
    for machine in _folders(folder.rendered / ".vagrant" / "machines"):
        nodes.append(machine.name)
        providers += _names(machine)
    return Remains(
        folder, tuple(sorted({node for node in nodes if NODE.fullmatch(node)})), tuple(dict.fromkeys(providers))
    )


def _of_blueprint(folder: LabFolder) -> Iterator[str]:
    try:
        plain: Any = parse_document(folder.blueprint, kind="blueprint").plain
    except (LabgenError, OSError, ValueError, RecursionError):
        return
    nodes = plain.get("nodes") if isinstance(plain, Mapping) else None
    for node in nodes if isinstance(nodes, (list, tuple)) else ():
        if isinstance(node, Mapping) and isinstance(node.get("name"), str):
            yield node["name"]


def _names(folder: Path) -> list[str]:
    return [path.name for path in _folders(folder)]


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []
