"""One lab from its first `up` to its `destroy`, each test a thing that its user would do. They run in this order."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.apart import see_that_it_is_apart
from tests.live import (
    FLOATING,
    LABGEN,
    LEADER,
    NODES,
    PATRONI,
    PGBOUNCER,
    SUBNET,
    LiveLab,
    docker,
    docker_things,
    processes_about,
    run,
    until,
    watched_command_lines,
)

UNITS = {
    "consul-node1": ("consul",),
    "pg-patroni1": ("consul", "patroni"),
    "pgbouncer": ("consul-template", "pgbouncer"),
}


@pytest.fixture(scope="module")
def lab(module_labs: Callable[[str], LiveLab]) -> LiveLab:
    """The lab, booted."""
    lab = module_labs("itest")
    with watched_command_lines(lab.argv_seen):
        lab.first_up = lab.up("--provider", "docker")
    return lab


def test_up_ends_with_every_check_passed(lab: LiveLab) -> None:
    assert lab.first_up is not None
    for check in ("consul-members", "consul-raft", "patroni-cluster", "pgbouncer-write", "floating-ip", "secrets"):
        assert check in lab.first_up.stdout
    assert "is up" in lab.first_up.stdout
    assert "warning: pgbouncer: a single point of failure" in lab.first_up.stderr


def test_machines_have_the_addresses_of_the_document(lab: LiveLab) -> None:
    for node, address in NODES.items():
        assert f" {address}/24 " in lab.exec(node, "ip", "-4", "-o", "address", "show")
        assert lab.exec(node, "hostname") == node


def test_nodes_are_kept_apart_from_the_host(lab: LiveLab) -> None:
    see_that_it_is_apart(lab, "consul-node1", "pg-patroni1", "pgbouncer")


def test_verify_reports_as_json_and_as_junit(lab: LiveLab, tmp_path: Path) -> None:
    report = lab.verify()
    assert report["lab"] == lab.name
    assert report["provider"] == "docker"
    assert all(check["evidence"] for check in report["checks"])
    file = tmp_path / "junit.xml"
    lab.labgen("verify", lab.name, "--junit", str(file), "--check", "consul-members", "--check", "consul-raft")
    suite = ElementTree.parse(file).getroot().find("testsuite")  # noqa: S314 - our own file
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "0")


def test_programs_have_the_versions_that_show_promises(lab: LiveLab) -> None:
    versions = lab.labgen.json("show", lab.name)["versions"]
    assert f"patroni {versions['patroni']}" in lab.exec("pg-patroni1", "patroni", "--version")
    assert f"Consul v{versions['consul']}" in lab.exec("consul-node1", "consul", "version")
    assert f"PgBouncer {versions['pgbouncer']}" in lab.exec("pgbouncer", "pgbouncer", "--version")
    assert lab.psql(*PGBOUNCER, "show server_version").startswith(versions["postgresql"])


def test_both_ways_in_reach_the_leader(lab: LiveLab) -> None:
    lab.led_by(lab.leader())


def test_a_second_up_does_nothing(whole: LiveLab) -> None:
    def picture() -> dict[str, object]:
        return {
            "journal": whole.step_starts(),
            "vagrant": whole.vagrant_calls(),
            "containers": docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", *map(whole.container, NODES)),
            "units": {
                node: whole.exec(node, "systemctl", "show", "-p", "ActiveEnterTimestampMonotonic,MainPID", *units)
                for node, units in UNITS.items()
            },
        }

    before = picture()
    assert "warning" not in whole.up().said
    assert picture() == before


def test_up_of_an_existing_lab_refuses_to_make_it_another(lab: LiveLab) -> None:
    assert "destroy" in lab.up("--profile", "published", expect=2).stderr
    assert "destroy" in lab.up("--provider", "libvirt", expect=2).stderr


def test_a_switchover_takes_pgbouncer_and_the_floating_ip_along(whole: LiveLab) -> None:
    old = whole.leader()
    new = next(node for node in PATRONI if node != old)
    whole.switchover(new)
    whole.led_by(new)
    whole.psql(*PGBOUNCER, "create table if not exists kept (what text)")
    whole.psql(*PGBOUNCER, "insert into kept values ('before the failover')")


def test_a_killed_leader_is_replaced_and_comes_back_by_up(whole: LiveLab) -> None:
    whole.psql(*PGBOUNCER, "create table if not exists kept (what text)")
    whole.psql(*FLOATING, "insert into kept values ('before the kill')")
    old = whole.leader()
    docker("kill", whole.container(old))
    until("another leader", 90, lambda: whole.leader() not in ("", old))
    new = whole.leader()
    until("PgBouncer at the new leader", 60, lambda: leads(whole, *PGBOUNCER))
    until("the floating IP at the new leader", 60, lambda: leads(whole, *FLOATING))
    assert "before the kill" in whole.psql(*PGBOUNCER, "select what from kept")

    assert whole.labgen("verify", whole.name, expect=1).rc == 1
    assert whole.labgen.json("status", whole.name)["status"] == "partly running"
    assert "not running" in whole.labgen("exec", whole.name, old, "--", "true", expect=4).stderr

    whole.labgen("up", whole.name)
    whole.led_by(new)
    assert whole.members()[old]["role"] == "replica"


def leads(lab: LiveLab, host: str, port: int) -> bool:
    """Whether a server that takes writes answers there."""
    try:
        return lab.psql(host, port, LEADER) == "t"
    except AssertionError:
        return False


def test_a_leader_that_reboots_alone_has_its_floating_ip_again(whole: LiveLab) -> None:
    leader = whole.leader()
    others = [node for node in PATRONI if node != leader]
    for node in others:
        whole.exec(node, "systemctl", "stop", "patroni")
    docker("restart", whole.container(leader))
    until("the same leader again", 120, lambda: whole.leader() == leader)
    until("the floating IP back on it", 60, lambda: leads(whole, *FLOATING))
    for node in others:
        whole.exec(node, "systemctl", "start", "patroni")
    whole.led_by(leader)


def test_a_leader_that_reboots_among_others_gives_the_floating_ip_away(whole: LiveLab) -> None:
    old = whole.leader()
    docker("restart", whole.container(old))
    whole.verify(settle=120)
    whole.led_by(whole.leader())


def test_halt_and_up(whole: LiveLab) -> None:
    whole.psql(*PGBOUNCER, "create table if not exists kept (what text)")
    whole.psql(*PGBOUNCER, "insert into kept values ('before the halt')")
    whole.labgen("halt", whole.name)
    found = whole.labgen.json("status", whole.name)
    assert found["status"] == "stopped"
    assert {node["state"] for node in found["nodes"]} == {"stopped"}
    whole.labgen("up", whole.name)
    whole.led_by(whole.leader())
    assert "before the halt" in whole.psql(*PGBOUNCER, "select what from kept")


def vagrant_loses(lab: LiveLab, node: str) -> None:
    """Leaves NODE's container stopped, and without anything that Vagrant knew of it."""
    docker("stop", "--time", "20", lab.container(node))
    shutil.rmtree(lab.folder / "rendered" / ".vagrant" / "machines" / node)


