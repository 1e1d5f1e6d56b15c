"""Finds blueprints by name or path and reads them, with every fault in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labgen.blueprint.model import Blueprint, Sketch
from labgen.blueprint.rules import faults_across
from labgen.components.registry import Component, component_folders, load_component
from labgen.documents import Source, draft_document
from labgen.errors import BlueprintError, UnknownNameError, UsageError
from labgen.plugins import entry_point_folders
from labgen.resources import resource


@dataclass(frozen=True)
class LoadedBlueprint:
    """A sound blueprint, the file it came from, where in it each value stands, and the components it uses."""

    blueprint: Blueprint
    path: Path
    source: Source
    components: Mapping[str, Component]


def blueprint_files() -> dict[str, Path]:
    """Name → file of every blueprint that ships with labgen or comes from a plugin."""
    roots = [resource("blueprints"), *entry_point_folders("labgen.blueprints")]
    return {path.stem: path for root in roots for path in sorted(root.glob("*.yml"))}


def find_blueprint(name: str) -> Path:
    """The file of the blueprint NAME, which may be a path; raises UnknownNameError or UsageError."""
    if "/" in name or name.endswith((".yml", ".yaml")):
        path = Path(name)
        if not path.is_file():
            raise UsageError(
                f"there is no blueprint file {name}", cure="give the path of a YAML file, or a name: labgen list"
            )
        return path
    files = blueprint_files()
    if name not in files:
        raise UnknownNameError("blueprint", name, files)
    return files[name]


def load_blueprint(path: Path, component_roots: tuple[Path, ...] = ()) -> LoadedBlueprint:
    """Read and check the blueprint at PATH; raises BlueprintError with all its faults."""
    draft = draft_document(path, Blueprint, kind="blueprint", sketch=Sketch)
    folders = component_folders(component_roots)
    faults = list(draft.faults)
    components: dict[str, Component] = {}
    if draft.value is not None:
        used = {name for node in draft.value.nodes for name in node.components}
        components = {name: load_component(folders[name]) for name in sorted(used & folders.keys())}
        faults += faults_across(draft.value, draft.source, components, folders, draft.plain)
    if faults or draft.value is None:
        raise BlueprintError(draft.source.sort(faults))
    return LoadedBlueprint(draft.value, path, draft.source, components)
