"""A Python program and all that it needs as wheels in one tar file, by the host's own pip: it knows where from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from labgen.components.manifest import PypiSource
from labgen.components.versions import nearest

REQUIREMENTS = "requirements.txt"
"""The file beside the wheels that says what to install."""

PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
"""What runs on Debian 11 and later."""

TIMEOUT = 1200  # seconds for one call of pip
LAST_LINES = 5


class PipFailed(Exception):
    """What pip said. cure: what to do next, where that follows from it."""

    def __init__(self, what: str, cure: str | None = None) -> None:
        super().__init__(what)
        self.cure = cure


def fetch_wheels(source: PypiSource, name: str, work: Path) -> Path:
    """The tar file NAME, made in the folder WORK; the same wheels give the same bytes. Raises PipFailed."""
    built, wheels, pins = work / "built", work / "wheels", work / "pins.txt"
    built.mkdir()
    wheels.mkdir()
    pins.write_text(_lines(f"{package}=={version}" for package, version in source.pins.items()))
    if source.built:
        # To build takes long: a version that there is not is found out first.
        _download(source, wheels, pins, "--no-deps")
        # Not from pip's cache, which may hold a wheel with other dates in it.
        wanted = [f"{package}=={source.pins[package]}" for package in source.built]
        # Not with the setuptools of this environment, which may lack a part.
        _pip("wheel", "--use-pep517", "--no-deps", "--no-cache-dir", "--wheel-dir", built, *wanted)
        if tied := sorted(wheel.name for wheel in built.iterdir() if not wheel.name.endswith("-none-any.whl")):
            raise PipFailed(f"{', '.join(tied)} would only run on this machine")
    _download(source, wheels, pins, f"--find-links={built}")
    (wheels / REQUIREMENTS).write_text(_lines(source.requirements))
    return _packed(wheels, work / name)


def _download(source: PypiSource, wheels: Path, pins: Path, option: str) -> None:
    _pip(
        "download",
        "--only-binary=:all:",
        option,
        "--implementation=cp",
        f"--python-version={source.python}",
        f"--abi=cp{source.python.replace('.', '')}",
        *(f"--platform={platform}" for platform in PLATFORMS),
        f"--constraint={pins}",
        f"--dest={wheels}",
        *source.requirements,
    )


def offered_wheels(package: str) -> tuple[str, ...]:
    """The versions of PACKAGE that the host's pip finds, newest first; raises PipFailed."""
    said = _pip("index", "versions", package)
    found = re.search(r"^Available versions: (.+)$", said, re.MULTILINE)
    if found is None:
        raise PipFailed(f"pip tells no versions of {package}")
    return tuple(word.strip() for word in found[1].split(","))


def _lines(words: Iterable[str]) -> str:
    return "".join(f"{word}\n" for word in words)


def _pip(*words: str | Path) -> str:
    """What pip prints; raises PipFailed."""
    # A wheel that is built today is to be the one that was built yesterday.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "315532800", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    try:
        done = subprocess.run(
            [*pip_command(), *map(str, words)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PipFailed(f"pip {words[0]} took longer than {TIMEOUT} seconds") from None
    if done.returncode:
        raise _failed(done.stdout, done.stderr) or PipFailed(f"pip {words[0]}: exit code {done.returncode}")
    return done.stdout


def pip_command() -> list[str]:
    """The pip of labgen's own environment, else the one on PATH; raises PipFailed if there is none."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if found := shutil.which("pip3") or shutil.which("pip"):
        return [found]
    raise PipFailed("there is no pip on PATH")


def _failed(output: str, errors: str) -> PipFailed | None:
    """What went wrong in pip's words, but for its warnings, which may show an index's address."""
    if lacking := re.search(r"the requirement ([\w.-]+)\S*?(?:==(\S+))? .*\(from versions: (.+)\)", errors):
        package, version, offered = lacking.groups()
        if offered == "none":
            return PipFailed(f"pip finds no {package}: no index answers, or none has it for this Python")
        near = ", ".join(nearest(version or "", offered.split(", "))) or "none"
        cure = f"ask for a version of {package} that there is"
        return PipFailed(f"there is no {package} {version or 'that fits'}; the nearest: {near}", cure)
    _, _, conflict = output.partition("The conflict is caused by:\n")
    told = [line.strip() for line in conflict.partition("\n\n")[0].splitlines()]
    told = told or [line.removeprefix("ERROR: ") for line in errors.splitlines() if line.startswith("ERROR: ")]
    return PipFailed("; ".join(told[:LAST_LINES])) if told else None


def _packed(folder: Path, target: Path) -> Path:
    """The files of FOLDER as a tar file that tells nothing about this machine."""
    with tarfile.open(target, "w") as tar:
        for path in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(path.name)
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as file:
                tar.addfile(entry, file)
    return target
