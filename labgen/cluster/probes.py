"""Questions that a drill asks a lab: is it healthy, who is who, where can clients be, is all there again?"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from labgen.checks import CheckReport, Status, run_checks
from labgen.checks.builtin.floating_ip import COMMAND, parse_addresses
from labgen.cluster.nodes import Nodes
from labgen.cluster.state import ClusterState, vip_of
from labgen.drill.judge.predict import route_of
from labgen.drill.run.streams import CONNECT_TIMEOUT, LoadPath
from labgen.errors import LabgenError, OperationError
from labgen.lab.model import Lab
from labgen.operations import Patroni, leader_of
from labgen.system.parallel import in_parallel

LIBPQ = "libpq"
"""The path that every lab has: libpq with the addresses of all members, which looks for the one that takes writes."""
POSTGRESQL = 5432
USER_TIMEOUT = 3000
"""Milliseconds after which the kernel gives up on data that nobody confirms."""


def gate(
    lab: Lab, secrets: Mapping[str, Mapping[str, str]], nodes: Nodes, settle: float, *, sequential: bool = False
) -> CheckReport:
    """All checks of LAB; raises OperationError with what is wrong unless every one passes within SETTLE seconds.

    sequential: one after the other, for emulated machines.
    """
    missing = [node.name for node in lab.nodes if node.name not in nodes]
    if missing:
        raise OperationError(
            f"the lab {lab.name} is not healthy, and a drill needs a healthy one",
            detail=[f"{name} is not running" for name in missing],
            cure=f"labgen up {lab.name}",
        )
    report = run_checks(lab, secrets, nodes, settle=settle, sequential=sequential)
    sick = [f"{result.name}: {result.detail}" for result in report.results if result.status is not Status.PASS]
    if sick:
        raise OperationError(
            f"the lab {lab.name} is not healthy, and a drill needs a healthy one",
            detail=sick,
            cure=f"labgen verify {lab.name} -v shows more; labgen up {lab.name} mends what has stopped",
        )
    return report


def cluster_state_of(lab: Lab, nodes: Nodes, patroni: Patroni) -> ClusterState:
    """Who is who in LAB now; raises OperationError if there is no single leader."""
    view = patroni.view()
    leader = leader_of(view, lab.name)
    replicas = tuple(name for name in view.members if view.follows(name))
    synchronous = tuple(
        member.name for member in view.cluster.members if member.role in ("sync_standby", "quorum_standby")
    )
    return ClusterState(lab, leader.name, leader.timeline or 0, replicas, synchronous, _vip_holder(lab, nodes))


def _vip_holder(lab: Lab, nodes: Nodes) -> str | None:
    vip = vip_of(lab)
    if vip is None:
        return None
    held, _ = in_parallel(lambda node: parse_addresses(nodes[node].run(COMMAND, timeout=10).stdout), list(nodes))
    return next((node for node, addresses in held.items() if any(a.address == vip for a in addresses)), None)


def choose_client(
    lab: Lab, nodes: Nodes, struck: Collection[str], targets: Collection[str], cluster: ClusterState
) -> str:
    """The node on which the clients run: none that is STRUCK, with what they need, rather none of the TARGETS either.

    Raises OperationError if there is none.
    """

    def fit(name: str) -> bool:
        return nodes[name].run("python3 -I -c 'import psycopg2'", timeout=20).ok

    able, _ = in_parallel(fit, [node.name for node in lab.nodes if node.name in nodes])
    return rank_clients(lab, [name for name in able if able[name]], struck, targets, cluster)


def rank_clients(
    lab: Lab, able: Collection[str], struck: Collection[str], targets: Collection[str], cluster: ClusterState
) -> str:
    """The best of the ABLE nodes for the clients; raises OperationError if all of them are STRUCK."""

    def burden(name: str) -> tuple[bool, bool, bool, bool, str]:
        member = "patroni" in lab.node(name).components
        return (name in targets, member, name == cluster.leader, name == cluster.vip_holder, name)

    free = sorted((name for name in able if name not in struck), key=burden)
    if not free:
        raise OperationError(
            "no node is left on which clients could run: each that has python3-psycopg2 is a target",
            where=lab.name,
            cure="name a target that leaves one",
        )
    return free[0]


def load_paths(lab: Lab, client: str, libpq_only: bool = False) -> tuple[LoadPath, ...]:
    """Every way in that LAB's blueprint offers, and libpq with all members' addresses, as seen from CLIENT.

    A path that ends at a member's own PostgreSQL is part of the latter.
    """
    settings = lab.nodes_with("patroni")[0].settings["patroni"]
    common = {
        "user": str(settings["app_user"]),
        "dbname": str(settings["app_database"]),
        "connect_timeout": CONNECT_TIMEOUT,
        "tcp_user_timeout": USER_TIMEOUT,
        "application_name": "labgen-drill",
        "sslmode": "disable",
        "gssencmode": "disable",
    }
    members = [node for node in lab.nodes_with("patroni") if node.name != client] + [
        node for node in lab.nodes_with("patroni") if node.name == client
    ]
    hosts = ",".join(node.address for node in members)
    libpq = {"host": hosts, "port": POSTGRESQL, "target_session_attrs": "read-write"}
    paths = [LoadPath(LIBPQ, "libpq, all members' addresses, target_session_attrs=read-write", False, libpq | common)]
    direct = {*(node.name for node in members), *(node.address for node in members)}
    for path in () if libpq_only else lab.blueprint.paths:
        way = route_of(lab, path.host, path.port)
        if path.host in direct and not way.through:
            continue
        host = lab.node(path.host).address if any(n.name == path.host for n in lab.nodes) else path.host
        to = {"host": host, "port": path.port}
        paths.append(LoadPath(path.name, path.summary, path.reads, to | common, way.through))
    return tuple(paths)


def is_whole(patroni: Patroni, members: Collection[str]) -> bool:
    """Whether one leads, all other MEMBERS stream from it, on its timeline, and it takes writes."""
    try:
        view = patroni.view()
        if view.leader is None or view.leader.state != "running" or set(view.members) != set(members):
            return False
        leader = view.leader.name
        others = set(members) - {leader}
        if not all(view.follows(name) for name in others):
            return False
        # Without a DCS what the members know of each other is old: a leader that has stepped down still counts as one.
        return patroni.takes_writes(leader) and others <= patroni.streaming(leader)
    except LabgenError:
        return False
