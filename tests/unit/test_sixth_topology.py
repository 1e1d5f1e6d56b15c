"""docs/sixth-topology.md and the example it takes apart."""

from __future__ import annotations

import re

from labgen.blueprint.loader import load_blueprint
from labgen.components.registry import component_folders
from labgen.resources import resource
from tests.outside import CHECKOUT, EXAMPLES

EXAMPLE = EXAMPLES / "etcd-multihost.yml"
PAGE = (CHECKOUT / "docs" / "sixth-topology.md").read_text(encoding="utf-8")


def test_it_needs_no_component_of_its_own() -> None:
    used = load_blueprint(EXAMPLE).components
    assert used.keys() == {"etcd", "postgresql", "patroni"}
    assert all(component_folders()[name].parent == resource("scripts") for name in used)


def test_the_page_quotes_the_file() -> None:
    there = EXAMPLE.read_text(encoding="utf-8").splitlines()
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    quoted = [line for block in blocks for line in block.splitlines() if line and "…" not in line]
    assert len(quoted) > 8
    assert [line for line in quoted if line not in there] == []


def test_the_page_is_linked_and_its_links_lead_somewhere() -> None:
    assert "(sixth-topology.md)" in (CHECKOUT / "docs" / "blueprints.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (CHECKOUT / "docs" / link).exists(), link
