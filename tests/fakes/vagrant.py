"""A `vagrant` program whose behaviour is written down in advance, one case a subcommand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest


def install_vagrant(folder: Path, monkeypatch: pytest.MonkeyPatch, cases: Mapping[str, str]) -> Path:
    """Put a `vagrant` first in PATH that runs the shell text of its subcommand; gives the file of its calls."""
    programs = folder / "bin"
    programs.mkdir()
    calls = folder / "calls"
    arms = "".join(f"{name})\n{text}\n;;\n" for name, text in cases.items())
    program = programs / "vagrant"
    program.write_text(f'#!/bin/bash\necho "$@" >> "{calls}"\ncase "$1" in\n{arms}esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return calls
