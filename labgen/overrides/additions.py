"""Files and steps of the user's, checked against a blueprint and put into overrides."""

from __future__ import annotations

from collections.abc import Mapping

from labgen.blueprint.model import Blueprint
from labgen.components.registry import Component
from labgen.errors import UnknownNameError, UsageError
from labgen.overrides.assignment import UserAddition
from labgen.overrides.model import UserFile, UserStep
from labgen.overrides.result import Overrides


class Additions:
    """Takes one after the other; raises UsageError for what does not fit."""

    def __init__(self, overrides: Overrides, blueprint: Blueprint, components: Mapping[str, Component]) -> None:
        self._into, self._components = overrides, components
        self._carried = {node.name: node.components for node in blueprint.nodes}

    def file(self, given: UserAddition, at: int, before: int) -> None:
        about = given.about
        assert isinstance(about, UserFile)  # noqa: S101 - the caller's
        if before != at:
            raise UsageError(f"{about.path} is already the path of files[{before}]", where=given.origin)
        for node in about.nodes:
            self._known_node(node, given.origin)
        if about.path.startswith("/opt/labgen/"):
            raise UsageError("/opt/labgen is labgen's own", where=given.origin, cure="put the file elsewhere")
        for node, components in self._carried.items():
            if about.nodes and node not in about.nodes:
                continue
            for name in components:
                manifest = self._components[name].manifest
                if any(file.path == about.path for file in manifest.files):
                    of_config = manifest.config is not None and manifest.config.file == about.path
                    raise UsageError(
                        f"{name} writes {about.path} itself, on {node}, and would overwrite it",
                        where=given.origin,
                        cure=f"change its keys: config.{name}" if of_config else f"see the parameters of {name}",
                    )
        self._into.files[about.path, about.nodes] = given
        self._into.origins["files", about.path] = given.origin

    def step(self, given: UserAddition, at: int, before: int) -> None:
        about = given.about
        assert isinstance(about, UserStep)  # noqa: S101 - the caller's
        if before != at:
            raise UsageError(f"'{about.name}' is already the name of steps[{before}]", where=given.origin)
        component, _, stage = str(about.before or about.after).rpartition("/")
        if about.before and stage == "install":
            raise UsageError(
                "images hold what the install stage makes, and steps of one's own run on the nodes only",
                where=given.origin,
                cure=f"after: {about.before}, or before: {'' if not component else component + '/'}configure",
            )
        for node in about.nodes:
            self._known_node(node, given.origin)
        if component:
            if component not in self._components:
                raise UnknownNameError("component in this lab", component, self._components, where=given.origin)
            stages = self._components[component].stages
            if stage not in stages:
                raise UnknownNameError(f"stage of {component}", stage, stages, where=given.origin)
            for node in about.nodes:
                if component not in self._carried[node]:
                    raise UnknownNameError(f"component on {node}", component, self._carried[node], where=given.origin)
        self._into.steps[about.name] = given
        self._into.origins["steps", about.name] = given.origin

    def _known_node(self, name: str, where: str) -> str:
        if name not in self._carried:
            raise UnknownNameError("node", name, self._carried, where=where)
        return name
