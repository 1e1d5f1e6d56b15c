"""Entry points through which other packages, and labgen itself, add blueprints, components, providers and checks."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from labgen.errors import UsageError


def points(group: str) -> EntryPoints:
    """What installed packages offer under GROUP; nothing is imported."""
    found: EntryPoints = _installed(tuple(sys.path)).select(group=group)
    return found


@cache
def _installed(_path: tuple[str, ...]) -> Any:
    """All entry points: every installed package is looked into, which takes some 10 ms."""
    return entry_points()


def entry_point_folders(group: str) -> list[Path]:
    """Folders that installed packages offer under GROUP; an entry point is a package or a `Path`.

    Raises UsageError naming a package that cannot be loaded.
    """
    folders = []
    for point in sorted(points(group), key=lambda point: point.name):
        try:
            offered = point.load()
        except Exception as error:  # whatever somebody else's package does when it is imported
            package = point.dist.name if point.dist else point.value
            raise UsageError(
                f"the plugin '{point.name}' of {package} cannot be loaded: {type(error).__name__}: {error}",
                cure=f"mend or uninstall {package}",
            ) from None
        if isinstance(offered, ModuleType):
            folders += [Path(path) for path in offered.__path__]
        else:
            folders.append(Path(offered))
    return folders


def entry_point_names(group: str) -> list[str]:
    """What installed packages register under GROUP, by name; nothing is imported."""
    return sorted(points(group).names)
