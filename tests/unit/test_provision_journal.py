"""The journal survives what happens to files: crashes, torn lines, other people's edits."""

from __future__ import annotations

from pathlib import Path

import pytest

from labgen.plan.model import StepId
from labgen.provision import Journal

ONE, TWO = StepId("a", "consul", "start"), StepId("b", "consul", "start")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lab" / "journal.jsonl"


def test_done_is_done_for_this_digest_only(path: Path) -> None:
    journal = Journal(path)
    journal.done(ONE, "d1", 1.5)
    assert journal.is_done(ONE, "d1")
    assert not journal.is_done(ONE, "d2")
    assert not journal.is_done(TWO, "d1")


def test_another_process_reads_the_same(path: Path) -> None:
    first = Journal(path)
    first.done(ONE, "d")
    first.done(TWO, "d")
    first.forget([ONE])
    second = Journal(path)
    assert not second.is_done(ONE, "d")
    assert second.is_done(TWO, "d")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_new_machine_has_nothing_done(path: Path) -> None:
    journal = Journal(path)
    journal.done(ONE, "d")
    journal.done(TWO, "d")
    journal.forget_node("a")
    assert not journal.is_done(ONE, "d")
    assert Journal(path).is_done(TWO, "d")


def test_forgetting_what_is_not_done_writes_nothing(path: Path) -> None:
    Journal(path).forget([ONE])
    assert path.read_bytes() == b""


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_line_costs_that_line_only(path: Path, cut: int) -> None:
    journal = Journal(path)
    journal.done(ONE, "d")
    journal.done(TWO, "d")
    path.write_bytes(path.read_bytes()[:-cut])
    again = Journal(path)
    assert again.is_done(ONE, "d")
    # Without its newline the line is whole all the same.
    assert again.is_done(TWO, "d") == (cut == 1)
    again.done(TWO, "d")
    assert Journal(path).is_done(TWO, "d")


@pytest.mark.parametrize("line", [b"\xff\xfe", b"[]", b"{}", b'"text"', b"17", b'{"event": "done", "node": 1}'])
def test_foreign_lines_are_passed_over(path: Path, line: bytes) -> None:
    Journal(path).done(ONE, "d")
    path.write_bytes(line + b"\n" + path.read_bytes())
    assert Journal(path).is_done(ONE, "d")
