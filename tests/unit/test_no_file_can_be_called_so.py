"""Names that no file can have, too long or with a null byte, in places where files are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from labgen.drill.report.drawing import _step
from labgen.errors import DocumentError, LabgenError, at
from labgen.render.folder import _remove
from labgen.repro.document import read_reproduction
from labgen.system.files import is_file, is_there

IMPOSSIBLE = ["x" * 5000, "nodes/" + "y" * 300, "a\x00b"]


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_nothing_is_there(name: str, tmp_path: Path) -> None:
    assert not is_file(tmp_path / name)
    assert not is_there(tmp_path / name)
    _remove(tmp_path, name)
    assert tmp_path.exists()


def test_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "file").touch()
    assert [is_file(tmp_path), is_file(tmp_path / "file"), is_file(tmp_path / "dangling")] == [False, True, False]
    assert is_there(tmp_path / "dangling")
    _remove(tmp_path, "dangling")
    assert not is_there(tmp_path / "dangling")


def test_a_reproduction_of_a_lab_whose_name_is_too_long(tmp_path: Path) -> None:
    path = tmp_path / "repro.yml"
    path.write_text(f"format: 1\nname: x\nlab: {'labs/' + 'z' * 300}.yml\nactions: []\n")
    with pytest.raises(DocumentError) as caught:
        read_reproduction(path)
    assert any("there is no file" in str(problem) for problem in caught.value.problems)


@pytest.mark.parametrize("seconds", [0.5, 40, 1000, 86_400, 1e12])
def test_a_drawing_has_few_lines_however_long_a_log_says_it_took(seconds: float) -> None:
    assert seconds / _step(seconds) <= 16.5


def test_an_error_without_a_place_gets_one() -> None:
    for where, found in ((None, "here"), ("there", "there")):
        with pytest.raises(LabgenError) as caught, at("here"):
            raise LabgenError("something is wrong", where=where)
        assert caught.value.where == found
