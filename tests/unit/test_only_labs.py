"""Only labs are labs: a word that can name none leads to no folder, whatever command it is given to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from labs import blueprint_text, write_component
from typer.testing import CliRunner

from labgen.actions.session.open import LabRequest, lab_of
from labgen.cli.main import app
from labgen.errors import DocumentError, UnknownNameError, UsageError
from labgen.overrides import read_overrides
from labgen.render.folder import RECORD, claim, write_folder
from labgen.render.model import RenderedFile
from labgen.state import all_labs, find_lab, lab_folder

NEEDS_A_LAB = [
    ["destroy", "{}", "--yes"],
    ["halt", "{}"],
    ["status", "{}"],
    ["verify", "{}"],
    ["exec", "{}", "one", "true"],
    ["ssh", "{}", "one"],
    ["logs", "{}"],
    ["switchover", "{}"],
    ["maintenance", "{}", "on"],
    ["scale", "{}", "+1"],
    ["reinit", "{}", "one"],
    ["checkpoint", "save", "{}", "a"],
    ["checkpoint", "restore", "{}", "a"],
    ["checkpoint", "list", "{}"],
    ["checkpoint", "delete", "{}", "a"],
    ["drill", "list", "{}"],
    ["drill", "run", "{}", "power-loss"],
    ["drill", "heal", "{}"],
    ["bundle", "create", "{}", "-o", "x.tar"],
]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A whole lab's folder that is not among the labs; the current folder is the labs'."""
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    write_component(tmp_path / "components", "agent")
    (tmp_path / "sample.yml").write_text(blueprint_text({"one": ["agent"]}))
    opened = lab_of(LabRequest(str(tmp_path / "sample.yml"), provider="docker", components=(tmp_path / "components",)))
    opened.save()
    shutil.move(opened.folder.path, tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "state" / "labs")
    return tmp_path / "elsewhere"


@pytest.mark.parametrize("words", NEEDS_A_LAB, ids=lambda words: "-".join(words[:2]).replace("-{}", ""))
@pytest.mark.parametrize("name", ["{absolute}", "../../elsewhere", "..", ".", "", "Sample", "a/b"])
def test_what_can_name_no_lab_is_none(words: list[str], name: str, elsewhere: Path) -> None:
    before = sorted(path for path in elsewhere.rglob("*"))
    name = name.format(absolute=elsewhere)
    outcome = CliRunner().invoke(app, [word.format(name) for word in words])
    if words[0] == "bundle":
        assert outcome.exit_code != 0
    else:
        assert isinstance(outcome.exception, UnknownNameError), outcome.output
        assert outcome.exception.what == f"no lab is called '{name}'"
    assert sorted(path for path in elsewhere.rglob("*")) == before


def test_the_gate_itself(elsewhere: Path) -> None:
    for word in (str(elsewhere), "../../elsewhere", "..", ""):
        assert find_lab(word) is None
        with pytest.raises(UsageError, match="cannot name a lab"):
            lab_folder(word)
    shutil.copytree(elsewhere, lab_folder("sample").path)
    assert find_lab("sample") is not None
    shutil.copytree(elsewhere, lab_folder("sample").path.parent / "Not a lab")
    assert [lab.name for lab in all_labs()] == ["sample"]


@pytest.mark.usefixtures("elsewhere")
def test_a_log_is_one_of_the_labs_own() -> None:
    folder = lab_folder("sample")
    shutil.copytree(folder.path.parent.parent.parent / "elsewhere", folder.path)
    (folder.logs / "steps").mkdir(parents=True)
    (folder.logs / "steps" / "one-agent-start.log").write_text("started\n")
    (folder.logs / "other.log").write_text("secret\n")
    (folder.logs / "steps" / "one-x").mkdir()
    said = CliRunner().invoke(app, ["logs", "sample", "one", "--step", "agent-start"])
    assert said.output == "started\n"
    said = CliRunner().invoke(app, ["logs", "sample", "one", "--step", "x/../../other"])
    assert isinstance(said.exception, UnknownNameError)


@pytest.fixture
def rendered(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A rendered folder, and one of somebody else's that nothing may happen to."""
    inner, other = tmp_path / "lab", tmp_path / "other"
    inner.mkdir()
    (other / "sub").mkdir(parents=True)
    (other / "kept").write_text("kept\n")
    yield inner, other
    assert [path.name for path in sorted(other.rglob("*"))] == ["kept", "sub"]
    assert (other / "kept").read_text() == "kept\n"


def test_rendering_follows_no_link_out_of_the_folder(rendered: tuple[Path, Path]) -> None:
    folder, other = rendered
    (folder / "nodes").symlink_to(other)
    with pytest.raises(UsageError) as caught:
        write_folder({"Vagrantfile": RenderedFile("x"), "nodes/kept": RenderedFile("y")}, folder)
    assert caught.value.what == f"a link leads out of the folder: nodes is {other}"
    assert caught.value.where == str(folder)
    assert not (folder / "Vagrantfile").exists()
    (folder / "nodes").unlink()
    # One that stays inside is the user's business.
    (folder / "real").mkdir()
    (folder / "nodes").symlink_to("real")
    assert write_folder({"nodes/kept": RenderedFile("y")}, folder) == ["nodes/kept"]


def test_a_record_removes_nothing_through_a_link(rendered: tuple[Path, Path]) -> None:
    folder, other = rendered
    (folder / "nodes").symlink_to(other)
    (folder / RECORD).write_text(json.dumps(["nodes/kept", "nodes/sub", "nodes"]))
    write_folder({}, folder)
    assert not (folder / "nodes").exists()  # the link itself is what the record names


@pytest.mark.parametrize("name", [RECORD, "secrets.json", "keys", "artefacts"])
def test_claiming_reads_nothing_through_a_link(name: str, rendered: tuple[Path, Path]) -> None:
    folder, other = rendered
    (folder / RECORD).write_text("[]")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(other / "kept" if "." in name else other)
    with pytest.raises(UsageError, match="a link leads out of the folder"):
        claim(folder)


@pytest.mark.parametrize("target", ["../other/kept", "source", "/dev/zero", "sub"])
def test_overrides_take_no_file_from_elsewhere(target: str, rendered: tuple[Path, Path]) -> None:
    folder, _ = rendered
    (folder / "sub").mkdir()
    (folder / "source").symlink_to(target)
    (folder / "o.yml").write_text("files:\n  - {path: /etc/x, source: source}\n")
    with pytest.raises(DocumentError, match=r"source, beside the document, cannot be read: .*(link|is a directory)"):
        read_overrides(folder / "o.yml")
