"""Packages that add blueprints and components, and one that is broken."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from labs import blueprint_text, write_component

from labgen.blueprint.files import blueprint_files, find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.components.registry import component_folders
from labgen.errors import UsageError


def install(site: Path, package: str, code: str, entry_points: str) -> Path:
    """A package as pip leaves it in SITE."""
    (site / package).mkdir(parents=True)
    (site / package / "__init__.py").write_text(code)
    about = site / f"{package}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(entry_points)
    return site / package


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path / "site")
    return tmp_path / "site"


def test_a_plugin_adds_blueprints_and_components(site: Path) -> None:
    code = "from pathlib import Path\nFOLDER = Path(__file__).parent / 'parts'\n"
    entries = "[labgen.blueprints]\nextra = extra_labs\n[labgen.components]\nextra = extra_labs:FOLDER\n"
    package = install(site, "extra_labs", code, entries)
    write_component(package / "parts", "agent")
    (package / "sample.yml").write_text(blueprint_text({"one": ["agent", "consul"]}))
    assert {"sample", "consul-pgbouncer"} <= blueprint_files().keys()
    assert component_folders()["agent"] == package / "parts" / "agent"
    assert load_blueprint(find_blueprint("sample")).components.keys() == {"agent", "consul"}
    del sys.modules["extra_labs"]


def test_a_broken_plugin_is_named(site: Path) -> None:
    install(site, "broken_labs", "import nothing_of_the_kind\n", "[labgen.components]\nmine = broken_labs\n")
    with pytest.raises(UsageError) as caught:
        component_folders()
    assert caught.value.what.startswith("the plugin 'mine' of broken_labs cannot be loaded: ModuleNotFoundError: ")
    assert caught.value.cure == "mend or uninstall broken_labs"


def test_the_users_components_come_last(site: Path, tmp_path: Path) -> None:
    install(site, "more_labs", "", "[labgen.components]\nmore = more_labs\n")
    write_component(site / "more_labs", "consul")
    assert component_folders()["consul"] == site / "more_labs" / "consul"
    write_component(tmp_path / "mine", "consul")
    assert component_folders([tmp_path / "mine"])["consul"] == tmp_path / "mine" / "consul"
    del sys.modules["more_labs"]
