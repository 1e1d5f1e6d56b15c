"""Where the seconds of an `up` went, as a table of its phases and one of the steps that held it up."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from labgen.actions.lab.timings import Timings


def timings_table(timings: Timings) -> RenderableType:
    """The phases with their share; below them, where steps ran, the longest chain of steps."""
    parts: list[RenderableType] = [_phases(timings)]
    if timings.chain:
        parts += [Text(), _chain(timings)]
    return Group(*parts)


def _phases(timings: Timings) -> Table:
    table = _table(("PHASE", "SECONDS", "SHARE"))
    rows = [("(before the first)", timings.before), *((phase.title, phase.seconds) for phase in timings.phases)]
    for title, seconds in rows:
        table.add_row(title, f"{seconds:.1f}", f"{timings.share(seconds):.0%}")
    table.add_row(Text("all", style="bold"), f"{timings.seconds:.1f}", "100%")
    return table


def _chain(timings: Timings) -> Table:
    """Seconds since the beginning of the `up`, as in the first table."""
    of = f"{len(timings.chain)} of {len(timings.steps)} steps"
    table = _table(("STEP", "START", "SECONDS", "END", "WAITED FOR"), left=("STEP", "WAITED FOR"))
    table.title, table.title_justify, table.title_style = f"The longest chain: {of}", "left", "bold"
    for link in timings.chain:
        ran = link.ran
        after = str(link.after.step) if link.after else "no step"
        table.add_row(str(ran.step), f"{ran.began:.1f}", f"{ran.seconds:.1f}", f"{ran.ended:.1f}", after)
    return table


def _table(headings: tuple[str, ...], left: tuple[str, ...] = ("PHASE",)) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in left else "right", no_wrap=True)
    return table
