"""Folders that packages offer: plug-ins without Python."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from labgen.errors import PluginError
from labgen.plugins.groups import BLUEPRINTS, COMPONENTS, PluginGroup
from labgen.plugins.installed import Plugin, installed
from labgen.plugins.load import load, mend, refused


def plugin_folders(group: PluginGroup) -> list[Path]:
    """The folders in GROUP. A plug-in that cannot be loaded has none; `labgen plugins` tells of it."""
    return [folder for _, folder in _folders(group)]


def load_folders(plugin: Plugin) -> list[Path]:
    """The folders that PLUGIN offers: a package's own, or a path. Raises PluginError."""
    offered: ModuleType | Path | str = load(plugin, (ModuleType, Path, str))
    if not isinstance(offered, ModuleType):
        folders = [Path(offered)]
    elif not (folders := [Path(path) for path in getattr(offered, "__path__", ())]):
        raise refused(plugin, f"{offered.__name__} is a module, and has to be a package or name a path in one")
    for folder in folders:
        if not folder.is_dir():
            raise refused(plugin, f"there is no folder {folder}")
    return folders


def lost(group: PluginGroup) -> str:
    """Whose plug-ins in GROUP cannot be loaded, as a sentence to follow another; empty if all can."""
    packages = []
    for plugin in installed(group):
        try:
            load_folders(plugin)
        except PluginError:
            packages.append(plugin.package)
    if not packages:
        return ""
    return f"; {', '.join(dict.fromkeys(packages))} cannot be loaded, and may have it: labgen plugins"


def cure_for(path: Path) -> str | None:
    """What to do about a faulty file at PATH, if a package from outside brings it."""
    for group in (BLUEPRINTS, COMPONENTS):
        for plugin, folder in _folders(group):
            if path.is_relative_to(folder):
                return mend(plugin)
    return None


def _folders(group: PluginGroup) -> list[tuple[Plugin, Path]]:
    found = []
    for plugin in installed(group):
        try:
            found += [(plugin, folder) for folder in load_folders(plugin)]
        except PluginError:
            continue
    return found
