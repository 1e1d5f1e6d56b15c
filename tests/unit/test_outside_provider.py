"""A provider that another package brings, as small as one can be: labgen does what it can, and refuses the rest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from labs import blueprint_text, write_component
from test_plugins import install

from labgen.actions import doctor
from labgen.actions.session.open import LabRequest
from labgen.providers import Provider, get_provider
from tests.fakes.world import ClusterState  # noqa: F401

NAME = "tiny"
CODE = """\
from labgen.providers import Provider


class Tiny(Provider):
    name = "tiny"
"""
BUILT_IN = {"docker", "libvirt", "virtualbox"}
LABGEN = Path(doctor.__file__).parents[1]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.syspath_prepend(tmp_path / "site")
    install(tmp_path / "site", "tiny_labs", CODE, "[labgen.providers]\ntiny = tiny_labs:Tiny\n")
    yield get_provider(NAME)
    sys.modules.pop("tiny_labs", None)


@pytest.fixture
def request_(tmp_path: Path) -> LabRequest:
    write_component(tmp_path / "components", "agent", "", {"install.sh": "", "start.sh": ""})
    (tmp_path / "sample.yml").write_text(blueprint_text({"one": ["agent", "patroni"]}))
    return LabRequest(str(tmp_path / "sample.yml"), components=(tmp_path / "components",), provider=NAME)
