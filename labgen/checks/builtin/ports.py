"""Ports: what should listen does, and nothing can be reached from beyond loopback and the lab's network but SSH."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from labgen.checks.context import Check, Context, Unknown
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import count, listed
from labgen.lab.expressions import Expressions
from labgen.lab.model import Lab, Node, matches

COMMAND = "ss -lntupH"
SSH = ("tcp", 22)
DHCP_CLIENTS = (("udp", 68), ("udp", 546))


@dataclass(frozen=True)
class Socket:
    """A listening socket; ADDRESS is None if it listens on all addresses."""

    protocol: str
    address: IPv4Address | IPv6Address | None
    port: int
    program: str = ""

    def __str__(self) -> str:
        where = f"{self.address or '*'}:{self.port}/{self.protocol}"
        return f"{self.program} on {where}" if self.program else where


def parse_sockets(text: str) -> tuple[Socket, ...]:
    """The sockets in the output of `ss -lntupH`."""
    sockets = []
    for line in text.splitlines():
        words = line.split(None, 6)
        if len(words) < 6:
            continue
        host, _, port = words[4].rpartition(":")
        host = re.sub(r"%[^\]]*", "", host).strip("[]")  # 127.0.0.53%lo, [fe80::1]%eth0
        program = re.search(r'\(\("([^"]+)"', words[6]) if len(words) > 6 else None
        try:
            address = None if host == "*" else ip_address(host)
            sockets.append(
                Socket(
                    words[0],
                    None if address is None or address.is_unspecified else address,
                    int(port),
                    program.group(1) if program else "",
                )
            )
        except ValueError as why:
            raise Unknown(f"ss printed a line that cannot be read: {line.strip()[:80]!r}") from why
    return tuple(sockets)


def expected_sockets(lab: Lab, node: Node) -> tuple[Socket, ...]:
    """What must listen on NODE, by its components' manifests and the blueprint's ways in."""
    own, loopback = ip_address(node.address), ip_address("127.0.0.1")
    expressions = Expressions(lab)
    found: list[Socket] = []
    for component in node.components:
        for listen in lab.components[component].manifest.listens:
            port = int(expressions.text(str(listen.port), node, component))
            if port and matches(node.settings[component], listen.when):
                found.append(Socket(listen.protocol, own if listen.on == "node" else loopback, port))
    # What the blueprint names as a way in must be there whatever component brings it.
    found += [Socket("tcp", own, path.port) for path in lab.blueprint.paths if path.host == node.name]
    return tuple(dict.fromkeys(found))


def judge_sockets(lab: Lab, node: Node, sockets: Sequence[Socket]) -> list[str]:
    """What is wrong on NODE."""
    there = {(socket.protocol, socket.address, socket.port) for socket in sockets}
    missing = [
        wanted
        for wanted in expected_sockets(lab, node)
        if (wanted.protocol, wanted.address, wanted.port) not in there
        and (wanted.protocol, None, wanted.port) not in there
    ]
    open_ones = dict.fromkeys(socket for socket in sockets if not _allowed(lab, socket))
    faults = [f"{node.name}: nothing listens on {listed(map(str, missing))}"] if missing else []
    if open_ones:
        faults.append(f"{node.name}: open beyond the lab: {listed(map(str, open_ones))}")
    return faults


def _allowed(lab: Lab, socket: Socket) -> bool:
    if (socket.protocol, socket.port) in (SSH, *DHCP_CLIENTS):
        return True
    return socket.address is not None and (socket.address.is_loopback or str(socket.address) in lab.network)


def _ask(context: Context) -> CheckOutcome:
    lab = context.lab
    answers = context.each(lab.nodes, COMMAND)
    faults = []
    seen = answers.read(parse_sockets)
    for node, sockets in seen.items():
        faults += judge_sockets(lab, lab.node(node), sockets)
    expected = sum(len(expected_sockets(lab, lab.node(node))) for node in seen)
    fine = f"{count(expected, 'expected port')} there, only SSH open beyond {lab.network.cidr} and loopback"
    return answers.add(CheckOutcome.of(fine, faults=faults))


CHECK = Check("ports", "What should listen does, and only SSH is open beyond the lab's network", _ask)
