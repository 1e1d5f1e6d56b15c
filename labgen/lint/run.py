"""Runs the checks of one image inside it, by `scripts/lint/lint.sh`, and reads what they said."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from labgen.images import ImageSpec, run_inside
from labgen.lab.model import Lab, Node
from labgen.lint.checks import FileCheck, NodeFile, checks_of, node_files
from labgen.render.model import Rendered
from labgen.resources import resource

Origins = Mapping[str, str]
"""A value (`patroni.ttl`) → where it comes from."""
TIMEOUT = 180.0
UNPACK_AND_RUN = "mkdir /run/lint && tar -C /run/lint -x && exec bash /run/lint/lint.sh"


@dataclass(frozen=True)
class Complaint:
    """What a validator said about files on nodes. title: its command. warns: whether that stops nothing."""

    nodes: tuple[str, ...]
    title: str
    files: tuple[NodeFile, ...]
    lines: tuple[str, ...]
    warns: bool = False


@dataclass(frozen=True)
class ImageLint:
    """All that is to be checked in one image. given: the tar that lint.sh works on. origins: node → where its values
    come from."""

    spec: ImageSpec
    files: dict[str, tuple[NodeFile, ...]]
    checks: tuple[FileCheck, ...]
    given: bytes
    origins: Mapping[str, Origins] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The SHA-256 of all that decides how it comes out."""
        return hashlib.sha256(self.spec.name.encode() + self.given).hexdigest()


def image_lint(lab: Lab, spec: ImageSpec, nodes: Sequence[str], rendered: Rendered, root: Path) -> ImageLint:
    """The checks of NODES, which boot from SPEC; RENDERED is (or would be) written to ROOT."""
    files = {name: node_files(lab, lab.node(name), rendered, root) for name in nodes}
    checks = tuple(checks_of(lab, files))
    origins = {name: _origins(lab.node(name)) for name in nodes}
    return ImageLint(spec, files, checks, _tar(lab, files, checks), origins)


def _origins(node: Node) -> Origins:
    return {".".join(path): origin for path, origin in node.origins.items()}


def run_lint(work: ImageLint, stop: threading.Event | None = None) -> list[Complaint]:
    """What the validators have against the files; raises ImageError if they could not be asked."""
    said = run_inside(work.spec, ["bash", "-c", UNPACK_AND_RUN], work.given, timeout=TIMEOUT, stop=stop)
    return read_complaints(work, said)


def read_complaints(work: ImageLint, said: bytes) -> list[Complaint]:
    """The complaints in what lint.sh printed; the same words about several nodes are one."""
    complaints: dict[tuple[str, str], Complaint] = {}
    for name, text in sorted(_untar(said).items(), key=lambda item: (item[0].isdecimal(), item[0].zfill(6))):
        if name in work.files:
            # Only one of the nodes that have the same files was looked at.
            alike = (node for node, files in work.files.items() if _listing(files) == _listing(work.files[name]))
            found = _complaint(tuple(alike), "install", work.files[name], work.files[name], text)
        else:
            check = work.checks[int(name)]
            first = check.nodes[0]
            placed = "\n".join(_placed(line, work.origins.get(first, {})) for line in text.splitlines())
            found = _complaint(check.nodes, check.title, check.files, work.files[first], placed)
            found = replace(found, warns=check.warns)
        before = complaints.get((found.title, text))
        nodes = dict.fromkeys([*(before.nodes if before else ()), *found.nodes])
        complaints[found.title, text] = replace(before or found, nodes=tuple(nodes))
    return list(complaints.values())


def _placed(line: str, origins: Origins) -> str:
    """LINE, and if it begins with the name of a value (`patroni.parameters.work_mem: `) where that comes from."""
    name, colon, _ = line.partition(": ")
    while colon and name:
        if origin := origins.get(name):
            return f"{line} ({origin})"
        name = name.rpartition(".")[0]
    return line


def _complaint(
    nodes: tuple[str, ...], title: str, read: tuple[NodeFile, ...], all_: tuple[NodeFile, ...], text: str
) -> Complaint:
    """The files are those that the validator names; if it names none, those it was asked about."""
    blamed = (
        [file for file in read if _names(text, file.path)]
        or [file for file in read if _names(text, PurePosixPath(file.path).name)]
        or [file for file in all_ if _names(text, file.path)]
        or read
    )
    return Complaint(nodes, title, tuple(blamed), tuple(text.splitlines()))


def _names(text: str, path: str) -> bool:
    """Whether TEXT speaks of PATH, and not of one that only begins or ends like it."""
    return re.search(rf"(?<![\w./-]){re.escape(path)}(?![\w/-]|\.\w)", text) is not None


def _tar(lab: Lab, files: dict[str, tuple[NodeFile, ...]], checks: tuple[FileCheck, ...]) -> bytes:
    """The tree that lint.sh describes, with the nodes that have a check of their own; the same for the same files."""
    tree = {"lint.sh": (resource("scripts") / "lint" / "lint.sh").read_text(encoding="utf-8")}
    for name in {check.nodes[0] for check in checks}:
        tree[f"nodes/{name}/address"] = lab.network.interface(lab.node(name).address) + "\n"
        tree[f"nodes/{name}/files.list"] = _listing(files[name])
        tree |= {f"nodes/{name}/files{file.path}": file.text for file in files[name]}
    tree |= {f"nodes/{check.nodes[0]}/checks/{number}": check.run for number, check in enumerate(checks)}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, text in sorted(tree.items()):
            content = text.encode()
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _listing(files: tuple[NodeFile, ...]) -> str:
    return "".join(f"{file.mode} {file.owner} {file.path}\n" for file in files)


def _untar(packed: bytes) -> dict[str, str]:
    """Name → content of the plain files in a tar."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        opened = {PurePosixPath(entry.name).name: tar.extractfile(entry) for entry in tar if entry.isfile()}
        return {name: file.read().decode(errors="replace") for name, file in opened.items() if file}
