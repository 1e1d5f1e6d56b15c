"""The classroom: fetch at home, carry one file, take it in where there is no network, and get the same machines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live import Cli, LiveLab, run

BLUEPRINT = "etcd-patroni-ops"
NODES = {f"node{number}": f"10.10.1.1{number}" for number in (1, 2, 3)}
DOCKER = ("--provider", "docker")
LISTING = ("dpkg-query", "-Wf", "${Package} ${Version} ${Architecture}\n")


@dataclass(frozen=True)
class Place(Cli):
    """labgen with a cache of its own, too."""

    cache: Path = Path()

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "LABGEN_CACHE": str(self.cache)}


@dataclass(frozen=True)
class BundledRepro:
    """What was made at home."""

    home: Place
    archive: Path
    lock: Path


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> BundledRepro:
    """One lab, fetched; from the tests' own cache if that has its trees."""
    folder = tmp_path_factory.mktemp("home")
    cache = Path(os.environ.get("LABGEN_CACHE") or Path.home() / ".cache/labgen")
    made = BundledRepro(Place(folder / "state", cache), folder / "class.tar", folder / "labgen.lock")
    words = ("fetch", BLUEPRINT, *DOCKER, "--lock", str(made.lock), "-o", str(made.archive))
    said = made.home(*words, timeout=600).stdout
    assert "--offline" in said
    return made


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Place]:
    """The classroom's machine, with nothing on it yet."""
    place = Place(tmp_path / "room/state", tmp_path / "room/cache")
    yield place
    if (place.folder(BLUEPRINT) / "lab.json").exists():
        place("destroy", BLUEPRINT, "--yes")
    place("image", "prune", "--yes")


def test_the_whole_walk(carried: BundledRepro, room: Place, tmp_path: Path) -> None:
    lock = tmp_path / "labgen.lock"
    damaged = tmp_path / "damaged.tar"
    content = bytearray(carried.archive.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    refused = room("fetch", "--from", str(damaged), "--lock", str(lock), expect=2)
    assert "is damaged: its SHA-256 is not the one" in refused.stderr
    assert not lock.exists()
    assert not list(room.cache.glob("*"))

    # With nothing in the cache, it says what is missing before it makes a machine.
    carried_lock = ("--lock", str(carried.lock))
    missing = room("up", BLUEPRINT, *DOCKER, "--offline", *carried_lock, expect=3)
    assert "missing for debian-13, and --offline fetches nothing" in missing.stderr
    assert "labgen fetch" in missing.stderr
    room("destroy", BLUEPRINT, "--yes")

    room("fetch", "--from", str(carried.archive), "--lock", str(lock))
    assert lock.read_bytes() == carried.lock.read_bytes()
    lab = LiveLab(room, BLUEPRINT, made_from=(BLUEPRINT,), patroni=NODES)
    up = lab.up(*DOCKER, "--offline", "--lock", str(lock))
    assert "patroni-cluster" in up.stdout
    lab.verify(30)
    assert (lab.folder / "labgen.lock").read_bytes() == lock.read_bytes()
    # The second time the lab knows of its lock itself.
    again = lab.up("--offline")
    assert again.seconds < up.seconds
    there = {node: lab.exec(node, *LISTING) for node in ("node0", "node1")}
    room("destroy", BLUEPRINT, "--yes")

    held = room.json("image", "list")
    assert {line["kind"] for line in held} == {"image", "baked tree", "base", "packages"}
    room("image", "prune", "--yes")
    assert room.json("image", "list") == []

    # Another build by the lock, at home, where the network is: the same packages to the version.
    lab = LiveLab(carried.home, "offline-at-home", made_from=(BLUEPRINT,), patroni=NODES)
    try:
        lab.up(*DOCKER, "--lock", str(carried.lock))
        assert {node: lab.exec(node, *LISTING) for node in there} == there
    finally:
        carried.home("destroy", lab.name, "--yes")
        for line in held:
            if line["kind"] == "image":
                run("docker", "image", "rm", line["name"])
