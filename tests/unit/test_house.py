"""What keeps the house one in which things are found: short modules, one meaning a name. Linters see to the rest."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path

import labgen

LONGEST = 300
HOME = Path(labgen.__file__).parent
CHECKOUT = HOME.parent
MODULES = sorted(HOME.rglob("*.py"))


def test_modules_are_short() -> None:
    lines = {str(path.relative_to(HOME)): len(path.read_text().splitlines()) for path in MODULES}
    assert len(lines) > 100
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}


def test_a_public_class_has_a_name_of_its_own() -> None:
    found = defaultdict(list)
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(str(path.relative_to(HOME)))
    assert len(found) > 100
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_the_architecture_page_draws_the_layers() -> None:
    contract = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    page = (CHECKOUT / "docs" / "architecture.md").read_text().partition("## Packages")[2].partition("\n## ")[0]
    drawn = [line.strip() for line in page.splitlines() if line.startswith("    ") and not line.startswith("     ")]
    assert drawn == contract["layers"]


def test_the_architecture_page_names_files_that_are_there() -> None:
    text = (CHECKOUT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", text))
    assert len(named) > 20
    assert {name for name in named if not (HOME / name).is_file() and not (CHECKOUT / name).is_file()} == set()
