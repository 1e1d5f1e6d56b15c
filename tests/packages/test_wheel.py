"""The wheel, installed outside the checkout, has all it needs: it finds the blueprint by name and renders it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.outside import CHECKOUT, build_wheel

RENDER = """
import json, sys
from pathlib import Path
import labgen
from labgen.blueprint.files import blueprint_files, find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.lab.keys import make_key_pair
from labgen.lab.resolve import resolve
from labgen.lab.secrets import make_secrets
from labgen.plan import build_plan
from labgen.plugins import CHECKS, PROVIDERS, plugin_names
from labgen.providers import get_provider
from labgen.render.folder import write_folder
from labgen.render.lab import Machines, render_lab

lab = resolve(load_blueprint(find_blueprint("consul-pgbouncer")), provider="docker")
machines = Machines({node.name: "image:1" for node in lab.nodes}, vagrantfile=get_provider("docker").vagrantfile)
secrets = make_secrets(lab.components.values())
rendered = render_lab(lab, build_plan(lab), secrets, make_key_pair("x"), machines)
write_folder(rendered, Path("rendered"))
print(json.dumps({
    "home": str(Path(labgen.__file__).parent),
    "components": {name: str(found.folder) for name, found in lab.components.items()},
    "files": sorted(rendered),
    "checks": plugin_names(CHECKS),
    "providers": plugin_names(PROVIDERS),
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(CHECKOUT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment with the wheel; labgen's dependencies are those of this one."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    words = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    words += ["--no-deps", "--no-index", str(wheel)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (site,) = home.glob("lib/python*/site-packages")
    # A path in a .pth file is searched last, and .pth files in it (an editable labgen) are not looked at.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def run(python: Path, folder: Path, *words: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "LABGEN"))}
    environment["LABGEN_STATE"] = str(folder / "state")
    done = subprocess.run([python, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_renders_outside_the_checkout(python: Path, tmp_path: Path) -> None:
    told = json.loads(run(python, tmp_path, "-c", RENDER))
    site = python.parents[1]
    assert Path(told["home"]).is_relative_to(site)
    assert all(Path(folder).is_relative_to(site) for folder in told["components"].values())
    assert set(told["components"]) >= {"consul", "patroni", "pgbouncer", "consul-template", "floating-ip"}
    for file in (
        "Vagrantfile",
        "vagrant/steps.rb",
        "vagrant/network.rb",
        "components/lib/lib.sh",
        "components/lib/run.sh",
        "image/rootfs.sh",
    ):
        assert file in told["files"]
        assert (tmp_path / "rendered" / file).stat().st_size > 0
    assert {"docker", "libvirt", "virtualbox"} <= set(told["providers"])
    assert {"patroni-cluster", "floating-ip", "pgbouncer-write"} <= set(told["checks"])


def test_command_line(python: Path, tmp_path: Path) -> None:
    labgen = str(python.parent / "labgen")
    assert "consul-pgbouncer" in run(python, tmp_path, labgen, "list")
    assert "is fine" in run(python, tmp_path, labgen, "repro", "validate", "patroni-2445", "--provider", "docker")


def test_contents(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern in (
        ("scripts", "**/*"),
        ("blueprints", "*.yml"),
        ("schemas", "*.json"),
        ("examples/repro", "**/*"),
    ):
        there = {path.relative_to(CHECKOUT) for path in (CHECKOUT / folder).glob(pattern) if path.is_file()}
        assert {f"labgen/data/{path}" for path in there} <= names
    assert {"labgen/data/Vagrantfile.j2", "labgen/py.typed", "labgen/render/templates/README.md.j2"} <= names
    assert {f"labgen/providers/vagrantfiles/{name}.rb.j2" for name in ("docker", "libvirt", "virtualbox")} <= names
    assert not [name for name in names if name.startswith(("tests/", "docs/")) or "__pycache__" in name]
