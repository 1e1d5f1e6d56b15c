"""Wheels by the real pip, from a folder of packages made here: pip is told to look nowhere else."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from labgen.artefacts import ArtefactStore
from labgen.artefacts.wheels import fetch_wheels
from labgen.components.manifest import Artefact, PypiSource
from labgen.errors import ArtefactError

BACKEND = '''\
"""Makes the wheel that lies beside it; TAG is what it says it runs on."""
import shutil

def build_wheel(folder, settings=None, metadata=None):
    name = "source_only-1.0-TAG.whl"
    shutil.copy(name, folder)
    return name
'''


def wheel(name: str, version: str, *needs: str, tag: str = "py3-none-any", program: str = "") -> dict[str, bytes]:
    """A wheel's file name and content; PROGRAM is what its program prints."""
    info = f"{name}-{version}.dist-info"
    needed = "".join(f"Requires-Dist: {need}\n" for need in needs)
    files = {
        f"{name}.py": f"def main():\n    print({program!r})\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n" if program else "",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return {f"{name}-{version}-{tag}.whl": out.getvalue()}


def source_only(tag: str = "py3-none-any") -> dict[str, bytes]:
    """A package that is published without a wheel, and builds one for TAG."""
    files = {
        **wheel("source_only", "1.0", tag=tag),
        "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": BACKEND.replace("TAG", tag).encode(),
        "PKG-INFO": b"Metadata-Version: 2.1\nName: source-only\nVersion: 1.0\n",
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(f"source-only-1.0/{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return {"source-only-1.0.tar.gz": out.getvalue()}


PACKAGES = {
    **wheel("tool", "1.0", "helper", program="the old one"),
    **wheel("tool", "2.0", "helper>=2", "source-only", program="the new one"),
    **wheel("helper", "1.0"),
    **wheel("helper", "2.0", tag="cp39-cp39-manylinux2014_x86_64"),
    **wheel("helper", "2.0", tag="cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64"),
    **wheel("helper", "2.0", tag="cp313-cp313-macosx_11_0_arm64"),
    **wheel("helper", "2.1", tag="cp313-cp313-manylinux2014_x86_64"),
    **source_only(),
}


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is all that pip knows."""
    put(tmp_path / "index", PACKAGES)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


def source(*requirements: str, python: str = "3.13", **more: Any) -> PypiSource:
    return PypiSource(kind="pypi", python=python, requirements=requirements, **more)


NEW = {"pins": {"helper": "2.0", "source-only": "1.0"}, "built": ("source-only",)}


def names(path: Path) -> list[str]:
    with tarfile.open(path) as tar:
        return tar.getnames()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(
    ("python", "helper"),
    [
        ("3.9", "helper-2.0-cp39-cp39-manylinux2014_x86_64.whl"),
        ("3.13", "helper-2.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
    ],
)
def test_what_the_nodes_need(work: Path, python: str, helper: str) -> None:
    """The pinned versions, for the nodes' Python and not for the controller's, with what had to be built."""
    made = fetch_wheels(source("tool==2.0", python=python, **NEW), "tool", work)
    assert names(made) == [
        helper,
        "requirements.txt",
        "source_only-1.0-py3-none-any.whl",
        "tool-2.0-py3-none-any.whl",
    ]
    with tarfile.open(made) as tar:
        requirements = tar.extractfile("requirements.txt")
        assert requirements is not None
        assert requirements.read() == b"tool==2.0\n"


@pytest.mark.usefixtures("index")
def test_without_a_pin_the_newest(work: Path) -> None:
    made = fetch_wheels(source("tool==1.0"), "tool", work)
    assert names(made)[0] == "helper-2.1-cp313-cp313-manylinux2014_x86_64.whl"


@pytest.mark.usefixtures("index")
def test_the_same_again_is_the_same_file(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(fetch_wheels(source("tool==2.0", **NEW), "tool", tmp_path / name).read_bytes())
    assert made[0] == made[1]


def test_it_installs_where_there_is_no_index(index: Path, work: Path, tmp_path: Path) -> None:
    """As `install_venv` of scripts/lib/lib.sh does it on a node."""
    put(index, wheel("helper", "3.0"))
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    pins = {**NEW["pins"], "helper": "3.0"}  # type: ignore[dict-item]
    made = fetch_wheels(source("tool==2.0", python=running, pins=pins, built=("source-only",)), "tool", work)
    with tarfile.open(made) as tar:
        tar.extractall(tmp_path / "there")  # noqa: S202 - made a line above
    for old in index.iterdir():
        old.unlink()
    words = ["--no-index", "--find-links", tmp_path / "there", "--requirement", tmp_path / "there/requirements.txt"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", tmp_path / "installed", *words]
    subprocess.run(pip, check=True, capture_output=True)
    program = subprocess.run(
        [sys.executable, "-c", "import tool; tool.main()"], cwd=tmp_path / "installed", capture_output=True, check=True
    )
    assert program.stdout == b"the new one\n"


def reason(store: ArtefactStore, wanted: PypiSource) -> str:
    """What the user is told when nothing can be had from WANTED."""
    with pytest.raises(ArtefactError) as caught:
        store.ensure("tool", Artefact(version="2.0", sources=(wanted,)))
    assert caught.value.what == "no source gives tool 2.0"
    assert [path.name for path in store.folder.iterdir() if not path.name.endswith(".lock")] == []
    (told,) = caught.value.detail
    return told


@pytest.fixture
def store(tmp_path: Path) -> ArtefactStore:
    return ArtefactStore(tmp_path / "cache")


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (source("tool[fast]==2.1"), "pypi: there is no tool 2.1; the nearest: 1.0, 2.0"),
        (source("tool==17.4"), "pypi: there is no tool 17.4; the nearest: 1.0, 2.0"),
        (source("tull==2.0"), "pypi: pip finds no tull: no index answers, or none has it for this Python"),
        (
            source("tool==2.0", python="3.11", pins={"source-only": "1.0"}, built=("source-only",)),
            "pypi: there is no helper that fits; the nearest: 1.0",
        ),
        (
            source("tool==2.0", pins={"helper": "1.0", "source-only": "1.0"}, built=("source-only",)),
            "pypi: tool 2.0 depends on helper>=2; The user requested (constraint) helper==1.0",
        ),
    ],
)
def test_what_cannot_be_had(store: ArtefactStore, wanted: PypiSource, told: str) -> None:
    assert reason(store, wanted) == told


def test_a_wheel_for_this_machine_only_is_no_use(index: Path, store: ArtefactStore) -> None:
    put(index, source_only("cp311-cp311-linux_x86_64" if sys.version_info[:2] == (3, 11) else "py3-none-linux_x86_64"))
    told = reason(store, source("tool==2.0", **NEW))
    assert told.endswith("linux_x86_64.whl would only run on this machine")


def test_a_build_that_fails(index: Path, store: ArtefactStore) -> None:
    (index / "source-only-1.0.tar.gz").write_bytes(b"no archive")
    assert reason(store, source("tool==2.0", **NEW)).startswith("pypi: ")


def test_without_pip(store: ArtefactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labgen.artefacts.wheels.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert reason(store, source("tool==2.0")) == "pypi: there is no pip on PATH"


@pytest.mark.usefixtures("index")
def test_the_pip_on_path_serves_too(store: ArtefactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labgen.artefacts.wheels.find_spec", lambda _: None)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pip3").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pip "$@"\n')
    (tmp_path / "bin" / "pip3").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert "tool-1.0-py3-none-any.whl" in names(
        store.ensure("tool", Artefact(version="1.0", sources=(source("tool==1.0"),)))
    )


def test_cached_like_any_other(index: Path, store: ArtefactStore) -> None:
    about = Artefact(version="2.0", sources=(source("tool==2.0", **NEW),))
    path = store.ensure("tool", about)
    record = json.loads(path.with_name("record.json").read_text())
    assert record["source"] == "pypi"
    for old in index.iterdir():
        old.unlink()
    assert store.ensure("tool", about) == path
    other = Artefact(version="2.0", sources=(source("tool==2.0", python="3.9", **NEW),))
    assert not store.cached("tool", other)
