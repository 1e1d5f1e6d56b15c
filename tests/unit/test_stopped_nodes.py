"""A node that is stopped is called that, wherever it is asked for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from labs import lab, write_component

from labgen.checks.context import Context, NodeSessions, Unknown
from labgen.errors import NodeError
from labgen.provision import Connections


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
