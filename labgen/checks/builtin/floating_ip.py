"""The floating IP: on the leader's interface with the network's prefix, on nobody else, and answering SQL there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labgen.checks.builtin.patroni import leader_node
from labgen.checks.builtin.postgresql import WHERE, Server, SqlEndpoint, clients, parse_server
from labgen.checks.context import Check, Context, Unknown
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import listed
from labgen.lab.model import Node
from labgen.reading import parse_json

COMMAND = "ip -j -4 address show"
PORT = 5432


@dataclass(frozen=True)
class Address:
    """One IPv4 address of a node."""

    interface: str
    address: str
    prefix: int


def parse_addresses(text: str) -> tuple[Address, ...]:
    """The addresses in the output of `ip -j -4 address show`."""
    try:
        # Interfaces without an IPv4 address are empty objects in some versions and left out in others.
        return tuple(
            Address(str(link["ifname"]), str(info["local"]), int(info["prefixlen"]))
            for link in parse_json(text)
            for info in link.get("addr_info", ())
            if "local" in info
        )
    except (ValueError, LookupError, TypeError, AttributeError) as why:
        raise Unknown(f"`ip -j address` printed {text.strip()[:80]!r}") from why


def judge_place(floating: str, prefix: int, leader: Node, held: Mapping[str, Sequence[Address]]) -> list[str]:
    """What is wrong with the place of FLOATING, given the addresses that each node has."""
    holders = [node for node, addresses in held.items() if any(a.address == floating for a in addresses)]
    others = [node for node in holders if node != leader.name]
    if leader.name in holders:
        faults = [f"{floating} is on {listed(others)} as well as on the leader {leader.name}"] if others else []
    else:
        faults = [f"{floating} is on {listed(others)}, not on the leader {leader.name}"] if others else []
        if leader.name in held and not others:
            faults = [f"{floating} is on no node; the leader is {leader.name}"]
    return faults + judge_interface(floating, prefix, leader, held.get(leader.name, ()))


def judge_interface(floating: str, prefix: int, node: Node, addresses: Sequence[Address]) -> list[str]:
    """What is wrong with how FLOATING sits among the ADDRESSES of NODE."""
    faults = []
    own = [a.interface for a in addresses if a.address == node.address]
    for address in addresses:
        if address.address != floating:
            continue
        if address.prefix != prefix:
            faults.append(f"{floating} has the prefix /{address.prefix} on {node.name}, expected /{prefix}")
        if own and address.interface not in own:
            faults.append(f"{floating} is on {address.interface}, but {node.name}'s lab address is on {listed(own)}")
    return faults


def judge_answers(servers: Mapping[str, Server]) -> list[str]:
    """What is wrong with the server that answers, by the node that asked."""
    return [f"from {source} it leads to a replica" for source, server in servers.items() if not server.writable]


def _ask(context: Context) -> CheckOutcome:
    lab, leader = context.lab, leader_node(context)
    floating = str(lab.nodes_with("floating-ip")[0].settings["floating-ip"]["address"])
    places = context.each(lab.nodes, COMMAND)
    held = places.read(parse_addresses)
    faults = judge_place(floating, lab.network.prefix, leader, held)
    answers = SqlEndpoint(context, floating, PORT).ask(clients(lab, but=leader), WHERE)
    faults += judge_answers(answers.read(parse_server))
    fine = f"{lab.network.interface(floating)} is on {leader.name} alone and answers SQL from {listed(answers.outputs)}"
    return answers.add(places.add(CheckOutcome.of(fine, faults=faults)))


CHECK = Check("floating-ip", "The floating IP is on the leader, on nobody else, and answers SQL", _ask)
