"""Where the clients of a drill run, and what they connect to."""

from __future__ import annotations

from collections.abc import Collection

from labgen.blueprint.rules import LIBPQ
from labgen.checks.builtin.postgresql import login
from labgen.cluster.nodes import Nodes
from labgen.cluster.state import ClusterState
from labgen.drill.judge.predict import route_of
from labgen.drill.run.streams import CONNECT_TIMEOUT, LoadPath
from labgen.errors import OperationError
from labgen.lab.model import Lab
from labgen.system.parallel import in_parallel

POSTGRESQL = 5432
USER_TIMEOUT = 3000
"""Milliseconds after which the kernel gives up on data that nobody confirms."""


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
        member = any(node.name == name for node in lab.member_nodes)
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
    user, database = login(lab)
    common = {
        "user": user,
        "dbname": database,
        "connect_timeout": CONNECT_TIMEOUT,
        "tcp_user_timeout": USER_TIMEOUT,
        "application_name": "labgen-drill",
        "sslmode": "disable",
        "gssencmode": "disable",
    }
    members = sorted(lab.member_nodes, key=lambda node: node.name == client)
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
