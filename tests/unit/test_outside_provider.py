"""A provider that another package brings, as small as one can be: labgen does what it can, and refuses the rest."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from labs import blueprint_text
from test_plugins import install

from labgen.actions import checkpoint, doctor
from labgen.actions.cache.images import build_images, refuse_network
from labgen.actions.drill import drills_of
from labgen.actions.lab.listing import lab_lines
from labgen.actions.lab.render import render
from labgen.actions.lab.status import status
from labgen.actions.lab.validate import validate
from labgen.actions.session.open import LabRequest, lab_of
from labgen.artefacts.store import sha256
from labgen.drill.report.describe import fault_rows
from labgen.errors import OperationError, UsageError
from labgen.images import ImageSpec, Tree, Trees, closed, ensure_image, list_images, remove_image
from labgen.images.machines import image_specs
from labgen.providers import Capability, Provider, all_providers, get_provider, provider_names
from labgen.resources import resource
from tests.fakes.reporter import Heard
from tests.fakes.vagrant import install_vagrant

NAME = "tiny"
CODE = """\
from labgen.providers import Provider


class Tiny(Provider):
    name = "tiny"
"""
BUILDER = """\

from pathlib import Path

from labgen.providers.image_maker import ImageMaker
from labgen.render.model import ImageCommands

STORE = Path(__file__).parent / "store"


class Images(ImageMaker):
    script = Path(__file__).parent / "own.sh"
    commands = ImageCommands("cp", '[ -e store/"$1" ]', 'image/own.sh "$rootfs" "$name"')

    def name(self, label, digest):
        return f"{label}_{digest}"

    def make(self, bench, tree, name):
        bench.run(self.script, tree, STORE / name)
        return (STORE / name).stat().st_size

    def exists(self, name):
        return (STORE / name).exists()

    def remove(self, name):
        (STORE / name).unlink(missing_ok=True)


class Builder(Provider):
    name = "builder"
    images = Images()
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
    for foreign in BUILT_IN:
        assert foreign not in vagrantfile.lower()
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


def test_no_fault_is_injected_that_could_strike_this_host(made: str) -> None:
    _, faults, provider = drills_of(made)
    refused = {row["name"]: row["refused"] for row in fault_rows(faults, provider) if row["refused"]}
    assert refused.keys() == {"clock-step", "delay", "disk-full", "freeze", "loss", "power-loss"}
    assert Capability.OWN_DISK.without in refused["disk-full"]
    assert Capability.OWN_CLOCK.without in refused["clock-step"]
    assert Capability.POWER.without in refused["power-loss"]


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


def test_images_of_its_own(tmp_path: Path, wanted: LabRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = "[labgen.providers]\nbuilder = builder_labs:Builder\n"
    monkeypatch.syspath_prepend(tmp_path / "site-of-builder")
    package = install(tmp_path / "site-of-builder", "builder_labs", CODE + BUILDER, entries)
    (package / "own.sh").write_text('cp "$1" "$2"\n')
    (package / "store").mkdir()
    text = Path(wanted.lab).read_text()
    Path(wanted.lab).write_text(text.replace("box: {tiny: some/box}, ", ""))
    assert render(replace(wanted, provider="builder"), tmp_path / "out", artefacts=False) > 0
    prepare = (tmp_path / "out" / "prepare.sh").read_text()
    for part in ('[ -e store/"$1" ]', 'image/own.sh "$rootfs" "$name"', "bake debian-13-"):
        assert part in prepare
    assert (tmp_path / "out" / "image" / "own.sh").read_text() == 'cp "$1" "$2"\n'
    # A tree that is there already stands for the one that would take mmdebstrap and a mirror.
    monkeypatch.setattr("os.geteuid", lambda: 0)
    spec = ImageSpec("debian-13", "builder", (), resource("scripts") / "lib", resource("scripts") / "image")
    before = spec.name
    _adopt_tree(spec, tmp_path / "cache")
    assert ensure_image(spec, {}, tmp_path / "cache", tmp_path / "log") == before
    (made,) = list_images(tmp_path / "cache")
    assert (made.name, made.provider, made.size) == (before, "builder", len("the tree"))
    assert closed(spec, tmp_path / "cache") == "its provider does not say how to look into them"
    remove_image(made, tmp_path / "cache")
    assert list_images(tmp_path / "cache") == []
    (package / "own.sh").write_text('cp -a "$1" "$2"\n')
    assert replace(spec).name != before


def _adopt_tree(spec: ImageSpec, cache: Path) -> None:
    file = cache / "made"
    cache.mkdir(exist_ok=True)
    file.write_text("the tree")
    tree = Tree(
        file=f"base-{spec.os}-{spec.base_digest[:12]}.tar",
        os=spec.os,
        components=(),
        recipe=spec.base_recipe,
        sha256=sha256(file),
        size=file.stat().st_size,
        made="",
        packages=(),
    )
    Trees(cache).adopt(tree, file)


def test_what_says_power_has_to_have_a_control() -> None:
    with pytest.raises(TypeError, match="Powerless says that it has power or pause, and has no `control`"):
        type("Powerless", (Provider,), {"name": "powerless", "capabilities": frozenset({Capability.POWER})})


def test_nothing_outside_the_providers_asks_for_one_by_name() -> None:
    asking = []
    for path in sorted(LABGEN.rglob("*.py")):
        if path.is_relative_to(LABGEN / "providers"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and node.value in BUILT_IN:
                asking.append(f"{path.relative_to(LABGEN)}:{node.lineno}: {node.value}")
    assert asking == []


def test_no_template_asks_for_a_provider_by_name() -> None:
    templates = [LABGEN.parent / "Vagrantfile.j2", *(LABGEN / "render" / "templates").rglob("*.j2")]
    quoted = [f"{mark}{name}{mark}" for name in BUILT_IN for mark in "\"'"]
    assert [path.name for path in templates if any(word in path.read_text() for word in quoted)] == []
