"""Commands that other packages add, through the entry-point group `labgen.commands`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labgen.cli.lazy import Row
from labgen.plugins import COMMANDS, Plugin, guarded, installed, load, refused


@dataclass(frozen=True)
class PluginRow(Row):
    """A command of another package; whatever is wrong with it raises PluginError."""

    plugin: Plugin | None = None

    def find(self) -> Any:
        assert self.plugin is not None  # noqa: S101  a field after one with a default has to have one
        return load(self.plugin, (Callable,))  # type: ignore[arg-type]

    def command(self) -> Any:
        assert self.plugin is not None  # noqa: S101
        return guarded(self.plugin, super().command)


def plugin_rows() -> Iterable[PluginRow]:
    """The commands of other packages; nothing is imported."""
    return [_row(plugin) for plugin in installed(COMMANDS)]


def try_command(plugin: Plugin) -> None:
    """Raise PluginError if PLUGIN cannot be a command of labgen."""
    if plugin.name in {own.name for own in own_commands()}:
        raise refused(plugin, "labgen has a command of this name itself")
    _row(plugin).command()


def own_commands() -> list[Plugin]:
    """Labgen's own commands, as if they were registered."""
    from labgen import __version__
    from labgen.cli.table import Commands

    site = Path(__file__).parent
    return [Plugin(COMMANDS.name, row.name, row.target, "labgen", __version__, site) for row in Commands.rows]


def _row(plugin: Plugin) -> PluginRow:
    summary = f"From the package {plugin.package} {plugin.version}."
    return PluginRow(plugin.name, summary, plugin.value, plugin=plugin)
