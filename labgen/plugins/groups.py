"""The entry-point groups: data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PluginGroup:
    """An entry-point group.

    word: what one of its plug-ins adds. names: what an entry point in it has to name. named: whether that has a `name`,
    which has to be the entry point's.
    """

    name: str
    word: str
    names: str
    named: bool = False


BLUEPRINTS = PluginGroup("labgen.blueprints", "blueprint", "a package or a pathlib.Path, a folder with *.yml files")
COMPONENTS = PluginGroup(
    "labgen.components", "component", "a package or a pathlib.Path, a folder with component folders"
)
PROVIDERS = PluginGroup("labgen.providers", "provider", "a class derived from labgen.providers.Provider", named=True)
CHECKS = PluginGroup("labgen.checks", "check", "a labgen.checks.Check", named=True)
FAULTS = PluginGroup("labgen.faults", "fault", "a labgen.faults.model.Fault", named=True)
COMMANDS = PluginGroup("labgen.commands", "command", "a function, or a typer app")
GROUPS = (BLUEPRINTS, COMPONENTS, PROVIDERS, CHECKS, FAULTS, COMMANDS)
