"""The VIP: on one node with the network's prefix, on nobody else, and answering SQL there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from labgen.checks.builtin.floating_ip import COMMAND, Address, judge_answers, judge_interface, parse_addresses
from labgen.checks.builtin.postgresql import WHERE, SqlEndpoint, clients, parse_server
from labgen.checks.context import Answers, Check, Context, Unknown
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import listed
from labgen.lab.model import Node

# keepalived writes down all that it knows when it is sent SIGUSR1.
PRIORITY = (
    "rm -f /tmp/keepalived.data; systemctl kill --signal=USR1 --kill-who=main keepalived; "
    "for try in $(seq 50); do grep 'Total priority' /tmp/keepalived.data 2>/dev/null && break; sleep 0.1; done"
)


def holders(vip: str, held: Mapping[str, Sequence[Address]]) -> list[str]:
    """The nodes that have VIP among their addresses."""
    return [node for node, addresses in held.items() if any(a.address == vip for a in addresses)]


def first_choice(nodes: Sequence[Node], told: Mapping[str, int] | None = None) -> Node | None:
    """The node that takes the VIP whenever it can; None if it stays wherever it is.

    TOLD: node → the priority that it has now, by keepalived itself, where that is weighed.
    """
    if not all(node.settings["keepalived"]["preempt"] for node in nodes):
        return None
    if told is not None:
        highest = [node for node in nodes if told.get(node.name) == max(told.values(), default=0)]
        return highest[0] if len(highest) == 1 and len(told) == len(nodes) else None
    # Without numbers of their own the nodes' priorities follow their order, and max() gives the first of equals.
    return max(nodes, key=lambda node: int(node.settings["keepalived"]["priority"]))


def is_weighed(tree: object) -> bool:
    """Whether what is changed in keepalived's configuration, a TREE of blocks, has a priority go up and down."""
    if isinstance(tree, Mapping):
        return any("weight" in str(key).split() or is_weighed(value) for key, value in tree.items())
    values = tree if isinstance(tree, (list, tuple)) else [tree]
    return any("weight" in str(value).split() for value in values)


def parse_priority(text: str) -> int:
    """The priority in the line of keepalived's dump of its data; raises Unknown for any other text."""
    found = re.search(r"^\s*Total priority = (\d+)$", text, re.MULTILINE)
    if not found:
        raise Unknown(f"keepalived tells {text.strip()[:80]!r} instead of its priority")
    return int(found[1])


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
    told = Answers()
    best = first_choice(nodes)
    if best and any(is_weighed(node.config.get("keepalived")) for node in nodes):
        told = context.each(nodes, PRIORITY)
        best = first_choice(nodes, told.read(parse_priority))
    if best and holder.name != best.name:
        faults.append(f"{vip} is on {holder.name}, not on {best.name}, which has the highest priority")
    settings = holder.settings["haproxy"]
    door = SqlEndpoint(context, vip, int(settings["primary_port"] or settings["replica_port"] or settings["web_port"]))
    answers = door.ask(clients(lab, but=holder), WHERE)
    servers = answers.read(parse_server)
    faults += judge_answers(servers) if settings["primary_port"] else []
    fine = f"{lab.network.interface(vip)} is on {holder.name} alone and answers SQL from {listed(answers.outputs)}"
    return answers.joined(told).add(places.add(CheckOutcome.of(fine, faults=faults)))


CHECK = Check("keepalived-vip", "The VIP is on one node, on nobody else, and answers SQL", _ask)
