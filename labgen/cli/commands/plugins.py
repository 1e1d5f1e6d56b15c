"""`labgen plugins`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labgen.cli.console import out, print_json
from labgen.cli.options import Json

if TYPE_CHECKING:
    from labgen.actions.plugins import PluginReport
    from labgen.plugins import Plugin, PluginGroup

All = Annotated[bool, typer.Option("--all", help="List labgen's own, too.", show_default=False)]


def command(all_: All = False, json: Json = False) -> None:
    """List what other packages add to labgen, and what of that is not in order."""
    from labgen.actions.plugins import inspect_plugins, shipped
    from labgen.cli.plugged import own_commands, try_command
    from labgen.plugins import COMMANDS

    reports, own = inspect_plugins(try_command), {**shipped(), COMMANDS: own_commands()}
    if json:
        print_json(_document(reports, own, all_))
        return
    if all_:
        _print_own(own)
    _print_reports(reports)
    counts = [f"{len(plugins)} {group.word}s" for group, plugins in own.items()]
    out.print(f"labgen itself has {', '.join(counts[:-1])} and {counts[-1]}.")


def _document(reports: list[PluginReport], own: dict[PluginGroup, list[Plugin]], all_: bool) -> dict[str, Any]:
    from labgen.plugins import GROUPS

    groups = [
        {"group": group.name, "adds": group.word, "names": group.names, "own": len(own[group])} for group in GROUPS
    ]
    plugins = [
        {
            **_about(report.plugin),
            "status": report.status,
            "adds": list(report.adds),
            "problems": list(report.problems),
            "cure": report.cure,
        }
        for report in reports
    ]
    shipped = [_about(plugin) for plugins in own.values() for plugin in plugins]
    return {"groups": groups, "plugins": plugins, **({"own": shipped} if all_ else {})}


def _about(plugin: Plugin) -> dict[str, Any]:
    about = asdict(plugin) | {"path": str(plugin.path)}
    return {key: about[key] for key in ("group", "name", "value", "package", "version", "path")}


def _print_own(own: dict[PluginGroup, list[Plugin]]) -> None:
    for group, plugins in own.items():
        out.print(f"[bold]{group.name}[/]: {group.names}")
        out.print(f"  {', '.join(sorted(plugin.name for plugin in plugins))}", markup=False)
    out.print()


def _print_reports(reports: list[PluginReport]) -> None:
    from rich.table import Table

    if not reports:
        out.print("No other package adds anything.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("group", "name", "package", "from", "status"):
        table.add_column(heading)
    for report in reports:
        plugin = report.plugin
        package = f"{plugin.package} {plugin.version}"
        table.add_row(plugin.group, plugin.name, package, str(plugin.path), report.status)
    out.print(table)
    out.print()
    for report in reports:
        _print_details(report)


def _print_details(report: PluginReport) -> None:
    """What a folder adds, whose name says nothing of it; and what is wrong."""
    plugin = report.plugin
    if report.adds not in ((), (plugin.name,)):
        out.print(f"{plugin.group} {plugin.name}: {', '.join(report.adds)}", markup=False)
    for problem in report.problems:
        out.print(f"{plugin.group} {plugin.name} = {plugin.value}: {problem}", markup=False)
    if report.problems:
        out.print(f"  next:  {report.cure}", markup=False)
