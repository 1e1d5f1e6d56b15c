"""`labgen show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from labgen.cli.console import out, print_json
from labgen.cli.options import Blueprint, Components, Json, OverridesFiles, Profile, Provider, Set, request_of

if TYPE_CHECKING:
    from labgen.lab.model import Lab, Node


def command(
    lab: Blueprint,
    profile: Profile = None,
    provider: Provider = None,
    set_: Set = None,
    overrides_files: OverridesFiles = None,
    components: Components = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Show only the final values, and where each came from.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what a lab is: nodes, versions, ways in, checks, and where it departs from its document."""
    from labgen.actions.lab.show import described
    from labgen.actions.lab.show import resolved as final_values
    from labgen.actions.session.open import lab_of

    opened = lab_of(request_of(lab, provider, profile, set_=set_, components=components, files=overrides_files))
    found, blueprint = opened.lab, opened.lab.blueprint
    if resolved:
        rows = final_values(found)
        if json:
            print_json(rows)
        else:
            out.print(_values(rows, len(found.nodes)))
        return
    if json:
        print_json(described(found))
        return
    out.print(f"[bold]{found.name}[/]: {escape(blueprint.title)}")
    if blueprint.source:
        source = blueprint.source
        out.print(f"after document {source.document} ({source.language}): {source.title}", markup=False)
    out.print(f"\n[bold]profile[/] {found.profile}: {escape(blueprint.profiles[found.profile].summary)}")
    for name, other in blueprint.profiles.items():
        if name != found.profile:
            out.print(f"[dim]        {name}: {escape(other.summary)}[/]")
    versions = ", ".join(f"{program} {version}" for program, version in sorted(found.versions.items()))
    out.print(f"[bold]versions[/] {found.os}, {escape(versions)}")
    moved = f" in place of the blueprint's {found.network.moved_from}" if found.network.moved_from else ""
    out.print(f"[bold]network[/] {found.network.cidr}{moved}\n")
    _nodes(found.nodes)
    _what_is_in_it(found)


def _what_is_in_it(found: Lab) -> None:
    from labgen.checks import lab_checks

    blueprint = found.blueprint
    if blueprint.paths:
        out.print("\n[bold]ways in[/]")
        for path in blueprint.paths:
            out.print(f"  {path.name}: {path.host} port {path.port}: {path.summary}", markup=False)
    out.print(f"\n[bold]checks[/] {', '.join(lab_checks(found))}")
    if found.weaknesses:
        out.print("\n[bold]weak points[/]")
        for weakness in found.weaknesses:
            out.print(f"  {weakness}", markup=False)
    if blueprint.corrections:
        out.print("\n[bold]corrections[/] (where the lab departs from its document)")
        for item in blueprint.corrections:
            since = f" [dim](since {escape(item.since)})[/]" if item.since else ""
            out.print(f"  [bold]{item.id}[/]{since}")
            out.print(
                f"    document: {item.document}\n    lab:      {item.lab}\n    why:      {item.why}", markup=False
            )


def _nodes(nodes: tuple[Node, ...]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("node", "address", "memory", "components"):
        table.add_column(heading)
    for node in nodes:
        table.add_row(node.name, node.address, f"{node.memory} MiB", " ".join(node.components))
    out.print(table)


def _values(rows: list[dict[str, Any]], nodes: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("value", "is", "from", "on"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        on = "" if len(row["nodes"]) in (0, nodes) else " ".join(row["nodes"])
        value = "''" if row["value"] == "" else str(row["value"])
        table.add_row(escape(row["path"]), escape(value), escape(row["origin"]), on)
    return table
