"""The values of one node, layer over layer, and where each comes from.

A value comes from, the later over the earlier: the manifest's default, the blueprint's `settings`, the profile's (then
its `emulated`, where that is so), the node's, overrides for all nodes, overrides for this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labgen.blueprint.loader import LoadedBlueprint
from labgen.blueprint.model import NodeSpec, Profile, Settings
from labgen.lab.model import Node
from labgen.overrides.assignment import MACHINE_VALUES, leaves
from labgen.overrides.model import Tree
from labgen.overrides.result import MapChange, Overrides, joined, merged_parameter

Origins = dict[tuple[str, ...], str]
DEFAULT = "default"


@dataclass(frozen=True)
class Layers:
    """What the values of a lab's nodes are made from. profile: the name of CHOSEN."""

    loaded: LoadedBlueprint
    shared: Settings
    profile: str
    chosen: Profile
    emulated: bool
    wanted: Overrides

    def node(self, spec: NodeSpec) -> Node:
        """SPEC with a value for every parameter of each of its components."""
        settings: dict[str, dict[str, Any]] = {}
        origins: Origins = {}
        for component in spec.components:
            parameters = self.loaded.components[component].manifest.parameters
            values = {name: about.default for name, about in parameters.items()}
            origins |= {(component, name): DEFAULT for name in parameters}
            for given, origin in self._of(spec, component):
                for name, value in given.items():
                    values[name] = merged_parameter(values[name], value)
                    if isinstance(value, MapChange):
                        origins |= {(component, name, *key): origin(name, *key) for key, _ in leaves(value)}
                    else:
                        origins[component, name] = origin(name)
            settings[component] = values
        machine, config = self._machine(spec, origins), self._config(spec, origins)
        return Node(
            spec.name, spec.address, spec.components, machine["memory"], machine["cpus"], settings, config, origins
        )

    def _of(self, spec: NodeSpec, component: str) -> list[tuple[Mapping[str, Any], Callable[..., str]]]:
        """What each layer says of COMPONENT on the node SPEC, with what tells where it does."""
        node, wanted = spec.name, self.wanted
        inside = ("profiles", self.profile)
        layers = [
            (self.shared, self._stands(("settings",), component)),
            (self.chosen.settings, self._stands((*inside, "settings"), component)),
            (self.chosen.emulated if self.emulated else {}, self._stands((*inside, "emulated"), component)),
            (spec.settings, self._stands(self._node_place(node), component)),
            (wanted.everywhere, self._given((), component)),
            (wanted.by_node.get(node, {}), self._given(("nodes", node), component)),
        ]
        return [(settings.get(component, {}), origin) for settings, origin in layers]

    def _stands(self, loc: tuple[str | int, ...], component: str) -> Callable[..., str]:
        return lambda *path: self.loaded.source.position((*loc, component, *path))

    def _node_place(self, node: str) -> tuple[str | int, ...]:
        at = self.loaded.node_index.get(node)
        # One that `labgen scale` has added stands nowhere.
        return () if at is None else ("nodes", at, "settings")

    def _given(self, begin: tuple[str, ...], component: str) -> Callable[..., str]:
        """The longest path that somebody gave a value: that of a map's key, or of the map it is in."""

        def origin(*path: str) -> str:
            whole = (*begin, component, *path)
            found = (self.wanted.origins.get(whole[:end]) for end in range(len(whole), len(begin) + 1, -1))
            return next((text for text in found if text), "")

        return origin

    def _machine(self, spec: NodeSpec, origins: Origins) -> dict[str, int]:
        own = {"memory": spec.memory, "cpus": spec.cpus}
        wanted = self.wanted.machines.get(spec.name, {})
        place = self._node_place(spec.name)[:-1]
        for name in MACHINE_VALUES:
            if name in wanted:
                origins[(name,)] = self.wanted.origins["nodes", spec.name, name]
            else:
                written = (*place, name)
                is_there = bool(place) and written in self.loaded.source.places
                origins[(name,)] = self.loaded.source.position(written) if is_there else DEFAULT
        return {**own, **wanted}

    def _config(self, spec: NodeSpec, origins: Origins) -> dict[str, Tree]:
        """What is changed in the configuration files of the node's components."""
        wanted, node = self.wanted, spec.name
        config: dict[str, Tree] = {}
        for_all: tuple[str, ...] = ("config",)
        for_it = (("nodes", node, "config"), wanted.config_by_node.get(node, {}))
        for begin, trees in ((for_all, wanted.config), for_it):
            for component, tree in trees.items():
                if component in spec.components:
                    config[component] = joined(config.get(component, {}), tree)
                    origin = self._given(begin, component)
                    origins |= {("config", component, *path): origin(*path) for path, _ in leaves(tree)}
        return config
