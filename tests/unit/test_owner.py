"""A lab belongs to a folder of labs: what another one has made under its names is refused, shown, and left alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from labs import blueprint_text, write_component
from typer.testing import CliRunner

from labgen.actions.lab.up import up
from labgen.actions.session.open import LabRequest, lab_of
from labgen.cli.main import app
from labgen.errors import HostError, UnknownNameError
from labgen.state import lab_folder, owner
from tests.fakes.docker import FakeDocker, install_docker
from tests.fakes.reporter import Heard
from tests.fakes.vagrant import install_vagrant

NODES = {"one": "192.168.60.11", "y-one": "192.168.60.12"}
OTHER = {"labgen.owner": "0123456789abcdef", "labgen.origin": "student in /home/student/labs"}


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LABGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("labgen.actions.session.networks.ranges_in_use", lambda _lab: [])
    monkeypatch.chdir(tmp_path)
    install_vagrant(tmp_path, monkeypatch, {"destroy": "true", "halt": "true"})
    write_component(tmp_path / "components", "agent")
    (tmp_path / "sample.yml").write_text(blueprint_text({node: ["agent"] for node in NODES}))
    return install_docker(tmp_path, monkeypatch)


def request(name: str = "sample") -> LabRequest:
    return LabRequest("sample.yml", name, provider="docker", components=(Path("components"),))


def mine() -> dict[str, str]:
    return {"labgen.owner": owner().id, "labgen.origin": owner().origin}


def refused(*words: str) -> HostError:
    outcome = CliRunner().invoke(app, words)
    assert isinstance(outcome.exception, HostError), (outcome.output, outcome.exception)
    return outcome.exception


def test_machines_of_another_folder_are_left_alone(docker: FakeDocker) -> None:
    docker.add("sample", NODES, **OTHER)
    before = docker.containers
    with pytest.raises(HostError) as caught:
        up(request(), Heard())
    assert caught.value.lines() == [
        "error: what stands under the names of the lab sample is not this lab's, and nothing was changed",
        f"  where: {lab_folder('sample').path}",
        "  | container labgen-sample-one: one of the lab sample, made by student in /home/student/labs",
        "  | container labgen-sample-y-one: y-one of the lab sample, made by student in /home/student/labs",
        "  | network labgen-sample: made by student in /home/student/labs",
        "  next:  give the lab another --name, or have whoever made the other destroy it",
        "         if nobody needs it any more: labgen destroy sample --orphan --yes",
    ]
    assert not lab_folder("sample").exists()
    # Nor by a lab of that name that was made here before the other's machines.
    lab_of(request(), make=True).save()
    for words in (["destroy", "sample", "--yes"], ["halt", "sample"]):
        assert refused(*words).detail == caught.value.detail
    assert docker.containers == before
    assert docker.networks == ["labgen-sample"]
    assert lab_folder("sample").exists()


def test_two_labs_whose_names_run_together(docker: FakeDocker) -> None:
    """Lab `x` has a node `y-one`, lab `x-y` a node `one`: both would be labgen-x-y-one."""
    docker.add("x", NODES, **mine())
    with pytest.raises(HostError) as caught:
        up(request("x-y"), Heard())
    assert caught.value.detail == (f"container labgen-x-y-one: y-one of the lab x, made by {owner().origin}",)
    lab_of(request("x"), make=True).save()
    assert CliRunner().invoke(app, ["destroy", "x", "--yes"]).exit_code == 0
    assert docker.containers == {}


def test_a_container_without_any_mark_is_not_the_labs(docker: FakeDocker) -> None:
    docker.add("sample", {"one": "192.168.60.11"}, **{"labgen.lab": "", "labgen.node": ""})
    with pytest.raises(HostError) as caught:
        up(request(), Heard())
    assert "container labgen-sample-one: made by an unknown hand" in caught.value.detail


def test_machines_from_before_there_were_owners(docker: FakeDocker) -> None:
    """Vagrant's own file in the lab's folder says whose they are."""
    lab_of(request(), make=True).save()
    docker.add("sample", NODES)
    assert len(refused("destroy", "sample", "--yes").detail) == 2
    for node in NODES:
        place = lab_folder("sample").rendered / ".vagrant" / "machines" / node / "docker" / "id"
        place.parent.mkdir(parents=True)
        place.write_text(f"id-of-labgen-sample-{node}")
    assert CliRunner().invoke(app, ["destroy", "sample", "--yes"]).exit_code == 0
    assert (docker.containers, docker.networks) == ({}, [])


def test_a_lost_folder_of_labs(docker: FakeDocker, tmp_path: Path) -> None:
    """Its machines are listed, refused, and removed when that is asked for."""
    docker.add("sample", NODES, **mine())
    docker.add("theirs", NODES, **OTHER)
    origin = owner().origin
    assert [lab["name"] for lab in elsewhere()] == ["theirs"]
    shutil.rmtree(tmp_path / "state")
    assert elsewhere() == [
        {"name": "sample", "nodes": ["one", "y-one"], "provider": "docker", "made_by": origin},
        {"name": "theirs", "nodes": ["one", "y-one"], "provider": "docker", "made_by": OTHER["labgen.origin"]},
    ]
    assert "student in /home/student/labs" in CliRunner().invoke(app, ["list", "--all"]).output
    assert "elsewhere" not in json.loads(CliRunner().invoke(app, ["list", "--json"]).output)
    with pytest.raises(HostError):
        up(request(), Heard())
    gone = CliRunner().invoke(app, ["destroy", "sample", "--yes"])
    assert isinstance(gone.exception, UnknownNameError)
    assert CliRunner().invoke(app, ["destroy", "nothing", "--orphan", "--yes"]).exit_code != 0
    assert CliRunner().invoke(app, ["destroy", "sample", "--orphan", "--yes"]).exit_code == 0
    assert docker.containers.keys() == {"labgen-theirs-one", "labgen-theirs-y-one"}
    assert docker.networks == ["labgen-theirs"]


def test_checkpoints_of_another_folder_are_left_alone(docker: FakeDocker) -> None:
    """Its machines are gone; what is kept of them is not."""
    docker.add_snapshot("sample", "one", "c0ffee", **OTHER)
    docker.add_snapshot("sample", "two", "older")
    theirs, older = "labgen-checkpoint/sample/one:c0ffee", "labgen-checkpoint/sample/two:older"
    with pytest.raises(HostError) as caught:
        up(request(), Heard())
    assert caught.value.detail == (f"image {theirs}: made by student in /home/student/labs",)
    lab_of(request(), make=True).save()
    assert refused("destroy", "sample", "--yes").detail == caught.value.detail
    assert docker.images == [theirs, older]
    assert {"name": "sample", "nodes": [], "provider": "docker", "made_by": OTHER["labgen.origin"]} in elsewhere()
    shutil.rmtree(lab_folder("sample").path)
    assert CliRunner().invoke(app, ["destroy", "sample", "--orphan", "--yes"]).exit_code == 0
    assert docker.images == []


def elsewhere() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(CliRunner().invoke(app, ["list", "--all", "--json"]).output)[
        "elsewhere"
    ]
    return [lab for lab in found if lab["provider"] == "docker"]


def test_an_id_is_a_folders_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for name in ("a", "b", "a"):
        monkeypatch.setenv("LABGEN_STATE", str(tmp_path / name))
        found.append(owner())
    assert found[0] == found[2]
    assert found[0].id != found[1].id
    assert found[0].origin.endswith(f" in {tmp_path / 'a'}")
    (tmp_path / "a").rename(tmp_path / "c")
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "c"))
    assert owner().id == found[0].id
