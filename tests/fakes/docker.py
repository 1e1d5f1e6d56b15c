"""A `docker` program whose containers, networks and images are words in a file."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """#!/bin/sh
# What was asked before, and has not changed since, needs no Python.
[ ! -f '{answers}'/"$*" ] || exec /bin/cat '{answers}'/"$*"
exec {python} -ISE {answerer} "$@"
"""

ANSWERER = """
# Python's own notation and no import that it has not done anyway: this starts in half the time.
import os, sys
with open({place!r}) as place:
    before = place.read()
world = eval(before)
words = [word for word in sys.argv[1:] if not word.startswith("-")]
def dumps(it):
    return repr(it).replace("'", '"')
def row(name, it):
    labels = ",".join(f"{{key}}={{value}}" for key, value in it["labels"].items())
    return dumps({{"Names": name, "Name": name, "Labels": labels, "Networks": "", "State": it["state"]}})
def there(names):
    gone = [name for name in names if name not in world["containers"]]
    if gone:
        sys.stderr.write("Error: No such container: " + gone[0] + "\\n")
    return [name for name in names if name in world["containers"]], bool(gone)
rc, said = 0, []
if not world["answers"]:
    sys.exit("Cannot connect to the Docker daemon")
def print(text):
    said.append(text + "\\n")
if words[0] == "version":
    print("1.0")
elif words[0] == "ps":
    wanted = [word.partition("label=")[2] for word in words[1:] if word.startswith("label=")]
    for name, it in world["containers"].items():
        if all(it["labels"].get(label.split("=")[0]) == label.split("=")[1] for label in wanted):
            print(row(name, it))
elif words[:2] == ["network", "ls"]:
    for name, it in world["networks"].items():
        print(row(name, it))
elif words[:2] == ["network", "rm"]:
    for name in words[2:]:
        world["networks"].pop(name, None)
elif words[:2] == ["network", "inspect"]:
    print(dumps([{{"Name": name, "Id": name, "Labels": world["networks"][name]["labels"]}} for name in words[2:]]))
elif words[:2] == ["container", "inspect"]:
    found, rc = there(words[2:])
    print(dumps([
        {{"Name": "/" + name, "Id": "id-of-" + name, "Config": {{"Labels": world["containers"][name]["labels"]}},
         "State": {{"Status": world["containers"][name]["state"]}}, "NetworkSettings": {{"Networks": {{
             "lab": {{"IPAddress": world["containers"][name]["address"]}}}}}}}}
        for name in found
    ]))
elif words[:2] == ["image", "ls"]:
    wanted = [word.partition("=")[2].split("=") for word in words[2:] if word.startswith("label=")]
    for name, labels in world["images"].items():
        if all(labels.get(label) == (value[0] if value else labels.get(label, "")) for label, *value in wanted):
            print(name)
elif words[:2] == ["image", "inspect"]:
    found = [(name, world["images"][name]) for name in words[2:]]
    print(dumps([{{"Id": name, "RepoTags": [name], "Config": {{"Labels": labels}}}} for name, labels in found]))
elif words[:2] == ["image", "rm"]:
    for name in words[2:]:
        world["images"].pop(name, None)
elif words[0] == "rm":
    for name in there(words[1:])[0]:
        del world["containers"][name]
elif words[0] == "stop":
    found, rc = there([word for word in words[1:] if not word.isdigit()])
    for name in found:
        world["containers"][name]["state"] = "exited"
after = repr(world)
if after != before:
    with open({place!r}, "w") as place:
        place.write(after)
    for name in os.listdir({answers!r}):
        os.unlink(os.path.join({answers!r}, name))
elif not rc and "/" not in " ".join(sys.argv[1:]):
    with open(os.path.join({answers!r}, " ".join(sys.argv[1:])), "w") as answer:
        answer.writelines(said)
sys.stdout.writelines(said)
sys.exit(int(rc))
"""


class FakeDocker:
    """What this host's Docker has."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._write({"answers": True, "containers": {}, "networks": {}, "images": {}})

    def add(self, lab: str, nodes: Mapping[str, str], **labels: str) -> None:
        """The containers of NODES (name → address), and the network of LAB, as labgen marks them."""
        world = self._read()
        for node, address in nodes.items():
            marks = {"labgen.lab": lab, "labgen.node": node, **labels}
            world["containers"][f"labgen-{lab}-{node}"] = {"labels": marks, "state": "running", "address": address}
        world["networks"][f"labgen-{lab}"] = {"labels": {"labgen.lab": lab, **labels}, "state": ""}
        self._write(world)

    def add_snapshot(self, lab: str, node: str, snapshot_id: str, **labels: str) -> None:
        """The image of a checkpoint."""
        world = self._read()
        marks = {"labgen.lab": lab, "labgen.node": node, "labgen.checkpoint": snapshot_id, **labels}
        world["images"][f"labgen-checkpoint/{lab}/{node}:{snapshot_id}"] = marks
        self._write(world)

    def die(self) -> None:
        self._write({**self._read(), "answers": False})

    @property
    def containers(self) -> dict[str, str]:
        """Name → state."""
        return {name: it["state"] for name, it in self._read()["containers"].items()}

    @property
    def networks(self) -> list[str]:
        return list(self._read()["networks"])

    @property
    def images(self) -> list[str]:
        return list(self._read()["images"])

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = ast.literal_eval(self._place.read_text())
        return found

    def _write(self, world: Mapping[str, Any]) -> None:
        for answer in self._place.with_name("docker-answers").iterdir():
            answer.unlink()
        self._place.write_text(repr(world))


def install_docker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """Put a `docker` first in PATH."""
    programs, place = folder / "docker-bin", folder / "docker.json"
    programs.mkdir()
    place.with_name("docker-answers").mkdir()
    program = programs / "docker"
    names = {
        "place": str(place),
        "answers": str(place.with_name("docker-answers")),
        "answerer": str(folder / "docker.py"),
    }
    (folder / "docker.py").write_text(ANSWERER.format(**names))
    program.write_text(PROGRAM.format(python=sys.executable, **names))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return FakeDocker(place)
