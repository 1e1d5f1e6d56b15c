"""Who runs a command on a node, and what of the line is the command's own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from labgen.cli.main import app


@pytest.mark.parametrize(
    ("typed", "run"),
    [
        ("id -u", "sudo -n -u root -- id -u"),
        ("-- id -u", "sudo -n -u root -- id -u"),
        ("sudo -u postgres psql", "sudo -n -u root -- sudo -u postgres psql"),
        ("-u postgres -- psql -c x", "sudo -n -u postgres -- psql -c x"),
        ("--user postgres psql -u y", "sudo -n -u postgres -- psql -u y"),
    ],
)
def test_an_option_of_the_command_is_the_command_s(typed: str, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr("labgen.actions.session.meant.node_meant", lambda _opened, word: word)
    monkeypatch.setattr("labgen.actions.session.connect.ssh_words", lambda _opened, node: ["ssh", node])
    monkeypatch.setattr("os.execvp", lambda _file, words: seen.extend(words))
    monkeypatch.setattr("labgen.actions.session.open.existing_lab", lambda name: SimpleNamespace(name=name))
    outcome = CliRunner().invoke(app, ["exec", "mylab", "node1", *typed.split()])
    assert outcome.exit_code == 0, outcome.exception
    assert seen == ["ssh", "node1", f"cd / && {run}"]
