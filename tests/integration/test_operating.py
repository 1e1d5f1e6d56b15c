"""What a class does to a cluster that runs: hand over, pause, scale out and in, copy a replica anew. In this order."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import zstandard

from labgen.lab.quoting import sql_literal
from tests.live import Cli, Done, LiveLab, docker, docker_things, until

BLUEPRINT = "etcd-patroni-ops"
NODES = ("node1", "node2", "node3")
QUICK = [f"--set=patroni.{timer}" for timer in ("ttl=20", "loop_wait=5", "retry_timeout=5")]
"""Patroni's shortest timers: a member that left is forgotten after ttl."""
DATA = "/var/lib/postgresql/17/postgres"


class Operated:
    """A lab of the blueprint, and the questions that these tests ask it."""

    def __init__(self, lab: LiveLab) -> None:
        self.lab, self.labgen, self.name = lab, lab.labgen, lab.name

    def __call__(self, command: str, *words: str, expect: int | None = 0) -> Done:
        """A labgen command on this lab."""
        return self.labgen(command, self.name, *words, expect=expect)

    def json(self, command: str, *words: str) -> Any:
        return self.labgen.json(command, self.name, *words)

    def ask(self, node: str, path: str) -> Any:
        """Patroni's answer, from the node itself."""
        address = next(n["address"] for n in self.json("status")["nodes"] if n["name"] == node)
        return json.loads(self.lab.exec(node, "curl", "-sSm5", f"http://{address}:8008/{path}"))

    def members(self, node: str = "node1") -> dict[str, dict[str, Any]]:
        return {member["name"]: member for member in self.ask(node, "cluster")["members"]}

    def leader(self, node: str = "node1") -> str:
        return next(name for name, about in self.members(node).items() if about["role"] == "leader")

    def sql(self, node: str, query: str, expect: int | None = 0) -> str:
        """What the superuser gets on NODE's own PostgreSQL."""
        return self.lab.exec(node, "runuser", "-u", "postgres", "--", "psql", "-XAtqc", query, expect=expect)

    def dcs_keys(self) -> str:
        """Every key that etcd has."""
        return self.lab.exec("node0", "env", "ETCDCTL_API=3", "etcdctl", "get", "/db002/", "--prefix", "--keys-only")


def boot(lab: LiveLab, *options: str) -> Operated:
    lab.labgen("up", BLUEPRINT, "--name", lab.name, "--provider", "docker", *QUICK, *options, timeout=5400)
    return Operated(lab)


@pytest.fixture(scope="module")
def lab(module_labs: Callable[[str], LiveLab]) -> Operated:
    return boot(module_labs("ops"))


def test_a_switchover_loses_nothing(lab: Operated) -> None:
    old = lab.leader()
    lab.sql(old, "create table kept (what text)")
    lab.sql(old, "insert into kept values ('before the switchover')")
    done = lab.json("switchover")
    assert done["from"] == old
    assert done["to"] != old
    roles = {member["name"]: member["role"] for member in done["after"]}
    assert roles == {node: "leader" if node == done["to"] else "replica" for node in NODES}
    assert {member["timeline"] for member in done["after"]} == {2}
    assert 0 < done["seconds"]["leads"] <= done["seconds"]["follows"]
    assert lab.sql(done["to"], "select what, pg_is_in_recovery() from kept") == "before the switchover|f"
    assert lab.sql(old, "select what, pg_is_in_recovery() from kept") == "before the switchover|t"

    back = lab("switchover", "--to", old)
    assert f"{old} leads since" in back.stdout
    assert lab.leader() == old
    lab.lab.verify(settle=60)


def test_a_switchover_that_cannot_be_is_refused(lab: Operated) -> None:
    leader = lab.leader()
    assert f"{leader} is the leader already" in lab("switchover", "--to", leader, expect=1).stderr
    assert "no node with Patroni" in lab("switchover", "--to", "node0", expect=2).stderr
    assert "did you mean" in lab("switchover", "--to", "nod1", expect=2).stderr
    other = next(node for node in NODES if node != leader)
    lab.lab.exec(other, "systemctl", "stop", "patroni")
    stopped = lab("switchover", "--to", other, expect=1).stderr
    # It might be coming back: that is waited for, until the DCS may have forgotten it.
    assert f"{other} is stopped" in stopped or f"{other} is no member of the cluster now" in stopped
    lab.lab.exec(other, "systemctl", "start", "patroni")
    lab.lab.verify(settle=60)


