"""A node that is stopped is called that, wherever it is asked for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from labs import blueprint_text, lab, write_component
from typer.testing import CliRunner

from labgen.actions.session.open import LabRequest, lab_of
from labgen.checks.context import Context, NodeSessions, Unknown
from labgen.cli.main import app
from labgen.errors import NodeError
from labgen.provision import Connections
from tests.fakes.docker import install_docker


def test_there_is_no_connection_to_it(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "bare")
    sample = lab(tmp_path, {"n1": ["bare"]})
    with Connections({}, tmp_path / "known_hosts") as connections:
        with pytest.raises(NodeError, match="n1 is not running"):
            connections["n1"]
        context = Context(sample, {}, NodeSessions(connections), ends=time.monotonic() + 5)
        with pytest.raises(Unknown) as why:
            context.run("n1", "true")
        assert str(why.value) == "n1 is not running"


def test_verify_says_which_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    install_docker(tmp_path, monkeypatch)
    write_component(tmp_path / "components", "bare")
    (tmp_path / "sample.yml").write_text(blueprint_text({"n1": ["bare"], "n2": ["bare"]}))
    request = LabRequest(
        "sample.yml", provider="docker", components=(Path("components"),), overrides=("network.cidr=10.77.5.0/24",)
    )
    lab_of(request, make=True).save()
    told = CliRunner().invoke(app, ["verify", "sample"]).stderr
    assert told.splitlines()[-2:] == ["n1, n2 are not running", "  next:  labgen up sample"]
