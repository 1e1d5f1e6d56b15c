"""Operating systems: what stands in one file is known to Python and to the scripts alike."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from labs import blueprint_text, load, write_component

from labgen import systems as module
from labgen.actions.lab.render import render
from labgen.actions.lab.validate import validate
from labgen.actions.session.open import LabRequest
from labgen.components.manifest import Manifest
from labgen.errors import DocumentError, UnknownNameError
from labgen.lab.resolve import resolve
from labgen.resources import resource
from labgen.systems import system, systems

SIXTH = "TITLE='Debian Next'\nSUITE=next\nPOOLS=\nVALID_UNTIL=ignored\nPYTHON=3.20\nMACHINE_PACKAGES=''\n"
PROFILES = "profiles:\n  modern: {os: debian-next, summary: Debian to come}\n"
WHEELS = 'versions: {debian-next: "3.0"}\nother_versions: {kind: pypi, package: agent, minimum: "1.0"}\n'


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The scripts with one operating system more."""
    scripts = tmp_path / "scripts"
    shutil.copytree(resource("scripts") / "image", scripts / "image")
    (scripts / "image" / "systems" / "debian-next.conf").write_text(SIXTH)
    monkeypatch.setattr(module, "resource", lambda _name: scripts)
    return scripts


@pytest.fixture
def blueprint(tmp_path: Path, scripts: Path) -> Path:  # noqa: ARG001
    write_component(tmp_path / "components", "agent", WHEELS, {"install.sh": "", "start.sh": ""})
    (tmp_path / "sample.yml").write_text(blueprint_text({"one": ["agent"]}, profiles=PROFILES))
    return tmp_path / "sample.yml"


def test_those_that_there_are() -> None:
    assert [(it.name, it.title, it.suite, it.python) for it in systems().values()] == [
        ("debian-11", "Debian 11", "bullseye", "3.9"),
        ("debian-12", "Debian 12", "bookworm", "3.11"),
        ("debian-13", "Debian 13", "trixie", "3.13"),
        ("debian-14", "Debian 14", "forky", "3.14"),
    ]
    assert [it.expires for it in systems().values()] == [False, False, True, False]
    assert [it.name for it in systems().values() if it.cgroup_v2] == ["debian-14"]
    assert [it.name for it in systems().values() if it.moving] == ["debian-14"]
    with pytest.raises(UnknownNameError) as caught:
        system("ubuntu")
    assert caught.value.cure == "there is: debian-11, debian-12, debian-13, debian-14"


def test_one_more_is_a_file_more(blueprint: Path, tmp_path: Path) -> None:
    (found,) = validate(str(blueprint), components=(tmp_path / "components",))
    assert found.os == "debian-next"
    request = LabRequest(str(blueprint), components=(tmp_path / "components",), provider="docker")
    assert render(request, tmp_path / "out", artefacts=False) > 0
    assert (tmp_path / "out" / "image" / "systems" / "debian-next.conf").read_text() == SIXTH
    assert "image/rootfs.sh debian-next" in (tmp_path / "out" / "prepare.sh").read_text()
    assert system("debian-next").pools == ()


def test_a_version_that_was_chosen_is_for_its_python(blueprint: Path, tmp_path: Path) -> None:
    loaded = load(tmp_path, blueprint.read_text())
    made = resolve(loaded, provider="docker", overrides=["versions.agent=2.0"])
    (artefact,) = made.components["agent"].manifest.artefacts.values()
    assert artefact.sources[0].model_dump()["python"] == "3.20"


def test_a_name_that_is_none_lists_them(scripts: Path, tmp_path: Path) -> None:  # noqa: ARG001
    write_component(tmp_path / "components", "agent")
    with pytest.raises(DocumentError) as caught:
        load(tmp_path, blueprint_text({"one": ["agent"]}, profiles=PROFILES.replace("next", "last")))
    assert "there is no 'debian-last' here; " in str(caught.value.problems[0])
    assert "debian-next" in str(caught.value.problems[0])


def test_a_schema_names_them(scripts: Path) -> None:  # noqa: ARG001
    assert "debian-next" in str(Manifest.model_json_schema())


def test_scripts_read_the_same_file(scripts: Path) -> None:
    def said(name: str) -> subprocess.CompletedProcess[str]:
        words = f'. "{scripts}/image/system.sh"; system "$1" && echo "$SUITE/$POOLS/$VALID_UNTIL"'
        return subprocess.run(["bash", "-c", words, "-", name], capture_output=True, text=True, check=False)

    assert said("debian-next").stdout == "next//ignored\n"
    assert said("debian-13").stdout == "trixie/updates security/checked\n"
    missing = said("debian-9")
    assert missing.returncode == 2
    assert missing.stderr.startswith("no operating system is called 'debian-9'; there is: debian-11 debian-12")
