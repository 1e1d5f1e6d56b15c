"""What is said when a disk runs full, to the letter."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.errors import ImageError, LabgenError
from labgen.host import room

Golden = Callable[[Path, str], None]
Readable = Callable[[str], None]

HERE = Path(__file__).parent
FREE = {"/state": 0, "/cache": 900, "/tmp": 70}


@pytest.fixture(autouse=True)
def disks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABGEN_STATE", "/state")
    monkeypatch.setenv("LABGEN_CACHE", "/cache")
    monkeypatch.setattr(room.tempfile, "gettempdir", lambda: "/tmp")
    monkeypatch.setattr(room, "free_disk", lambda path: FREE.get(str(path), 3))


def failed_write() -> LabgenError | None:
    return room.full_disk(OSError(errno.ENOSPC, "No space left on device"))


def failed_open() -> LabgenError | None:
    return room.full_disk(OSError(errno.EDQUOT, "Disk quota exceeded", "/cache/images/node.box"))


def failed_write_elsewhere() -> LabgenError | None:
    return room.full_disk(OSError(errno.ENOSPC, "No space left on device", "/out/Vagrantfile"))


def failed_build() -> LabgenError | None:
    return ImageError(
        "the image labgen/debian-13-etcd:0123456789ab could not be built",
        where="/state/labs/one/logs/images/0123456789ab.log",
        detail=["tar: ./usr/bin/etcd: Wrote only 2048 of 10240 bytes", "tar: No space left on device"],
        cure="mend what the lines above name, then run the same command again",
    )


@pytest.mark.parametrize("case", [failed_write, failed_open, failed_write_elsewhere, failed_build])
def test_a_full_disk(case: Callable[[], LabgenError | None], golden: Golden, readable: Readable) -> None:
    error = case()
    assert error is not None
    text = "".join(f"{line}\n" for line in error.lines())
    golden(HERE / "room" / f"{case.__name__.replace('_', '-')}.txt", text)
    readable(text)


def test_other_failures_are_others() -> None:
    assert room.full_disk(OSError(errno.EACCES, "Permission denied")) is None
