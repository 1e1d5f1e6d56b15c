"""A report for people: a table, and with `-v` the raw commands and what they printed."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from labgen.checks.model import CheckReport, CheckResult, Evidence, Status

STYLE = {Status.PASS: "green", Status.FAIL: "bold red", Status.UNKNOWN: "yellow"}


def report_table(report: CheckReport, *, verbose: bool = False) -> RenderableType:
    """REPORT as a table; VERBOSE adds every command with its output below it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("CHECK", no_wrap=True)
    table.add_column("STATUS", no_wrap=True)
    table.add_column("SEEN", overflow="fold", ratio=1)
    table.add_column("SECONDS", justify="right", no_wrap=True)
    for result in report.results:
        table.add_row(Text(result.name), _status(result.status), Text(plain(result.detail)), f"{result.seconds:.1f}")
    parts: list[RenderableType] = [table, Text()]
    if verbose:
        for result in report.results:
            parts += [_heading(result), *(_evidence(item) for item in result.evidence)]
    parts.append(Text(report.summary, style="bold green" if report.passed else "bold red"))
    return Group(*parts)


def result_line(result: CheckResult) -> Text:
    """RESULT in one line, for showing while the checks run."""
    gap = " " * (8 - len(result.status))
    return Text.assemble(_status(result.status), gap, f"{result.name}: {plain(result.detail)}")


def _status(status: Status) -> Text:
    return Text(status.value, style=STYLE[status])


def _heading(result: CheckResult) -> Text:
    return Text.assemble((result.name, "bold"), f": {result.title}: ", _status(result.status))


def _evidence(item: Evidence) -> RenderableType:
    lines = [Text.assemble((f"{item.node}# ", "cyan"), (plain(item.command), "bold"))]
    lines += [Text(plain(part.rstrip("\n"))) for part in (item.stdout, item.stderr) if part.strip()]
    if item.rc != 0:
        lines.append(Text("no answer" if item.rc is None else f"exit {item.rc}", style="red"))
    return Padding(Group(*lines), (0, 0, 1, 2))


def plain(text: str) -> str:
    """TEXT without control characters: what a guest prints must not drive the user's terminal."""
    return "".join(c if c in "\n\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
