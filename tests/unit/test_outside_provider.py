"""A provider that another package brings, as small as one can be: labgen does what it can, and refuses the rest."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from labs import blueprint_text
from test_plugins import install

from labgen.actions import checkpoint, doctor
from labgen.actions.cache.images import build_images, image_specs, refuse_network
from labgen.actions.lab.listing import lab_lines
from labgen.actions.lab.render import render
from labgen.actions.lab.status import status
from labgen.actions.lab.validate import validate
from labgen.actions.session.open import LabRequest, lab_of
from labgen.errors import OperationError, UsageError
from labgen.images import ImageSpec
from labgen.providers import Capability, Provider, all_providers, get_provider, provider_names
from tests.fakes.reporter import Heard
from tests.fakes.vagrant import install_vagrant

NAME = "tiny"
CODE = """\
from labgen.providers import Provider


class Tiny(Provider):
    name = "tiny"
"""
BUILT_IN = {"docker", "libvirt", "virtualbox"}
LABGEN = Path(doctor.__file__).parents[1]
PROFILES = "profiles:\n  modern: {os: debian-13, box: {tiny: some/box}, summary: Debian 13}\n"
STATUS = """\
printf '1,one,metadata,provider,tiny\\n1,one,provider-name,tiny\\n1,one,state,running\\n'
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LABGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path / "site")
    install(tmp_path / "site", "tiny_labs", CODE, "[labgen.providers]\ntiny = tiny_labs:Tiny\n")
    yield get_provider(NAME)
    sys.modules.pop("tiny_labs", None)


@pytest.fixture
def wanted(tmp_path: Path, tiny: Provider) -> LabRequest:
    (tmp_path / "sample.yml").write_text(blueprint_text({"one": ["etcd", "patroni", "postgresql"]}, "", PROFILES))
    return LabRequest(str(tmp_path / "sample.yml"), provider=tiny.name)


@pytest.fixture
def made(wanted: LabRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("labgen.actions.session.networks.ranges_in_use", lambda _lab: [])
    opened = lab_of(wanted, make=True)
    opened.save()
    opened.folder.rendered.mkdir()
    return opened.lab.name


def test_it_is_a_provider_like_the_others(tiny: Provider) -> None:
    assert NAME in provider_names()
    assert tiny.name in {provider.name for provider in all_providers()}
    assert tiny.capabilities == frozenset()


def test_its_folder_is_rendered(wanted: LabRequest, tmp_path: Path) -> None:
    assert render(wanted, tmp_path / "out", artefacts=False) > 0
    vagrantfile = (tmp_path / "out" / "Vagrantfile").read_text()
    assert "ENV['VAGRANT_DEFAULT_PROVIDER'] ||= 'tiny'" in vagrantfile
    for part in ("node.vm.box = n[:image]", "node.vm.hostname = n[:name]", "ip: n[:address]", "'some/box'"):
        assert part in vagrantfile
    assert "some/box" in (tmp_path / "out" / "prepare.sh").read_text()
    assert "and its tiny provider" in (tmp_path / "out" / "README.md").read_text()


def test_its_labs_are_validated(wanted: LabRequest) -> None:
    (found,) = validate(wanted.lab, provider=NAME)
    assert found.nodes == 1
    (found,) = validate(wanted.lab, provider=NAME, files=True)
    assert found.unchecked


def test_without_a_box_it_says_what_to_do(wanted: LabRequest, tmp_path: Path) -> None:
    text = Path(wanted.lab).read_text()
    Path(wanted.lab).write_text(text.replace("box: {tiny: some/box}, ", ""))
    with pytest.raises(UsageError) as caught:
        render(wanted, tmp_path / "out", artefacts=False)
    assert caught.value.cure == "name one: --set box=NAME"


def test_doctor_names_what_it_lacks(tiny: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = {finding.what: finding for finding in doctor.examine(NAME)}
    assert not found["provider tiny"].ok
    assert "Vagrant is not installed" in found["provider tiny"].found
    assert "root" not in found  # it builds nothing
    assert not {"mmdebstrap", "qemu-img"} & found.keys()
    others = {finding.what: finding for finding in doctor.examine("docker")}
    assert not others["provider tiny"].required
    assert tiny.problems()


def test_its_machines_are_those_that_vagrant_knows(made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = install_vagrant(tmp_path, monkeypatch, {"status": STATUS, "ssh-config": "exit 1"})
    assert status(made).states == {"one": "running"}
    assert calls.read_text().startswith("status")
    assert [line["name"] for line in lab_lines()] == [made]


def test_there_are_no_checkpoints(made: str) -> None:
    for work in (
        lambda: checkpoint.save(made, "now", Heard()),
        lambda: checkpoint.checkpoint_lines(made),
    ):
        with pytest.raises(OperationError) as caught:
            work()
        assert caught.value.what == "there are no checkpoints with tiny: it offers none"
        assert "docker" in str(caught.value.cure)


def test_no_image_is_made(wanted: LabRequest, tiny: Provider) -> None:
    lab = lab_of(wanted).lab
    assert image_specs(lab, baked=True) == {}
    assert build_images(wanted, lambda _: None) == []
    with pytest.raises(UsageError, match="labgen makes no images for tiny, which boots a vendor's box"):
        assert ImageSpec("debian-13", tiny.name, (), Path(), Path()).name
    with pytest.raises(Exception, match="the box some/box is not on this machine"):
        refuse_network(lab, baked=True, new=True)


def test_what_says_power_has_to_have_a_control() -> None:
    with pytest.raises(TypeError, match="Powerless says that it has power or pause, and has no `control`"):
        type("Powerless", (Provider,), {"name": "powerless", "capabilities": frozenset({Capability.POWER})})


def test_nothing_outside_the_providers_asks_for_one_by_name() -> None:
    asking = []
    for path in sorted(LABGEN.rglob("*.py")):
        if path.is_relative_to(LABGEN / "providers") or path.is_relative_to(LABGEN / "faults"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and node.value in BUILT_IN:
                asking.append(f"{path.relative_to(LABGEN)}:{node.lineno}: {node.value}")
    assert asking == []
