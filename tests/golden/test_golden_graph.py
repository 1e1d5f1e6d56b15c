"""The picture of every blueprint in both languages, and the page that shows them all."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from labgen.blueprint.files import blueprint_files
from labgen.blueprint.loader import load_blueprint
from labgen.graph import build_graph, dot, mermaid
from labgen.graph.model import Graph
from labgen.lab.resolve import resolve

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "topologies.md"
NAMES = sorted(blueprint_files())
HEAD = """\
# Topologies

Each blueprint as `labgen graph NAME` draws it, in its default profile. `labgen graph NAME -o FILE.svg` has Graphviz
draw it, which is better to look at. Who talks to whom is said by the manifests of the components (`talks` in
[components.md](components.md)).

A box is a machine with its components. Machines that are alike share a frame: a line that ends at the frame means each
of them. A hexagon is a talk of all with all. A dashed line leads from an address that moves about to the machines that
may have it.

This page is made from the blueprints: `pytest tests/golden/test_golden_graph.py --regenerate`.
"""


@cache
def picture(name: str) -> Graph:
    return build_graph(resolve(load_blueprint(blueprint_files()[name]), provider="docker"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("ending", "write"), [("mmd", mermaid), ("dot", dot)])
def test_picture(name: str, ending: str, write: Callable[[Graph], str], golden: Callable[[Path, str], None]) -> None:
    golden(HERE / "graph" / f"{name}.{ending}", write(picture(name)))


def test_page(golden: Callable[[Path, str], None]) -> None:
    sections = [f"\n## {name}\n\n```mermaid\n{mermaid(picture(name))}```\n" for name in NAMES]
    golden(PAGE, HEAD + "".join(sections))


def test_no_picture_of_a_blueprint_that_is_gone() -> None:
    assert sorted(path.name for path in (HERE / "graph").iterdir()) == sorted(
        f"{name}.{ending}" for name in NAMES for ending in ("mmd", "dot")
    )
