"""The list of commands: said of each without importing it, and true."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from labgen.cli import commands
from labgen.cli.main import app
from labgen.cli.table import HERE, Commands

ROWS = {row.name: row for row in Commands.rows}


def command(name: str) -> Any:
    group: Any = typer.main.get_command(ROWS[name].load())
    return group.commands[name]


@pytest.mark.parametrize("name", ROWS)
def test_the_list_says_of_a_command_what_its_own_help_says_first(name: str) -> None:
    listed: Any = typer.main.get_command(app)
    for limit in (45, 200):
        assert listed.commands[name].get_short_help_str(limit) == command(name).get_short_help_str(limit)
    assert command(name).get_short_help_str(200) == ROWS[name].summary


def test_every_module_with_a_command_is_in_the_list() -> None:
    modules = {f"{HERE}.{module.name}" for module in pkgutil.iter_modules(commands.__path__)}
    assert {row.target.partition(":")[0] for row in Commands.rows} == modules


def test_all_commands_are_listed() -> None:
    said = CliRunner().invoke(app, ["--help"]).output
    assert [line.split()[0] for line in said.partition("Commands:\n")[2].splitlines()] == list(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_a_command_has_its_own_help(name: str) -> None:
    said = CliRunner().invoke(app, [name, "--help"])
    assert said.exit_code == 0
    assert " ".join(ROWS[name].summary.split()) in " ".join(said.output.split())


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (
            ["--help"],
            ["pydantic", "rich", "yaml", "jinja2", "paramiko", "cryptography", "importlib.metadata", f"{HERE}.up"],
        ),
        (
            ["list"],
            ["importlib.metadata", "pydantic", "jinja2", "paramiko", "cryptography", "vagrant", "labgen.lab.model"],
        ),
        (["validate", "etcd-haproxy"], ["rich", "paramiko", "vagrant", "labgen.providers", "labgen.images"]),
    ],
)
def test_a_command_imports_what_it_needs(words: list[str], unwanted: list[str], tmp_path: Path) -> None:
    code = f"""
import sys
from labgen.cli.main import app
try:
    app({words!r})
except SystemExit:
    pass
print(*sorted(set({unwanted!r}) & set(sys.modules)), file=sys.stderr)
"""
    where = {**os.environ, "LABGEN_STATE": str(tmp_path)}  # where no lab is
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=where)
    assert ran.stderr.strip() == ""
