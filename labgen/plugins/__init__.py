"""What installed packages add to labgen, and what labgen itself registers in the same way: by entry points."""

from labgen.plugins.folders import cure_for, load_folders, lost, plugin_folders
from labgen.plugins.groups import BLUEPRINTS, CHECKS, COMMANDS, COMPONENTS, FAULTS, GROUPS, PROVIDERS, PluginGroup
from labgen.plugins.installed import Plugin, installed, reread_plugins
from labgen.plugins.load import guarded, load, load_plugin, mend, plugin_names, plugins_that_load, refused, taken_by

__all__ = [
    "BLUEPRINTS",
    "CHECKS",
    "COMMANDS",
    "COMPONENTS",
    "FAULTS",
    "GROUPS",
    "PROVIDERS",
    "Plugin",
    "PluginGroup",
    "cure_for",
    "guarded",
    "installed",
    "load",
    "load_folders",
    "load_plugin",
    "lost",
    "mend",
    "plugin_folders",
    "plugin_names",
    "plugins_that_load",
    "refused",
    "reread_plugins",
    "taken_by",
]
