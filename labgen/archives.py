"""Archives that are believed only as a whole: the first member lists all others with size and SHA-256.

They are plain tar (ustar), written without a word about the machine. They are read block by block and not by `tarfile`,
which would read whatever length an extended header claims before anybody can say no.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from labgen import __version__
from labgen.artefacts.store import sha256
from labgen.errors import LockError
from labgen.reading import parse_json
from labgen.wording import shown

LARGEST_CONTENTS = 4 << 20  # bytes; some 25,000 members
GIB = 1 << 30
BLOCK = 1 << 20
RECORD = tarfile.BLOCKSIZE


class Readable(Protocol):
    """What an archive is read from; it gives less than was asked for at its end only."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Kind:
    """One kind of archive.

    noun, cure: for messages. contents: the name of the first member. format: the newest that is understood.
    place: whether a member may be called so; misplaced: what one is that may not. required: a member that each has.
    largest, most: bytes of one member and of all together. count: how many members there may be.
    """

    noun: str
    contents: str
    format: int
    place: Callable[[str], bool]
    misplaced: str
    required: str
    cure: str
    largest: int
    most: int
    count: int = 20_000

    def refused(self, path: Path, why: str) -> LockError:
        """The error about the archive PATH, of which nothing is taken in."""
        return LockError(
            f"the {self.noun} is refused, and nothing of it has been taken in", where=path, detail=[why], cure=self.cure
        )

    def unreadable(self, path: Path, error: OSError) -> LockError:
        """The error about an archive that the system does not let us read."""
        return LockError(
            f"the {self.noun} cannot be read: {(error.strerror or str(error)).lower()}", where=path, cure=self.cure
        )


