"""What a lab's network and the addresses in it may be."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network

PRIVATE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


def network_problem(text: str) -> str | None:
    """What is wrong with TEXT as the range of a lab."""
    if re.fullmatch(r"[0-9.]+", text):
        return f"'{text}' has no prefix length; write it like 192.168.60.0/24"
    try:
        network = IPv4Network(text)
    except ValueError:
        try:
            cure = f"; did you mean {IPv4Network(text, strict=False)}?"
        except ValueError:
            cure = "; write it like 192.168.60.0/24"
        return f"'{text}' is not an IPv4 network{cure}"
    if not any(network.subnet_of(private) for private in PRIVATE):
        return f"{text} is not a private range (10/8, 172.16/12 or 192.168/16)"
    if not 16 <= network.prefixlen <= 29:
        return f"{text} must have a prefix length from 16 to 29"
    return None


def address_problem(text: str, network: IPv4Network | None) -> str | None:
    """What is wrong with TEXT as an address in NETWORK; the first address belongs to the host's bridge."""
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return f"'{text}' is not an IPv4 address"
    if network is None:
        return None
    if address not in network:
        return f"{text} lies outside the lab's network {network}"
    if address in (network.network_address, network.broadcast_address):
        return f"{text} is the network's own or its broadcast address"
    if address == network.network_address + 1:
        return f"{text} is taken: the first address of the network belongs to the host"
    return None
