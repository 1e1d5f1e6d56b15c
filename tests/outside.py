"""An environment of its own in which labgen lies beside a package from outside, as pip leaves them there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
EXAMPLES = CHECKOUT / "examples"
PACKAGE = EXAMPLES / "plugin-package"


PROJECT = """\
[build-system]
requires = ["hatchling>=1.25,<2"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "1.0"

{tables}
"""


@dataclass(frozen=True)
class Outside:
    """`labgen` as INTERPRETER has it, in FOLDER, which is no checkout, with a state of its own."""

    interpreter: Path
    folder: Path

    def run(self, *words: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        return self._run(("-m", "labgen", *words), expect)

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self._run(words, 0)

    def _run(self, words: Sequence[str], expect: int | None) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "LABGEN"))}
        environment["LABGEN_STATE"] = str(self.folder / "state")
        command = (str(self.interpreter), *words)
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert expect in (None, done.returncode), done.stdout + done.stderr
        return done

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json").stdout)


def write_project(folder: Path, name: str, tables: str, files: Mapping[str, str]) -> Path:
    """A project called NAME in FOLDER. TABLES end its pyproject.toml; FILES lie in its one package."""
    package = folder / name.replace("-", "_")
    for file, text in {"__init__.py": "", **files}.items():
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).write_text(text)
    (folder / "pyproject.toml").write_text(PROJECT.format(name=name, tables=tables))
    return folder


def build_wheel(project: Path, folder: Path) -> Path:
    """The wheel of PROJECT, built into FOLDER."""
    # With hatchling at hand no environment has to be made for the build.
    quick = ["--no-isolation"] if find_spec("hatchling") else []
    words = [sys.executable, "-m", "build", "--wheel", *quick, "--outdir", str(folder), str(project)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def python_with(project: Path, folder: Path) -> Path:
    """The Python of a fresh environment below FOLDER that has PROJECT's wheel, and labgen from this checkout."""
    return python_with_wheels(folder, build_wheel(project, folder / "wheel"))


def python_with_wheels(folder: Path, *wheels: Path) -> Path:
    """The same with WHEELS."""
    home = folder / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    words = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    words += ["--no-deps", "--no-index", *map(str, wheels)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (site,) = home.glob("lib/python*/site-packages")
    # labgen itself, then its dependencies and the record of its entry points.
    (site / "labgen.pth").write_text(f"{CHECKOUT}\n{sysconfig.get_path('purelib')}\n")
    return python
