"""`list`: blueprints and labs, a line each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labgen.actions.session.networks import lab_range
from labgen.blueprint.loader import blueprint_files
from labgen.blueprint.model import Blueprint
from labgen.documents import read_document
from labgen.errors import LabgenError
from labgen.state import all_labs


def blueprint_lines() -> list[dict[str, Any]]:
    """Name, title, number of nodes and profiles (the default first) of every blueprint; a faulty one says so."""
    lines = []
    for name, path in blueprint_files().items():
        try:
            blueprint = read_document(path, Blueprint, kind="blueprint").value
        except LabgenError as error:
            lines.append({"name": name, "title": error.what, "nodes": 0, "profiles": []})
            continue
        default = blueprint.default_profile
        profiles = [default, *(profile for profile in blueprint.profiles if profile != default)]
        lines.append({"name": name, "title": blueprint.title, "nodes": len(blueprint.nodes), "profiles": profiles})
    return lines


def lab_lines() -> list[dict[str, Any]]:
    """Name, blueprint, network, profile and provider of every lab; a damaged one is named nevertheless."""
    lines = []
    for folder in all_labs():
        try:
            record, network = folder.record(), lab_range(folder)
        except LabgenError:
            lines.append({"name": folder.name, "blueprint": "damaged", "network": "", "profile": "", "provider": ""})
            continue
        line = {"name": record.name, "blueprint": Path(record.blueprint).stem, "network": network}
        lines.append({**line, "profile": record.profile, "provider": record.provider, "folder": str(folder.path)})
    return lines
