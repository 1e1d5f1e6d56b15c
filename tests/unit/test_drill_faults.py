"""What a drill would do to whom: targets, faults, packets that are dropped, undos that are kept."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from labgen.blueprint.drills import Drill
from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.checks.model import Status
from labgen.cluster.dcs import leader_key
from labgen.cluster.nodes import Nodes
from labgen.cluster.probes import gate, is_whole
from labgen.cluster.state import ClusterState
from labgen.drill.judge.predict import Route, predict, route_of
from labgen.drill.report.describe import drill_rows, fault_rows
from labgen.drill.run.choose import choose_drill
from labgen.drill.run.clients import load_paths, rank_clients
from labgen.drill.run.plan import plan_faults, strongest
from labgen.errors import LabgenError, NodeError, OperationError, UnknownNameError, UsageError
from labgen.faults import netcut
from labgen.faults.injector import FaultInjector, heal
from labgen.faults.model import Effect
from labgen.faults.registry import all_faults, find_fault
from labgen.faults.targets import TARGETS, find_targets
from labgen.faults.undo import FILE, Undo, Undos, left_over
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve
from labgen.operations import Patroni
from tests.fakes.connection import Answer, FakeConnection
from tests.fakes.patroni import FakeCluster
from tests.outside import EXAMPLES

BLUEPRINTS = ("consul-pgbouncer", "etcd-haproxy", "etcd-haproxy-keepalived", "etcd-patroni-ops", "liman-etcd-haproxy")


@cache
def lab_of(name: str, *overrides: str, provider: str = "docker") -> Lab:
    return resolve(load_blueprint(find_blueprint(name)), provider=provider, overrides=overrides)


def cluster_state_of(name: str, provider: str = "docker") -> ClusterState:
    lab = lab_of(name, provider=provider)
    leader, *replicas = [node.name for node in lab.nodes_with("patroni")]
    vip = lab.nodes_with("keepalived") or lab.nodes_with("floating-ip")
    synchronous = tuple(replicas[:1]) if name == "etcd-haproxy-keepalived" else ()
    return ClusterState(lab, leader, 3, tuple(replicas), synchronous, vip[0].name if vip else None)


class FakeNodes(dict[str, FakeConnection]):
    """Nodes that are always where they were."""

    def renew(self) -> None: ...

    def wait_for(self, node: str, seconds: float) -> None: ...


# --- targets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("blueprint", "target", "found"),
    [
        ("etcd-haproxy", "leader", ("postgres01",)),
        ("etcd-haproxy", "replica", ("postgres02",)),
        ("etcd-haproxy", "replicas", ("postgres02", "postgres03")),
        ("etcd-haproxy", "proxy", ("haproxy",)),
        ("etcd-haproxy", "dcs-quorum", ("etcd",)),
        ("etcd-haproxy", "postgres03", ("postgres03",)),
        ("etcd-haproxy-keepalived", "replica", ("postgresql-patroni03",)),
        ("etcd-haproxy-keepalived", "sync-standby", ("postgresql-patroni02",)),
        ("etcd-haproxy-keepalived", "vip-holder", ("postgresql-patroni01",)),
        ("etcd-haproxy-keepalived", "proxy", ("postgresql-patroni01",)),
        ("etcd-haproxy-keepalived", "dcs-minority", ("postgresql-patroni02",)),
        ("etcd-haproxy-keepalived", "dcs-quorum", ("postgresql-patroni02", "postgresql-patroni03")),
        ("consul-pgbouncer", "dcs-member", ("consul-node1",)),
        ("consul-pgbouncer", "dcs-quorum", ("consul-node1", "consul-node2")),
        ("consul-pgbouncer", "proxy", ("pgbouncer",)),
        ("consul-pgbouncer", "vip-holder", ("pg-patroni1",)),
    ],
)
def test_targets(blueprint: str, target: str, found: tuple[str, ...]) -> None:
    assert find_targets(target, cluster_state_of(blueprint)) == found


@pytest.mark.parametrize(
    ("blueprint", "target", "reason"),
    [
        ("etcd-haproxy", "vip-holder", "it has no VIP and no floating IP"),
        ("etcd-haproxy", "dcs-minority", "its DCS cannot spare a member"),
        ("etcd-haproxy", "sync-standby", "no replica is synchronous"),
        ("etcd-patroni-ops", "proxy", "it has no proxy"),
    ],
)
def test_a_target_that_matches_nothing_is_refused(blueprint: str, target: str, reason: str) -> None:
    with pytest.raises(OperationError, match="nobody in the lab") as caught:
        find_targets(target, cluster_state_of(blueprint))
    assert reason in caught.value.what


def test_two_members_of_a_dcs_can_spare_none() -> None:
    cluster = ClusterState(resolve(load_blueprint(EXAMPLES / "etcd-pair.yml"), provider="docker"), "pg1", 1, ("pg2",))
    with pytest.raises(OperationError, match="its DCS cannot spare a member"):
        find_targets("dcs-minority", cluster)
    assert find_targets("dcs-quorum", cluster) == find_targets("dcs-member", cluster) == ("pg2",)
    assert [len(plan_faults(drill, cluster)) for drill in cluster.lab.blueprint.drills] == [1, 1]


def test_a_word_that_is_no_target() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'leader'"):
        find_targets("leeder", cluster_state_of("etcd-haproxy"))


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blueprint", BLUEPRINTS)
def test_every_drill_of_the_blueprints_can_be_planned(blueprint: str) -> None:
    cluster = cluster_state_of(blueprint)
    drills = cluster.lab.blueprint.drills
    assert drills
    for drill in drills:
        for operation in plan_faults(drill, cluster):
            assert operation.injections, drill.name
    assert len(drill_rows(drills)) == len(drills)


@pytest.mark.parametrize("provider", ["docker", "libvirt", "virtualbox"])
def test_every_fault_is_shell_that_can_be_read_or_is_refused(provider: str) -> None:
    blueprints = [cluster_state_of(name, provider) for name in BLUEPRINTS]
    refused = set()
    for fault in all_faults():
        planned = False
        for cluster in blueprints:
            try:
                drill = Drill.model_validate_json(
                    json.dumps({"name": "one", "title": "one", "faults": [{"fault": fault.name}]})
                )
                (operation,) = plan_faults(drill, cluster)
            except LabgenError:
                continue
            planned = True
            for _, injection in operation.injections:
                for command in (injection.command, injection.undo):
                    if isinstance(command, str):
                        subprocess.run(["bash", "-n", "-c", command], check=True)
                    else:
                        assert command is None or all(command)
                if injection.dead_man:
                    assert isinstance(injection.undo, str)
        if not planned:
            refused.add(fault.name)
    assert refused == ({"clock-step", "delay", "disk-full", "loss"} if provider == "docker" else set())
    told = {row["name"]: row["refused"] for row in fault_rows(all_faults(), provider)}
    assert {name for name, why in told.items() if why} == refused


def test_a_fault_that_a_provider_cannot_do_says_why() -> None:
    cluster = cluster_state_of("etcd-haproxy")
    with pytest.raises(OperationError, match="cannot be injected with the provider docker: its machines share"):
        find_fault("delay").refuse(cluster, ("postgres01",))


def test_a_fault_about_something_that_the_target_does_not_carry() -> None:
    with pytest.raises(OperationError, match="is about patroni, and haproxy carries none"):
        find_fault("patroni-stop").refuse(cluster_state_of("etcd-haproxy"), ("haproxy",))


def test_values_of_a_fault() -> None:
    delay = find_fault("delay")
    assert delay.chosen({}) == {"delay": 200}
    assert delay.chosen({"delay": 50.0}) == {"delay": 50}
    with pytest.raises(UsageError, match="has to be from 1 to 10000"):
        delay.chosen({"delay": 0})
    with pytest.raises(UnknownNameError):
        delay.chosen({"delai": 1})


def test_a_machine_that_loses_power_says_nothing_before() -> None:
    cluster = cluster_state_of("etcd-haproxy")
    (operation,) = plan_faults(choose_drill(cluster.lab, "power-loss"), cluster)
    (_, silenced), (_, off) = operation.injections
    assert silenced.node == "postgres01"
    assert off.command == ("docker", "kill", "labgen-etcd-haproxy-postgres01")
    assert off.undo == ("docker", "start", "labgen-etcd-haproxy-postgres01")


# --- packets ----------------------------------------------------------------------------------------------------------


def verdict_on(program: netcut.Program, packet: bytes) -> int:
    """What the kernel would do with PACKET: the five instructions that `cut` uses, as BPF defines them."""
    accumulator = index = at = 0
    while True:
        code, true, false, operand = program[at]
        at += 1
        if code == netcut.RETURN:
            return operand
        if code == netcut.EQUAL:
            at += true if accumulator == operand else false
        elif code == netcut.HEADER_LENGTH:
            index = 4 * (packet[operand] & 15)
        else:
            place, size = (
                operand + (index if code == netcut.LOAD_HALF_BEYOND_HEADER else 0),
                1 if code == netcut.LOAD_BYTE else 2,
            )
            accumulator = int.from_bytes(packet[place : place + size], "big")


def packet(protocol: int, source: int, destination: int, options: int = 0, ethertype: int = 0x0800) -> bytes:
    header = bytes([0x45 + options]) + bytes(8) + bytes([protocol]) + bytes(10 + 4 * options)
    ports = source.to_bytes(2, "big") + destination.to_bytes(2, "big")
    return bytes(12) + ethertype.to_bytes(2, "big") + header + ports + bytes(16)


def test_everything_is_dropped() -> None:
    assert verdict_on(netcut.everything(), packet(6, 1, 2)) == netcut.DROP


@pytest.mark.parametrize(
    ("one", "dropped"),
    [
        (packet(6, 40000, 2379), True),
        (packet(6, 2380, 40000), True),
        (packet(17, 40000, 2380), True),
        (packet(6, 2379, 40000, options=3), True),
        (packet(6, 40000, 5432), False),
        (packet(1, 40000, 2379), False),
        (packet(6, 40000, 2379, ethertype=0x86DD), False),
        (packet(6, 40000, 2379, ethertype=0x0806), False),
    ],
)
def test_ports_are_dropped(one: bytes, dropped: bool) -> None:
    program = netcut.ports([2379, 2380], [2379, 2380])
    assert verdict_on(program, one) == (netcut.DROP if dropped else netcut.PASS)


def test_only_what_comes_in_for_one_port() -> None:
    program = netcut.ports(destination=[45000])
    assert verdict_on(program, packet(6, 5432, 45000)) == netcut.DROP
    assert verdict_on(program, packet(6, 45000, 5432)) == netcut.PASS
    assert netcut.bytecode(program).startswith(f"{len(program)},40 0 0 12,")


@pytest.mark.parametrize(
    ("printed", "number", "said"),
    [
        ("echo 45001; echo 45000", 2, "21 2 0 45000 21 1 0 45001"),
        ("echo 45000", 2, "not 2 connections but 1"),
        ("true", 1, "not 1 connections but 0"),
        ("echo ERROR", 1, "not 1 connections but 1"),
    ],
)
def test_ports_that_are_found_on_the_node(printed: str, number: int, said: str) -> None:
    """Run for real but for `ip` and `tc`, which print what they are told."""
    tools = (
        "ip() { echo '2: eth1 inet 10.0.0.1/24'; }; tc() { echo clsact qdisc clsact; echo \"$@\" | tr ',' ' ' >&2; }\n"
    )
    done = subprocess.run(
        ["bash", "-c", tools + netcut.cut_ports_of("10.0.0.1", printed, number)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in done.stderr
    assert (done.returncode == 0) == said.startswith("21")


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a network namespace")
def test_filters_come_and_go_and_leave_others_alone() -> None:
    """In a network namespace of its own: two cuts, two mends, and a filter of somebody else's that stays."""
    mine, other = (
        netcut.cut("10.9.9.1", netcut.everything()),
        "tc filter add dev v0 ingress pref 7 protocol all bpf bytecode '1,6 0 0 0,'",
    )
    back = netcut.restore("10.9.9.1")
    script = f"""
set -e
ip link add v0 type veth peer name v1; ip addr add 10.9.9.1/24 dev v0; ip link set v0 up
show() {{ tc filter show dev v0 ingress | grep -o 'pref [0-9]*' | sort -u | tr '\\n' ' '; echo; }}
bash -c {shell(mine)}; bash -c {shell(mine)}; show
bash -c {shell(back)}; show
tc qdisc show dev v0 | grep -c clsact || true
bash -c {shell(mine)}; {other}; bash -c {shell(back)}; bash -c {shell(back)}; show
! bash -c {shell(netcut.restore("10.9.9.77"))}
"""
    done = subprocess.run(["unshare", "-n", "bash", "-c", script], capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr or "unshare failed" in done.stderr:
        pytest.skip("no network namespace here")
    assert done.stdout.splitlines() == [f"pref {netcut.PREFERENCE} ", "", "0", "pref 7 "], done.stderr
    assert "no interface has 10.9.9.77" in done.stderr


def shell(command: str) -> str:
    return "'" + command.replace("'", "'\\''") + "'"


# --- undoing ----------------------------------------------------------------------------------------------------------


def injector(tmp_path: Path, nodes: Mapping[str, FakeConnection]) -> tuple[FaultInjector, Undos]:
    undos = Undos(tmp_path / FILE, "run", "power-loss")
    return FaultInjector(nodes, undos, 60), undos  # type: ignore[arg-type]


def test_the_undo_is_on_the_disk_and_the_timer_set_before_the_deed(tmp_path: Path) -> None:
    cluster = cluster_state_of("etcd-haproxy")
    (operation,) = plan_faults(choose_drill(cluster.lab, "partition"), cluster)
    on_disk: list[list[str]] = []
    look = Answer(on_start=lambda: on_disk.append([undo.title for undo in left_over(tmp_path).entries]))  # type: ignore[union-attr]
    nodes = FakeNodes(postgres01=FakeConnection({"systemd-run": look, "tc filter replace": look}))
    work, undos = injector(tmp_path, nodes)
    for name, injection in operation.injections:
        work.do(injection, operation.fault.title, name)
    assert on_disk == [["postgres01 is cut off the lab's network (packets vanish)"]] * 2
    timer, deed_done = nodes["postgres01"].commands
    assert "systemd-run" in timer
    assert "--on-active=60" in timer
    assert "tc filter replace" in deed_done
    assert nodes["postgres01"].stdin[0].decode().startswith("dev=$(ip")
    assert heal(nodes, undos, lambda _: None) == []  # type: ignore[arg-type]
    assert left_over(tmp_path) is None
    assert "tc filter del" in nodes["postgres01"].commands[2]
    assert "systemctl stop labgen-drill-run-1.timer" in nodes["postgres01"].commands[3]


def test_a_deed_that_fails_stays_registered(tmp_path: Path) -> None:
    cluster = cluster_state_of("etcd-haproxy")
    (operation,) = plan_faults(choose_drill(cluster.lab, "partition"), cluster)
    nodes = FakeNodes(postgres01=FakeConnection({"tc filter replace": Answer(rc=2, stderr="no cls_bpf\n")}))
    work, undos = injector(tmp_path, nodes)
    with pytest.raises(NodeError, match="no cls_bpf"):
        work.do(operation.injections[0][1], "is cut off", "postgres01")
    assert len(undos.entries) == 1


def test_healing_is_done_in_reverse_and_goes_on_after_a_failure(tmp_path: Path) -> None:
    undos = Undos(tmp_path / FILE, "run", "two")
    for number in (1, 2, 3):
        undos.register(Undo(f"run-{number}", f"undo {number}", "node", f"command {number}"))
    connection = FakeConnection({"command 2": Answer(rc=1, stderr="it will not\n")})
    nodes = FakeNodes(node=connection)
    failed = heal(nodes, undos, lambda _: None)  # type: ignore[arg-type]
    assert connection.commands == ["command 3", "command 2", "command 1"]
    assert [why.what for why in failed] == ["node: it will not"]
    left = left_over(tmp_path)
    assert left is not None
    assert [undo.id for undo in left.entries] == ["run-2"]
    connection.answers.clear()
    assert heal(nodes, left, lambda _: None) == []  # type: ignore[arg-type]
    assert left_over(tmp_path) is None


def test_a_fault_of_several_deeds_is_named_once(tmp_path: Path) -> None:
    undos = Undos(tmp_path / FILE, "run", "drill two")
    for number, title in enumerate(("node1 is cut off", "node1 is cut off", "node2 loses power"), 1):
        undos.register(Undo(f"run-{number}", title, "node1", "true"))
    assert undos.titles == ("node2 loses power", "node1 is cut off")


def test_a_damaged_list_of_undos_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"run": "x"')
    with pytest.raises(OperationError, match="cannot be read"):
        left_over(tmp_path)


# --- the lab before the fault -----------------------------------------------------------------------------------------


def test_a_lab_with_a_node_that_is_down_is_refused() -> None:
    lab = lab_of("etcd-haproxy")
    nodes = FakeNodes({node.name: FakeConnection() for node in lab.nodes if node.name != "postgres02"})
    with pytest.raises(OperationError, match="is not healthy") as caught:
        gate(lab, {}, nodes, 0)  # type: ignore[arg-type]
    assert caught.value.detail == ("postgres02 is not running",)


def test_a_lab_whose_checks_fail_is_refused() -> None:
    lab = lab_of("etcd-haproxy")
    nodes = FakeNodes({node.name: FakeConnection({"": Answer(rc=1, stderr="broken\n")}) for node in lab.nodes})
    with pytest.raises(OperationError, match="is not healthy") as caught:
        gate(lab, {}, nodes, 0)  # type: ignore[arg-type]
    assert any(line.startswith("patroni-cluster: ") for line in caught.value.detail)
    assert Status.PASS.value not in caught.value.detail


def test_a_cluster_is_whole_when_its_leader_takes_writes_and_all_others_stream() -> None:
    lab = lab_of("etcd-patroni-ops")
    cluster = FakeCluster(lab)
    patroni = Patroni(lab, cluster.connections, 5)
    assert is_whole(patroni, cluster.members)
    cluster.members["node1"].stepped_down = True
    assert not is_whole(patroni, cluster.members)
    cluster.lead("node2")
    assert is_whole(patroni, cluster.members)
    assert not is_whole(patroni, (*cluster.members, "node4"))
    cluster.members["node3"].state = "starting"
    assert not is_whole(patroni, cluster.members)
    for member in cluster.members.values():
        member.answers = False
    assert not is_whole(patroni, cluster.members)


def test_clients_run_where_nothing_is_struck() -> None:
    liman = cluster_state_of("liman-etcd-haproxy")
    able = ("liman1", "liman2", "kaptan1", "kaptan2")
    assert rank_clients(liman.lab, able, {"kaptan1"}, {"kaptan1"}, liman) == "liman1"
    cluster = cluster_state_of("etcd-haproxy")
    members = ("postgres01", "postgres02", "postgres03")
    assert rank_clients(cluster.lab, members, {"postgres01"}, {"postgres01"}, cluster) == "postgres02"
    assert rank_clients(cluster.lab, members, {"postgres01"}, set(members), cluster) == "postgres02"
    assert rank_clients(cluster.lab, members, set(), {"postgres02"}, cluster) == "postgres03"
    with pytest.raises(OperationError, match="no node is left"):
        rank_clients(cluster.lab, members, set(members), set(members), cluster)


def test_paths_under_load() -> None:
    paths = {path.name: path for path in load_paths(lab_of("etcd-haproxy-keepalived"), "postgresql-patroni02")}
    assert list(paths) == ["libpq", "vip-primary", "vip-replica"]
    assert paths["libpq"].to["host"] == "192.168.13.45,192.168.13.47,192.168.13.46"
    assert paths["vip-primary"].through == ("keepalived", "haproxy")
    assert paths["vip-replica"].reads
    assert [path.name for path in load_paths(lab_of("etcd-patroni-ops"), "node2")] == ["libpq"]
    assert all("password" not in path.to for path in paths.values())


@pytest.mark.parametrize(
    ("blueprint", "kind", "key"),
    [
        ("consul-pgbouncer", "consul", "/service/postgres/leader"),
        ("etcd-haproxy", "etcd3", "/db/postgres/leader"),
        ("etcd-haproxy-keepalived", "etcd3", "/db/postgres-cluster/leader"),
    ],
)
def test_the_leader_key(blueprint: str, kind: str, key: str) -> None:
    lab = lab_of(blueprint)
    node = lab.nodes_with("patroni")[1]
    found = leader_key(lab, node)
    assert (found["kind"], found["key"]) == (kind, key)
    if blueprint == "etcd-haproxy-keepalived":
        assert found["hosts"][0] == node.address


# --- what the timers say ----------------------------------------------------------------------------------------------

CONFIG = {"ttl": 30, "loop_wait": 10, "retry_timeout": 10}


def test_predictions_add_up() -> None:
    lab = lab_of("etcd-haproxy")
    silent = predict(Effect.LEASE_EXPIRES, Route(), lab, CONFIG)
    assert silent is not None
    assert (silent.low, silent.high) == (21, 39)
    proxied = predict(Effect.LEASE_EXPIRES, Route(("haproxy",)), lab, CONFIG)
    assert proxied is not None
    assert (proxied.low, proxied.high) == (21, 41.5)
    deaf = predict(Effect.LEASE_RENEWED_ONCE, Route(), lab, CONFIG)
    assert deaf is not None
    assert (deaf.low, deaf.high) == (21, 49)
    shorter = predict(Effect.LEASE_EXPIRES, Route(), lab, {"ttl": 20, "loop_wait": 5})
    assert shorter is not None
    assert (shorter.low, shorter.high) == (16, 29)
    fenced = predict(Effect.DCS_ISOLATED, Route(), lab, CONFIG)
    assert fenced is not None
    assert (fenced.low, fenced.high) == (1, 29)
    assert predict(Effect.NONE, Route(), lab, CONFIG) is None
    assert predict(Effect.PATRONI_GONE, Route(), lab, CONFIG) is None
    assert "HAProxy's checks" in proxied.why


def test_a_silent_synchronous_standby_keeps_writes_waiting() -> None:
    lab = lab_of("etcd-haproxy-keepalived")
    through = Route(("keepalived", "haproxy"))
    waiting = predict(Effect.SYNC_UNCONFIRMED, through, lab, CONFIG)
    assert waiting is not None
    assert (waiting.low, waiting.high) == (20, 44)
    election = predict(Effect.SYNC_UNCONFIRMED, through, lab, CONFIG, dcs_leader=True)
    assert election is not None
    assert (election.low, election.high) == (20, 57)


def test_the_strongest_effect_is_the_one_that_clients_wait_for() -> None:
    cluster = cluster_state_of("etcd-haproxy-keepalived")
    (standby,) = cluster.synchronous

    def effect(word: str, *changes: str) -> tuple[Effect, str]:
        return strongest(plan_faults(choose_drill(cluster.lab, word, changes), cluster), cluster)

    assert effect("power-loss") == (Effect.LEASE_EXPIRES, cluster.leader)
    assert effect("standby-lost") == (Effect.SYNC_UNCONFIRMED, standby)
    assert effect("freeze", f"target={standby}") == (Effect.SYNC_UNCONFIRMED, standby)
    assert effect("replication-cut") == (Effect.LEASE_EXPIRES, cluster.leader)
    assert effect("vip-lost")[0] is Effect.NONE
    # Where nobody waits for it, a standby is missed by nobody.
    cluster = cluster_state_of("etcd-haproxy")
    assert effect("power-loss", "target=replica")[0] is Effect.NONE


def test_a_slow_pooler_is_in_the_prediction() -> None:
    slow = predict(
        Effect.CLEAN_HANDOVER,
        Route(("pgbouncer",)),
        lab_of("consul-pgbouncer", "pgbouncer.server_login_retry=15"),
        CONFIG,
    )
    quick = predict(Effect.CLEAN_HANDOVER, Route(("pgbouncer",)), lab_of("consul-pgbouncer"), CONFIG)
    assert slow is not None
    assert quick is not None
    assert slow.high == quick.high + 14


def test_ways() -> None:
    lab = lab_of("consul-pgbouncer")
    assert route_of(lab, "pgbouncer", 6432).through == ("pgbouncer",)
    assert route_of(lab, "192.168.60.55", 5432).through == ("floating-ip",)
    assert route_of(lab, "pg-patroni1", 5432).through == ()
    behind = lab_of("etcd-pgbouncer")
    assert route_of(behind, "pooler", 6432).through == ("pgbouncer", "haproxy")
    assert route_of(behind, "pooler", 5432).through == ("haproxy",)


# --- which drill ------------------------------------------------------------------------------------------------------


def test_a_fault_by_itself_is_a_drill() -> None:
    drill = choose_drill(lab_of("etcd-haproxy"), "freeze", ["target=replica", "hold=20", "expect.outage=3"])
    assert (drill.faults[0].target, drill.hold, drill.expect.outage) == ("replica", 20, 3)


def test_a_drill_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text("name: mine\ntitle: Mine\nfaults: [{fault: freeze}]\nexpect: {paths: {haproxy: 40}}\n")
    assert choose_drill(lab_of("etcd-haproxy"), str(path)).expect.paths == {"haproxy": 40}


@pytest.mark.parametrize("blueprint", BLUEPRINTS)
def test_targets_in_the_blueprints_are_known(blueprint: str) -> None:
    for drill in lab_of(blueprint).blueprint.drills:
        for step in drill.faults:
            assert step.target is None or step.target in TARGETS


def test_the_nodes_of_a_drill_are_looked_up_again(tmp_path: Path) -> None:
    places = iter([{}, {}, {"a": object()}])
    nodes = Nodes(lambda: next(places), tmp_path / "known_hosts", 0.1)  # type: ignore[arg-type]
    nodes.renew()
    assert "a" not in nodes
    nodes.renew()
    assert "a" in nodes
    nodes.close()
