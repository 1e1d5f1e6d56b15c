"""A rendered folder does without labgen, as its README says."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import BLUEPRINT, ON_SUBNET, SUBNET, Cli, docker, docker_things, run

NAME = "by-hand"
RENDER = ("render", BLUEPRINT, "--name", NAME, "--provider", "docker", *ON_SUBNET)


@pytest.fixture(scope="module")
def folder(labgen: Cli, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder; its machines are gone when the module ends."""
    folder = tmp_path_factory.mktemp("rendered") / NAME
    printed = labgen(*RENDER, "-o", str(folder)).stdout
    assert printed == f"{folder}\n"
    yield folder
    if (folder / ".vagrant").exists():
        by_hand(folder, "./destroy.sh")


def by_hand(folder: Path, *words: str, expect: int = 0) -> str:
    """What a command prints in FOLDER, on a machine where nobody has heard of labgen."""
    own = Path(sys.executable).parent
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != own)
    environment = {name: value for name, value in os.environ.items() if "LABGEN" not in name and name != "VIRTUAL_ENV"}
    done = run(*words, cwd=folder, environment={**environment, "PATH": path}, timeout=1800)
    assert done.rc == expect, f"{' '.join(words)} ended with {done.rc}\n{done.said[-4000:]}"
    return done.said


def test_it_boots_provisions_and_goes_by_hand(folder: Path) -> None:
    by_hand(folder, "./prepare.sh")
    by_hand(folder, "vagrant", "up")
    first = by_hand(folder, "./provision.sh")
    assert "steps are done" in first
    listed = by_hand(folder, "vagrant", "ssh", "pg-patroni1", "-c", "sudo patronictl -c /etc/patroni/config.yml list")
    assert listed.count("Leader") >= 1
    assert all(f"pg-patroni{number}" in listed for number in (1, 2, 3))
    by_hand(folder, "./provision.sh")  # finds everything done
    by_hand(folder, "./destroy.sh")
    assert docker_things(NAME) == []


def test_a_boot_that_fails_leaves_nothing(folder: Path) -> None:
    docker("network", "create", "--subnet", f"{SUBNET}.0/24", "itest-in-the-way")
    try:
        said = by_hand(folder, "vagrant", "up", expect=1)
        assert "Pool overlaps" in said
        assert docker_things(NAME) == []
    finally:
        docker("network", "rm", "itest-in-the-way")
        by_hand(folder, "./destroy.sh")


def test_its_secrets_are_for_their_owner_only(folder: Path) -> None:
    for path in [*folder.glob("nodes/*/*/env"), folder / "keys" / "lab_ed25519"]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_rendering_again_changes_nothing(labgen: Cli, folder: Path) -> None:
    def picture() -> dict[Path, tuple[float, bytes]]:
        rendered = (path for path in folder.rglob("*") if path.is_file() and ".vagrant" not in path.parts)
        return {path: (path.stat().st_mtime, path.read_bytes()) for path in rendered}

    before = picture()
    labgen(*RENDER, "-o", str(folder))
    assert picture() == before
