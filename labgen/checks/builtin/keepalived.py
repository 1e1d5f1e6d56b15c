"""The VIP: on one node with the network's prefix, on nobody else, and answering SQL there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labgen.checks.builtin.floating_ip import COMMAND, Address, judge_answers, judge_interface, parse_addresses
from labgen.checks.builtin.postgresql import WHERE, SqlEndpoint, clients, parse_server
from labgen.checks.context import Check, Context
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import listed
from labgen.lab.model import Node


def holders(vip: str, held: Mapping[str, Sequence[Address]]) -> list[str]:
    """The nodes that have VIP among their addresses."""
    return [node for node, addresses in held.items() if any(a.address == vip for a in addresses)]


def first_choice(nodes: Sequence[Node]) -> Node | None:
    """The node that takes the VIP whenever it can; None if it stays wherever it is."""
    if not all(node.settings["keepalived"]["preempt"] for node in nodes):
        return None
    # Without numbers of their own the nodes' priorities follow their order, and max() gives the first of equals.
    return max(nodes, key=lambda node: int(node.settings["keepalived"]["priority"]))


def _ask(context: Context) -> CheckOutcome:
    lab, nodes = context.lab, context.lab.nodes_with("keepalived")
    vip = str(nodes[0].settings["keepalived"]["address"])
    places = context.each(lab.nodes, COMMAND)
    held = places.read(parse_addresses)
    there = holders(vip, held)
    if len(there) != 1:
        # A node that says nothing may be the one that has it.
        nowhere = [f"{vip} is on no node"] if len(held) == len(lab.nodes) else []
        faults = [f"{vip} is on {listed(there)} at the same time"] if there else nowhere
        return places.add(CheckOutcome.of("", faults=faults))
    holder = lab.node(there[0])
    faults = judge_interface(vip, lab.network.prefix, holder, held[holder.name])
    best = first_choice(nodes)
    if best and holder.name != best.name:
        faults.append(f"{vip} is on {holder.name}, not on {best.name}, which has the highest priority")
    settings = holder.settings["haproxy"]
    door = SqlEndpoint(context, vip, int(settings["primary_port"] or settings["replica_port"] or settings["web_port"]))
    answers = door.ask(clients(lab, but=holder), WHERE)
    servers = answers.read(parse_server)
    faults += judge_answers(servers) if settings["primary_port"] else []
    fine = f"{lab.network.interface(vip)} is on {holder.name} alone and answers SQL from {listed(answers.outputs)}"
    return answers.add(places.add(CheckOutcome.of(fine, faults=faults)))


CHECK = Check("keepalived-vip", "The VIP is on one node, on nobody else, and answers SQL", _ask)
