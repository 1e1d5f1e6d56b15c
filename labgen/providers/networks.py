"""Whether the lab's address range is free on this host."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from labgen.blueprint.addresses import PRIVATE
from labgen.errors import AddressInUseError, RangeLostError
from labgen.lab.model import Lab
from labgen.providers.base import HeldNetwork, Provider
from labgen.providers.registry import all_providers
from labgen.system.tools import ask

Free = Callable[[], str | None]

NOT_A_RANGE = 8
"""A route to more than a /8 is a way to the whole internet (a VPN's 0.0.0.0/1), not a range in use."""

INTERFACES = Path("/sys/class/net")
NO_NEIGHBOURS = (65534, 512)
"""ARPHRD_NONE and ARPHRD_PPP of Linux's if_arp.h."""


def address_conflicts(lab: Lab, free: Free = lambda: None) -> list[AddressInUseError]:
    """What else on this host holds addresses of the lab's network; the lab's own networks do not count.

    free: finds a range that the lab could have instead.
    """
    return conflicts(lab.network.cidr, _held(lab), host_routes(), free)


def ranges_in_use(lab: Lab) -> list[IPv4Network]:
    """The ranges on this host that the lab cannot have."""
    own = IPv4Network(lab.network.cidr)
    foreign = _foreign(_held(lab), host_routes())
    return [found for network in foreign if (found := _range(network.cidr)) and not _only_passes(network, own)]


def ways_hidden(lab: Lab) -> list[str]:
    """What this host cannot reach any more while the lab is there, each a sentence: the lab lies on the way to it."""
    return hidden(lab.network.cidr, host_routes())


def hidden(cidr: str, routes: list[HeldNetwork]) -> list[str]:
    """The same, of the range CIDR and these ROUTES."""
    own = IPv4Network(cidr)
    return [
        f"the way to {route.cidr} is {route.holder}; what is there in {cidr} cannot be reached while the lab is up"
        for route in routes
        if _only_passes(route, own)
    ]


def free_network(like: IPv4Network, taken: Sequence[IPv4Network]) -> IPv4Network | None:
    """The first range after LIKE, of its size, that overlaps none of TAKEN; past the end of 10/8, 172.16/12 or
    192.168/16 the search goes on at its beginning. None if there is none.
    """
    block = next(private for private in PRIVATE if like.subnet_of(private))
    size = like.num_addresses
    first, own, end = int(block[0]), int(like[0]), int(block[-1]) + 1
    for start, stop in ((own + size, end), (first, own)):
        at = start
        while at < stop:
            candidate = IPv4Network((at, like.prefixlen))
            blocker = next((network for network in taken if network.overlaps(candidate)), None)
            if blocker is None:
                return candidate
            # The next multiple of the size that is not in the blocker: a wide one would take long to walk through.
            at = (max(int(blocker[-1]), int(candidate[-1])) + 1 + size - 1) // size * size
    return None


def _held(lab: Lab) -> list[HeldNetwork]:
    # Whoever holds a range holds it, be the lab of another provider.
    known = all_providers()
    with ThreadPoolExecutor(len(known)) as pool:
        return [network for held in pool.map(lambda provider: _held_by(provider, lab), known) for network in held]


def _held_by(provider: Provider, lab: Lab) -> list[HeldNetwork]:
    try:
        return provider.networks(lab)
    except Exception:
        # Whatever a provider of others does, it ends no lab but its own.
        if provider.name == lab.provider:
            raise
        return []


def _foreign(held: list[HeldNetwork], routes: list[HeldNetwork]) -> list[HeldNetwork]:
    """What of HELD is not the lab's own; a bridge has a route too, but the network it belongs to says more."""
    known = {network.device for network in held}
    return [network for network in held if not network.own] + [r for r in routes if r.device not in known]


def conflicts(
    cidr: str, held: list[HeldNetwork], routes: list[HeldNetwork], free: Free = lambda: None
) -> list[AddressInUseError]:
    """One error for every holder in HELD or ROUTES whose range overlaps CIDR and is not the lab's own."""
    lab_range = IPv4Network(cidr)
    holders = [
        network
        for network in _foreign(held, routes)
        if (other := _range(network.cidr)) and other.overlaps(lab_range) and not _only_passes(network, lab_range)
    ]
    instead = (free() if holders else None) or "…"
    return [
        (RangeLostError if network.lab else AddressInUseError)(
            f"the lab's network {cidr} is in use here: {network.holder} holds {network.cidr}",
            cure=f"give the lab another range: --set network.cidr={instead}\n"
            f"or have this one free: {network.cure or 'stop what uses it'}",
        )
        for network in holders
    ]


def host_routes() -> list[HeldNetwork]:
    """The IPv4 ranges that this host has a route to."""
    answer = ask(["ip", "-json", "-4", "route", "show"])
    return parse_routes(answer.stdout) if answer.rc == 0 else []


def parse_routes(text: str) -> list[HeldNetwork]:
    """The output of `ip -json route show`."""
    try:
        routes: list[dict[str, Any]] = json.loads(text or "[]")
    except ValueError:
        return []
    return [
        HeldNetwork(
            route["dst"],
            f"interface {route['dev']}",
            route["dev"],
            passes="gateway" in route or is_point_to_point(route["dev"]),
        )
        for route in routes
        if route.get("dst", "default") != "default" and "dev" in route
    ]


def is_point_to_point(device: str) -> bool:
    """Whether the interface DEVICE has no neighbours, as a VPN's has none: tun, WireGuard, PPP."""
    try:
        return int((INTERFACES / device / "type").read_text()) in NO_NEIGHBOURS
    except (OSError, ValueError):
        return False


def _only_passes(network: HeldNetwork, own: IPv4Network) -> bool:
    """Whether NETWORK is a way to a wider range than OWN: the kernel takes the narrower one, so the lab works."""
    other = _range(network.cidr)
    return network.passes and other is not None and other != own and own.subnet_of(other)


def _range(cidr: str) -> IPv4Network | None:
    try:
        found = IPv4Network(cidr, strict=False)
    except ValueError:
        # Docker lists IPv6 ranges too.
        return None
    return found if found.prefixlen >= NOT_A_RANGE else None