def test_the_rest_api_as_the_document_asks_it(lab: Operated) -> None:
    report = {check["name"]: check for check in lab.lab.verify(settle=60)["checks"]}
    detail = report["patroni-rest-api"]["detail"]
    leader = lab.leader()
    assert detail.startswith("the same /config and /cluster on 3 nodes; role primary and /master 200 on " + leader)
    assert lab.ask(leader, "health")["role"] == "primary"
    assert lab.ask(leader, "config")["loop_wait"] == 5


def test_maintenance_mode(lab: Operated) -> None:
    assert lab.json("maintenance") == {"lab": "ops", "maintenance": False, "members": dict.fromkeys(NODES, False)}
    assert lab.json("maintenance", "on")["members"] == dict.fromkeys(NODES, True)
    assert "maintenance mode" in lab("maintenance", "on").stdout
    assert all(lab.ask(node, "patroni")["pause"] is True for node in NODES)
    assert lab.json("status")["maintenance"] is True
    assert "maintenance mode" in lab("status").stdout
    for refused in (("switchover",), ("reinit", "node3"), ("scale", "+1"), ("scale", "-1")):
        assert "labgen maintenance ops off" in lab(*refused, expect=1).stderr
    assert "maintenance mode is on" in lab("verify", "--check", "patroni-cluster", expect=1).stdout

    # What it is for: Patroni goes, PostgreSQL stays, and nobody takes over.
    leader = lab.leader()
    other = next(node for node in NODES if node != leader)
    lab.lab.exec(leader, "systemctl", "stop", "patroni")
    assert lab.sql(leader, "insert into kept values ('without Patroni') returning what") == "without Patroni"
    assert lab.sql(other, "select pg_is_in_recovery()") == "t"
    assert lab.json("maintenance")["members"][leader] is None
    lab.lab.exec(leader, "systemctl", "start", "patroni")
    until("Patroni on it to answer", 60, lambda: lab.json("maintenance")["members"][leader] is not None)

    assert lab.json("maintenance", "off")["members"] == dict.fromkeys(NODES, False)
    assert lab.json("status")["maintenance"] is False
    assert lab.leader() == leader
    lab.lab.verify(settle=60)


def test_without_its_dcs_the_cluster_is_read_only(lab: Operated) -> None:
    def writable() -> list[str]:
        # One that is just being started anew as a replica answers nothing.
        return [node for node in NODES if lab.sql(node, "select pg_is_in_recovery()", expect=None) == "f"]

    assert len(writable()) == 1
    lab.lab.exec("node0", "systemctl", "stop", "etcd")
    try:
        until("end of the leader's reign", 90, lambda: not writable())
        refused = lab("switchover", expect=1)
        assert "Patroni on node1 does not answer" in refused.stderr
        assert "waits for its DCS" in refused.stderr
        assert lab.json("status")["maintenance"] is None
    finally:
        lab.lab.exec("node0", "systemctl", "start", "etcd")
    lab.lab.verify(settle=120)


def test_scale_out_and_in(lab: Operated) -> None:
    out = lab("scale", "+1")
    assert "has 4 Patroni nodes: node1, node2, node3, node4" in out.stdout
    assert lab.members()["node4"]["state"] == "streaming"
    assert lab.members()["node4"]["host"] == "10.10.1.14"
    assert lab.sql("node4", "select count(*) from kept") == "2"
    assert "/members/node4" in lab.dcs_keys()
    assert [node["name"] for node in lab.json("status")["nodes"]] == ["node0", *NODES, "node4"]
    assert [node["name"] for node in lab.json("show")["nodes"]] == ["node0", *NODES, "node4"]
    lab.lab.verify(settle=60)
    calls = lab.lab.vagrant_calls()
    lab("up")
    assert lab.lab.vagrant_calls() == calls

    # The one that goes leads: it hands over first.
    lab("switchover", "--to", "node4")
    gone = lab("scale", "-1")
    assert "node4 leads: it hands over first" in gone.stderr
    assert "has 3 Patroni nodes: node1, node2, node3" in gone.stdout
    assert set(lab.members()) == set(NODES)
    assert "node4" not in lab.dcs_keys()
    assert "node4" not in lab.sql(lab.leader(), "select slot_name from pg_replication_slots")
    assert "member_slots_ttl" not in lab.ask("node1", "config")
    assert "labgen-ops-node4" not in docker("ps", "--all", "--format", "{{.Names}}")
    assert sorted(lab.json("status")["nodes"], key=lambda n: n["name"])[-1]["name"] == "node3"
    folder = lab.lab.folder
    assert not (folder / "rendered" / "nodes" / "node4").exists()
    assert not (folder / "rendered" / ".vagrant" / "machines" / "node4").exists()
    assert "node4" not in (folder / "known_hosts").read_text()
    lab.lab.verify(settle=60)