def test_a_container_that_vagrant_has_lost_is_not_made_anew(whole: LiveLab, tmp_path: Path) -> None:
    """Somebody has removed a folder: what is on the machine stays, and the folder can be put back."""
    known = whole.folder / "rendered" / ".vagrant" / "machines" / "pgbouncer"
    shutil.copytree(known, tmp_path / "known")
    vagrant_loses(whole, "pgbouncer")
    container = docker("ps", "--all", "--quiet", "--filter", f"name=^/{whole.container('pgbouncer')}$")
    refused = whole.labgen("up", whole.name, expect=1)
    assert "what Vagrant knew of them is gone: pgbouncer" in refused.stderr
    assert docker("ps", "--all", "--quiet", "--filter", f"name=^/{whole.container('pgbouncer')}$") == container
    shutil.copytree(tmp_path / "known", known)
    whole.up()
    assert docker("ps", "--quiet", "--filter", f"name=^/{whole.container('pgbouncer')}$") == container
    whole.led_by(whole.leader())


def test_status_and_list(whole: LiveLab) -> None:
    found = whole.labgen.json("status", whole.name)
    assert (found["status"], found["pending"]) == ("up", 0)
    assert {node["name"]: node["address"] for node in found["nodes"]} == NODES
    assert [line["name"] for line in whole.labgen.json("list")["labs"]] == [whole.name]


