"""Cutting a node off its lab's network from within, with `tc` alone: every image has it, and few have iptables.

A filter with a number of its own on the interface that has the node's lab address drops packets; nobody else's filters
are looked at, and the management interface, over which SSH comes, is another one. What is dropped here is lost as on a
broken cable: unlike with a firewall's rule for OUTPUT, no program on the node is told "not permitted".
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

PREFERENCE = 48879
"""The filters' number, by which they are found again."""
BOTH = ("ingress", "egress")

# Classic BPF as (code, jump if true, jump if false, operand); a packet begins with its Ethernet header.
Program = list[tuple[int, int, int, int]]
LOAD_HALF, LOAD_BYTE, LOAD_HALF_BEYOND_HEADER, HEADER_LENGTH, EQUAL, RETURN = 40, 48, 72, 177, 21, 6
IPV4, TCP, UDP = 0x0800, 6, 17
PASS, DROP = 0xFFFFFFFF, 2  # TC_ACT_UNSPEC, TC_ACT_SHOT


def everything() -> Program:
    """Drops every packet, ARP too."""
    return [(RETURN, 0, 0, DROP)]


def ports(source: Iterable[int] = (), destination: Iterable[int] = ()) -> Program:
    """Drops TCP and UDP whose source port is in SOURCE or whose destination port is in DESTINATION."""
    tests: Program = []
    for offset, wanted in ((14, sorted(source)), (16, sorted(destination))):
        if wanted:
            tests.append((LOAD_HALF_BEYOND_HEADER, 0, 0, offset))
            tests += [(EQUAL, 1, 0, port) for port in wanted]
    head = 6
    allow, drop = head + len(tests), head + len(tests) + 1
    program: Program = [
        (LOAD_HALF, 0, 0, 12),
        (EQUAL, 0, allow - 2, IPV4),
        (LOAD_BYTE, 0, 0, 23),
        (EQUAL, 1, 0, TCP),
        (EQUAL, 0, allow - 5, UDP),
        (HEADER_LENGTH, 0, 0, 14),
    ]
    for at, (code, jump, _, operand) in enumerate(tests, head):
        program.append((code, drop - at - 1 if jump else 0, 0, operand))
    return [*program, (RETURN, 0, 0, PASS), (RETURN, 0, 0, DROP)]


def bytecode(program: Program) -> str:
    """PROGRAM as `tc` takes it."""
    return ",".join([str(len(program)), *(" ".join(map(str, step)) for step in program)]) + ","


def cut(address: str, program: Program, directions: Iterable[str] = BOTH) -> str:
    """A command that has PROGRAM look at the packets of the interface with ADDRESS, in DIRECTIONS."""
    return _program(address, bytecode(program), directions)


def cut_ports_of(address: str, find_ports: str, number: int) -> str:
    """A command that drops what goes out to the TCP ports, NUMBER in all, that the shell command FIND_PORTS prints."""
    places = range(65535, 65535 - number, -1)
    text = bytecode(ports(destination=places))
    for index, place in enumerate(places):
        text = text.replace(str(place), f"${{ports[{index}]}}")
    find = (
        f"mapfile -t ports < <({find_ports})\n"
        f'[[ "${{ports[*]}}" =~ ^[0-9]+(\\ [0-9]+)*$ && ${{#ports[@]}} == {number} ]] || '
        f'{{ echo "not {number} connections but ${{#ports[@]}}" >&2; exit 1; }}\n'
    )
    return find + _program(address, text, ["egress"])


def restore(address: str) -> str:
    """The command that takes the filters away again; nothing to take away is success."""
    return (
        f"{_device(address)}"
        f"for way in {' '.join(BOTH)}; do\n"
        f'  tc filter del dev "$dev" $way pref {PREFERENCE} 2>/dev/null || true\n'
        "done\n"
        # Where filters of somebody else's are left, the place for them stays too.
        'if [ -z "$(tc filter show dev "$dev" ingress; tc filter show dev "$dev" egress)" ]; then\n'
        '  tc qdisc del dev "$dev" clsact 2>/dev/null || true\n'
        "fi\n"
        f'! {{ tc filter show dev "$dev" ingress; tc filter show dev "$dev" egress; }} | grep -q "pref {PREFERENCE} "'
    )


def _program(address: str, text: str, directions: Iterable[str]) -> str:
    lines = [
        _device(address).rstrip("\n"),
        'tc qdisc show dev "$dev" | grep -q "qdisc clsact" || tc qdisc add dev "$dev" clsact',
    ]
    lines += [
        f'tc filter replace dev "$dev" {way} pref {PREFERENCE} handle 1 protocol all bpf da bytecode "{text}"'
        for way in directions
    ]
    return " &&\n".join(lines)


def _device(address: str) -> str:
    to = shlex.quote(address)
    return (
        f"dev=$(ip -o -4 address show to {to} | awk '{{ print $2; exit }}')\n"
        f'[ -n "$dev" ] || {{ echo "no interface has "{to} >&2; exit 1; }}\n'
    )
