"""PgBouncer: leads to the leader, from its own node and another, and takes a write that all replicas then show."""

from __future__ import annotations

from labgen.checks.builtin.patroni import leader_node
from labgen.checks.builtin.postgresql import WHERE, SqlEndpoint, judge_replicas, judge_route, parse_server
from labgen.checks.context import Check, Context
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import count


def _ask(context: Context) -> CheckOutcome:
    lab, leader = context.lab, leader_node(context)
    replicas = [node for node in lab.nodes_with("patroni") if node.name != leader.name]
    faults: list[str] = []
    silent: list[str] = []
    for pooler in lab.nodes_with("pgbouncer"):
        door = SqlEndpoint(context, pooler.address, int(pooler.settings["pgbouncer"]["port"]))
        routes = door.ask((pooler, *replicas[:1]), WHERE)
        for source, server in routes.read(parse_server).items():
            faults += judge_route(source, server, leader, lab)
        shown, value = door.write(pooler, replicas)
        faults += [*routes.faults.values(), *judge_replicas(shown.outputs, value, "PgBouncer"), *shown.faults.values()]
        silent += [*routes.silent.values(), *shown.silent.values()]
    fine = f"leads to {leader.name}; a row written through it is on {count(len(replicas), 'replica')}"
    return CheckOutcome.of(fine, faults=faults, unknown=silent)


WRITE = Check("pgbouncer-write", "PgBouncer leads to the leader and takes a write that every replica shows", _ask)
