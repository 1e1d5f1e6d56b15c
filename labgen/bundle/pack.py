"""Members → one compressed file without secrets, and back.

Zstandard by the package of that name: it packs logs as well as xz does in a fraction of the time, and stands in the
process, where it can be told how much memory a stranger's file may ask for; no program has to be installed for it.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from labgen.archives import Readable, check_members, each_member, read_contents, unpack, write_archive
from labgen.bundle.model import BUNDLE, CONTENTS, ISSUE, About, is_given
from labgen.documents.wording import describe
from labgen.errors import LabgenError
from labgen.problems import path_text
from labgen.reading import open_plain
from labgen.redact import Redactor

LEVEL = 10
LARGEST_WINDOW = 1 << 25
"""Bytes of memory that a file may ask for when it is read; what labgen writes asks for an eighth of it."""
CHANGED = "a password in it was taken out, and a lab that is made from this bundle has ‹password› in its place"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Packed:
    """A bundle that was written. size: of its file, in bytes. issue: its issue.md. changed: members with secrets."""

    size: int
    about: About
    issue: str
    changed: tuple[str, ...]


def pack(
    target: Path, texts: Mapping[str, str], about: Mapping[str, Any], redactor: Redactor, progress: Progress
) -> Packed:
    """Write TEXTS (member → text) to the bundle TARGET, redacted and looked through again, all at once or not at all.

    Bytes that are no UTF-8 stand in the texts as Python's surrogates. Raises LabgenError when TARGET cannot be written,
    or when a secret was found in it after all.
    """
    part = target.with_name(f".{target.name}.part")
    replaced: Counter[str] = Counter()
    changed: list[str] = []
    issue = ""
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
            members: dict[str, Path] = {}
            for name, text in sorted(texts.items()):
                progress(f"redacting {name}")
                clean, counts = redactor.replaced(text)
                replaced += counts
                changed += [name] if counts else []
                issue = clean if name == ISSUE else issue
                members[name] = Path(scratch) / str(len(members))
                members[name].write_bytes(clean.encode("utf-8", "surrogateescape"))
            notes = [redactor(note) for note in about["notes"]]
            notes += [f"{name}: {CHANGED}" for name in changed if is_given(name)]
            told = {
                **about,
                "notes": notes,
                "replaced": [{"secret": secret, "times": times} for secret, times in sorted(replaced.items())],
            }
            progress(f"writing {target.name}")
            _write(part, members, told)
        progress(f"looking through {target.name}")
        _refuse_secrets(part, target, redactor)
        size = part.stat().st_size
        os.replace(part, target)
    except OSError as error:
        raise LabgenError(
            f"the bundle cannot be written: {(error.strerror or str(error)).lower()}",
            where=target,
            cure="name another place with -o, on a disk with room",
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return Packed(size, peek(target), issue, tuple(changed))


def _write(path: Path, members: Mapping[str, Path], about: Mapping[str, Any]) -> None:
    import zstandard  # noqa: PLC0415 - most commands need none of it

    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    with os.fdopen(handle, "wb") as raw, compressor.stream_writer(raw, closefd=False) as out:
        write_archive(out, BUNDLE, members, about)


def _refuse_secrets(path: Path, target: Path, redactor: Redactor) -> None:
    """Raise LabgenError if the finished file PATH still holds a secret, in whatever shape."""
    with reading(path) as source:
        found = {
            name: names
            for name, data in each_member(source, BUNDLE, path)
            if (names := redactor.found(f"{name}\n{data.decode(errors='replace')}"))
        }
    if found:
        raise LabgenError(
            "the bundle is not written: secrets were still in it",
            where=target,
            detail=[f"{name}: {', '.join(sorted(names))}" for name, names in sorted(found.items())],
            cure="this is a fault of labgen: please report it with these lines",
        )


@contextmanager
def reading(path: Path) -> Iterator[Readable]:
    """The archive inside the bundle PATH; raises LockError when it is none or damaged."""
    import zstandard  # noqa: PLC0415

    try:
        with open_plain(path) as raw:
            reader = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).stream_reader(raw)
            yield io.BufferedReader(reader, 1 << 16)
    except zstandard.ZstdError as error:
        raise BUNDLE.refused(path, f"it is no bundle, or damaged ({_words(error)})") from None
    except OSError as error:
        raise BUNDLE.unreadable(path, error) from None


def _words(error: Exception) -> str:
    return str(error).removeprefix("zstd decompress error: ").lower()


def peek(path: Path) -> About:
    """What the bundle PATH says about itself; nothing else of it is read. Raises LockError."""
    with reading(path) as source:
        return _about(read_contents(source, BUNDLE, path), path)


def check(path: Path) -> About:
    """The same, after all of it has been read and compared with its checksums; nothing is written anywhere."""
    with reading(path) as source:
        return _about(check_members(source, BUNDLE, path), path)


def take_in(path: Path, folder: Path, progress: Progress) -> About:
    """Put all members of the bundle PATH below FOLDER, which is empty; raises LockError at the first that is wrong."""
    with reading(path) as source:
        return _about(unpack(source, BUNDLE, path, folder, progress), path)


def _about(document: dict[str, Any], path: Path) -> About:
    try:
        # Tuples are lists in JSON: strictness is about the kinds of values.
        return About.model_validate_json(json.dumps(document))
    except ValidationError as error:
        loc, what = describe(About, error.errors()[0])
        raise BUNDLE.refused(path, f"{CONTENTS}: {path_text(loc)}: {what}") from None
