"""Finds blueprints by name or path, without reading them."""

from __future__ import annotations

from pathlib import Path

from labgen.documents import SUFFIXES
from labgen.errors import UnknownNameError, UsageError
from labgen.plugins import BLUEPRINTS, lost, plugin_folders
from labgen.resources import resource


def blueprint_files() -> dict[str, Path]:
    """Name → file of every blueprint that ships with labgen or comes with a package; the first package comes first."""
    roots = [resource("blueprints"), *reversed(plugin_folders(BLUEPRINTS))]
    return {path.stem: path for root in roots for path in sorted(root.glob("*.yml"))}


def find_blueprint(name: str) -> Path:
    """The file of the blueprint NAME, which may be a path; raises UnknownNameError or UsageError."""
    if "/" in name or name.endswith(SUFFIXES):
        path = Path(name)
        if not path.is_file():
            raise UsageError(
                f"there is no blueprint file {name}", cure="give the path of a YAML file, or a name: labgen list"
            )
        return path
    files = blueprint_files()
    if name not in files:
        raise UnknownNameError("blueprint", name, files, more=lost(BLUEPRINTS))
    return files[name]