def test_the_blueprints_own_nodes_leave_and_come_back(lab: Operated) -> None:
    assert lab.json("scale", "-1")["removed"] == ["node3"]
    refused = lab("scale", "-1", expect=1).stderr
    assert "a leader without a replica" in refused
    assert lab.json("scale", "+1") == {
        "lab": "ops",
        "nodes": list(NODES),
        "added": [],
        "removed": [],
        "passed": True,
    }
    assert lab.sql("node3", "select count(*) from kept") == "2"


def test_a_broken_replica_is_copied_anew(lab: Operated) -> None:
    leader = lab.leader()
    assert f"{leader} is the leader" in lab("reinit", leader, expect=1).stderr
    broken = next(node for node in NODES if node != leader)
    lab.lab.exec(broken, "systemctl", "stop", "patroni")
    lab.lab.exec(broken, "sh", "-c", f"rm -r {DATA}/global")
    lab.lab.exec(broken, "systemctl", "start", "patroni")
    until("Patroni on it to answer", 60, lambda: lab.json("maintenance")["members"][broken] is not None)
    assert lab.members(leader)[broken]["state"] != "streaming"
    done = lab.json("reinit", broken)
    assert (done["node"], done["leader"]) == (broken, leader)
    assert lab.sql(broken, "select count(*) from kept") == "2"
    lab.lab.verify(settle=60)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the lab's bundle is written by one test, and read by another when the lab is gone."""
    return tmp_path_factory.mktemp("bundle") / "ops.tar.zst"


def plant(lab: Operated, node: str) -> str:
    """Have PostgreSQL on NODE write the superuser's password into its log in several shapes; returns it."""
    secret = str(json.loads((lab.lab.folder / "secrets.json").read_text())["patroni"]["superuser_password"])
    said = (
        f"plain {secret}",
        f"postgres://postgres:{quote(secret)}@10.10.1.11/",
        f"host=x password='{secret}'",
        base64.b64encode(f"postgres:{secret}".encode()).decode(),
        "host=elsewhere password=not-the-labs-own",
    )
    script = "do $$ begin " + " ".join(f"raise log '%', {sql_literal(text)};" for text in said) + " end $$;"
    command = ["docker", "exec", "-i", lab.lab.container(node), "runuser", "-u", "postgres", "--", "psql", "-XAtq"]
    subprocess.run(command, input=script.encode(), check=True, timeout=60)
    return secret


def test_a_bundle_has_everything_but_secrets(lab: Operated, bundle: Path) -> None:
    leader = lab.leader()
    secret = plant(lab, leader)
    try:
        made = lab.json("bundle", "--output", str(bundle))
    finally:
        # What was planted is a fault that the lab's own check finds.
        lab.lab.exec(leader, "sh", "-c", "journalctl --rotate && journalctl --vacuum-time=1s")
    lab.lab.verify(settle=60)
    shown = lab.labgen.json("bundle", "show", str(bundle))
    assert shown["members"].keys() == made["members"].keys()
    taken_out = {one["secret"]: one["times"] for one in shown["replaced"]}
    assert taken_out["patroni.superuser_password"] >= 8
    assert taken_out["other password"] >= 2
    assert not shown["silent"]
    assert {name for name, status in shown["checks"].items() if status != "pass"} == {"secrets"}

    data = zstandard.ZstdDecompressor().stream_reader(bundle.read_bytes()).read()
    for value in (*lab.lab.secrets(), base64.b64encode(secret.encode()).decode()[:30], "not-the-labs-own"):
        assert value.encode() not in data
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        texts = {name: tar.extractfile(name).read().decode() for name in tar.getnames()}  # type: ignore[union-attr]
    assert "password=‹password›" in texts["timeline.log"]
    assert f"{leader} postgres" in texts["timeline.log"]
    assert "no action. I am (node2)" in texts["timeline.log"]
    assert all(clock["error"] < 0.5 for clock in json.loads(texts["clocks.json"]).values())
    assert json.loads(texts["cluster/node1/config.json"])["loop_wait"] == 5
    assert "loop_wait: 5" in texts["cluster/show-config.txt"]
    assert "Leader" in texts["cluster/list.txt"]
    assert texts["issue.md"] == bundle.with_name("ops.issue.md").read_text()
    assert "- Patroni version: 4.0.7" in texts["issue.md"]
    assert "‹secret patroni.superuser_password›" in texts["issue.md"]
    assert str(lab.lab.folder) not in data.decode()
    assert not shown["notes"]


