"""Writing a rendered folder: only what changed, nothing of anybody else, nothing by halves."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path

import pytest

from labgen.errors import UsageError
from labgen.render.folder import RECORD, claim, write_folder
from labgen.render.model import SCRIPT, SECRET, Rendered, RenderedFile
from labgen.system.files import write_atomically

FILES: Rendered = {
    "Vagrantfile": RenderedFile("one\n"),
    "run.sh": RenderedFile("two\n", SCRIPT),
    "nodes/one/agent/env": RenderedFile("KEY='değer'\n", SECRET),
}


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (path.read_text(), path.stat().st_mode & 0o777)
        for path in folder.rglob("*")
        if path.is_file() and path.name != RECORD
    }


def expected(rendered: Rendered) -> dict[str, tuple[str, int]]:
    return {path: (file.text, file.mode) for path, file in rendered.items()}


def test_what_is_written(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert write_folder(FILES, tmp_path / "lab") == list(FILES)
    finally:
        os.umask(before)
    assert tree(tmp_path / "lab") == expected(FILES)
    assert (tmp_path / "lab").stat().st_mode & 0o777 == 0o700


def test_a_second_time_writes_nothing(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert write_folder(FILES, tmp_path) == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path)
    (tmp_path / "run.sh").chmod(0o644)
    changed = FILES | {"Vagrantfile": RenderedFile("three\n")}
    assert write_folder(changed, tmp_path) == ["Vagrantfile", "run.sh"]
    assert tree(tmp_path) == expected(changed)


def test_what_is_no_longer_rendered_goes_and_the_rest_stays(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path)
    (tmp_path / ".vagrant").mkdir()
    (tmp_path / ".vagrant" / "id").write_text("mine")
    (tmp_path / "nodes" / "one" / "notes").write_text("mine")
    (tmp_path / "nodes" / "two").mkdir()
    fewer = {"Vagrantfile": FILES["Vagrantfile"]}
    write_folder(fewer, tmp_path)
    assert set(tree(tmp_path)) == {"Vagrantfile", ".vagrant/id", "nodes/one/notes"}
    assert not (tmp_path / "nodes" / "one" / "agent").exists()
    assert (tmp_path / "nodes" / "two").is_dir()


def test_a_file_becomes_a_folder_and_back(tmp_path: Path) -> None:
    write_folder({"etc/a": RenderedFile("file")}, tmp_path)
    write_folder({"etc/a/b": RenderedFile("below")}, tmp_path)
    assert set(tree(tmp_path)) == {"etc/a/b"}
    write_folder({"etc/a": RenderedFile("file")}, tmp_path)
    assert set(tree(tmp_path)) == {"etc/a"}


def test_a_file_removed_by_hand_comes_back(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path)
    (tmp_path / "run.sh").unlink()
    assert write_folder(FILES, tmp_path) == ["run.sh"]
    (tmp_path / "Vagrantfile").unlink()
    write_folder({"run.sh": FILES["run.sh"]}, tmp_path)
    assert set(tree(tmp_path)) == {"run.sh"}


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mine")
    write_folder(FILES, tmp_path / "lab")
    (tmp_path / "lab" / "Vagrantfile").unlink()
    (tmp_path / "lab" / "Vagrantfile").symlink_to(tmp_path / "outside")
    write_folder(FILES, tmp_path / "lab")
    assert (tmp_path / "outside").read_text() == "mine"
    assert not (tmp_path / "lab" / "Vagrantfile").is_symlink()


@pytest.mark.parametrize(
    "record",
    [
        "{",
        "5",
        "null",
        '"x"',
        "[1, null, {}]",
        '["../outside"]',
        '["nodes/../../outside"]',
        '["/OUTSIDE"]',
        '["", "."]',
    ],
)
def test_a_strange_record_does_no_harm(tmp_path: Path, record: str) -> None:
    """A rendered folder may come from somebody else: its record removes nothing outside the folder."""
    outside = tmp_path / "outside"
    outside.write_text("mine")
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / RECORD).write_text(record.replace("/OUTSIDE", str(outside)))
    write_folder(FILES, folder)
    assert outside.read_text() == "mine"
    assert tree(folder) == expected(FILES)


def test_interrupted_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before Ctrl-C is known to be labgen's, so the same command goes on, and stale files go."""
    real = os.replace
    folder = tmp_path / "lab"

    def replace(source: Path, target: Path) -> None:
        if Path(target).name == "run.sh":
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        write_folder(FILES, folder)
    monkeypatch.undo()
    assert set(tree(folder)) == {"Vagrantfile"}
    claim(folder)
    write_folder({"run.sh": FILES["run.sh"]}, folder)
    assert set(tree(folder)) == {"run.sh"}


def test_claim(tmp_path: Path) -> None:
    new = tmp_path / "a" / "b"
    claim(new)
    assert json.loads((new / RECORD).read_text()) == []
    (new / "secrets.json").write_text("{}")
    claim(new)  # a render that failed after it made its secrets can be repeated
    empty = tmp_path / "empty"
    empty.mkdir()
    claim(empty)


def test_claim_keeps_the_record(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path)
    claim(tmp_path)
    write_folder({}, tmp_path)
    assert tree(tmp_path) == {}


def test_claim_refuses(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match="is not empty, and labgen did not write it"):
        claim(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(UsageError, match="is not a folder"):
        claim(tmp_path / "thesis.tex")


def test_atomic_for_a_reader(tmp_path: Path) -> None:
    """Somebody who reads all the time sees the old text or the new one, whole."""
    path = tmp_path / "file"
    texts = {b"a" * 100_000, b"b" * 100_000}
    path.write_bytes(b"a" * 100_000)
    seen: set[bytes] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        for text in sorted(texts):
            write_atomically(path, text, 0o600)
    done.set()
    reader.join()
    assert seen <= texts
    assert path.stat().st_mode & 0o777 == 0o600


def test_atomic_names_the_file_that_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space") as told:
        write_atomically(tmp_path / "file", b"new", 0o644)
    assert told.value.filename == str(tmp_path / "file")


def test_atomic_leaves_nothing_behind_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("old")

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        write_atomically(tmp_path / "file", b"new", 0o644)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file": "old"}
