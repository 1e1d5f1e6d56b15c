"""The published profile: Debian 11 and the programs nearest to the document's."""

from __future__ import annotations

from collections.abc import Callable

from tests.live import FLOATING, LEADER, PGBOUNCER, LiveLab, docker, docker_things


def test_the_published_profile_boots_and_verifies(labs: Callable[[str], LiveLab]) -> None:
    lab = labs("published")
    lab.up("--profile", "published", "--provider", "docker")
    lab.verify(settle=60)
    assert "patroni 2.0.2" in lab.exec("pg-patroni1", "patroni", "--version")
    assert "Consul v1.8.7" in lab.exec("consul-node1", "consul", "version")
    assert lab.psql(*PGBOUNCER, "show server_version").startswith("13.")
    assert lab.psql(*FLOATING, LEADER) == "t"
    # The package brings an init script only, and that must not start with the machine, before there is a configuration.
    image = docker("container", "inspect", "--format", "{{.Config.Image}}", lab.container("pgbouncer"))
    assert "S01pgbouncer" not in docker("run", "--rm", "--entrypoint", "ls", image, "/etc/rc2.d")
    lab.labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []
