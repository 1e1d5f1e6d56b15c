"""Every message about a `--set` word, in one golden file: a word, then what labgen says about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import LoadedBlueprint, load_blueprint
from labgen.errors import DocumentError, LabgenError
from labgen.lab.resolve import resolve
from labgen.overrides import read_overrides

HERE = Path(__file__).parent

WORDS = (
    "patroni",
    "",
    "=5",
    "patroni.ttl=[30",
    "patroni.ttl=" + "[" * 5000,
    "patroni.ttl=" + "9" * 5000,
    "patroni.ttl=soon",
    "patroni.ttl=",
    "patroni.ttl=true",
    "patroni.ttl=10",
    "patroni.tttl=30",
    "patrony.ttl=30",
    "ttl=30",
    "patroni=30",
    "patroni.ttl.seconds=30",
    "nodes.pg-patroni1.patroni.parameters.max_connections=50",
    "patroni.parameters={max_connections: 50, wal_level: logical, work_mem: 4MB}",
    "patroni.shared_parameters.port=5433",
    "config.patroni=5",
    "config.patroni.scope=mine",
    "config.patroni.bootstrap.dcs={ttl: 40}",
    "config.patroni.postgresql=5",
    "config.patrony.log.level=DEBUG",
    "config.postgresql.port=5433",
    "config.pgbouncer.pgbouncer=5",
    "config.pgbouncer.verbose=2",
    "config.pgbouncer.pgbouncer.verbose=[2]",
    "nodes.consul-node1.config.patroni.log.level=DEBUG",
    "nodes.zebra.config.consul.log_level=DEBUG",
    "packages=",
    "packages=[Strace]",
    "packages=[strace=]",
    "secrets.patroni.superuser_password=hunter2",
    "secrets.patroni.password.containing=%",
    "secrets.consul.gossip_key.containing=%",
    "secrets.patroni.rewind_password.containing=a b",
    "versions.pgbouncer=1.24.2",
    "patroni.parameters=4MB",
    "patroni.checkpoint=slow",
    "consul.node_name=a b",
    "consul.expose_ui=yes",
    "haproxy.port=5000",
    "versions.patroni=",
    "versions.patroni=newest",
    "versions.patroni=4",
    "versions.patroni=[4.0.4]",
    "versions.patroni=1.6.5",
    "versions.patroni=4.0.0",
    "versions.patroni=4.0",
    "versions.patroni=3.3.2",
    "versions.patroni=2.0",
    "versions.patrony=4.0.4",
    "versions.pgbouncer=1.24.0",
    "versions.consul=1.8.6",
    "versions.consul=1.9",
    "versions.floating-ip=2.0",
    "versions.patroni.minimum=2.0",
    "versions=4.0.4",
    "os=debian-31",
    "os=trixie",
    "os=13",
    "os=[debian-13]",
    "OS=debian-13",
    "box=",
    "network.cidr=",
    "network.cidr=192.168.61.0",
    "network.cidr=192.168.61.7/24",
    "network.cidr=mine",
    "network.cidr=24",
    "network.cidr=8.8.8.0/24",
    "network.cidr=10.0.0.0/8",
    "network.cidr=10.77.5.0/30",
    "network.cidr=10.77.5.0/27",
    "network.cird=10.77.5.0/24",
    "network=10.77.5.0/24",
    "memory=512",
    "nodes.pg-patroni1=512",
    "nodes.pg-patroni1.memory=64",
    "nodes.pg-patroni1.memory=512M",
    "nodes.pg-patroni1.memroy=512",
    "nodes.pg-patroni1.cpus=64",
    "nodes.pg-patroni4.memory=512",
    "nodes.zebra.memory=512",
    "nodes.consul-node1.patroni.ttl=30",
    "nodes.consul-node1.consul.rol=server",
    "nodes.consul-node1.consul.role=master",
    "floating-ip.address=192.168.60.11",
    "floating-ip.address=192.168.50.55",
    "floating-ip.address=192.168.60.1",
    "floating-ip.address=here",
    "nodes.pg-patroni1.floating-ip.address=192.168.60.12",
    'consul.datacenter="dc1\\nerror: all is lost"',
)


@pytest.fixture(scope="module")
def loaded() -> LoadedBlueprint:
    return load_blueprint(find_blueprint("consul-pgbouncer"))


def test_override_messages(
    loaded: LoadedBlueprint, golden: Callable[[Path, str], None], readable: Callable[[str], None]
) -> None:
    text = ""
    for word in WORDS:
        with pytest.raises(LabgenError) as caught:
            resolve(loaded, provider="docker", overrides=[word])
        assert caught.value.exit_code == 2
        short = word if len(word) < 80 else f"{word[:40]}…"
        text += f"--set {short!r}\n" + "".join(f"    {line[:200]}\n" for line in caught.value.lines())
    golden(HERE / "overrides.txt", text)
    readable(text)


@pytest.mark.parametrize("name", ["faulty", "does-not-fit"])
def test_document_messages(
    name: str,
    loaded: LoadedBlueprint,
    golden: Callable[[Path, str], None],
    readable: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is wrong with an overrides document by itself, and what does not fit the lab: all of it at once."""
    monkeypatch.chdir(HERE)
    with pytest.raises(DocumentError) as caught:
        resolve(loaded, provider="docker", files=[read_overrides(Path("overrides", f"{name}.yml"))])
    text = "".join(f"{line}\n" for line in caught.value.lines())
    golden(HERE / "overrides" / f"{name}.txt", text)
    readable(text)
