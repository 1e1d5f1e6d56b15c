"""Entry points through which other packages, and labgen itself, add blueprints, components, providers and checks."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from labgen.errors import UsageError


def entry_point_folders(group: str) -> list[Path]:
    """Folders that installed packages offer under GROUP; an entry point is a package or a `Path`.

    Raises UsageError naming a package that cannot be loaded.
    """
    folders = []
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
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
    return sorted(entry_points(group=group).names)
