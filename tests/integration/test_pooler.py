"""PgBouncer without Consul: HAProxy on its node finds the leader for it."""

from __future__ import annotations

from collections.abc import Callable

from tests.live import LiveLab


def test_pgbouncer_follows_a_leader_that_haproxy_finds(labs: Callable[..., LiveLab]) -> None:
    lab = labs("pooler", made_from=("etcd-pgbouncer",))
    lab.up("--provider", "docker")
    told = lab.labgen.json("drill", "run", lab.name, "leader-stopped")
    assert told["verdict"] == "pass"
    felt = {path["path"]: path for path in told["paths"]}
    assert felt.keys() == {"libpq", "pgbouncer", "haproxy"}
    assert felt["pgbouncer"]["new_timeline"] is not None
    lab.verify(settle=60)
