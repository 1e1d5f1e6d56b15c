"""The folder of a lab: its record there and back, damage, a newer labgen, and the lock."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

import pytest

from labgen.errors import LabBusyError, LabgenError
from labgen.lab.scaling import Scale
from labgen.state import LabFolder, LabRecord, all_labs, cache_folder, find_lab, lab_folder, unknown_lab
from labgen.system.folders import state_folder

RECORD = LabRecord(
    name="sample",
    blueprint="/somewhere/sample.yml",
    profile="modern",
    provider="docker",
    overrides=("patroni.ttl=20",),
    components=("/somewhere/components",),
    baked=False,
    network="192.168.61.0/24",
    scale=Scale(added=(("node4", "192.168.60.14"),), removed=("node2",), by=-2, left=1),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabFolder:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    (tmp_path / "sample.yml").write_text("name: sample\n")
    return lab_folder("sample")


def test_there_and_back(folder: LabFolder, tmp_path: Path) -> None:
    assert not folder.exists()
    folder.save(RECORD, tmp_path / "sample.yml")
    assert folder.exists()
    assert folder.record() == RECORD
    assert folder.blueprint.read_text() == "name: sample\n"
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert [lab.name for lab in all_labs()] == ["sample"]
    assert find_lab("sample") == folder
    folder.save(RECORD, folder.blueprint)
    assert folder.blueprint.read_text() == "name: sample\n"
    folder.remove()
    assert not folder.exists()
    assert all_labs() == []
    folder.remove()


def test_a_record_of_an_older_labgen(folder: LabFolder, tmp_path: Path) -> None:
    folder.save(RECORD, tmp_path / "sample.yml")
    file = folder.path / "lab.json"
    data = json.loads(file.read_text())
    del data["scale"]
    file.write_text(json.dumps(data))
    assert folder.record() == replace(RECORD, scale=Scale())


def test_unknown_lab(folder: LabFolder, tmp_path: Path) -> None:
    folder.save(RECORD, tmp_path / "sample.yml")
    assert find_lab("simple") is None
    assert unknown_lab("simple").cure == "did you mean 'sample'?"


def test_no_lab_at_all(folder: LabFolder) -> None:
    assert "labgen up BLUEPRINT makes one" in str(unknown_lab(folder.name).cure)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "5",
        "null",
        "{}",
        '{"format": 1}',
        '{"format": "1", "name": "sample"}',
        json.dumps({"format": 1, "overrides": [], "components": [], "name": "sample", "colour": "red"}),
        json.dumps({"format": 1, "overrides": None, "components": []}),
        json.dumps({"format": 1, "overrides": [], "components": [], "network": "here"}),
        json.dumps({**asdict(RECORD), "scale": ["node4"]}),
        json.dumps({**asdict(RECORD), "scale": {"added": ["node4"]}}),
        json.dumps({**asdict(RECORD), "scale": {"size": 5}}),
        "\x00\x01",
    ],
)
def test_damaged_record(folder: LabFolder, tmp_path: Path, content: str) -> None:
    folder.save(RECORD, tmp_path / "sample.yml")
    (folder.path / "lab.json").write_text(content)
    with pytest.raises(LabgenError) as caught:
        folder.record()
    assert caught.value.what == "the record of the lab sample is damaged"
    assert caught.value.where == str(folder.path / "lab.json")
    assert caught.value.cure is not None
    assert "labgen destroy sample --yes" in caught.value.cure


def test_record_from_before_labs_had_a_network_of_their_own(folder: LabFolder, tmp_path: Path) -> None:
    folder.save(RECORD, tmp_path / "sample.yml")
    data = json.loads((folder.path / "lab.json").read_text())
    del data["network"]
    (folder.path / "lab.json").write_text(json.dumps(data))
    assert folder.record() == replace(RECORD, network=None)


def test_record_of_a_newer_labgen(folder: LabFolder, tmp_path: Path) -> None:
    folder.save(RECORD, tmp_path / "sample.yml")
    data = json.loads((folder.path / "lab.json").read_text())
    (folder.path / "lab.json").write_text(json.dumps({**data, "format": 2, "colour": "red"}))
    with pytest.raises(LabgenError, match="made by a newer labgen"):
        folder.record()


HOLD = """
import sys
from pathlib import Path
from labgen.state import LabFolder
with LabFolder(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_lock(folder: LabFolder) -> None:
    """Another process that holds the lab is noticed; when it dies, whatever the way, the lab is free."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(LabBusyError, match="another labgen is at work on the lab sample"), folder.locked():
            pass
        with LabFolder(folder.path.parent / "second").locked():
            pass
        other.kill()
        other.wait()
    with folder.locked():
        with pytest.raises(LabBusyError), folder.locked():
            pass
        folder.remove()
    with folder.locked():
        pass


def test_lock_removed_by_a_destroy_that_just_ended(folder: LabFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opened the old lock's file must not believe to be alone when the next one makes a new file."""
    real = fcntl.flock
    calls = []

    def flock(file: IO[str], operation: int) -> None:
        calls.append(file)
        if len(calls) == 1:
            folder.remove()
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with folder.locked(), pytest.raises(LabBusyError), folder.locked():
        pass
    assert len(calls) == 3


def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LABGEN_STATE", "LABGEN_CACHE", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_folder() == tmp_path / ".local/state/labgen"
    assert cache_folder() == tmp_path / ".cache/labgen"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/xdg/labgen")
    monkeypatch.setenv("LABGEN_CACHE", "/own")
    assert cache_folder() == Path("/own")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABGEN_STATE", "here")
    assert state_folder() == tmp_path / "here"
    for name in ("LABGEN_STATE", "LABGEN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "")  # empty means: not set
    assert state_folder() == tmp_path / ".local/state/labgen"
    assert cache_folder() == tmp_path / ".cache/labgen"
