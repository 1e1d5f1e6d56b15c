"""What keeps the house one in which things are found: short modules, one meaning a name. Linters see to the rest."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import labgen

LONGEST = 300
HOME = Path(labgen.__file__).parent
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