def test_exec_hands_on_output_and_exit_code(whole: LiveLab) -> None:
    words = ("exec", whole.name, "pgbouncer", "--")
    assert whole.labgen(*words, "sh", "-c", "exit 7", expect=7).stdout == ""
    assert whole.exec("pgbouncer", "id", "-un") == "root"
    assert whole.exec("pgbouncer", "printf", "%s|", "two words", "$HOME", "*") == "two words|$HOME|*|"
    assert "did you mean 'pgbouncer'" in whole.labgen("exec", whole.name, "pgbuoncer", "--", "true", expect=2).stderr
    assert "no lab" in whole.labgen("exec", "elsewhere", "pgbouncer", "--", "true", expect=2).stderr


def test_ssh_is_the_user_vagrant(whole: LiveLab) -> None:
    ssh = run(
        "sh",
        "-c",
        f'echo whoami | "$@" ssh {whole.name} pgbouncer',
        "sh",
        *LABGEN,
        environment=whole.labgen.environment,
    )
    assert ssh.stdout.split()[-1] == "vagrant"


def test_logs(whole: LiveLab) -> None:
    listed = whole.labgen("logs", whole.name).stdout
    assert "patroni-start.log" in listed
    assert "vagrant" in listed
    assert "patroni" in whole.labgen("logs", whole.name, "pg-patroni1", "--step", "patroni-start").stdout
    assert "patroni" in whole.labgen("logs", whole.name, "pg-patroni1", "--unit", "patroni", "-n", "5").stdout
    assert whole.labgen("logs", whole.name, "pg-patroni1", "--step", "patroni-stat", expect=2).stderr


def test_no_secret_is_in_a_log_a_message_or_a_command_line(lab: LiveLab) -> None:
    assert lab.first_up is not None
    said = lab.first_up.said + lab.labgen("verify", lab.name, "-v", expect=None).said
    logs = {path: path.read_text(errors="replace") for path in (lab.folder / "logs").rglob("*") if path.is_file()}
    assert logs
    for secret in lab.secrets():
        assert secret not in said
        assert [path.name for path, text in logs.items() if secret in text] == []
        assert [line for line in lab.argv_seen if secret in line] == []


def test_secrets_are_for_their_owner_only(lab: LiveLab) -> None:
    for path in (lab.folder / "secrets.json", lab.folder / "rendered" / "keys" / "lab_ed25519"):
        assert path.stat().st_mode & 0o077 == 0
    assert lab.folder.stat().st_mode & 0o077 == 0


def test_another_lab_asked_for_on_the_same_addresses_is_refused(whole: LiveLab) -> None:
    refused = LiveLab(whole.labgen, "second").up("--provider", "docker", expect=3)
    assert f"{SUBNET}.0/24 is in use here" in refused.stderr
    assert "--set network.cidr=" in refused.stderr
    assert not whole.labgen.folder("second").exists()
    assert docker_things("second") == []


def test_destroy_asks_first(lab: LiveLab) -> None:
    assert "--yes" in lab.labgen("destroy", lab.name, expect=2).stderr


def test_destroy_leaves_nothing(lab: LiveLab) -> None:
    networks = set(docker("network", "ls", "--format", "{{.Name}}").splitlines())
    inspected = json.loads(docker("inspect", lab.container("pgbouncer")))[0]["NetworkSettings"]["Networks"]
    own = set(inspected) - {"bridge"}
    assert own <= networks
    vagrant_loses(lab, "pgbouncer")
    lab.labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []
    assert own.isdisjoint(docker("network", "ls", "--format", "{{.Name}}").splitlines())
    assert not lab.folder.exists()
    assert processes_about(str(lab.folder)) == []
    assert "no lab" in lab.labgen("status", lab.name, expect=2).stderr