def write_archive(out: BinaryIO, kind: Kind, members: Mapping[str, Path], about: Mapping[str, Any]) -> None:
    """Write MEMBERS (name → file) to OUT, after the contents: ABOUT, and what each member is."""
    listed = {name: {"size": path.stat().st_size, "sha256": sha256(path)} for name, path in members.items()}
    head = {"format": kind.format, "labgen": __version__, **about, "members": listed}
    contents = json.dumps(head, indent=1, ensure_ascii=False).encode()
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(_entry(kind.contents, len(contents)), io.BytesIO(contents))
        for name, path in members.items():
            with path.open("rb") as file:
                tar.addfile(_entry(name, path.stat().st_size), file)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """A plain file that tells nothing about this machine."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


def read_contents(source: Readable, kind: Kind, path: Path) -> dict[str, Any]:
    """What the first member says; the archive PATH is read from SOURCE. Raises LockError."""
    return _contents(_members(source, kind, path), kind, path)


def _contents(members: Iterator[_Member], kind: Kind, path: Path) -> dict[str, Any]:
    first = next(members, None)
    if first is None:
        raise kind.refused(path, "it ends early: there is nothing in it")
    if first.name != kind.contents or first.size > LARGEST_CONTENTS:
        raise kind.refused(path, f"it does not begin with {kind.contents}")
    data = b"".join(first.blocks())
    try:
        document = parse_json(data)
        if _whole(document["format"]) > kind.format:
            raise LockError(
                f"the {kind.noun} has the format {document['format']}; this labgen knows {kind.format}",
                where=path,
                cure="update labgen",
            )
        sizes = {str(name): _whole(of["size"]) for name, of in document["members"].items()}
        if not all(isinstance(of["sha256"], str) for of in document["members"].values()):
            raise TypeError("a checksum")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise kind.refused(path, f"{kind.contents} is damaged") from None
    _refuse_sizes(sizes, kind, path)
    return dict(document)


def _whole(value: Any) -> int:
    """VALUE, a whole number from 0 on; raises TypeError for all else that JSON has."""
    if type(value) is not int or value < 0:
        raise TypeError(f"{shown(value)} is no size")
    return value


def _refuse_sizes(sizes: Mapping[str, int], kind: Kind, path: Path) -> None:
    """Raise LockError unless members of such SIZES may be there: before anything of them is read."""
    if len(sizes) > kind.count:
        raise kind.refused(path, f"it has more than {kind.count} members")
    if kind.required not in sizes:
        raise kind.refused(path, f"{kind.contents} names no {kind.required}")
    for name, size in sizes.items():
        if not kind.place(name):
            raise kind.refused(path, f"{shown(name)} {kind.misplaced}")
        if size > kind.largest:
            raise kind.refused(path, f"{shown(name)} is larger than {kind.largest} bytes")
    if sum(sizes.values()) > kind.most:
        raise kind.refused(path, f"its members have more than {kind.most} bytes")


def unpack(source: Readable, kind: Kind, path: Path, folder: Path, progress: Callable[[str], None]) -> dict[str, Any]:
    """Put every member below FOLDER, where none of them is yet; returns what the contents say.

    Raises LockError, which names the member, at the first thing that is not as it should be.
    """
    members = _members(source, kind, path)
    document = _contents(members, kind, path)
    number = len(document["members"])
    for count, member in enumerate(_listed(members, document["members"], kind, path), 1):
        progress(f"{count} of {number}: {member.name.rpartition('/')[2]}")
        target = folder / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            for block in member.blocks():
                out.write(block)
    return document


def check_members(source: Readable, kind: Kind, path: Path) -> dict[str, Any]:
    """What the contents say, after every member has been compared with them, block by block; raises LockError."""
    members = _members(source, kind, path)
    document = _contents(members, kind, path)
    for _ in _listed(members, document["members"], kind, path):
        pass
    return document


def each_member(source: Readable, kind: Kind, path: Path) -> Iterator[tuple[str, bytes]]:
    """Every member with its bytes, the contents first; raises LockError as `unpack` does."""
    members = _members(source, kind, path)
    document = _contents(members, kind, path)
    yield kind.contents, json.dumps(document, ensure_ascii=False).encode()
    for member in _listed(members, document["members"], kind, path):
        yield member.name, b"".join(member.blocks())


def _listed(
    members: Iterator[_Member], expected: Mapping[str, Mapping[str, Any]], kind: Kind, path: Path
) -> Iterator[_Member]:
    """MEMBERS, each of which is EXPECTED; raises LockError when one is not, or is another, or one is missing."""
    seen: set[str] = set()
    for member in members:
        name = member.name
        if not kind.place(name):
            raise kind.refused(path, f"{shown(name)} {kind.misplaced}")
        if name not in expected or name in seen:
            why = "stands there twice" if name in seen else f"is not in {kind.contents}"
            raise kind.refused(path, f"{shown(name)} {why}")
        seen.add(name)
        damaged = kind.refused(path, f"{shown(name)} is damaged: its SHA-256 is not the one in {kind.contents}")
        if member.size != expected[name]["size"]:
            raise damaged
        digest = hashlib.sha256()

        def blocks(member: _Member = member, digest: Any = digest) -> Iterator[bytes]:
            for block in member.blocks():
                digest.update(block)
                yield block

        yield _Member(name, member.size, blocks)
        for _ in blocks():
            pass  # what the caller has left
        if digest.hexdigest() != expected[name]["sha256"]:
            raise damaged
    if lacking := sorted(expected.keys() - seen):
        more = f", and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise kind.refused(path, f"{shown(lacking[0])} is missing{more}")


@dataclass(frozen=True)
class _Member:
    """A member under the reading head; its bytes are read before the next one is asked for."""

    name: str
    size: int
    blocks: Callable[[], Iterator[bytes]]


def _members(source: Readable, kind: Kind, path: Path) -> Iterator[_Member]:
    """The members that come next in SOURCE, to the end; plain files only."""
    while head := source.read(RECORD):
        if head == bytes(RECORD):
            return
        try:
            entry = tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise kind.refused(path, f"it ends early, or is no archive ({error})") from None
        if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise kind.refused(path, f"{shown(entry.name)} is no plain file")
        if not 0 <= entry.size <= kind.largest:
            raise kind.refused(path, f"{shown(entry.name)} is larger than {kind.largest} bytes")
        left = [entry.size]

        def blocks(left: list[int] = left) -> Iterator[bytes]:
            while left[0]:
                block = _exactly(source, min(left[0], BLOCK), kind, path)
                left[0] -= len(block)
                yield block

        yield _Member(entry.name, entry.size, blocks)
        for _ in blocks():
            pass  # what the caller has left
        _exactly(source, -entry.size % RECORD, kind, path)


def _exactly(source: Readable, size: int, kind: Kind, path: Path) -> bytes:
    data = source.read(size) if size else b""
    if len(data) < size:
        raise kind.refused(path, "it ends early, or is no archive (unexpected end of data)")
    return data