def interrupt(lab: Operated, log: Path, when: Callable[[], object], *words: str) -> None:
    """A command, and Ctrl-C as soon as WHEN holds."""
    with lab.labgen.started(*words, log=log) as child:
        until("the moment to press Ctrl-C", 300, lambda: child.poll() is not None or when())
        assert child.poll() is None, log.read_text()
        os.killpg(child.pid, signal.SIGINT)
        rc = child.wait(60)
    assert rc == 130, log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_scale_that_was_cut_off_goes_on(lab: Operated, tmp_path: Path) -> None:
    def boots() -> bool:
        return "labgen-ops-node4" in docker("ps", "--all", "--format", "{{.Names}}")

    interrupt(lab, tmp_path / "out", boots, "scale", lab.name, "+1")
    assert "a scale of +1 has not come to its end" in lab("scale", "+2", expect=1).stderr
    assert lab.json("scale", "+1")["nodes"] == [*NODES, "node4"]
    assert set(lab.members()) == {*NODES, "node4"}

    def stopped() -> bool:
        return lab.members().get("node4", {}).get("state") == "stopped"

    interrupt(lab, tmp_path / "in", stopped, "scale", lab.name, "-1")
    lab("up")  # settles for what there is
    assert lab.members()["node4"]["state"] == "streaming"
    interrupt(lab, tmp_path / "again", stopped, "scale", lab.name, "-1")
    assert lab.json("scale", "-1")["nodes"] == list(NODES)
    assert set(lab.members()) == set(NODES)
    lab.lab.verify(settle=60)


def test_a_scale_that_was_cut_off_is_destroyed_with_the_lab(lab: Operated, tmp_path: Path) -> None:
    def boots() -> bool:
        return "labgen-ops-node4" in docker("ps", "--all", "--format", "{{.Names}}")

    interrupt(lab, tmp_path / "out", boots, "scale", lab.name, "+1")
    lab("destroy", "--yes")
    assert docker_things(lab.name) == []
    assert not lab.lab.folder.exists()


def test_the_bundle_is_replayed_where_there_is_nothing(bundle: Path, tmp_path: Path) -> None:
    elsewhere = Cli(tmp_path / "state")
    asked = elsewhere("replay", str(bundle), expect=2)
    assert "Nothing of the bundle runs on this machine" in asked.stderr
    assert "say --yes" in asked.stderr
    assert not elsewhere.folder("ops").exists()
    lab = LiveLab(elsewhere, "ops")
    try:
        # The bundled one had failed a check: it held what was planted, and the new one does not.
        done = json.loads(elsewhere("replay", str(bundle), "--yes", "--json", expect=1).stdout)
        assert done["packages"] == []
        assert {pair["name"] for pair in done["checks"] if pair["then"] != pair["now"]} == {"secrets"}
        assert [pair["now"] for pair in done["checks"]] == ["pass"] * len(done["checks"])
        again = Operated(lab)
        assert again.ask("node1", "config")["loop_wait"] == 5
    finally:
        elsewhere("destroy", "ops", "--yes", expect=None)
    assert docker_things("ops") == []


def test_the_published_programs_are_operated_alike(labs: Callable[[str], LiveLab]) -> None:
    lab = boot(labs("ops-published"), "--profile", "published")
    assert lab.ask("node1", "patroni")["patroni"]["version"] == "2.0.2"
    old = lab.leader()
    done = lab.json("switchover")
    assert (done["from"], lab.leader()) == (old, done["to"])
    assert lab.json("maintenance", "on")["maintenance"] is True
    assert lab.json("maintenance", "off")["maintenance"] is False
    assert lab.json("reinit", old)["node"] == old
    assert lab.json("scale", "+1")["nodes"] == [*NODES, "node4"]
    assert lab.members()["node4"]["state"] == "running"
    assert lab.json("scale", "-1")["nodes"] == list(NODES)
    assert set(lab.members()) == set(NODES)
    lab.lab.verify(settle=60)
    lab("destroy", "--yes")
    assert docker_things(lab.name) == []


def test_nothing_to_operate_on(labgen: Cli) -> None:
    for words in (("switchover",), ("maintenance",), ("reinit", "node1"), ("scale", "-1")):
        assert "no lab is called" in labgen(words[0], "elsewhere", *words[1:], expect=2).stderr
