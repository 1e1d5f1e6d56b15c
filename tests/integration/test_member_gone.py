"""A cluster whose only member is gone with its data, while its DCS lives: said soon, and not waited for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.live import SUBNET, LiveLab, docker

BLUEPRINT = """
name: alone
title: One member
network: {{cidr: {subnet}.0/24}}
nodes:
  - {{name: dcs, address: {subnet}.10, components: [etcd]}}
  - {{name: only, address: {subnet}.11, components: [postgresql, patroni]}}
settings:
  patroni: {{dcs: etcd3, checkpoint: fast, wake_leader: true}}
profiles:
  modern: {{default: true, os: debian-13, summary: one member}}
"""


def test_the_only_member_is_gone(labs: Callable[..., LiveLab], tmp_path: Path) -> None:
    path = tmp_path / "alone.yml"
    path.write_text(BLUEPRINT.format(subnet=SUBNET))
    lab = labs("alone", made_from=(str(path),))
    lab.up("--provider", "docker")
    docker("rm", "--force", "--volumes", lab.container("only"))
    failed = lab.up(expect=4)
    assert "nobody leads, no member has any data, and the DCS says that the cluster was made before" in failed.stderr
    forget = "printf 'postgres\\nYes I am aware\\n' | patronictl -c /etc/patroni/config.yml remove postgres"
    lab.exec("only", "sh", "-c", forget)
    lab.up()
    lab.verify()
