"""A lab whose folder is damaged: it can be stopped and removed, and takes no other lab down."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from labs import blueprint_text, write_component
from typer.testing import CliRunner

from labgen.actions.lab.up import up
from labgen.actions.session.open import LabRequest, lab_of
from labgen.cli.main import app
from labgen.errors import LabgenError, OperationError
from labgen.plan import StepId
from labgen.provision import Journal
from labgen.state import LabFolder, lab_folder, owner
from tests.fakes.docker import FakeDocker, install_docker
from tests.fakes.reporter import Heard
from tests.fakes.vagrant import install_vagrant

PARTS = ["lab.json", "blueprint.yml", "rendered", "rendered/Vagrantfile", "rendered/nodes", "rendered/.vagrant"]
"""Each may say which machines there are: damaged one by one."""

OTHERS = ["labgen.lock", "secrets.json", "journal.jsonl", "overrides", "logs"]
"""None of these is needed to stop or remove a lab: all of them are damaged at once."""


def gone(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def filled(content: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        gone(path)
        path.write_bytes(content)

    return damage


def half(path: Path) -> None:
    if path.is_file():
        path.write_bytes(path.read_bytes()[:20])


def folder(path: Path) -> None:
    gone(path)
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], None]] = {
    "gone": gone,
    "empty": filled(b""),
    "cut": half,
    "binary": filled(b"\x00\xff\xfe{"),
    "nested": filled(b"[" * 500),
    "a-list": filled(b"[1, 2]"),
    "a-folder": folder,
}
CASES = [([part], damage) for part in PARTS for damage in ("gone", "binary", "a-folder")]
CASES += [([part], damage) for part in PARTS[:2] for damage in ("empty", "cut", "nested", "a-list")]
CASES += [(OTHERS, damage) for damage in ("gone", "binary", "a-folder")]
RECORDS = {
    "newer": {"format": 99},
    "unknown-provider": {"provider": "nosuch"},
    "no-provider": {"provider": None},
    "number-for-a-word": {"blueprint": 5},
    "words-for-a-word": {"profile": ["modern"]},
    "word-for-words": {"overrides": "a=b"},
    "numbers-for-words": {"files": [1]},
    "of-another-lab": {"name": "other"},
}


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """Two labs that run, `sample` and `other`; Vagrant has lost their machines, and says that all is well."""
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LABGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("labgen.actions.session.networks.ranges_in_use", lambda _lab: [])
    install_vagrant(tmp_path, monkeypatch, {"destroy": "true", "halt": "true"})
    found = install_docker(tmp_path, monkeypatch)
    write_component(tmp_path / "components", "agent", "parameters: {port: {type: integer, default: 1, doc: a port}}\n")
    (tmp_path / "sample.yml").write_text(blueprint_text({"one": ["agent"], "two": ["agent"]}))
    (tmp_path / "o.yml").write_text("settings: {agent: {port: 2}}\n")
    for name in ("sample", "other"):
        request = LabRequest(
            str(tmp_path / "sample.yml"), name, provider="docker", components=(tmp_path / "components",)
        )
        opened = lab_of(LabRequest(**{**vars(request), "files": (tmp_path / "o.yml",)}), make=True)
        opened.save()
        write_rest(opened.folder)
        mark = {"labgen.owner": owner().id, "labgen.origin": owner().origin}
        found.add(name, {node.name: node.address for node in opened.lab.nodes}, **mark)
    return found


def write_rest(lab: LabFolder) -> None:
    for node in ("one", "two"):
        (lab.rendered / "nodes" / node).mkdir(parents=True)
        (lab.rendered / ".vagrant" / "machines" / node / "docker").mkdir(parents=True)
    (lab.rendered / "Vagrantfile").write_text("# a Vagrantfile\n")
    (lab.path / "secrets.json").write_text('{"agent": {"password": "secret"}}')
    (lab.path / "logs").mkdir()
    journal = Journal(lab.journal)
    journal.done(StepId("one", "agent", "install"), "digest")
    journal.done(StepId("one", "agent", "start"), "digest")
    journal.close()


def run(*words: str) -> str:
    """What labgen says; anything but an orderly end is a failure."""
    outcome = CliRunner().invoke(app, words)
    assert outcome.exit_code == 0, (outcome.output, outcome.exception)
    return outcome.output


def expect_all_well(docker: FakeDocker) -> None:
    """`sample` is damaged: everything else is as always, and it can be stopped and removed."""
    listed = {lab["name"]: lab for lab in json.loads(run("list", "--json"))["labs"]}
    assert listed.keys() == {"sample", "other"}
    assert listed["other"]["blueprint"] == "sample"
    assert "sample" in run("show", "other")
    run("image", "list")
    lab_of(
        LabRequest("sample.yml", "third", provider="docker", components=(Path("components"),)), make=True
    )  # it looks for a range that is free
    outcome = CliRunner().invoke(app, ["status", "sample"])
    assert outcome.exception is None or isinstance(outcome.exception, LabgenError | SystemExit), outcome.exception
    run("halt", "sample")
    states = {"labgen-sample-one": "exited", "labgen-sample-two": "exited"}
    assert docker.containers == {**states, "labgen-other-one": "running", "labgen-other-two": "running"}
    run("destroy", "sample", "--yes")
    assert docker.containers.keys() == {"labgen-other-one", "labgen-other-two"}
    assert docker.networks == ["labgen-other"]
    assert not lab_folder("sample").path.exists()


@pytest.mark.parametrize(("parts", "damage"), CASES, ids=[f"{len(it[0])}-{it[0][0]}-{it[1]}" for it in CASES])
def test_a_damaged_part(
    parts: list[str], damage: str, docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (lab_folder("sample").path / "labgen.lock").write_text('{"format": 1}')
    for part in parts:
        DAMAGES[damage](lab_folder("sample").path / part)
    expect_all_well(docker)


@pytest.mark.parametrize("change", RECORDS)
def test_a_record_that_is_not_labgens(
    change: str, docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = lab_folder("sample").path / "lab.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **RECORDS[change]}))
    expect_all_well(docker)


def test_nothing_but_the_machines_and_an_empty_record(
    docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sample = lab_folder("sample").path
    shutil.rmtree(sample)
    sample.mkdir()
    (sample / "lab.json").write_text("")
    expect_all_well(docker)


def test_vagrant_fails_too(docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "failing").mkdir()
    install_vagrant(tmp_path / "failing", monkeypatch, {"destroy": "exit 1", "halt": "exit 1"})
    expect_all_well(docker)


def test_no_answer_is_not_taken_for_nothing_left(docker: FakeDocker) -> None:
    """The folder stays as long as nobody can say whether machines do."""
    shutil.rmtree(lab_folder("sample").rendered)
    docker.die()
    outcome = CliRunner().invoke(app, ["destroy", "sample", "--yes"])
    assert isinstance(outcome.exception, LabgenError)
    assert outcome.exception.what == "the Docker daemon does not answer"
    assert lab_folder("sample").exists()


@pytest.mark.parametrize("part", ["rendered", "rendered/.vagrant", "."])
def test_up_does_not_make_a_node_anew_whose_machine_is_there(part: str, docker: FakeDocker, tmp_path: Path) -> None:
    """Each of these folders was removed by hand; the machines run on, with all that is on them."""
    before = docker.containers
    shutil.rmtree(lab_folder("sample").path / part)
    request = LabRequest(
        str(tmp_path / "sample.yml"), "sample", provider="docker", components=(tmp_path / "components",)
    )
    with pytest.raises(OperationError) as caught:
        up(request, Heard())
    told = "machines of the lab sample are there, and what Vagrant knew of them is gone: one"
    assert caught.value.what == (f"{told}, two" if part == "." else told)
    assert caught.value.cure
    assert "labgen destroy sample --yes" in caught.value.cure
    assert docker.containers == before


@pytest.mark.usefixtures("docker")
def test_a_machine_that_was_being_made_is_made_anew() -> None:
    """What its image brought is in the journal already; nothing else has been done on it."""
    journal = Journal(lab_folder("sample").journal)
    journal.forget_node("one")
    journal.done(StepId("one", "agent", "install"), "digest")
    journal.close()
    with pytest.raises(LabgenError) as caught:
        up(LabRequest("sample"), Heard(), offline=True)
    assert "what Vagrant knew" not in caught.value.what


@pytest.mark.usefixtures("docker")
def test_machines_without_a_journal_are_gone_on_with() -> None:
    sample, heard = lab_folder("sample"), Heard()
    for node in ("one", "two"):
        (sample.rendered / ".vagrant" / "machines" / node / "docker" / "id").write_text("c0ffee")
    sample.journal.unlink()
    up(LabRequest("sample"), heard, "install", offline=True)
    assert "the journal of sample is gone: every step is done again" in heard.notes


@pytest.mark.usefixtures("docker")
def test_a_provider_that_there_is_not_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = lab_folder("sample").path / "lab.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "provider": "dokcer"}))
    outcome = CliRunner().invoke(app, ["status", "sample"])
    assert isinstance(outcome.exception, LabgenError)
    assert outcome.exception.where == str(file)
    assert "docker" in str(outcome.exception.cure)
