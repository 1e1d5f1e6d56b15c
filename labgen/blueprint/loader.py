"""Reads blueprints, with every problem in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labgen.blueprint.extends import EXTENDS, put_together
from labgen.blueprint.files import find_blueprint
from labgen.blueprint.model import Blueprint, Sketch
from labgen.blueprint.rules import cross_checks
from labgen.components.registry import Component, component_folders, load_component
from labgen.documents import Source, parse_document, read_document_bytes
from labgen.documents.model import checked
from labgen.errors import DocumentError
from labgen.plugins import cure_for

KIND = "blueprint"


@dataclass(frozen=True)
class LoadedBlueprint:
    """A sound blueprint, the file it came from, where in it each value stands, and the components it uses.

    node_index: node → its place in the file's list.
    """

    blueprint: Blueprint
    path: Path
    source: Source
    components: Mapping[str, Component]
    node_index: Mapping[str, int]


def load_blueprint(path: Path, component_roots: tuple[Path, ...] = ()) -> LoadedBlueprint:
    """Read and check the blueprint at PATH; raises DocumentError with all its problems, and whose it is."""
    try:
        return _load(path, component_roots)
    except DocumentError as error:
        error.cure = error.cure or cure_for(path)
        raise


def _load(path: Path, component_roots: tuple[Path, ...]) -> LoadedBlueprint:
    draft = checked(put_together(path, find_blueprint, KIND), Blueprint, sketch=Sketch)
    folders = component_folders(component_roots)
    problems = list(draft.problems)
    components: dict[str, Component] = {}
    if draft.value is not None:
        used = {name for node in draft.value.nodes for name in node.components}
        components = {name: load_component(folders[name]) for name in sorted(used & folders.keys())}
        problems += cross_checks(draft.value, draft.source, components, folders, draft.plain)
    if problems or draft.value is None:
        raise DocumentError(draft.source.sort(problems))
    places = {node.name: at for at, node in enumerate(draft.value.nodes)}
    return LoadedBlueprint(draft.value, path, draft.source, components, places)


def whole_text(path: Path) -> bytes:
    """The blueprint at PATH as one document: what it extends is in it, so that it can stand alone.

    Raises DocumentError when it cannot be read.
    """
    own = read_document_bytes(path, kind=KIND)
    if EXTENDS.encode() not in own or EXTENDS not in parse_document(path, kind=KIND).plain:
        return own
    parsed = put_together(path, find_blueprint, KIND)
    return (
        f"# {path.name}, with what it extends.\n".encode()
        + yaml.safe_dump(_lists(parsed.plain), sort_keys=False, allow_unicode=True, width=120).encode()
    )


def _lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _lists(inner) for key, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, tuple) else value
