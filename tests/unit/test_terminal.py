"""What a document, a bundle, a log or a node says cannot drive the user's terminal."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from labgen.cli.console import harmless_json, json_text
from labgen.cli.main import app
from labgen.cli.terminal import HarmlessConsole
from labgen.errors import LabgenError
from labgen.wording import harmless

EVIL = "a\x1b]0;b\x07\x9bc\x7f\u202ed"
BLUEPRINT = r"""
name: evil
title: "t\e]0;x\a[/] \x9b"
network: {cidr: 192.168.60.0/24}
nodes:
  - {name: one, address: 192.168.60.11, components: [etcd]}
paths:
  - {name: way, host: one, port: 2379, summary: "s\e[2J[/red]"}
corrections:
  - {id: one, document: "d\e[2J", lab: "[/]", why: "w\a"}
profiles:
  modern: {os: debian-13, summary: "m\e[2J[/]", box: {virtualbox: vendor/box}}
"""


def acted_upon(text: str) -> list[str]:
    return [char for char in text if char != "\n" and not char.isprintable()]


def test_a_console_shows_what_it_is_given_and_keeps_its_own_colours() -> None:
    file = io.StringIO()
    console = HarmlessConsole(file=file, force_terminal=True, color_system="standard", width=80, highlight=False)
    console.print(EVIL, style="red", markup=False)
    assert file.getvalue().startswith("\x1b[31m")
    assert not acted_upon(file.getvalue().replace("\x1b[31m", "").replace("\x1b[0m", ""))


def test_an_error_s_lines_are_harmless() -> None:
    error = LabgenError(EVIL, where=EVIL, detail=[EVIL, "a\tb", "\x1b[31mred\x1b[0m"], cure=EVIL)
    lines = error.lines()
    assert "  | a\tb" in lines
    assert "  | red" in lines
    assert not [char for line in lines for char in acted_upon(line) if char != "\t"]


def test_json_is_still_json() -> None:
    value = {"a": EVIL, "b": "ş\U000e0001", EVIL: [1]}
    assert not acted_upon(json_text(value, indent=1))
    assert json.loads(json_text(value, indent=1)) == value
    assert harmless_json('{"a": "ş"}') == '{"a": "ş"}'


def test_lines_and_tabs_stay() -> None:
    assert harmless("a\tb\nc\r") == "a\tb\nc\\r"


def output(*words: str) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exception is None
    return done.output


@pytest.mark.parametrize("words", [("show",), ("validate",), ("show", "--json"), ("validate", "--json"), ("graph",)])
def test_what_a_blueprint_says_is_harmless(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "evil.yml").write_text(BLUEPRINT)
    assert not acted_upon(output(*words, str(tmp_path / "evil.yml")))


def test_a_vendors_box_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "evil.yml").write_text(BLUEPRINT)
    told = "the vendor's box vendor/box brings a Vagrantfile of its own, which Vagrant runs on this machine"
    assert f"evil.yml:12:55: warning: box: {told}" in output("validate", str(tmp_path / "evil.yml"))
    assert told in " ".join(output("show", str(tmp_path / "evil.yml"), "--provider", "virtualbox").split())
    assert "box" not in output("validate", "etcd-haproxy")
