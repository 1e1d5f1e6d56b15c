"""Sends a node its part of the rendered folder: one tar stream over one command's standard input."""

from __future__ import annotations

import io
import shlex
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from labgen.errors import NodeError
from labgen.provision.digests import file_sha256
from labgen.system.connection import Connection

TARGET = "/opt/labgen"

# Whole folders are replaced, so that a file that is gone here is gone there; a step that still reads an old script
# keeps the old file open.
_RECEIVE = f"""
set -e
umask 077
mkdir -p {TARGET}
rm -rf {TARGET}/incoming
mkdir {TARGET}/incoming
tar -x -f - -C {TARGET}/incoming
for folder in components node; do
    rm -rf {TARGET}/$folder
    mv {TARGET}/incoming/$folder {TARGET}/$folder
done
rmdir {TARGET}/incoming
chmod 0700 {TARGET}
"""


def send_folder(connection: Connection, rendered: Path, node: str) -> None:
    """Give NODE its files under /opt/labgen: the scripts of its components, and what was rendered for it."""
    result = connection.run(_RECEIVE, stdin=_pack(_files(rendered, node)), timeout=120)
    if not result.ok:
        raise _not_taken(node, result.stderr)


def send_artefacts(connection: Connection, files: Iterable[Path]) -> None:
    """Put FILES into /opt/labgen/artefacts, each only if it is not there with the same content."""
    folder = f"{TARGET}/artefacts"
    listing = connection.run(
        f"umask 077; mkdir -p {folder}; cd {folder}; find . -type f -exec sha256sum {{}} +", timeout=300
    )
    there = {name.removeprefix("./"): digest for digest, _, name in map(_sum_line, listing.stdout.splitlines())}
    for path in files:
        if there.get(path.name) == file_sha256(path):
            continue
        target = shlex.quote(f"{folder}/{path.name}")
        with path.open("rb") as source:
            result = connection.run(
                f"set -e; umask 077; cat > {target}.new; chmod 0700 {target}.new; mv {target}.new {target}",
                stdin=source,
                timeout=1800,
            )
        if not result.ok:
            raise _not_taken(path.name, result.stderr)


def _sum_line(line: str) -> tuple[str, str, str]:
    return line[:64], line[64:66], line[66:]


def _not_taken(what: str, stderr: str) -> NodeError:
    return NodeError(
        f"the files for {what} could not be unpacked on the node",
        where=TARGET,
        detail=stderr.splitlines()[-5:],
        cure="look whether the node's disk is full (`labgen exec LAB NODE -- df -h`), then repeat the command",
    )


def _files(rendered: Path, node: str) -> Iterator[tuple[str, Path]]:
    """Name on the node and path here, folders first."""
    own = rendered / "nodes" / node
    components = sorted(folder.name for folder in own.iterdir() if folder.is_dir())
    for name in ("lib", *components):
        yield from _tree(f"components/{name}", rendered / "components" / name)
    yield from _tree("node", own)


def _tree(name: str, root: Path) -> Iterator[tuple[str, Path]]:
    yield name, root
    for path in sorted(root.rglob("*")):
        yield f"{name}/{path.relative_to(root).as_posix()}", path


def _pack(files: Iterable[tuple[str, Path]]) -> bytes:
    """An archive in which everything belongs to root and to nobody else, whoever owns it here."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, path in files:
            entry = tarfile.TarInfo(name)
            entry.mtime = path.stat().st_mtime
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o700
                tar.addfile(entry)
            else:
                content = path.read_bytes()
                entry.size, entry.mode = len(content), 0o700 if path.suffix == ".sh" else 0o600
                tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()
