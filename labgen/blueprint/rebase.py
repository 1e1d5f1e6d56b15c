"""Moves a blueprint to another network: each address keeps its place, counted from the network's own address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from labgen.blueprint.model import AccessPath, Blueprint, Network, NodeSpec, Profile, Settings
from labgen.components.registry import Component
from labgen.errors import UsageError

ADDRESS = re.compile(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])")


def rebase(
    blueprint: Blueprint, components: Mapping[str, Component], network: IPv4Network, where: str | None = None
) -> Blueprint:
    """BLUEPRINT with the addresses of its nodes, of parameters and of its ways in moved into NETWORK.

    Raises UsageError, naming WHERE the wish came from, when NETWORK is too small, or when an address stands in a value
    that is not one.
    """
    old = IPv4Network(blueprint.network.cidr)
    if network == old:
        return blueprint
    addresses = _Addresses(components, old, network, where)
    moved = blueprint.model_copy(
        update={
            "network": Network(cidr=str(network)),
            "nodes": tuple(addresses.node(node) for node in blueprint.nodes),
            "settings": addresses.settings(blueprint.settings, "settings"),
            "profiles": {name: addresses.profile(profile, name) for name, profile in blueprint.profiles.items()},
            "paths": tuple(addresses.path(path) for path in blueprint.paths),
        }
    )
    addresses.check_room()
    return moved


def move(address: str, old: IPv4Network, new: IPv4Network) -> str:
    """The address that has ADDRESS's place in NEW; it may lie outside of a smaller one."""
    return str(new.network_address + _place(address, old))


def inside(text: str, network: IPv4Network) -> bool:
    """Whether TEXT is an address in NETWORK."""
    try:
        return IPv4Address(text) in network
    except ValueError:
        return False


def _place(address: str, network: IPv4Network) -> int:
    return int(IPv4Address(address)) - int(network.network_address)


class _Addresses:
    """Moves what it is shown, and remembers which address needs the most room."""

    def __init__(
        self, components: Mapping[str, Component], old: IPv4Network, new: IPv4Network, where: str | None
    ) -> None:
        self._components = components
        self._old = old
        self._new = new
        self._where = where
        self._last = str(old.network_address)

    def node(self, node: NodeSpec) -> NodeSpec:
        settings = self.settings(node.settings, f"nodes.{node.name}.settings")
        return node.model_copy(update={"address": self._moved(node.address), "settings": settings})

    def profile(self, profile: Profile, name: str) -> Profile:
        settings = self.settings(profile.settings, f"profiles.{name}.settings")
        emulated = self.settings(profile.emulated, f"profiles.{name}.emulated")
        return profile.model_copy(update={"settings": settings, "emulated": emulated})

    def path(self, path: AccessPath) -> AccessPath:
        if not inside(path.host, self._old):
            return path  # a node's name
        return path.model_copy(update={"host": self._moved(path.host)})

    def settings(self, settings: Settings, place: str) -> Settings:
        moved: Settings = {}
        for component, values in settings.items():
            parameters = self._components[component].manifest.parameters
            moved[component] = {}
            for name, value in values.items():
                if parameters[name].type == "address":
                    moved[component][name] = self._moved(value)
                else:
                    self._refuse_hidden(value, f"{place}.{component}.{name}")
                    moved[component][name] = value
        return moved

    def check_room(self) -> None:
        """Raise UsageError unless the last of the addresses has a place."""
        place = _place(self._last, self._old)
        if place > self._new.num_addresses - 2:
            raise UsageError(
                f"{self._new} is too small for this lab: {self._last} is number {place} in {self._old}",
                where=self._where,
                cure=f"take a range with the prefix length {32 - (place + 1).bit_length()} or shorter",
            )

    def _moved(self, address: str) -> str:
        self._last = max(self._last, address, key=IPv4Address)
        return move(address, self._old, self._new)

    def _refuse_hidden(self, value: Any, place: str) -> None:
        """Moving the rest and leaving an address in some text would make a lab that is wrong in silence."""
        for address in addresses_in(value, self._old):
            raise UsageError(
                f"the lab cannot be moved to {self._new}: {place} holds {address}, and is no parameter of the type "
                "address",
                where=self._where,
                cure=f"leave it in {self._old}, or copy the blueprint and change the addresses there",
            )


def addresses_in(value: Any, network: IPv4Network) -> list[str]:
    """The addresses of NETWORK that stand in the texts of VALUE."""
    return [address for text in _texts(value) for address in ADDRESS.findall(text) if inside(address, network)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)
