"""HAProxy: each port leads where it should, by its own word and by that of the PostgreSQL that answers there."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labgen.checks.builtin.patroni import leader_node, rest_cluster
from labgen.checks.builtin.postgresql import (
    WHERE,
    Server,
    SqlEndpoint,
    clients,
    judge_replicas,
    judge_route,
    name_of,
    parse_server,
)
from labgen.checks.context import Check, Context, Unknown
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import count, listed
from labgen.lab.model import Lab, Node

COMMAND = "echo 'show stat' | socat -t 5 stdio unix-connect:/run/haproxy/admin.sock"
# Succeeds where writing is refused because the server only reads; where it is not, the table goes with the transaction.
READ_ONLY = (
    "do $$ begin create table labgen_check (); raise 'this server takes writes'; "
    "exception when read_only_sql_transaction then null; end $$"
)


@dataclass(frozen=True)
class ServerRow:
    """A server in HAProxy's statistics: on which route, its status, and the outcome of the last check."""

    route: str
    name: str
    status: str
    check: str

    @property
    def up(self) -> bool:
        return self.status.startswith("UP")  # or `UP 1/2`: it has begun to fail, and still gets connections


def parse_stat(text: str) -> tuple[ServerRow, ...]:
    """The servers in the CSV of `show stat`."""
    if not text.startswith("# pxname,"):
        raise Unknown(f"HAProxy's socket says {text.strip()[:80]!r}")
    rows = csv.DictReader(text.removeprefix("# ").splitlines())
    try:
        return tuple(
            ServerRow(row["pxname"], row["svname"], row["status"], row["check_status"].removeprefix("* "))
            for row in rows
            if row["svname"] not in ("FRONTEND", "BACKEND")
        )
    except (LookupError, AttributeError) as why:
        raise Unknown(f"HAProxy's statistics lack a column: {text.splitlines()[0][:80]!r}") from why


def judge_rows(node: str, rows: Sequence[ServerRow], wanted: Mapping[str, Sequence[str] | None]) -> list[str]:
    """Whether the HAProxy on NODE leads on each route to exactly the WANTED servers; None stands for all it knows."""
    faults = []
    for route, names in wanted.items():
        there = [row for row in rows if row.route == route]
        up = [row.name for row in there if row.up]
        expected = names if names is not None else [row.name for row in there]
        if sorted(up) != sorted(expected) or not there:
            faults.append(f"{node}: {route} leads to {listed(up) or 'nobody'}, not to {listed(expected) or 'anybody'}")
    # Before its first check HAProxy takes a server to be up.
    faults += [f"{node}: {row.route} has not asked {row.name} yet" for row in rows if row.check == "INI"]
    return faults


def judge_replica_route(server: Server, replicas: Sequence[Node], lab: Lab) -> list[str]:
    """What is wrong with the SERVER behind a port for reading."""
    name = name_of(server.address, lab)
    if server.writable:
        return [f"its replica port leads to {name}, which takes writes"]
    if server.address not in [node.address for node in replicas]:
        return [f"its replica port leads to {name}, which is no replica"]
    return []


def _ask_servers(context: Context) -> CheckOutcome:
    nodes = context.lab.nodes_with("haproxy")
    answers = context.each(nodes, COMMAND)
    wanted: dict[str, Sequence[str]] = {}
    faults: list[str] = []
    if context.lab.nodes_with("patroni"):
        cluster = rest_cluster(context)
        replicas = [member for member in cluster.members if not member.leads]
        well = [m.name for m in replicas if m.state in ("running", "streaming")]
        wanted = {"primary": [leader_node(context, cluster).name], "replica": well}
        # Or a replica on its way up would be counted out now, and missed in HAProxy once it is there.
        faults += [f"no port can lead to {m.name}: it is {m.state}" for m in replicas if m.name not in well]
    for node, rows in answers.read(parse_stat).items():
        here = context.lab.node(node)
        routes = {route: names for route, names in wanted.items() if _port(here, route)}
        faults += judge_rows(node, rows, routes | ({"web": None} if _port(here, "web") else {}))
    told = "; ".join(f"{route} leads to {listed(names) or 'nobody'}" for route, names in wanted.items())
    return answers.add(
        CheckOutcome.of(f"on {count(len(nodes), 'node')}: {told or 'all web servers up'}", faults=faults)
    )


def _ask_sql(context: Context) -> CheckOutcome:
    lab = context.lab
    nodes = [node for node in lab.nodes_with("haproxy") if _port(node, "primary") or _port(node, "replica")]
    if not nodes:
        return CheckOutcome.passed("no port leads to PostgreSQL")
    leader = leader_node(context)
    replicas = [node for node in lab.nodes_with("patroni") if node.name != leader.name]
    faults: list[str] = []
    silent: list[str] = []
    for node in nodes:
        mine, unheard = _through(context, node, leader, replicas)
        faults += [f"HAProxy on {node.name}: {fault}" for fault in mine]
        silent += [f"HAProxy on {node.name}: {why}" for why in unheard]
    fine = []
    if any(_port(node, "primary") for node in nodes):
        fine.append(f"{leader.name} takes a row that {count(len(replicas), 'replica')} show")
    if any(_port(node, "replica") for node in nodes) and replicas:
        fine.append("the port for replicas only reads")
    return CheckOutcome.of(f"through {count(len(nodes), 'node')}: {'; '.join(fine)}", faults=faults, unknown=silent)


def _port(node: Node, route: str) -> int:
    return int(node.settings["haproxy"][f"{route}_port"])


def _through(context: Context, node: Node, leader: Node, replicas: Sequence[Node]) -> tuple[list[str], list[str]]:
    """What is wrong, and what is not known, about the ways through the HAProxy on NODE, from another node."""
    source = (*clients(context.lab, but=node), node)[0]
    faults: list[str] = []
    silent: list[str] = []
    if _port(node, "primary"):
        door = SqlEndpoint(context, node.address, _port(node, "primary"))
        route = door.ask([source], WHERE)
        for server in route.read(parse_server).values():
            faults += judge_route(source.name, server, leader, context.lab)
        shown, value = door.write(source, replicas)
        faults += [*route.faults.values(), *judge_replicas(shown.outputs, value, "it"), *shown.faults.values()]
        silent += [*route.silent.values(), *shown.silent.values()]
    if _port(node, "replica") and replicas:
        route = SqlEndpoint(context, node.address, _port(node, "replica")).ask([source], WHERE, READ_ONLY)
        for server in route.read(parse_server).values():
            faults += judge_replica_route(server, replicas, context.lab)
        faults += route.faults.values()
        silent += route.silent.values()
    return faults, silent


SERVERS = Check("haproxy-servers", "HAProxy leads to the leader and to the replicas that Patroni names", _ask_servers)
SQL = Check("haproxy-sql", "HAProxy's port for the leader takes writes, the one for replicas only reads", _ask_sql)
