"""`plugins`: what installed packages add to labgen, and what of it is not in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labgen import __version__
from labgen.blueprint.loader import load_blueprint
from labgen.checks import Check
from labgen.components.registry import MANIFEST, load_component
from labgen.errors import LabgenError, PluginError
from labgen.faults.model import Fault
from labgen.plugins import (
    BLUEPRINTS,
    CHECKS,
    COMMANDS,
    COMPONENTS,
    FAULTS,
    GROUPS,
    PROVIDERS,
    Plugin,
    PluginGroup,
    installed,
    load,
    load_folders,
    mend,
    taken_by,
)
from labgen.providers import Provider
from labgen.resources import resource

LOADED, PARTLY, FAILED = "loaded", "partly loaded", "failed"
OBJECTS: Mapping[str, type] = {PROVIDERS.name: Provider, CHECKS.name: Check, FAULTS.name: Fault}
FOLDERS: Mapping[str, tuple[str, Callable[[Path], object]]] = {
    BLUEPRINTS.name: ("*.yml", load_blueprint),
    COMPONENTS.name: (f"*/{MANIFEST}", lambda path: load_component(path.parent)),
}
"""PluginGroup of folders → which files in one are a plug-in each, and what reads such a file."""
SHIPPED: Mapping[PluginGroup, str] = {BLUEPRINTS: "blueprints", COMPONENTS: "scripts"}
"""Labgen's own folders."""


@dataclass(frozen=True)
class PluginReport:
    """What came of a plug-in. adds: what there is because of it. problems: a line each. cure: what to do about them."""

    plugin: Plugin
    adds: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def status(self) -> str:
        return LOADED if not self.problems else PARTLY if self.adds else FAILED

    @property
    def cure(self) -> str:
        return mend(self.plugin) if self.problems else ""


TryCommand = Callable[[Plugin], object]
"""Raises PluginError if the plug-in can be no command."""


def shipped() -> dict[PluginGroup, list[Plugin]]:
    """What labgen has itself, by group; its commands are not registered anywhere. Nothing is imported."""
    own = {group: [plugin for plugin in installed(group) if plugin.builtin] for group in GROUPS if group != COMMANDS}
    for group, name in SHIPPED.items():
        folder = resource(name)
        files = sorted(folder.glob(FOLDERS[group.name][0]))
        names = [file.parent.name if file.name == MANIFEST else file.stem for file in files]
        own[group] += [Plugin(group.name, it, name, "labgen", __version__, folder) for it in names]
    return own


def inspect_plugins(try_command: TryCommand) -> list[PluginReport]:
    """Load all that packages from outside register, and say what came of it."""
    taken = {group: {plugin.name: "labgen" for plugin in own} for group, own in shipped().items()}
    reports = []
    for group in GROUPS:
        for plugin in installed(group):
            if not plugin.builtin:
                reports.append(_report(group, plugin, taken.setdefault(group, {}), try_command))
    return reports


def _report(group: PluginGroup, plugin: Plugin, taken: dict[str, str], try_command: TryCommand) -> PluginReport:
    try:
        if group.name in FOLDERS:
            return _report_folders(plugin, taken)
        if other := taken_by(plugin):
            return PluginReport(plugin, (), (f"{other} has a {group.word} of this name, which comes first",))
        if group == COMMANDS:
            try_command(plugin)
        else:
            load(plugin, OBJECTS[group.name])
    except PluginError as error:
        return PluginReport(plugin, (), (error.reason,))
    return PluginReport(plugin, (plugin.name,), ())


def _report_folders(plugin: Plugin, taken: dict[str, str]) -> PluginReport:
    """TAKEN, name → package, becomes more; labgen's own give way."""
    pattern, read = FOLDERS[plugin.group]
    adds, problems = [], []
    for file in (file for folder in load_folders(plugin) for file in sorted(folder.glob(pattern))):
        name = file.parent.name if file.name == MANIFEST else file.stem
        other = taken.get(name)
        if other not in (None, "labgen"):
            problems.append(f"{name}: {other} has one of this name, which comes first")
            continue
        taken[name] = plugin.package
        try:
            read(file)
        except (LabgenError, OSError, UnicodeError) as error:
            problems += [f"{name}: {line}" for line in _lines(error)]
        else:
            adds.append(f"{name} (in place of labgen's)" if other else name)
    if not adds and not problems:
        problems.append(f"there is no {pattern} in its folder")
    return PluginReport(plugin, tuple(adds), tuple(problems))


def _lines(error: Exception) -> Sequence[str]:
    return (error.detail or (error.what,)) if isinstance(error, LabgenError) else (str(error),)
