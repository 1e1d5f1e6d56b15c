"""Packages that add to labgen: how their records are read, whose name counts, and what breaks when it is asked."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from labs import blueprint_text, lab, write_component

from labgen.actions.doctor import examine
from labgen.blueprint.drills import Drill, FaultStep
from labgen.blueprint.files import blueprint_files, find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.checks import Check
from labgen.components.registry import component_folders
from labgen.drill.report.describe import drill_rows
from labgen.errors import PluginError
from labgen.faults.registry import all_faults, find_fault
from labgen.plugins import (
    CHECKS,
    COMPONENTS,
    GROUPS,
    installed,
    load_plugin,
    plugin_folders,
    plugin_names,
    reread_plugins,
    taken_by,
)
from labgen.providers import ranges_in_use


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


def test_the_users_components_come_last(site: Path, tmp_path: Path) -> None:
    install(site, "more_labs", "", "[labgen.components]\nmore = more_labs\n")
    write_component(site / "more_labs", "consul")
    assert component_folders()["consul"] == site / "more_labs" / "consul"
    write_component(tmp_path / "mine", "consul")
    assert component_folders([tmp_path / "mine"])["consul"] == tmp_path / "mine" / "consul"
    del sys.modules["more_labs"]


def test_a_damaged_record_hides_no_other(site: Path) -> None:
    install(site, "sound", "", "[labgen.components]\nsound = sound\n")
    damaged = install(site, "damaged", "", "[labgen.components]\nno equals sign\n\n# nothing\n= \n[[[\nx = y\n")
    (site / "damaged-1.0.dist-info" / "METADATA").write_bytes(b"\xff\xfe no header")
    (site / "nothing-2.0.dist-info").mkdir()
    (site / "empty-3.0.egg-info").write_text("a file where a folder should be")
    reread_plugins()
    found = {plugin.name: plugin for plugin in installed(COMPONENTS)}
    assert (found["sound"].package, found["sound"].version, found["sound"].path) == ("sound", "1.0", site / "sound")
    assert (found["no equals sign"].package, found["no equals sign"].value) == ("damaged", "")
    assert found["no equals sign"].site == damaged.parent
    assert plugin_folders(COMPONENTS) == [site / "sound"]


def test_what_stands_first_in_the_path_is_what_counts(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "twice_here", "", "[labgen.checks]\nold = twice_here:OLD\n")
    monkeypatch.syspath_prepend(tmp_path / "newer")
    install(tmp_path / "newer", "twice_here", "", "[labgen.checks]\nnew = twice_here:NEW\n")
    names = plugin_names(CHECKS)
    assert "new" in names
    assert "old" not in names


def test_the_same_as_the_library_reads() -> None:
    for group in GROUPS:
        library = {(point.name, point.value, point.dist.name) for point in entry_points(group=group.name) if point.dist}
        assert {(plugin.name, plugin.value, plugin.package) for plugin in installed(group)} == library


def test_nobody_takes_the_place_of_a_check_of_labgen(site: Path) -> None:
    install(site, "aardvark", "PORTS = None\n", "[labgen.checks]\nports = aardvark:PORTS\n")
    assert load_plugin(CHECKS, "ports", Check).judge.__module__ == "labgen.checks.builtin.ports"
    assert [taken_by(plugin) for plugin in installed(CHECKS) if plugin.name == "ports"] == [None, "labgen"]


BREAKS = """\
from labgen.providers import Provider


class Breaks(Provider):
    name = "breaks"

    def problems(self):
        raise RuntimeError("no problems")

    def networks(self, lab):
        raise RuntimeError("no networks")
"""


def test_a_provider_that_breaks_when_it_is_asked_ends_nothing_of_others(site: Path, tmp_path: Path) -> None:
    install(site, "breaks", BREAKS, "[labgen.providers]\nbreaks = breaks:Breaks\n")
    findings = {finding.what: finding for finding in examine("docker")}
    assert not findings["provider breaks"].required
    assert findings["provider breaks"].found.endswith("cannot be used: RuntimeError: no problems")
    write_component(tmp_path / "components", "agent")
    mine = lab(tmp_path, {"one": ["agent"]})
    ranges_in_use(mine)
    with pytest.raises(RuntimeError, match="no networks"):
        ranges_in_use(replace(mine, provider="breaks"))


def test_a_drill_with_a_fault_that_cannot_be_loaded_is_listed(site: Path) -> None:
    install(site, "gremlins", "import nothing_of_the_kind\n", "[labgen.faults]\ngremlin = gremlins:GREMLIN\n")
    drill = Drill(name="mine", title="Mine", faults=(FaultStep(fault="gremlin"), FaultStep(fault="freeze")))
    (row,) = drill_rows([drill])
    assert row["faults"] == ["gremlin, which cannot be loaded", "freeze of leader"]
    assert "gremlin" not in {fault.name for fault in all_faults()}
    with pytest.raises(PluginError, match="gremlin"):
        find_fault("gremlin")
