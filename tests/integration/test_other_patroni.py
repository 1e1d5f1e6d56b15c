"""A Patroni that the operating system does not have: wheels in the image, and a cluster that runs on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.live import SUBNET, LiveLab, docker_things

NODES = {"one": f"{SUBNET}.11", "two": f"{SUBNET}.12", "three": f"{SUBNET}.13"}
LINES = [
    f"  - {{name: {name}, address: {address}, components: [etcd, postgresql, patroni]}}\n"
    for name, address in NODES.items()
]
BLUEPRINT = f"""\
name: versions
title: Patroni in a version that was chosen
network: {{cidr: {SUBNET}.0/24}}
nodes:
{"".join(LINES)}
settings: {{patroni: {{wake_leader: true, checkpoint: fast}}}}
profiles:
  plain: {{os: debian-12, summary: Debian 12}}
"""


def test_a_chosen_patroni_boots_and_verifies(labs: Callable[[str], LiveLab], tmp_path: Path) -> None:
    blueprint = tmp_path / "versions.yml"
    blueprint.write_text(BLUEPRINT)
    lab = labs("chosen")
    options = ("--provider", "docker", "--set", "versions.patroni=3.0.1")
    lab.labgen("up", str(blueprint), "--name", lab.name, *options, timeout=5400)
    lab.verify(settle=60)
    assert lab.labgen.json("show", lab.name)["versions"]["patroni"] == "3.0.1"
    for node, address in NODES.items():
        assert lab.exec(node, "patroni", "--version") == "patroni 3.0.1"
        assert lab.exec(node, "patronictl", "version") == "patronictl version 3.0.1"
        running = json.loads(lab.exec(node, "curl", "-fsSm5", f"http://{address}:8008/patroni"))
        assert running["patroni"]["version"] == "3.0.1"
        # It runs as postgres, who may not change it.
        assert lab.exec(node, "find", "/opt/patroni", "!", "-user", "root", "-o", "-type", "f", "-perm", "/022") == ""
        assert lab.exec(node, "test", "-e", "/usr/bin/patroni", expect=1) == ""
    refused = lab.labgen("up", lab.name, "--set", "versions.patroni=3.0.4", expect=2)
    assert "exists with the patroni version 3.0.1, not 3.0.4" in refused.said
    lab.labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []
