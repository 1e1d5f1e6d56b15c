"""`list`: blueprints and labs, a line each. It looks at as little as it can: one waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labgen.blueprint.extends import put_together
from labgen.blueprint.files import blueprint_files, find_blueprint
from labgen.errors import LabgenError
from labgen.system.folders import state_folder

KIND = "blueprint"


def blueprint_lines() -> list[dict[str, Any]]:
    """Name, title, number of nodes and profiles (the default first) of every blueprint.

    One that has problems in what a line tells says so; `validate` looks at the rest.
    """
    lines = []
    for name, path in blueprint_files().items():
        try:
            lines.append({"name": name, **_summary(path)})
        except LabgenError as error:
            lines.append({"name": name, "title": error.what, "nodes": 0, "profiles": []})
    return lines


def _summary(path: Path) -> dict[str, Any]:
    """What a line tells of the blueprint at PATH; raises LabgenError where it is not to be had."""
    plain = put_together(path, find_blueprint, KIND).plain
    title, nodes, profiles = (plain.get(key) for key in ("title", "nodes", "profiles"))
    if isinstance(title, str) and isinstance(nodes, tuple) and isinstance(profiles, Mapping):
        default = [name for name, about in profiles.items() if isinstance(about, Mapping) and about.get("default")]
        return {"title": title, "nodes": len(nodes), "profiles": list(dict.fromkeys([*default[:1], *profiles]))}
    from labgen.blueprint.loader import load_blueprint  # noqa: PLC0415 - it says what is wrong

    whole = load_blueprint(path).blueprint
    return {"title": whole.title, "nodes": len(whole.nodes), "profiles": list(whole.profiles)}


def elsewhere_lines() -> list[dict[str, Any]]:
    """Name, nodes, provider and maker of every lab on this host that is not of this folder of labs."""
    from labgen.providers import all_providers  # noqa: PLC0415 - only where it is asked for
    from labgen.state import owner  # noqa: PLC0415

    lines: dict[tuple[str, str, str], dict[str, Any]] = {}
    mine = owner().id
    for provider in all_providers():
        if provider.problems():
            continue
        for thing in provider.marked():
            if thing.owner != mine:
                line = {"name": thing.lab, "nodes": [], "provider": provider.name, "made_by": thing.origin or "unknown"}
                lines.setdefault((thing.lab, thing.owner, provider.name), line)
                lines[thing.lab, thing.owner, provider.name]["nodes"] += [thing.node] if thing.node else []
    return [lines[key] for key in sorted(lines)]


def lab_lines() -> list[dict[str, Any]]:
    """Name, blueprint, network, profile and provider of every lab; a damaged one is named nevertheless."""
    if not any((state_folder() / "labs").glob("[a-z]*")):
        return []
    from labgen.actions.session.networks import lab_range  # noqa: PLC0415 - most of labgen comes with it
    from labgen.state import all_labs  # noqa: PLC0415

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
