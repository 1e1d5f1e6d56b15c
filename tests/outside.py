"""An environment of its own in which labgen lies beside a package from outside, as pip leaves them there."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from importlib.util import find_spec
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
EXAMPLES = CHECKOUT / "examples"
VIP_MANAGER = EXAMPLES / "vip-manager"


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
    wheel = build_wheel(project, folder / "wheel")
    home = folder / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    words = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    words += ["--no-deps", "--no-index", str(wheel)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (site,) = home.glob("lib/python*/site-packages")
    # labgen itself, then its dependencies and the record of its entry points.
    (site / "labgen.pth").write_text(f"{CHECKOUT}\n{sysconfig.get_path('purelib')}\n")
    return python
