"""Files that somebody else made: plain ones of a bounded size are read, and nothing makes one wait."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.bundle.pack import peek
from labgen.checks.command import judge_answer
from labgen.components.manifest import CommandExpectation
from labgen.documents import parse_document
from labgen.drill.judge.log import read_log
from labgen.errors import LabgenError
from labgen.lock.archive import opened
from labgen.lock.model import read_lock
from labgen.overrides import read_overrides
from labgen.reading import open_plain, parse_json, read_plain
from labgen.repro.document import find_reproduction
from labgen.system.connection import CommandResult

SPECIAL = ("pipe", "socket", "device", "folder")


@pytest.fixture(params=SPECIAL)
def special(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Something at a path that is no plain file; a pipe that nobody writes to is opened for ever."""
    path = tmp_path / "x.yml"
    match request.param:
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(str(path))
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
    return path


@pytest.mark.timeout(10)
def test_what_is_no_plain_file_is_not_opened(special: Path) -> None:
    with pytest.raises(OSError, match=r"it is no plain file|Is a directory"):
        open_plain(special)


def _archive(path: Path) -> None:
    with opened(path, path.parent / "cache"):
        pass


READERS: dict[str, Callable[[Path], object]] = {
    "document": lambda path: parse_document(path, kind="blueprint"),
    "overrides": read_overrides,
    "reproduction": lambda path: parse_document(find_reproduction(str(path)), kind="reproduction"),
    "bundle": peek,
    "archive": _archive,
    "lock": read_lock,
    "drill log": read_log,
}


@pytest.mark.timeout(10)
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_whoever_reads_one_says_so(special: Path, reader: Callable[[Path], object]) -> None:
    with pytest.raises(LabgenError) as caught:
        reader(special)
    assert str(special.name) in str(caught.value)


def test_a_file_is_as_large_as_it_may_be(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_plain(path, 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_plain(path, 4)


def test_one_that_says_nothing_of_its_size_is_not_read_for_ever() -> None:
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_plain(Path("/proc/version"), 4)


@pytest.mark.parametrize("text", ["[" * 100_000, "NaN", "[1e999]", '{"a": -Infinity}', "", "{"])
def test_json_that_is_none_is_no_json(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_json(text)


def test_a_node_s_answer_that_nests_without_end_is_no_json() -> None:
    result = CommandResult("x", 0, "[" * 100_000, "", 0.1)
    assert judge_answer(CommandExpectation(json={"a": 1}), result) == ["its output is not JSON"]


def test_a_lab_beside_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "shown.yml").write_text("name: x\nlab: lab.yml\noverrides: {os: debian-12}\nactions: []\n")
    (tmp_path / "lab.yml").write_bytes(b"name: \xff\n")
    read = read_overrides(tmp_path / "shown.yml")
    read.copy_to(tmp_path / "copy")
    assert (tmp_path / "copy" / "lab.yml").read_bytes() == b"name: \xff\n"
