"""What is rendered for single nodes of the labs that the whole rendered folder is not kept of, with fixed secrets.

`nodes/CASE` holds what is special to one node: for each of its components the environment and the finished files.
Programs that are no templates (`*.py`) are compared with their source, not kept here.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml
from test_golden_render import fixed_secrets, kept_text

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.lab.resolve import resolve
from labgen.render.nodes import render_nodes
from labgen.resources import resource
from tests.outside import EXAMPLES, PACKAGE

FOLDER = Path(__file__).parent / "nodes"
OUTSIDE = PACKAGE / "labgen_example"
CASES = {
    "liman-modern-haproxy": ("liman-etcd-haproxy", "modern", "haproxy"),
    "liman-modern-kaptan1": ("liman-etcd-haproxy", "modern", "kaptan1"),
    "liman-modern-liman1": ("liman-etcd-haproxy", "modern", "liman1"),
    "liman-published-kaptan1": ("liman-etcd-haproxy", "published", "kaptan1"),
    "multihost-pg2": (str(EXAMPLES / "etcd-multihost.yml"), "modern", "pg2"),
    "vip-manager-pg3": (str(OUTSIDE / "etcd-vip-manager.yml"), "modern", "pg3"),
}


@cache
def rendered(case: str) -> dict[str, str]:
    """Path below the node's own folder → text."""
    blueprint, profile, node = CASES[case]
    loaded = load_blueprint(find_blueprint(blueprint), (OUTSIDE,))
    lab = resolve(loaded, provider="docker", profile=profile)
    files = render_nodes(lab, fixed_secrets(dict(loaded.components)))
    home = f"nodes/{node}/"
    return {path.removeprefix(home): file.text for path, file in files.items() if path.startswith(home)}


def is_program(path: str) -> bool:
    return path.endswith(".py")


@pytest.mark.parametrize("case", CASES)
def test_node(case: str, regenerate: bool) -> None:
    now = {path: text for path, text in rendered(case).items() if not is_program(path)}
    if regenerate:
        shutil.rmtree(FOLDER / case, ignore_errors=True)
        for path, text in now.items():
            (FOLDER / case / path).parent.mkdir(parents=True, exist_ok=True)
            (FOLDER / case / path).write_text(text, encoding="utf-8")
    kept = kept_text(FOLDER / case)
    assert sorted(now) == sorted(kept)
    for path, text in now.items():
        assert text == kept[path], f"{path} differs: look at it, then run pytest tests/golden --regenerate"


def test_nothing_else_is_kept() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(CASES)


def test_a_program_is_rendered_as_it_is() -> None:
    programs = {path: text for path, text in rendered("liman-modern-liman1").items() if is_program(path)}
    assert programs == {
        "liman/files/usr/local/lib/liman/app.py": (resource("scripts") / "liman" / "app.py").read_text(encoding="utf-8")
    }


@pytest.mark.parametrize("case", CASES)
def test_its_files_can_be_read(case: str, tmp_path: Path) -> None:
    """YAML parses; shellcheck has nothing against the scripts."""
    scripts = {path: text for path, text in rendered(case).items() if text.startswith("#!/bin/bash")}
    for path, text in rendered(case).items():
        if path.endswith((".yml", ".yaml")):
            assert isinstance(yaml.safe_load(text), dict), path
    for path, text in scripts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
        assert subprocess.run(["bash", "-n", tmp_path / path], check=False).returncode == 0
    if scripts and shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", *scripts], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
