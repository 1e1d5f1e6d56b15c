"""The examples, booted: a sixth topology that is one file, and a lab of what a package from outside brings."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live import LEADER, UNTIMED, LiveLab, docker_things, until
from tests.outside import EXAMPLES, PACKAGE, python_with

VIP = "192.168.71.55"
WHO = f"select host(inet_server_addr()) || ' ' || ({LEADER})"


def log_in(lab: LiveLab, node: str) -> None:
    """Gives root on NODE the application's password, where psql looks for it."""
    password = json.loads((lab.folder / "secrets.json").read_text())["patroni"]["app_password"]
    words = ("docker", "exec", "-i", lab.container(node), "sh", "-c", "umask 077; cat > /root/.pgpass")
    subprocess.run(words, input=f"*:*:*:app:{password}\n", text=True, check=True)


def psql(lab: LiveLab, node: str, connection: str, sql: str) -> str:
    return lab.exec(node, "psql", "-XAtqw", f"dbname=app user=app connect_timeout=3 {connection}", "-c", sql)


def holders(lab: LiveLab) -> list[str]:
    """The nodes that have the VIP, those too that Patroni no longer counts as members."""
    show = ("ip", "-4", "-o", "address", "show", "to", f"{VIP}/32")
    return [node for node in lab.patroni if lab.exec(node, *show)]


def switch_over(lab: LiveLab) -> str:
    """Have Patroni hand over to another member; its name."""
    old = lab.leader()
    new = next(node for node in lab.patroni if node != old)
    lab.switchover(new)
    until("another leader", 60, lambda: lab.leader() == new)
    return new


def test_a_sixth_topology_is_one_file(labs: Callable[..., LiveLab]) -> None:
    addresses = {f"pg{number}": f"192.168.72.1{number}" for number in (1, 2, 3)}
    lab = labs("sixth", made_from=(str(EXAMPLES / "etcd-multihost.yml"),), patroni=addresses)
    lab.up("--provider", "docker")
    lab.verify()
    hosts = f"host={','.join(addresses.values())} target_session_attrs=read-write"
    for node in addresses:
        log_in(lab, node)
        assert psql(lab, node, hosts, WHO) == f"{addresses[lab.leader()]} true"
    new = switch_over(lab)
    for node in addresses:
        assert psql(lab, node, hosts, WHO) == f"{addresses[new]} true"
    lab.verify(settle=60)
    lab.labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []


def play_its_drills(lab: LiveLab) -> None:
    """The package's fault and its provider's capabilities are known to drills; the VIP is a way to the leader."""
    faults = {fault["name"]: fault for fault in lab.labgen.json("drill", "list", lab.name)["faults"]}
    assert faults["vip-manager-hang"]["title"] == "has its vip-manager frozen (SIGSTOP), and keeps the address"
    assert faults["freeze"]["refused"]
    assert not faults["power-loss"]["refused"]
    ran = lab.labgen.json("drill", "run", lab.name, "vip-manager-hang", "--set", "hold=3", *UNTIMED)
    assert ran["verdict"] == "pass"
    assert (
        "cannot be injected with the provider crates" in lab.labgen("drill", "run", lab.name, "freeze", expect=1).stderr
    )
    told = lab.labgen("checkpoint", "save", lab.name, "now", expect=1).stderr
    assert "there are no checkpoints with crates: a crate is not kept" in told


@pytest.fixture
def from_outside(tmp_path: Path) -> Iterator[None]:
    """`labgen` in an environment in which the example package is installed."""
    python = python_with(PACKAGE, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.live.LABGEN", (str(python), "-m", "labgen"))
        yield


@pytest.mark.usefixtures("from_outside")
def test_a_package_from_outside(labs: Callable[..., LiveLab]) -> None:
    addresses = {f"pg{number}": f"192.168.71.1{number}" for number in (1, 2, 3)}
    lab = labs("outside", made_from=("etcd-vip-manager",), patroni=addresses)
    lab.up("--provider", "crates")
    report = lab.verify()
    assert {"vip-in-place", "vip-one-holder"} <= {check["name"] for check in report["checks"]}

    assert holders(lab) == [lab.leader()]
    assert lab.labgen("vip", lab.name).stdout == f"{VIP} is on {lab.leader()}\n"
    play_its_drills(lab)
    log_in(lab, "pg1")
    assert psql(lab, "pg1", f"host={VIP}", LEADER) == "t"

    new = switch_over(lab)
    until("the address at the new leader", 60, lambda: holders(lab) == [new])
    lab.verify(settle=60)
    assert psql(lab, "pg1", f"host={VIP}", LEADER) == "t"

    # A Patroni that hangs says nothing any more, and its PostgreSQL goes on; the key tells, once it has run out.
    lab.exec(new, "systemctl", "kill", "--kill-whom=main", "--signal=STOP", "patroni")
    until("another leader", 120, lambda: lab.leader() not in ("", new))
    until("the address at that one", 60, lambda: holders(lab) == [lab.leader()])
    lab.exec(new, "systemctl", "kill", "--kill-whom=main", "--signal=CONT", "patroni")
    lab.verify(settle=120)

    # Stopped by hand it gives the address up, though Debian's own unit would leave it behind.
    old = lab.leader()
    lab.exec(old, "systemctl", "stop", "vip-manager")
    assert holders(lab) == []
    assert lab.labgen.json("verify", lab.name, "--check", "vip-in-place", expect=1)["passed"] is False
    lab.exec(old, "systemctl", "start", "vip-manager")
    until("the address again", 60, lambda: holders(lab) == [old])

    lab.labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []
