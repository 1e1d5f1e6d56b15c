"""A Patroni cluster as a table or as JSON, with the words of `patronictl list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from labgen.operations import View


def members_table(view: View, title: str) -> Table:
    """VIEW as `patronictl list` would show it."""
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    for heading in ("member", "host", "role", "state", "timeline", "lag"):
        table.add_column(heading, justify="right" if heading in ("timeline", "lag") else "left")
    for member in view.cluster.members:
        role = member.role.replace("_", " ").capitalize()
        lag = "" if member.leads else _bytes(view.lags[member.name])
        table.add_row(member.name, member.host, role, member.state, _text(member.timeline), lag)
    return table


def members_json(view: View) -> list[dict[str, Any]]:
    return [
        {
            "name": member.name,
            "host": member.host,
            "role": member.role,
            "state": member.state,
            "timeline": member.timeline,
            "lag": None if member.leads else view.lags[member.name],
        }
        for member in view.cluster.members
    ]


def _bytes(lag: int | None) -> str:
    return (
        "unknown" if lag is None else "0" if lag == 0 else f"{lag} B" if lag < 1024 else f"{lag / 1024 / 1024:.1f} MB"
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)
