"""Small labs for the tests: a blueprint as text, components as folders that are written for one test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from labgen.blueprint.files import blueprint_files
from labgen.blueprint.loader import LoadedBlueprint, load_blueprint
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve

HEAD = """\
name: sample
title: A sample
network: {cidr: 192.168.60.0/24}
"""
PROFILES = """\
profiles:
  modern: {os: debian-13, summary: Debian 13}
"""


MANAGES = "provides: [{role: failover-manager, unit: patroni}]\n"
"""What a manifest says of a component whose nodes are the cluster's members."""


def whole_blueprints() -> list[str]:
    """The blueprints that ship and change no other one."""
    return sorted(name for name, path in blueprint_files().items() if "\nextends:" not in path.read_text())


def write_component(root: Path, name: str, manifest: str = "", files: Mapping[str, str] | None = None) -> Path:
    """A component's folder below ROOT, with FILES beside its manifest."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "component.yml").write_text(f"name: {name}\nsummary: a component of the tests\n{manifest}")
    for file, text in (files or {}).items():
        (folder / file).write_text(text)
    return folder


def blueprint_text(nodes: Mapping[str, Sequence[str]], tail: str = "", profiles: str = PROFILES) -> str:
    """A blueprint of NODES (name → components) with addresses from .11 on."""
    lines = [
        f"  - {{name: {name}, address: 192.168.60.{index + 11}, components: [{', '.join(components)}]}}\n"
        for index, (name, components) in enumerate(nodes.items())
    ]
    return f"{HEAD}nodes:\n{''.join(lines)}{profiles}{tail}"


def load(tmp_path: Path, text: str) -> LoadedBlueprint:
    """The blueprint TEXT, read with the components below `tmp_path/components`."""
    (tmp_path / "sample.yml").write_text(text)
    return load_blueprint(tmp_path / "sample.yml", (tmp_path / "components",))


def lab(tmp_path: Path, nodes: Mapping[str, Sequence[str]], tail: str = "", *overrides: str) -> Lab:
    return resolve(load(tmp_path, blueprint_text(nodes, tail)), provider="docker", overrides=overrides)
